"""Forecasts the past as if it were not known yet, and counts how often the forecasts held.

Called by `closedwon forecast --backtest`. Pure. Every task is forecast on the day on which it begins, from tasks that
were completed before that day; tasks that begin on one day know nothing of each other. A forecast of days that is
passed while its task is still open counts as missed from the next day on, since that is known then.

Coverage is the share of tasks with actual ≤ forecast, no tie broken. Beside it stands the share that missed by a hair
only: there the forecast was said to lie just below a lump of equal outcomes, and the outcome was that lump.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from mappings.calendar import BusinessCalendar
from sync.core.pace import LEVELS, Finished, Learner, Measure
from sync.core.spread import Spread

_ROUNDED = 1.001
"""Forecasts are rounded, so a hair is taken a little thicker."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One forecast and what came; `estimate` and `mean_ratio` are what the two naive ways would have said."""

    task: str
    group: str
    day: date
    actual: float
    said: Spread
    estimate: float
    mean_ratio: float


@dataclass(frozen=True, slots=True)
class Score:
    """How a stretch of forecasts did. Coverages are shares, errors mean absolute errors in the measure's unit.

    `p50_hair` is the share that was missed, by no more than a hair.
    """

    name: str
    count: int
    p50: float
    p80: float
    p50_hair: float
    p80_hair: float
    error: float
    error_estimate: float
    error_mean_ratio: float


@dataclass(order=True, slots=True)
class _Due:
    """Something that becomes known on a day; a completion (`level` -1) before that day's outrun forecasts."""

    day: date
    level: int
    task: str
    told: Finished = field(compare=False)
    said: Spread | None = field(compare=False)
    settled: set[int] = field(compare=False)


def backtest(tasks: Sequence[Finished], measure: Measure, calendar: BusinessCalendar) -> tuple[Scored, ...]:
    """Forecast every task in the order in which they began; those before there was enough to go by are not scored."""
    learner, ratios = Learner(measure), _Mean()
    waiting: list[_Due] = []
    scored = []
    for task in sorted(tasks, key=lambda each: (each.known.begins, each.task)):
        known = task.known
        while waiting and waiting[0].day < known.begins:
            _settle(heapq.heappop(waiting), learner, ratios)
        said = learner.spread(known)
        if said is not None:
            naive = measure.naive(known)
            outcome = measure.actual(task)
            scored.append(Scored(task.task, task.group, known.begins, outcome, said, naive, naive * ratios.value))
        for due in _dues(task, said, measure, calendar):
            heapq.heappush(waiting, due)
    return tuple(scored)


class _Mean:
    """The mean of what actuals came to in units of their estimates."""

    def __init__(self) -> None:
        self._count, self._sum = 0, 0.0

    def add(self, ratio: float) -> None:
        self._count += 1
        self._sum += ratio

    @property
    def value(self) -> float:
        return self._sum / self._count if self._count else 1.0


def _dues(task: Finished, said: Spread | None, measure: Measure, calendar: BusinessCalendar) -> Iterator[_Due]:
    """Yield when a task's outcome becomes known: at its completion, or when it outruns what was said."""
    settled: set[int] = set()
    yield _Due(task.completed, -1, task.task, task, said, settled)
    if said is None or not measure.outruns:
        return
    for level, value in enumerate((said.p50, said.p80)):
        if task.days > value:
            # A task of n whole days that began today is in its nth day n - 1 days from now; a day more outruns it.
            yield _Due(calendar.add(task.known.begins, int(value)), level, task.task, task, said, settled)


def _settle(due: _Due, learner: Learner, ratios: _Mean) -> None:
    task, measure = due.told, learner.measure
    levels = range(len(LEVELS)) if due.level < 0 else (due.level,)
    if due.said is not None:
        for level in levels:
            if level not in due.settled:
                due.settled.add(level)
                value = (due.said.p50, due.said.p80)[level]
                learner.note(level, covered=measure.actual(task) <= value)
    if due.level < 0:
        learner.learn(task)
        ratios.add(measure.actual(task) / measure.naive(task.known))


def score(name: str, scored: Sequence[Scored], hair: float) -> Score:
    """Sum a stretch of forecasts up; there must be one."""
    count = len(scored)

    def mean(values: Iterator[float]) -> float:
        return sum(values) / count

    def by_a_hair(actual: float, value: float) -> float:
        return float(0 < actual - value <= hair * _ROUNDED)

    return Score(
        name,
        count,
        p50=mean(float(each.actual <= each.said.p50) for each in scored),
        p80=mean(float(each.actual <= each.said.p80) for each in scored),
        p50_hair=mean(by_a_hair(each.actual, each.said.p50) for each in scored),
        p80_hair=mean(by_a_hair(each.actual, each.said.p80) for each in scored),
        error=mean(abs(each.actual - each.said.p50) for each in scored),
        error_estimate=mean(abs(each.actual - each.estimate) for each in scored),
        error_mean_ratio=mean(abs(each.actual - each.mean_ratio) for each in scored),
    )


def scores(scored: Sequence[Scored], hair: float, *, smallest: int = 100) -> tuple[Score, ...]:
    """Score all forecasts, the later ones of three splits, and each group that has enough of them."""
    if not scored:
        return ()
    found = [score("all", scored, hair)]
    for share in (0.3, 0.5, 0.7):
        later = scored[round(len(scored) * share) :]
        if later and len(scored) >= smallest:
            found.append(score(f"last {1 - share:.0%}", later, hair))
    groups: dict[str, list[Scored]] = {}
    for each in scored:
        if each.group:
            groups.setdefault(each.group, []).append(each)
    if len(groups) > 1:
        found += [score(name, group, hair) for name, group in sorted(groups.items()) if len(group) >= smallest]
    return tuple(found)
