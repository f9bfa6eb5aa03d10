"""When a plan launches: its remaining tasks drawn again and again from how such tasks went, pushed through the plan.

Called by `sync.core.forecast`. It knows a network of tasks on a line of business days, where 0 is the day of asking;
dates, dossiers and learning are its caller's. Pure: the same network and seed give the same draws.

The tasks of one plan go together: a slow customer is slow throughout. So each draw has one mood for the whole plan,
around what the plan has shown so far, and the tasks' own luck on top of it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import exp
from statistics import NormalDist

from sync.core.dice import Dice
from sync.core.spread import Mixture

DRAWS = 100
SOFTEN = 0.25
"""Added to ratios before their logarithm is taken, since some tasks take no time at all."""
SURE = 0.02
"""Where fewer of its like took longer than a task has taken already, they no longer tell how long it will take."""
_LEAST_OWN = 0.1


class Likely:
    """What a task may take, in units of what was planned for it; drawn by luck and by the plan's mood."""

    def __init__(self, mixture: Mixture) -> None:
        weights: dict[float, float] = {}
        for value, weight in mixture.weighted():
            weights[value] = weights.get(value, 0.0) + weight
        values = sorted(weights)  # far fewer than outcomes: much takes exactly what was planned
        self._upto = list(accumulate(map(weights.__getitem__, values)))
        logs = [math.log(value + SOFTEN) for value in values]
        self._middle = logs[self._place(0.5)]
        self._from_middle = [each - self._middle for each in logs]
        self._drawn: tuple[float, list[float]] | None = None

    def residual(self, ratio: float) -> float:
        """Return the logarithm of the factor by which a ratio is off what is usual."""
        return math.log(ratio + SOFTEN) - self._middle

    def draw(self, luck: float, mood: Mood, shift: float, *, beyond: float = -1.0) -> float | None:
        """Return a ratio above `beyond`, for a luck from 0 to 1; None where its like hardly ever took so long.

        A value's distance from the median is taken as far as it is a task's own: the moods of other plans are in it.
        """
        below = 0.0
        if beyond >= 0:
            place = bisect_right(self._from_middle, (self.residual(beyond) - shift) / max(mood.own, _LEAST_OWN))
            below = self._upto[place - 1] if place else 0.0
            if below > 1 - SURE:
                return None
        own = self._from_middle[self._place(below + luck * (1 - below))] * mood.own
        return max(0.0, exp(self._middle + own + shift) - SOFTEN)

    def draws(
        self, lucks: Sequence[float], mood: Mood, shifts: Sequence[float], *, beyond: float = -1.0
    ) -> list[float | None]:
        """Return what `draw` returns for many lucks and as many shifts; by far quicker where nothing is begun yet."""
        pairs = zip(lucks, shifts, strict=True)
        if beyond >= 0:
            return [self.draw(luck, mood, shift, beyond=beyond) for luck, shift in pairs]
        if self._drawn is None or self._drawn[0] != mood.own:
            self._drawn = (mood.own, [self._middle + each * mood.own for each in self._from_middle])
        upto, logs = self._upto[:-1], self._drawn[1]
        return [max(0.0, exp(logs[bisect_right(upto, luck)] + shift) - SOFTEN) for luck, shift in pairs]

    def _place(self, luck: float) -> int:
        return min(bisect_right(self._upto, luck), len(self._upto) - 1)


@cache
def _bell(draws: int) -> tuple[float, ...]:
    """Return as many numbers as parts of the bell curve, one from the middle of each."""
    bell = NormalDist()
    return tuple(bell.inv_cdf((number + 0.5) / draws) for number in range(draws))


@dataclass(frozen=True, slots=True)
class Mood:
    """What is known of a plan's mood: logarithms of factors. `own` is the share of a task's spread that is its own."""

    mean: float = 0.0
    deviation: float = 0.0
    own: float = 1.0

    def shifts(self, draws: int) -> list[float]:
        """Return the moods of so many draws: all parts of the bell curve, each once."""
        return [self.mean + self.deviation * part for part in _bell(draws)]


@dataclass
class Moods:
    """How moods of whole plans differ, learned from the residuals of plans that are over."""

    prior_plans: float = 5.0
    prior_variance: float = 0.05
    """Before plans were seen, theirs are taken to differ by about a fifth; it counts as so many plans."""
    _plans: float = 0.0
    _between: float = 0.0
    _within: float = 0.0
    _tasks: float = 0.0

    def learn(self, residuals: Sequence[float]) -> None:
        """Take a plan in: the logarithms of its tasks' ratios, less those which were usual."""
        count = len(residuals)
        if count < 2:  # noqa: PLR2004 - one task tells nothing of a spread
            return
        mean = sum(residuals) / count
        within = sum((each - mean) ** 2 for each in residuals)
        self._within += within
        self._tasks += count - 1
        self._plans += 1
        self._between += mean * mean - within / (count - 1) / count

    @property
    def _own(self) -> float:
        """The variance of a task's own luck."""
        return (self._within + 0.25 * self.prior_plans) / (self._tasks + self.prior_plans)

    @property
    def _shared(self) -> float:
        """The variance of plans' moods."""
        seen = self._between + self.prior_variance * self.prior_plans
        return max(0.0, seen / (self._plans + self.prior_plans))

    def of(self, residuals: Sequence[float]) -> Mood:
        """Return what a plan's tasks so far tell of its mood."""
        own, shared, count = self._own, self._shared, len(residuals)
        whole = own + shared
        if not shared or not whole:
            return Mood()
        trust = count * shared / (count * shared + own)
        mean = trust * sum(residuals) / count if count else 0.0
        return Mood(mean, math.sqrt(shared * (1 - trust)), math.sqrt(own / whole))


