"""Which line of a deal is which, for good: the keys of tasks that are made for each line, and the lines' numbers.

Used by `mappings.templates` for keys, by `mappings.translate` for what texts see, and by `sync.core.places`, which
keeps what was given. A deal that has no plan yet numbers its lines as they come; one that has goes by `Deal.given`,
where lines that are gone keep their places. Pure. It never gives a number twice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from mappings.model import Deal, Given, Line


def slug(text: str) -> str:
    """Return a text as it may stand in a key."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40] or "line"


def given_at_first(lines: Sequence[Line]) -> tuple[Given, ...]:
    """Return what the lines of a deal without a plan are given: places as they come."""
    return tuple(Given(line.id, slug(line.code or line.product), line.product) for line in lines)


def suffixes(deal: Deal) -> tuple[str, ...]:
    """Return for each line the end of its tasks' keys: its product's code, numbered where two lines share it."""
    given = deal.given or given_at_first(deal.lines)
    ranks = _ranks([one.slug for one in given])
    ends = [f".{one.slug}" if rank == 1 else f".{one.slug}-{rank}" for one, (rank, _) in zip(given, ranks, strict=True)]
    return tuple(ends[place] for place in _places(deal.lines, deal.given))


def numbers(lines: Sequence[Line], given: Sequence[Given] = ()) -> tuple[tuple[int, int], ...]:
    """Return for each line the how-manieth of its product it is, and of how many there ever were."""
    ranks = _ranks([one.product for one in given or lines])
    return tuple(ranks[place] for place in _places(lines, given))


def _places(lines: Sequence[Line], given: Sequence[Given]) -> Iterable[int]:
    return [line.place for line in lines] if given else range(len(lines))


def _ranks(names: Sequence[str]) -> list[tuple[int, int]]:
    totals, seen = Counter(names), Counter[str]()
    ranks = []
    for name in names:
        seen[name] += 1
        ranks.append((seen[name], totals[name]))
    return ranks
