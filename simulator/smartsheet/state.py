"""What a Smartsheet account holds: workspaces, folders, sheets, columns, rows and cells, and how they hang together.

Used by every module of this simulator; it keeps structure (hierarchy, order, versions, stamps) and checks nothing.
Stamps are whole epoch seconds, since the vendor's API has a resolution of one second.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import Clock

FIRST_WORKSPACE = 1_000_000_000_000_001
_LOWEST_ID, _HIGHEST_ID = 10**15, 2**53 - 1
"""Ids have sixteen digits and survive a JavaScript number."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or service user of the account."""

    id: int
    email: str
    first: str
    last: str

    @property
    def name(self) -> str:
        """The name that contact cells show."""
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something; `agent` is the text of the Smartsheet-Change-Agent header, "" for people."""

    user: User
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One filled cell; an empty cell is not kept at all."""

    value: Any = None
    display: str | None = None
    formula: str | None = None
    object_value: Mapping[str, Any] | None = None
    hyperlink: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Column:
    """One column; its index is its place in `Sheet.columns`."""

    id: int
    title: str
    type: str
    primary: bool = False
    options: tuple[str, ...] = ()
    symbol: str | None = None
    system: str | None = None
    contacts: tuple[Mapping[str, Any], ...] = ()
    hidden: bool = False
    locked: bool = False
    validation: bool = False
    width: int = 150
    description: str | None = None
    number_format: Mapping[str, Any] | None = None
    project: str | None = None
    """`start`, `end`, `duration`, `percent` or `predecessor` in a sheet with dependencies."""
    version: int = 0


@dataclass(slots=True, eq=False)
class Row:
    """One row. `number` and `previous` (sibling's id) are kept up to date by `Sheet.order`."""

    id: int
    cells: dict[int, Cell]
    created: int
    modified: int
    created_by: User
    modified_by: User
    parent: Row | None = None
    children: list[Row] = field(default_factory=list)
    number: int = 0
    previous: int | None = None
    serial: int = 0
    """The value of an AUTO_NUMBER column."""
    locked: bool = False
    expanded: bool = True
    history: dict[int, list[tuple[Cell, int, User]]] = field(default_factory=dict)

    def subtree(self) -> Iterator[Row]:
        """Yield this row and everything under it, in display order."""
        stack = [self]
        while stack:
            row = stack.pop()
            yield row
            stack.extend(reversed(row.children))


