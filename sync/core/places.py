"""Which line of a changed deal is which line of then: by the CRM's own ids, so that its tasks stay its own.

Called by `sync.core.sold`, which remembers what is given here. Pure. A place is never given twice while another line of
its product stands: a line that is new gets a new number. Where none of them stands the CRM made its lines anew (as when
another quote is taken over) or sells the product once more; then the lines that come take the places that were left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from connectors.base import Fields, Value
from mappings.lines import given_at_first, slug
from mappings.model import Given, Line

PLACES = "_places"
"""Every line that the deal ever had, as JSON. No mapped field begins like this."""

TAKEN = "_taken"
"""Which of them the remembered lines have, and how many there were when the deal was remembered: where that is not all,
in order."""


def written(lines: Sequence[Line], given: Sequence[Given], known: int | None = None) -> dict[str, Value]:
    """Return what is remembered of places; `known` of them were given when the remembered deal was."""
    if not given and not lines:
        return {}
    if not given:
        lines, given = tuple(replace(line, place=n) for n, line in enumerate(lines)), given_at_first(lines)
    known = len(given) if known is None else known
    kept: dict[str, Value] = {PLACES: tuple(json.dumps([g.id, g.slug, g.product]) for g in given)}
    places = [line.place for line in lines]
    if places != [*range(len(given))] or known != len(given):
        kept[TAKEN] = json.dumps([places, known])
    return kept


def recalled(lines: Sequence[Line], fields: Fields) -> tuple[tuple[Line, ...], tuple[Given, ...], tuple[Given, ...]]:
    """Return the remembered lines in their places, the places of then, and those given since."""
    texts = fields.get(PLACES)
    given = (
        tuple(Given(*json.loads(str(text))) for text in texts)
        if isinstance(texts, tuple | list)
        else given_at_first(lines)  # remembered before places were: as they were numbered then
    )
    places, known = json.loads(str(fields.get(TAKEN) or json.dumps([[*range(len(lines))], len(given)])))
    placed = tuple(replace(line, place=place) for line, place in zip(lines, places, strict=True))
    return placed, named(given[:known], placed), given[known:]


def named(given: Sequence[Given], lines: Sequence[Line]) -> tuple[Given, ...]:
    """Return places with what their lines are called and identified by now."""
    now = {line.place: line for line in lines}
    return tuple(
        replace(one, id=now[n].id or one.id, product=now[n].product or one.product) if n in now else one
        for n, one in enumerate(given)
    )


def matched(
    old: Sequence[Line], new: Sequence[Line], given: Sequence[Given], known: int, said: Callable[[Line], str]
) -> tuple[tuple[Line, ...], tuple[Given, ...]]:
    """Return the present lines in their places, and all places: `known` of these are of then, the others came since.

    `said` is all that a line says.
    """
    seats = _Seats(new)
    seats.fill(lambda line: line.id, ((one.id, place) for place, one in enumerate(given) if one.id))
    standing = {given[place].slug for place in seats.taken}
    seats.fill(said, ((said(line), line.place) for line in old))
    seats.fill(_product, ((_product(line), line.place) for line in old if given[line.place].slug not in standing))
    seats.fill(_slug_without_id, ((one.slug, known + n) for n, one in enumerate(given[known:]) if not one.id))
    standing = {given[place].slug for place in seats.taken}
    seats.fill(_slug, ((one.slug, place) for place, one in enumerate(given) if one.slug not in standing))
    lines = [replace(line, place=place) for place, line in sorted(seats.taken.items())]
    more = [replace(line, place=len(given) + n) for n, line in enumerate(seats.left.values())]
    return (*lines, *more), named((*given, *given_at_first(more)), (*lines, *more))


class _Seats:
    """Present lines while they are given their places."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.left = dict(enumerate(lines))
        self.taken: dict[int, Line] = {}

    def fill(self, name: Callable[[Line], str], wanted: Iterable[tuple[str, int]]) -> None:
        """Give each wanted place that is free to the first line of that name."""
        named_so: dict[str, list[int]] = {}
        for number, line in self.left.items():
            named_so.setdefault(name(line), []).append(number)
        for text, place in wanted:
            if place not in self.taken and named_so.get(text):
                self.taken[place] = self.left.pop(named_so[text].pop(0))


def _product(line: Line) -> str:
    return f"{line.product}\n{line.code}"


def _slug(line: Line) -> str:
    return slug(line.code or line.product)


def _slug_without_id(line: Line) -> str:
    return "" if line.id else _slug(line)
