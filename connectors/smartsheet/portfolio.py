"""Plans in shared sheets: gives each plan room in the present one, and makes the next when it is full.

Called by `connector` in the layout `portfolio`; `plans` does the same for sheets of their own. A plan costs no call
here, and has no record of its own: it is its rows. Its Ref names the shared sheet, and as container the deal's title,
which `rows` writes into each row. It never touches a row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson

from connectors.base import Create, Failed, Kind, Memory, Record, Ref, Update, Wanted, WriteResult, Written
from connectors.errors import ConnectorError, Refused
from connectors.smartsheet.columns import MAX_CELLS
from connectors.smartsheet.failures import Gone, halts
from connectors.smartsheet.notes import Notebook
from connectors.smartsheet.plans import NAME, ROWS
from connectors.smartsheet.reading import Reader
from connectors.smartsheet.sheets import Sheets

_NAME = "Closedwon portfolio "
_NOTE = "portfolio"
_TITLE_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Shelf:
    """The present shared sheet: its number (0 = none yet), its id ("" = being made), and the rows promised away."""

    number: int = 0
    sheet: str = ""
    used: int = 0


class SharedSheets:
    """Plans in shared sheets; safe for several threads."""

    def __init__(
        self, notebook: Notebook, sheets: Sheets, reader: Reader, *, memory: Memory, rows: int, deal: str
    ) -> None:
        self._notebook = notebook
        self._sheets = sheets
        self._reader = reader
        self._memory = memory
        self._deal = deal
        self._capacity = min(rows, MAX_CELLS // len(sheets.columns))
        self._allotting = threading.Lock()

    def shown(self, name: str) -> str:
        """Return a plan's name as its rows carry it."""
        return " ".join(name.split())[:_TITLE_LENGTH].rstrip()

    def write(self, writes: Sequence[Create | Update]) -> Iterator[WriteResult]:
        """Give new plans room; never raises for a vendor's failure.

        All promises of a batch are on disk, by one note for each sheet, before any of them is given.
        """
        if not writes:
            return
        try:
            with self._allotting, self._memory.alone(_NOTE):  # whoever promises rows must know of all promises
                given = self._allot(writes)
        except ConnectorError as error:
            given = [Failed(write, error) for write in writes]
        yield from given

    def _allot(self, writes: Sequence[Create | Update]) -> list[WriteResult]:
        given: list[WriteResult] = []
        halted: ConnectorError | None = None
        shelf = self._shelf()
        for write in writes:
            try:
                if halted is not None:
                    raise halted
                if not isinstance(write, Create):
                    raise _no_name(self._deal)
                shelf = self._with_room(shelf, max(write.size, 1))
                given.append(self._promised(write, shelf))
            except ConnectorError as error:
                given.append(Failed(write, error))
                halted = error if halts(error) else halted
                if shelf.number != (noted := self._shelf()).number:
                    shelf = noted  # the next sheet was begun and may exist: its note must not be overwritten
        if shelf.sheet:
            self._keep(shelf)
        return given

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look plans up by their rows: a row's write key begins with its onboarding's key, as the plan's does.

        A plan without rows is nowhere, and can be given room again without harm.
        """
        owners = {_owner(want.write_key): want for want in wanted if _owner(want.write_key)}
        if not owners:
            return
        shelves = sorted(
            (sheet["name"], str(sheet["id"])) for sheet in self._sheets.all() if sheet["name"].startswith(_NAME)
        )
        for name, sheet in shelves:
            try:
                rows = self._reader.sheet(sheet).rows
            except Gone:
                continue
            self._remember(name, sheet, len(rows))
            for owner in owners.keys() & {_owner(row.write_key) for row in rows}:
                title = self.shown(owners[owner].name)
                yield Record(
                    kind=Kind.PLAN,
                    ref=Ref(sheet, container=title),
                    fields={NAME: title},
                    write_key=owners[owner].write_key,
                    url=self._url(sheet),
                )

    def price(self, creates: Sequence[Create]) -> int:
        """Return the calls for these: new shared sheets, and rows by 500."""
        rows = sum(1 for create in creates if create.kind is Kind.TASK)
        promised = sum(create.size for create in creates if create.kind is Kind.PLAN)
        shelf = self._shelf()
        room = self._capacity - shelf.used if shelf.sheet else 0
        return max(0, -(-(promised - room) // self._capacity)) + -(-rows // ROWS)

    def inventory(self, read: Callable[[str], Iterable[Record]]) -> Iterator[Record]:
        """Read every shared sheet with its keyed rows; a plan has no record of its own here."""
        for listed in self._sheets.all():
            if listed["name"].startswith(_NAME):
                yield from (row for row in read(str(listed["id"])) if row.write_key)

    def _with_room(self, shelf: Shelf, size: int) -> Shelf:
        """Return the shelf after promising rows of it, or of the next where it has too few left."""
        if size > self._capacity:
            raise Refused(
                f"The plan needs {size} rows and a portfolio sheet takes {self._capacity}. "
                "Raise `portfolio_rows` or split the template.",
                code="SS-SIZE-01",
            )
        if not shelf.sheet or shelf.used + size > self._capacity:
            shelf = self._next(shelf)
        return Shelf(shelf.number, shelf.sheet, shelf.used + size)

    def _promised(self, create: Create, shelf: Shelf) -> Written:
        title = self.shown(str(create.fields.get(NAME) or ""))
        return Written(create, Ref(shelf.sheet, container=title), fields={NAME: title}, url=self._url(shelf.sheet))

    def _next(self, shelf: Shelf) -> Shelf:
        """Make the next sheet, written ahead: one whose outcome we do not know is looked up by its name first."""
        interrupted = shelf.number > 0 and not shelf.sheet
        number = shelf.number if interrupted else shelf.number + 1
        name = f"{_NAME}{number:04}"
        if interrupted:
            there = next((str(sheet["id"]) for sheet in self._sheets.in_workspace() if sheet["name"] == name), "")
            if there:
                return Shelf(number, there)
        self._keep(Shelf(number))
        return Shelf(number, str(self._sheets.make(name)["id"]))

    def _remember(self, name: str, sheet: str, used: int) -> None:
        """Go on with the last shared sheet where a lost store had forgotten it."""
        number = name.removeprefix(_NAME)
        with self._allotting, self._memory.alone(_NOTE):
            if number.isdigit() and int(number) > self._shelf().number:
                self._keep(Shelf(int(number), sheet, used))

    def _shelf(self) -> Shelf:
        text = self._memory.get(_NOTE)
        return Shelf(**orjson.loads(text)) if text is not None else Shelf()

    def _keep(self, shelf: Shelf) -> None:
        self._memory.put(_NOTE, orjson.dumps(asdict(shelf)).decode())

    def _url(self, sheet: str) -> str:
        note = self._notebook.read(sheet)
        return note.url if note is not None else ""


def _owner(write_key: str) -> str:
    """Return the onboarding's part of a write key, `006…:kickoff`."""
    return write_key.rpartition(":")[0]


def _no_name(column: str) -> Refused:
    return Refused(
        f"A plan in a portfolio sheet has no name of its own. Edit column {column!r} of its rows by hand.",
        code="SS-NAME-01",
        field=NAME,
    )
