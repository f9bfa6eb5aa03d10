"""Distributions made of what was seen before: samples, mixtures of them, and quantiles that keep their promise.

Used by `sync.core.pace` and `sync.core.launch`. It knows values and levels, nothing of tasks. Pure and deterministic.

Work comes in lumps: many tasks take exactly what was estimated, or are done on the day they were begun. At such a lump
(an atom) no number has half of the outcomes on either side. So a quantile that falls on an atom is either the atom
itself or a hair below it, whichever has kept the promise so far; `Aim` remembers that, and moves the level itself only
when the choice of side no longer suffices (docs/decisions/0020).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

ATOM = 0.05
"""From this share of the outcomes on, a value is an atom."""
STEP = 0.02
"""By how much one outcome moves an aim: fifty misses in a row would move it by one whole."""
SIDES = 0.1
"""How far an aim moves before it has changed all atoms' sides; beyond, it moves the level."""
LOWEST, HIGHEST = 0.02, 0.98


@dataclass(frozen=True, slots=True)
class Spread:
    """What half and what four fifths of such outcomes do not exceed."""

    p50: float
    p80: float


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value at a level: the share of outcomes below it, and the share up to and with it."""

    value: float
    below: float
    upto: float


class Sample:
    """The latest values of a group. `size` is how many are kept, of those that began last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._dated: list[tuple[date, float]] = []
        self.values: list[float] = []

    def add(self, begun: date, value: float) -> None:
        """Take a value in; the one that began first goes where there are too many."""
        insort(self._dated, (begun, value))
        insort(self.values, value)
        if len(self._dated) > self._size:
            self._drop_first()

    def dated(self) -> tuple[tuple[date, float], ...]:
        """Return the values with the days on which they began."""
        return tuple(self._dated)

    def forget(self, before: date) -> None:
        """Let go of what began before a day."""
        while self._dated and self._dated[0][0] < before:
            self._drop_first()

    def _drop_first(self) -> None:
        _, value = self._dated.pop(0)
        del self.values[bisect_left(self.values, value)]


class Mixture:
    """Several sorted lists of values, each with the weight that one of its values has; weights sum to one."""

    def __init__(self, parts: Iterable[tuple[float, Sequence[float]]]) -> None:
        self._parts = [(weight, values) for weight, values in parts if values and weight > 0]
        self._whole = sum(weight * len(values) for weight, values in self._parts)

    def upto(self, value: float) -> float:
        """Return the share of outcomes up to and with a value."""
        return sum(weight * bisect_right(values, value) for weight, values in self._parts) / self._whole

    def below(self, value: float) -> float:
        """Return the share of outcomes below a value."""
        return sum(weight * bisect_left(values, value) for weight, values in self._parts) / self._whole

    def at(self, level: float) -> Quantile:
        """Return the smallest seen value with that share of outcomes up to it."""
        longest = max((values for _, values in self._parts), key=len)
        place = bisect_left(longest, level, key=self.upto)
        after = longest[place - 1] if place else -math.inf
        until = longest[place] if place < len(longest) else math.inf
        between = sorted(
            {value for _, values in self._parts for value in values[bisect_right(values, after) :] if value <= until}
        )
        value = between[min(bisect_left(between, level, key=self.upto), len(between) - 1)]
        return Quantile(value, self.below(value), self.upto(value))

    def weighted(self) -> Iterator[tuple[float, float]]:
        """Yield every value with its weight, in no order that means anything."""
        for weight, values in self._parts:
            share = weight / self._whole
            for value in values:
                yield value, share


class Aim:
    """Keeps one promise: that this share of outcomes is covered. Moved by every outcome that becomes known.

    It is adaptive conformal inference (Gibbs and Candès 2021) with the sides of atoms in front: a miss pushes up by the
    level, a hit pulls down by the rest, so that over any long stretch the share of hits comes to the level whatever
    the outcomes do, drift included. `turn` says how late in an atom a level must fall for the atom itself to be said;
    `step` and `sides` are as STEP and SIDES.
    """

    def __init__(self, level: float, *, step: float = STEP, sides: float = SIDES, pressure: float = 0.0) -> None:
        self._goal, self._step, self._sides = level, step, sides
        self._pressure = pressure

    @property
    def pressure(self) -> float:
        """What outcomes have done so far; an aim that is made with it goes on from there."""
        return self._pressure

    @property
    def level(self) -> float:
        """The level to ask for now."""
        beyond = max(0.0, self._pressure - self._sides) - max(0.0, -self._pressure - self._sides)
        return min(HIGHEST, max(LOWEST, self._goal + beyond))

    @property
    def turn(self) -> float:
        """From 1 (always below an atom) to 0 (never)."""
        return min(1.0, max(0.0, 0.5 - self._pressure / (2 * self._sides)))

    def note(self, *, covered: bool) -> None:
        """Learn whether an outcome was covered."""
        # More room than the level has: misses at its end are remembered, and made up for later.
        room = self._sides + max(self._goal, 1 - self._goal)
        self._pressure = min(room, max(-room, self._pressure + self._step * (self._goal - covered)))

    def choose(self, mixture: Mixture) -> tuple[float, bool]:
        """Return the value to say, and whether it is to be said a hair lower."""
        found = mixture.at(self.level)
        mass = found.upto - found.below
        place = (self.level - found.below) / mass if mass > 0 else 1.0
        return found.value, mass >= ATOM and place < self.turn
