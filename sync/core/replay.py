"""Lives through the history of finished onboardings once more: learns from it, and tests forecasts on it.

Called by `closedwon forecast`, with and without `--backtest`; both see the same experience. Pure. Each onboarding that
has launched is forecast at a quarter, a half and three quarters of its life, from what was known then (`as_of`) and
from nothing but what was over by then. What is due to have launched and has not counts as missed from that day on.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from mappings.calendar import BusinessCalendar
from mappings.hours import SECONDS_PER_HOUR
from sync.core.backtest import Scored
from sync.core.dossier import Dossier
from sync.core.experience import Experience, finished_tasks
from sync.core.forecast import P50, billable_hours, forecast
from sync.core.hindsight import as_of
from sync.core.pace import Finished
from sync.core.spread import Aim, Spread

SHARES = (0.25, 0.5, 0.75)
_A_DAY = timedelta(days=1)
MOST = 300
"""Launches that are learned from, the latest ones."""
_TASK, _LAUNCH, _CLOSE, _OUTRUN, _ORIGIN = range(5)


@dataclass(frozen=True, slots=True)
class Lived:
    """What a replay leaves: the experience, and the forecasts of launches (business days) and of hours with it."""

    experience: Experience
    launches: tuple[Scored, ...]
    hours: tuple[Scored, ...]


@dataclass(slots=True)
class _Promise:
    """A forecast of the past that waits for its outcome; it is settled once."""

    aim: Aim
    level: int
    value: float
    settled: bool = False

    def settle(self, actual: float) -> None:
        """Tell the aim whether the outcome was covered."""
        if not self.settled:
            self.settled = True
            self.aim.note(covered=actual <= self.value)


@dataclass(order=True, slots=True)
class _Happening:
    """Something on a day. A day's tasks and launches are learned before anything is forecast on it."""

    day: date
    kind: int
    key: str
    number: float = 0.0
    task: Finished | None = field(default=None, compare=False)
    promise: _Promise | None = field(default=None, compare=False)


class _Naive:
    """What came, in units of what was planned: the mean of it."""

    def __init__(self) -> None:
        self._count, self._sum = 0, 0.0

    def add(self, actual: float, planned: float) -> None:
        if planned > 0:
            self._count += 1
            self._sum += actual / planned

    def of(self, planned: float) -> float:
        return planned * (self._sum / self._count if self._count else 1.0)


def latest(dossiers: Iterable[Dossier], most: int = MOST) -> tuple[Dossier, ...]:
    """Pick the onboardings that launched last without holding all; what launched at once tells nothing."""
    kept: list[tuple[date, str, Dossier]] = []
    for known in dossiers:
        launched, kickoff = known.actual_launch, known.kickoff
        if launched is not None and kickoff is not None and kickoff < launched:
            heapq.heappush(kept, (launched, known.key, known))
        if len(kept) > most:
            heapq.heappop(kept)
    return tuple(known for _, _, known in sorted(kept, key=lambda each: each[:2]))


def replay(dossiers: Iterable[Dossier], calendar: BusinessCalendar) -> Lived:
    """Live through onboardings that have launched, in order of time; others are left out."""
    life = _Life(latest(dossiers), calendar)
    while life.coming:
        life.live(heapq.heappop(life.coming))
    return Lived(life.experience, tuple(life.launches), tuple(life.hours))