@dataclass(frozen=True, slots=True)
class Node:
    """One task of the network. Days are business days from the day of asking, which is 0.

    `floor` is the day before which it may not begin at all, less one (the day that ends before it begins). `finished`
    is when it ended; a task that is dropped (`dropped`) takes no time. `planned` are its days by plan.
    """

    item: str
    after: tuple[str, ...]
    planned: int
    floor: int | None = None
    finished: int | None = None
    dropped: bool = False
    likely: Likely | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One passage through the network: when each item ends, and which one it had to wait for longest."""

    ends: Mapping[str, float]
    begins: Mapping[str, float]
    """The day before each item's own days: when the last it waited for had ended."""
    held_by: Mapping[str, str]

    def last(self, items: Sequence[str]) -> float:
        """Return the day on which the last of some items ends."""
        return max((self.ends[item] for item in items if item in self.ends), default=0.0)

    def path_to(self, item: str) -> tuple[str, ...]:
        """Return the chain of items that holds an item up, first one first."""
        path = [item]
        while (before := self.held_by.get(path[-1], "")) and before not in path:
            path.append(before)
        return tuple(reversed(path))


def in_order(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Sort a network so that each comes after all that it depends on; what goes in circles comes last, as it stands."""
    known = {node.item for node in nodes}
    placed: dict[str, Node] = {}
    waiting = list(nodes)
    while waiting:
        ready = [node for node in waiting if all(key in placed or key not in known for key in node.after)] or waiting
        placed.update((node.item, node) for node in ready)
        waiting = [node for node in waiting if node.item not in placed]
    return tuple(placed.values())


def draw(nodes: Sequence[Node], goal: Sequence[str], mood: Mood, *, seed: str, draws: int = DRAWS) -> list[float]:
    """Return, sorted, the days on which the last of the goal's items ended in each draw; the network is in order."""
    shifts = mood.shifts(draws)
    drawn = [node for node in nodes if _is_drawn(node)]
    # A draw throws once for each task that is drawn, one after the other, as a passage of its own would.
    throws = Dice(seed).throws(draws * len(drawn))
    lucks = {node.item: throws[place :: len(drawn)] for place, node in enumerate(drawn)}
    ends: dict[str, list[float]] = {}
    for node in nodes:
        begins = _begins(node, ends, draws)
        ends[node.item] = _ends(node, begins, lucks.get(node.item, ()), mood, shifts)
    wanted = [ends[item] for item in goal if item in ends]
    return sorted(map(max, zip(*wanted, strict=True))) if wanted else [0.0] * draws


def typical(nodes: Sequence[Node], mood: Mood) -> Run:
    """Return the passage in which every open task takes its median."""
    return run(nodes, lambda: 0.5, mood, mood.mean)


def run(nodes: Sequence[Node], luck: Callable[[], float], mood: Mood, shift: float) -> Run:
    """Pass through a network that is in order."""
    ends: dict[str, float] = {}
    begins: dict[str, float] = {}
    held_by: dict[str, str] = {}
    for node in nodes:
        begin = 0.0 if node.floor is None and not any(key in ends for key in node.after) else -math.inf
        if node.floor is not None:
            begin = float(node.floor)
        for key in node.after:
            if ends.get(key, -math.inf) > begin:
                begin, held_by[node.item] = ends[key], key
        begins[node.item] = begin
        ends[node.item] = _end(node, begin, luck() if _is_drawn(node) else 0.0, mood, shift)
    return Run(ends, begins, held_by)


def _begins(node: Node, ends: Mapping[str, list[float]], draws: int) -> list[float]:
    """Return for each draw the day before a task's own days, as `run` has it."""
    before = [ends[key] for key in node.after if key in ends]
    if node.floor is not None or not before:
        before.append([float(node.floor or 0)] * draws)
    return before[0] if len(before) == 1 else [*map(max, *before)]


def _is_drawn(node: Node) -> bool:
    return node.finished is None and not node.dropped and node.likely is not None


def _ends(node: Node, begins: list[float], lucks: Sequence[float], mood: Mood, shifts: Sequence[float]) -> list[float]:
    """Return when a task ends in each draw, by the rules of `_end`: all draws at once, since that costs least."""
    if node.finished is not None:
        return [float(node.finished)] * len(begins)
    if node.likely is None or node.dropped:
        return begins
    if min(begins) < 0:
        draws = zip(begins, lucks, shifts, strict=True)
        return [_end(node, begin, luck, mood, shift) for begin, luck, shift in draws]
    planned = max(1, node.planned)
    ratios = node.likely.draws(lucks, mood, shifts)
    return [begin + round((ratio or 0.0) * planned) for begin, ratio in zip(begins, ratios, strict=True)]


def _end(node: Node, begin: float, luck: float, mood: Mood, shift: float) -> float:
    """Return when a task ends that could be worked on after the day `begin`; an open one not before tomorrow."""
    if node.finished is not None:
        return float(node.finished)
    if node.dropped or node.likely is None:
        return begin
    planned = max(1, node.planned)
    if begin >= 0:
        return begin + round((node.likely.draw(luck, mood, shift) or 0.0) * planned)
    ratio = node.likely.draw(luck, mood, shift, beyond=-begin / planned)
    if ratio is None:
        return max(1.0, float(round((node.likely.draw(luck, mood, shift) or 0.0) * planned)))
    return max(1.0, begin + round(ratio * planned))