@dataclass(slots=True, eq=False)
class Sheet:
    """One sheet with its rows as a tree."""

    id: int
    name: str
    columns: list[Column]
    container: int | None
    """The workspace or folder; None is the owner's own Sheets folder."""
    created: int
    modified: int
    version: int = 0
    access: str = "OWNER"
    """What the API's user may do; "" when the sheet is not shared with it (any more)."""
    rows: dict[int, Row] = field(default_factory=dict)
    top: list[Row] = field(default_factory=list)
    dependencies: bool = False
    last_serial: int = 0
    last_write: float = 0.0
    discussions: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, dict[str, Any]] = field(default_factory=dict)
    summary: dict[int, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    _order: list[Row] | None = None

    def order(self) -> list[Row]:
        """Return all rows as displayed; row numbers and siblings are fresh afterwards."""
        if self._order is None:
            self._order = []
            for top in self.top:
                # A leaf is by far the commonest case; a generator for each would double the cost of a large sheet.
                self._order.extend(top.subtree() if top.children else (top,))
            for number, row in enumerate(self._order, 1):
                row.number = number
            for siblings in (self.top, *(row.children for row in self._order if row.children)):
                before: int | None = None
                for row in siblings:
                    row.previous, before = before, row.id
        return self._order

    def siblings(self, parent: Row | None) -> list[Row]:
        """Return the children of that row, or the top level."""
        return self.top if parent is None else parent.children

    def place(self, rows: Iterable[Row], parent: Row | None, index: int) -> None:
        """Put rows (with what is under them) under `parent`, the first one at `index`."""
        block = list(rows)
        for row in block:
            row.parent = parent
            self.rows[row.id] = row
        self.siblings(parent)[index:index] = block
        self._order = None

    def detach(self, row: Row) -> None:
        """Take a row (with what is under it) out of its place; it stays known until placed again or removed."""
        self.siblings(row.parent).remove(row)
        self._order = None

    def remove(self, row: Row) -> list[int]:
        """Remove a row with everything under it and return the ids that are gone; no trace stays."""
        self.detach(row)
        gone = [each.id for each in row.subtree()]
        for each in gone:
            del self.rows[each]
        return gone

    def column(self, column_id: int) -> Column | None:
        """Return the column with that id."""
        return next((column for column in self.columns if column.id == column_id), None)


@dataclass(slots=True, eq=False)
class Container:
    """A workspace (`kind` "workspace") or folder ("folder"); `items` are ids of sheets and folders in order."""

    id: int
    kind: str
    name: str
    parent: int | None
    created: int
    modified: int
    access: str = "OWNER"
    items: dict[int, str] = field(default_factory=dict)
    """Id to `sheet` or `folder`, in order of arrival."""


class ListIndex:
    """The index behind GET /sheets, which follows the truth only after a lag."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late: list[tuple[float, int, int, int, int]] = []
        self._order = itertools.count()
        self.entries: dict[int, tuple[int, int]] = {}
        """Sheet id to (modified, version) as the list shows them."""

    def note(self, sheet: Sheet, lag: float) -> None:
        """Take note of a sheet's present stamp and version, to be seen `lag` seconds from now."""
        if lag <= 0:
            self.entries[sheet.id] = (sheet.modified, sheet.version)
            return
        due = self._clock.now().timestamp() + lag
        heapq.heappush(self._late, (due, next(self._order), sheet.id, sheet.modified, sheet.version))

    def settle(self) -> None:
        """Let what is old enough be seen."""
        now = self._clock.now().timestamp()
        while self._late and self._late[0][0] <= now:
            _, _, sheet_id, modified, version = heapq.heappop(self._late)
            self.entries[sheet_id] = (modified, version)


class State:
    """The whole account."""

    def __init__(self, clock: Clock, knobs: dict[str, Any], seed: int) -> None:
        self.clock = clock
        self.knobs = knobs
        self.dice = random.Random(seed)
        self.sheets: dict[int, Sheet] = {}
        self.containers: dict[int, Container] = {}
        self.users: dict[str, User] = {}
        self.index = ListIndex(clock)
        self.announce: Callable[[Sheet, list[dict[str, Any]], Actor], None] = lambda *_: None
        """Told of every committed change of a sheet; set by the webhooks."""
        self.forget: Callable[[Sheet], None] = lambda _: None
        """Told when a sheet is deleted or no longer shared with the API's user."""
        self._ids: set[int] = {FIRST_WORKSPACE}

    def new_id(self) -> int:
        """Return a fresh id."""
        while (number := self.dice.randint(_LOWEST_ID, _HIGHEST_ID)) in self._ids:
            pass
        self._ids.add(number)
        return number

    def now(self) -> int:
        """Return the current second."""
        return int(self.clock.now().timestamp())

    def user(self, email: str) -> User:
        """Return the user with that address; an unknown address joins the account."""
        key = email.lower()
        if key not in self.users:
            first = email.split("@", 1)[0].replace(".", " ").title()
            self.users[key] = User(self.new_id(), email, first, "Example")
        return self.users[key]

    def commit(self, sheet: Sheet, events: list[dict[str, Any]], actor: Actor) -> None:
        """Count a change of a sheet's content: version, stamp, list index, callbacks."""
        sheet.version += 1
        self.stamp(sheet)
        self.announce(sheet, events, actor)

    def stamp(self, sheet: Sheet) -> None:
        """Mark a sheet as modified now."""
        sheet.modified = self.now()
        self.index.note(sheet, float(self.knobs["list_lag_seconds"]))

    def adopt(self, sheet: Sheet) -> None:
        """File a new sheet in its container and in the list."""
        self.sheets[sheet.id] = sheet
        if sheet.container is not None:
            self.containers[sheet.container].items[sheet.id] = "sheet"
        self.index.note(sheet, float(self.knobs["list_lag_seconds"]))

    def drop(self, sheet: Sheet) -> None:
        """Delete a sheet."""
        del self.sheets[sheet.id]
        if sheet.container is not None:
            del self.containers[sheet.container].items[sheet.id]
        self.forget(sheet)
