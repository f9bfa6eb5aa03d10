"""Where rows go: the vendor's location attributes, their allowed combinations, and carrying them out.

Called by `rows` and `people`. It checks and moves; it writes no cells and counts no versions.

Combinations (Smartsheet API reference, "Specify row location"): `toTop` or `toBottom`, either alone or with
`parentId`; `parentId` alone; `siblingId`, alone or with `above`; `indent` or `outdent` of 1, on updates only. All rows
of one call must name the same place (1123).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Row, Sheet

_ATTRIBUTES = ("toTop", "toBottom", "parentId", "siblingId", "above", "indent", "outdent")


@dataclass(frozen=True, slots=True)
class Place:
    """A place as a write names it; all fields unset means: none named."""

    to_top: bool = False
    to_bottom: bool = False
    parent: int | None = None
    sibling: int | None = None
    above: bool = False
    indent: int = 0
    outdent: int = 0

    @property
    def named(self) -> bool:
        """Whether the write names a place at all."""
        return self != Place()


def read_place(given: Mapping[str, Any], sheet: Sheet, *, new: bool) -> Place:
    """Return the place that one row of a write names; raises Problem 1062, 1063, 1064 or 1185."""
    if not any(given.get(name) for name in _ATTRIBUTES):
        return Place()
    place = Place(
        bool(given.get("toTop")),
        bool(given.get("toBottom")),
        given.get("parentId"),
        given.get("siblingId"),
        bool(given.get("above")),
        given.get("indent") or 0,
        given.get("outdent") or 0,
    )
    if fault := _misfit(place, new=new):
        raise Problem(1062, fault)
    if place.parent is not None:
        parent = sheet.rows.get(place.parent)
        if parent is None:
            raise Problem(1063, place.parent)
        if not parent.cells:
            raise Problem(1185)
    if place.sibling is not None and place.sibling not in sheet.rows:
        raise Problem(1064, place.sibling)
    return place


def _misfit(place: Place, *, new: bool) -> str:
    """Say what is wrong with a combination, "" when it is allowed."""
    others = place.to_top or place.to_bottom or place.parent is not None or place.sibling is not None
    if place.to_top and place.to_bottom:
        return "toTop and toBottom exclude each other."
    if place.sibling is not None and (place.parent is not None or place.to_top or place.to_bottom):
        return "siblingId allows no other specifier than above."
    if place.above and place.sibling is None:
        return "above needs siblingId."
    if place.indent or place.outdent:
        if new:
            return "indent and outdent are for existing rows."
        if others or (place.indent and place.outdent):
            return "indent and outdent allow no other specifier."
        if place.indent not in {0, 1} or place.outdent not in {0, 1}:
            return "indent and outdent must be 1."
    return ""


def same_place(places: Sequence[Place]) -> None:
    """Insist on one place for all rows of a call; raises Problem 1123."""
    if len(set(places)) > 1:
        raise Problem(1123)


def insert(sheet: Sheet, rows: Sequence[Row], place: Place) -> None:
    """Put new or detached rows where the place says, in the order given; the default is the bottom."""
    if place.sibling is not None:
        sibling = sheet.rows[place.sibling]
        index = sheet.siblings(sibling.parent).index(sibling) + (0 if place.above else 1)
        sheet.place(rows, sibling.parent, index)
        return
    parent = None if place.parent is None else sheet.rows[place.parent]
    # A bare parentId means the first child (API reference, "Specify row location": toTop is its default).
    first = place.to_top or (parent is not None and not place.to_bottom)
    sheet.place(rows, parent, 0 if first else len(sheet.siblings(parent)))


def move(sheet: Sheet, rows: Sequence[Row], place: Place) -> None:
    """Move existing rows with what is under them; raises Problem 1062 to 1064 before anything has moved."""
    rows = list(dict.fromkeys(rows))
    if place.indent or place.outdent:
        _shift(sheet, rows, inwards=bool(place.indent))
        return
    target = sheet.rows[place.parent] if place.parent is not None else None
    above = target if target is not None else sheet.rows.get(place.sibling or 0)
    moving = {row.id for row in rows}
    while above is not None:
        if above.id in moving:
            raise Problem(1063 if target is not None else 1064, place.parent or place.sibling)
        above = above.parent
    for row in rows:
        sheet.detach(row)
    insert(sheet, rows, place)


def _shift(sheet: Sheet, rows: Sequence[Row], *, inwards: bool) -> None:
    """Check all rows, then move each one level in or out."""
    for row in rows:
        siblings = sheet.siblings(row.parent)
        if not inwards and row.parent is None:
            raise Problem(1062, "a top-level row cannot be outdented.")
        if inwards and siblings[0] is row:
            raise Problem(1062, "a first row cannot be indented.")
        if inwards and not siblings[siblings.index(row) - 1].cells:
            raise Problem(1185)
    for row in rows:
        (_indent if inwards else _outdent)(sheet, row)


def _indent(sheet: Sheet, row: Row) -> None:
    """Make a row the last child of the sibling above it."""
    siblings = sheet.siblings(row.parent)
    parent = siblings[siblings.index(row) - 1]
    sheet.detach(row)
    sheet.place([row], parent, len(parent.children))


def _outdent(sheet: Sheet, row: Row) -> None:
    """Lift a row to its parent's level; the siblings below it become its children, as in the vendor's pages."""
    parent = row.parent
    assert parent is not None
    below = parent.children[parent.children.index(row) + 1 :]
    for each in (row, *below):
        sheet.detach(each)
    sheet.place([row], parent.parent, sheet.siblings(parent.parent).index(parent) + 1)
    sheet.place(below, row, len(row.children))