class _Life:
    """The replay's state."""

    def __init__(self, dossiers: Iterable[Dossier], calendar: BusinessCalendar) -> None:
        self.experience = Experience()
        self.launches: list[Scored] = []
        self.hours: list[Scored] = []
        self.coming: list[_Happening] = []
        self._calendar = calendar
        self._known: dict[str, Dossier] = {}
        self._tasks: dict[str, tuple[Finished, ...]] = {}
        self._waiting: dict[tuple[str, int], list[tuple[_Promise, float, date]]] = {}
        self._naive = {_LAUNCH: _Naive(), _CLOSE: _Naive()}
        for known in dossiers:
            self._expect(known)

    def _expect(self, known: Dossier) -> None:
        launched, kickoff = known.actual_launch, known.kickoff
        assert launched is not None
        assert kickoff is not None
        last = max((task.done_on for task in known.tasks if task.done_on), default=launched)
        self._known[known.key] = known
        self._tasks[known.key] = finished_tasks(known, last, self._calendar)
        for number, task in enumerate(self._tasks[known.key]):
            self._await(_Happening(task.completed, _TASK, known.key, number, task=task))
        self._await(_Happening(launched, _LAUNCH, known.key))
        if not any(task.open for task in known.tasks):
            self._await(_Happening(last, _CLOSE, known.key))
        for share in SHARES:
            self._await(_Happening(kickoff + (launched - kickoff) * share, _ORIGIN, known.key, share))

    def _await(self, happening: _Happening) -> None:
        heapq.heappush(self.coming, happening)

    def live(self, now: _Happening) -> None:
        """Let one thing happen."""
        if now.task is not None:
            self.experience.learn_task(now.task)
        elif now.promise is not None:
            now.promise.settle(math.inf)
        elif now.kind == _LAUNCH:
            self.experience.learn_launch([task for task in self._tasks[now.key] if task.completed <= now.day])
            self._keep_promises(now, None)
        elif now.kind == _CLOSE:
            self._keep_promises(now, billable_hours(self._known[now.key]))
        else:
            self._forecast(now)

    def _keep_promises(self, now: _Happening, hours: float | None) -> None:
        """Settle what was said of an outcome that is known now: business days from each origin, or hours."""
        for promise, planned, origin in self._waiting.pop((now.key, now.kind), ()):
            actual = float(self._calendar.between(origin, now.day)) if hours is None else hours
            promise.settle(actual)
            if promise.level == P50:
                self._naive[now.kind].add(actual, planned)

    def _forecast(self, now: _Happening) -> None:
        known = self._known[now.key]
        then = as_of(known, now.day)
        found = forecast(then, self.experience, now.day, self._calendar)
        if found.p50 is None or found.p80 is None or found.hours_p50 is None or found.hours_p80 is None:
            return
        count, launched = self._calendar.between, known.actual_launch
        assert launched is not None
        target = then.target_launch or known.target_launch
        planned = float(max(0, count(now.day, target))) if target else 0.0
        said = Spread(float(count(now.day, found.p50)), float(count(now.day, found.p80)))
        actual = float(count(now.day, launched))
        self.launches.append(self._scored(known, now, actual, said, planned, _LAUNCH))
        for promise, day in self._promises(now, said, planned, _LAUNCH, (found.p50, found.p80)):
            if day < launched:
                self._await(_Happening(day + _A_DAY, _OUTRUN, known.key, now.number, promise=promise))
        if not any(task.open for task in known.tasks):
            estimated = _estimated(then)
            spread = Spread(found.hours_p50, found.hours_p80)
            self.hours.append(self._scored(known, now, billable_hours(known), spread, estimated, _CLOSE))
            self._promises(now, spread, estimated, _CLOSE, ())

    def _scored(
        self, known: Dossier, now: _Happening, actual: float, said: Spread, planned: float, kind: int
    ) -> Scored:
        group = f"at {now.number:.0%} of its life"
        return Scored(known.key, group, now.day, actual, said, planned, self._naive[kind].of(planned))

    def _promises(
        self, now: _Happening, said: Spread, planned: float, kind: int, days: Sequence[date]
    ) -> list[tuple[_Promise, date]]:
        """Keep what was said until its outcome is known; return the promises with the days that they speak of."""
        aims = self.experience.launch_aims if kind == _LAUNCH else self.experience.hours_aims
        values = (said.p50, said.p80)
        made = [_Promise(aim, level, values[level]) for level, aim in enumerate(aims)]
        self._waiting.setdefault((now.key, kind), []).extend((promise, planned, now.day) for promise in made)
        return list(zip(made, days, strict=False))


def _estimated(known: Dossier) -> float:
    """Return what the hours come to if every estimate holds: open tasks theirs, done ones what they took."""
    left = sum(
        max(0.0, task.estimated_hours - task.tracked_seconds / SECONDS_PER_HOUR)
        for task in known.tasks
        if task.open and task.billable
    )
    return billable_hours(known) + left
