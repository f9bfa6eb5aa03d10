"""How tasks really go: learns from finished ones what hours and how many days the next one takes.

Called by `sync.core.backtest` and `sync.core.forecast`. Pure: days are arguments. It learns values from finished tasks
only; of one that is still open it may be told that it has outrun its forecast, which is known at that moment.

The method, in one breath: the outcomes of like tasks are put together, from all down to those of one person, kind and
size, each group leaning on the wider one as far as it is small; the estimate itself keeps a tenth of the weight; P50
and P80 are read off and aimed so that their promise holds (sync/core/spread.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from sync.core.spread import Aim, Mixture, Sample, Spread

ENOUGH = 30
"""Finished tasks before anything is forecast."""
LEVELS = (0.5, 0.8)
MEMORY = 200
"""Outcomes that a group keeps."""
LEAN = 10
"""A group of so many outcomes weighs as much as the wider group behind it."""
ESTIMATE_WEIGHT = 0.1

Group: TypeAlias = tuple[str, ...]
"""What tasks have in common, such as ("person", "ada"); () is all of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a task before it begins.

    `estimate` are hours; `days` the estimate in whole working days; `groups` name what it is like, the widest first.
    """

    estimate: float
    days: int
    begins: date
    groups: tuple[Group, ...] = ((),)


@dataclass(frozen=True, slots=True)
class Finished:
    """A task and how it went. `hours` were tracked; `days` are working days, the first and the last both counted."""

    task: str
    known: Known
    hours: float
    days: int
    completed: date
    group: str = ""
    """A project, for breakdowns; nothing is learned from it."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to forecast. What is learned is the actual in units of `unit`: the estimate's hours, or single days.

    `hair` is how much less "just below" is; `forgets` the age in days after which an outcome's start is too long ago.
    """

    name: str
    actual: Callable[[Finished], float]
    naive: Callable[[Known], float]
    unit: Callable[[Known], float]
    hair: float
    forgets: int | None = None
    outruns: bool = False
    """Whether it shows on an open task that it is above its forecast."""


HOURS = Measure("hours", lambda task: task.hours, lambda known: known.estimate, lambda known: known.estimate, 1 / 60)
DAYS = Measure(
    "days",
    lambda task: float(task.days),
    lambda known: float(known.days),
    lambda _: 1.0,
    hair=0.01,
    forgets=500,
    outruns=True,
)


class Learner:
    """What has been learned of one measure."""

    def __init__(self, measure: Measure, *, memory: int = MEMORY) -> None:
        self.measure = measure
        self.count = 0
        self._memory = memory
        self._groups: dict[Group, Sample] = {}
        self._aims = tuple(Aim(level) for level in LEVELS)

    def learn(self, task: Finished) -> None:
        """Take a finished task in."""
        self.count += 1
        value = self.measure.actual(task) / self.measure.unit(task.known)
        for group in task.known.groups:
            self._groups.setdefault(group, Sample(self._memory)).add(task.known.begins, value)

    def samples(self) -> dict[Group, tuple[tuple[date, float], ...]]:
        """Return what each group remembers: the day on which it began, and the outcome."""
        return {group: sample.dated() for group, sample in self._groups.items()}

    def recall(self, count: int, samples: Mapping[Group, Iterable[tuple[date, float]]]) -> None:
        """Take over what another learner remembered."""
        self.count = count
        for group, outcomes in samples.items():
            sample = self._groups[group] = Sample(self._memory)
            for begun, value in outcomes:
                sample.add(begun, value)

    def note(self, place: int, *, covered: bool) -> None:
        """Tell whether an outcome was within what was said at LEVELS[place]."""
        self._aims[place].note(covered=covered)

    def spread(self, known: Known) -> Spread | None:
        """Forecast a task that begins; None where there is not enough to go by."""
        if self.count < ENOUGH:
            return None
        mixture, unit = self.mixture(known), self.measure.unit(known)
        said = []
        for aim in self._aims:
            value, lower = aim.choose(mixture)
            said.append(round(value * unit - (self.measure.hair if lower else 0.0), 6))
        return Spread(said[0], max(said))

    def mixture(self, known: Known) -> Mixture:
        """Return the outcomes of the like of a task, in units of its estimate or in days."""
        parts: list[tuple[float, Sequence[float]]] = []
        rest = 1.0 - ESTIMATE_WEIGHT
        forgotten = known.begins - timedelta(self.measure.forgets) if self.measure.forgets else None
        for group in reversed(known.groups):
            sample = self._groups.get(group)
            if sample is None:
                continue
            widest = not group
            if forgotten and not widest:
                sample.forget(forgotten)
            if count := len(sample.values):
                share = 1.0 if widest else count / (count + LEAN)
                parts.append((rest * share / count, sample.values))
                rest *= 1 - share
        parts.append((ESTIMATE_WEIGHT, [self.measure.naive(known) / self.measure.unit(known)]))
        return Mixture(parts)


class Pace:
    """Everything learned of finished tasks."""

    def __init__(self) -> None:
        self.hours = Learner(HOURS)
        self.days = Learner(DAYS)

    def learn(self, task: Finished) -> None:
        """Take a finished task in."""
        self.hours.learn(task)
        self.days.learn(task)

    @property
    def count(self) -> int:
        """Finished tasks so far."""
        return self.hours.count

    def hours_at_completion(self, known: Known) -> Spread | None:
        """Forecast a task's hours; None where there is not enough to go by."""
        return self.hours.spread(known)

    def duration(self, known: Known) -> Spread | None:
        """Forecast a task's working days; None where there is not enough to go by."""
        return self.days.spread(known)


def learn(history: Sequence[Finished]) -> Pace:
    """Learn from finished tasks, in the order of their completion."""
    pace = Pace()
    for task in sorted(history, key=lambda each: (each.completed, each.task)):
        pace.learn(task)
    return pace


def enough(count: int) -> str:
    """Return in words why nothing is forecast; "" where there is enough."""
    if count >= ENOUGH:
        return ""
    return f"not enough data ({count} finished task{'' if count == 1 else 's'}; {ENOUGH} needed)"


_NO_LETTERS = re.compile(r"[\W\d_]+")


def task_groups(*, name: str, person: str, kind: str, estimate: float) -> tuple[Group, ...]:
    """Name the groups of a task of any firm, the widest first; its size is the power of two next to the estimate."""
    size = str(round(math.log2(estimate)))
    return (
        (),
        ("size", size),
        ("person", person),
        ("person, size", person, size),
        ("name", _NO_LETTERS.sub(" ", name.casefold()).strip()),
        ("person, kind, size", person, kind, size),
    )
