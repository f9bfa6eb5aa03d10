"""Reads sheets: which changed, and all that is in those asked for.

Called by `connector`. It reads whole sheets and past any index: `ifVersionAfter` is never sent, since its short answer
looks like an empty sheet, and `rowsModifiedSince` never, since deleted and blank rows leave no trace in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import orjson

from connectors.base import Changes, Kind, PlanRefs, Record, Ref, Wanted
from connectors.errors import Refused, TryLater
from connectors.smartsheet.client import Client
from connectors.smartsheet.columns import cells_by_column, from_cell
from connectors.smartsheet.failures import Gone, NoAccess
from connectors.smartsheet.notes import Notebook, SheetNote
from connectors.smartsheet.plans import NAME, shown_key, shown_name
from connectors.smartsheet.rows import row_url

PAGE = 5_000
"""Rows of one read: a portfolio sheet takes four, and none holds more than some ten megabytes."""

OVERLAP = timedelta(minutes=5)
"""How far each look at the list of sheets reaches back: the list lags behind edits by up to 65 s."""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where `changes` goes on: a moment of Smartsheet's clock, and the versions already reported since.

    What a cursor says was reported becomes old news only when the cursor comes back: then the engine has kept it.
    """

    since: datetime
    reported: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that `write` made; raises Refused for anything else."""
        try:
            raw = orjson.loads(text)
            return cls(datetime.fromisoformat(raw["since"]), raw["reported"])
        except (ValueError, KeyError, TypeError):
            raise Refused(
                "The stored cursor of changes cannot be read. Reset it, and reconcile everything once.",
                code="SS-CURSOR-01",
            ) from None

    def write(self) -> str:
        """Return the cursor as text."""
        return orjson.dumps({"since": stamp(self.since), "reported": self.reported}).decode()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as read just now."""

    id: str
    name: str
    version: int
    note: SheetNote
    rows: tuple[Record, ...]


class Reader:
    """Reads sheets and the list of sheets; safe for several threads."""

    def __init__(
        self, client: Client, notebook: Notebook, *, titles: Sequence[str], shown: Sequence[str], key: str,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._client = client
        self._notebook = notebook
        self._titles = tuple(titles)
        self._shown = tuple(shown)
        self._key = key
        self._clock = clock

    def changes(self, text: str) -> Changes:
        """Say which sheets somebody else edited, in one call; our own edits are told apart by their versions."""
        cursor = Cursor.parse(text) if text else Cursor(self._clock() - OVERLAP)
        for sheet, version in cursor.reported.items():
            self._notebook.reported(sheet, version)
        answer = self._client.get(
            "/sheets", modifiedSince=stamp(cursor.since), include="sheetVersion", includeAll="true"
        )
        listed = answer.body.get("data") or ()
        reported: dict[str, int] = {}
        touched: set[str] = set()
        for item in listed:
            sheet, version = str(item["id"]), item.get("version")
            note = self._notebook.read(sheet)
            if note is not None and version is not None:
                if version <= note.quiet:
                    continue
                reported[sheet] = version
            touched.add(sheet)
        until = (answer.date or self._clock()) - OVERLAP
        latest = [moment(item["modifiedAt"]) for item in listed if item.get("modifiedAt")]
        since = max(cursor.since, min([until, max(latest)] if latest else [until]))
        return Changes(Cursor(since, reported).write(), touched=frozenset(touched))

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Read each sheet once: its plans, then the rows that are ours by key or by binding.

        A sheet that is gone or not shared with us any more yields nothing; the others still come.
        """
        asked: dict[str, list[PlanRefs]] = {}
        for plan in plans:
            asked.setdefault(plan.plan.id, []).append(plan)
        for sheet_id, group in asked.items():
            bound = {task.id for plan in group for task in plan.tasks}
            try:
                sheet = self.sheet(sheet_id)
            except (Gone, NoAccess):
                continue
            yield from (_plan_record(plan.plan, sheet) for plan in group)
            yield from (row for row in sheet.rows if row.write_key or row.ref.id in bound)

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look rows up by their write keys, past any index; a key that a person copied comes several times."""
        asked: dict[str, set[str]] = {}
        for want in wanted:
            if want.plan is not None:
                asked.setdefault(want.plan.id, set()).add(want.write_key)
        for sheet_id, keys in asked.items():
            try:
                sheet = self.sheet(sheet_id)
            except (Gone, NoAccess):
                # No row can be created there either, so nothing can come twice.
                continue
            yield from (row for row in sheet.rows if row.write_key in keys)

    def sheet(self, sheet: str) -> Sheet:
        """Read a whole sheet in one state, and note its columns; raises Refused when it is not there for us."""
        for _ in range(_ATTEMPTS):
            pages = list(self._pages(sheet))
            if len({page["version"] for page in pages}) == 1:
                return self._whole(sheet, pages)
        raise TryLater(
            "A sheet is edited faster than it can be read. It is tried again by itself.",
            code="SS-BUSY-01",
            delay=5.0,
            scope=f"record:{sheet}",
        )

    def _pages(self, sheet: str) -> Iterator[Mapping[str, Any]]:
        """Read page by page; never one past the end, which Smartsheet answers with the last page again."""
        page = 1
        while True:
            body = self._client.get(
                f"/sheets/{sheet}", page=str(page), pageSize=str(PAGE), exclude="nonexistentCells"
            ).body
            if not {"id", "version", "columns", "rows", "totalRowCount"} <= body.keys():
                raise TryLater(
                    "Smartsheet answered with less than the whole sheet. It is tried again by itself.",
                    code="SS-BODY-03",
                    delay=5.0,
                    scope=f"record:{sheet}",
                )
            yield body
            if page * PAGE >= body["totalRowCount"]:
                return
            page += 1

    def _whole(self, sheet: str, pages: Sequence[Mapping[str, Any]]) -> Sheet:
        first = pages[0]
        with self._notebook.lock(sheet):
            note = (self._notebook.read(sheet) or SheetNote()).learned(first["columns"], self._titles)
            note = note.at(first.get("permalink", ""))
            self._notebook.keep(sheet, note)
        rows = {row["id"]: row for page in pages for row in page["rows"]}
        version = first["version"]
        shown = tuple((title, *column) for title, column in note.columns.items() if title in self._shown)
        key = note.columns.get(self._key, (0, ""))[0]
        records = tuple(
            Record(
                kind=Kind.TASK,
                ref=Ref(str(row["id"]), container=sheet),
                fields={title: from_cell(cells.get(column), kind) for title, column, kind in shown},
                write_key=str(cells.get(key, {}).get("value") or ""),
                version=str(version),
                url=row_url(note.url, row["id"]),
            )
            for row, cells in ((row, cells_by_column(row)) for row in rows.values())
        )
        return Sheet(sheet, first["name"], version, note, records)


def stamp(when: datetime) -> str:
    """Return a moment as Smartsheet writes it, to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read a moment as Smartsheet writes it."""
    return datetime.fromisoformat(text)


def _plan_record(ref: Ref, sheet: Sheet) -> Record:
    """Return a plan: its sheet, or in a portfolio (where the ref holds the deal's title) its part of one."""
    shared = bool(ref.container)
    return Record(
        kind=Kind.PLAN,
        ref=ref,
        fields={NAME: ref.container if shared else shown_name(sheet.name)},
        write_key="" if shared else shown_key(sheet.name),
        version=str(sheet.version),
        url=sheet.note.url,
    )
