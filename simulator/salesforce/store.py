"""The org's records: kept, indexed, stamped, rolled back, and shown to queries later than to their writer.

Used by `org` (which knows the rules) and by the query modules (which only read). A write replaces a row's whole dict,
so that an old dict may be shown, restored or compared for as long as somebody holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulator.clock import Clock
from simulator.salesforce.ids import mint
from simulator.salesforce.schema import ObjectType, Schema
from simulator.salesforce.values import Values, stamp


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write: the record's values before it (None for a new record) and after it."""

    kind: str
    id: str
    before: Values | None
    after: Values


class Row:
    """One record: `values` as committed, `seen` as queries see it (None while they do not yet)."""

    __slots__ = ("kind", "seen", "seen_serial", "values")

    def __init__(self, kind: str, values: Values) -> None:
        self.kind = kind
        self.values = values
        self.seen: Values | None = None
        self.seen_serial = 0

    @property
    def id(self) -> str:
        """The record's id."""
        return str(self.values["Id"])

    @property
    def deleted(self) -> bool:
        """Tell whether the record lies in the recycle bin."""
        return bool(self.values["IsDeleted"])


class Table:
    """The rows of one object, with an index per reference and per external id.

    An index may name rows that have moved on; whoever asks it compares again.
    """

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self.count = 0
        self.index: dict[str, dict[Any, dict[str, None]]] = {}
        self.indexed: tuple[tuple[str, bool], ...] = ()
        self.reindex()

    def reindex(self) -> None:
        """Build the indexes from the rows, at start and after the schema changed."""
        keyed = [one for one in self.kind.fields.values() if one.type == "reference" or one.external_id or one.unique]
        self.indexed = tuple((one.name, one.exact) for one in keyed)
        self.index = {name: {} for name, _ in self.indexed}
        for row in self.rows.values():
            self.note(row.values)

    def note(self, values: Values) -> None:
        """Enter a row's present keys in the indexes."""
        for name, exact in self.indexed:
            value = values.get(name)
            if value is not None:
                key = value if exact else str(value).lower()
                self.index[name].setdefault(key, {})[values["Id"]] = None

    def holding(self, name: str, value: Any, *, exact: bool) -> Iterator[Row]:
        """Yield rows whose indexed field may have that value."""
        for row_id in tuple(self.index[name].get(value if exact else str(value).lower(), ())):
            row = self.rows.get(row_id)
            if row is not None:
                yield row


class Store:
    """All tables, the changes of the running transaction, and what is committed but not yet visible."""

    def __init__(self, schema: Schema, clock: Clock, lag: Callable[[], float]) -> None:
        self.schema = schema
        self.clock = clock
        self.tables = {kind.name: Table(kind) for kind in schema.objects.values()}
        self.changes: list[Change] = []
        """Each committed write that nobody has been told of yet."""
        self.unlinked: dict[str, list[tuple[str, str, str]]] = {}
        """By deleted parent: child object, child id and field that were cleared, for an undelete."""
        self._lag = lag
        self._serial = 0
        self._pending: list[tuple[float, int, Row, Values]] = []
        self._journal: list[Callable[[], None]] | None = None

    def now(self) -> str:
        """Return the present moment as a stamp; seconds are all it has."""
        return stamp(int(self.clock.now().timestamp()))

    def table(self, name: str) -> Table:
        """Return an object's rows."""
        return self.tables[name]

    def new_id(self, kind: ObjectType) -> str:
        """Mint the next id of an object; ids of rolled-back records are lost, as in any sequence."""
        table = self.tables[kind.name]
        while True:
            table.count += 1
            minted = mint(kind.prefix, table.count)
            # A loader may have brought this one along.
            if minted not in table.rows:
                return minted

    def create(self, kind: ObjectType, values: Values) -> Row:
        """Put a new row in its table."""
        table = self.tables[kind.name]
        row = Row(kind.name, values)
        table.rows[values["Id"]] = row

        def undo() -> None:
            del table.rows[values["Id"]]
            self._pending = [entry for entry in self._pending if entry[3] is not values]

        self._undoable(undo)
        self._show(row, None, values)
        return row

    def replace(self, row: Row, values: Values) -> None:
        """Give a row new values."""
        before, seen, seen_serial = row.values, row.seen, row.seen_serial

        def undo() -> None:
            row.values, row.seen, row.seen_serial = before, seen, seen_serial
            self._pending = [entry for entry in self._pending if entry[3] is not values]

        self._undoable(undo)
        row.values = values
        self._show(row, before, values)

    def purge(self, row: Row) -> None:
        """Forget a row altogether."""
        del self.tables[row.kind].rows[row.id]

    def views(self, name: str) -> list[Values]:
        """Return each dict once that some reader may yet be shown, for changes that no reader may miss."""
        rows = self.tables[name].rows.values()
        found = [view for row in rows for view in (row.values, row.seen) if view is not None]
        found += [values for _, _, row, values in self._pending if row.kind == name]
        return list({id(view): view for view in found}.values())

    def take_changes(self) -> list[Change]:
        """Return the writes that nobody has been told of, and forget them."""
        taken, self.changes = self.changes, []
        return taken

    def settle(self) -> None:
        """Let queries see what has become visible by now."""
        if not self._pending:
            return
        now = self.clock.now().timestamp()
        due = [entry for entry in self._pending if entry[0] <= now]
        self._pending = [entry for entry in self._pending if entry[0] > now]
        for _, serial, row, values in due:
            # A later write may already be seen, when the lag was shortened meanwhile.
            if serial > row.seen_serial:
                row.seen, row.seen_serial = values, serial

    def oldest_pending(self) -> str | None:
        """Return the oldest stamp that queries do not see yet: how far back a feed is not complete."""
        self.settle()
        stamps = [values["SystemModstamp"] for _, _, _, values in self._pending]
        return min(stamps, default=None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of it or nothing; transactions nest, and an inner one that fails undoes only itself."""
        outer, self._journal = self._journal, []
        told = len(self.changes)
        try:
            yield
        except BaseException:
            for undo in reversed(self._journal):
                undo()
            del self.changes[told:]
            self._journal = outer
            raise
        if outer is not None:
            outer.extend(self._journal)
        self._journal = outer

    def _undoable(self, undo: Callable[[], None]) -> None:
        if self._journal is not None:
            self._journal.append(undo)

    def _show(self, row: Row, before: Values | None, values: Values) -> None:
        self._serial += 1
        self.tables[row.kind].note(values)
        self.changes.append(Change(row.kind, row.id, before, values))
        lag = self._lag()
        if lag > 0:
            self._pending.append((self.clock.now().timestamp() + lag, self._serial, row, values))
        else:
            row.seen, row.seen_serial = values, self._serial
