"""Writes rows: up to 500 of one sheet in a call, one call at a time per sheet, each row with its own result.

Called by `connector.write`. It never repeats a create whose outcome is unknown, and never decides what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from connectors.base import Create, Failed, Fields, Ref, Update, WriteResult, Written
from connectors.errors import ConnectorError, Refused, Unknown
from connectors.smartsheet.client import Answer, Client
from connectors.smartsheet.columns import WRITABLE, cells_by_column, from_cell, to_cell
from connectors.smartsheet.failures import AtRow, UnknownColumn, explain_row, halts
from connectors.smartsheet.notes import Notebook, SheetNote
from connectors.smartsheet.plans import ROWS

RowWrite: TypeAlias = Create | Update


class Rows:
    """Creates and changes rows; safe for several threads."""

    def __init__(self, client: Client, notebook: Notebook, *, titles: Sequence[str], key: str, deal: str = "") -> None:
        self._client = client
        self._notebook = notebook
        self._titles = tuple(titles)
        self._key = key
        self._deal = deal

    def write(self, writes: Sequence[RowWrite], *, halted: ConnectorError | None = None) -> Iterator[WriteResult]:
        """Carry out writes, sheet by sheet, creates before updates; yield results as calls complete.

        Once a failure concerns the whole connection (`halted`), what is left fails with it and without a call.
        """
        for sheet, chunk in _calls(writes):
            results = list(_fail(chunk, halted)) if halted is not None else self._chunk(sheet, chunk)
            yield from results
            halted = halted or next((r.error for r in results if isinstance(r, Failed) and halts(r.error)), None)

    def note(self, sheet: str) -> SheetNote:
        """Return what is known of the sheet, learned by a call where nothing is."""
        return self._notebook.read(sheet) or self._learn(sheet)

    def _learn(self, sheet: str) -> SheetNote:
        """Read the sheet's columns anew; raises Refused when the sheet is not there."""
        with self._notebook.lock(sheet):
            body = self._client.get(f"/sheets/{sheet}/columns", includeAll="true").body
            note = (self._notebook.read(sheet) or SheetNote()).learned(body.get("data", ()), self._titles)
            self._notebook.keep(sheet, note)
            return note

    def _chunk(self, sheet: str, chunk: Sequence[RowWrite]) -> list[WriteResult]:
        """Write to one sheet, alone: Smartsheet answers a second writer by 4004."""
        try:
            with self._notebook.alone(sheet):
                return self._write(sheet, chunk)
        except ConnectorError as error:
            return list(_fail(chunk, error))

    def _write(self, sheet: str, chunk: Sequence[RowWrite]) -> list[WriteResult]:
        """Make one call, and a second one where the sheet's columns turned out to be others than we knew."""
        try:
            known = self.note(sheet)
            if any(title not in known.columns for write in chunk for title in (*write.fields, self._key)):
                known = self._learn(sheet)
        except ConnectorError as error:
            return list(_fail(chunk, error))
        results = self._call(sheet, chunk, known)
        again = [r.write for r in results if isinstance(r, Failed) and isinstance(r.error, UnknownColumn)]
        if not again:
            return results
        try:
            if self._learn(sheet).columns == known.columns:
                return results
        except ConnectorError:
            return results
        kept = [r for r in results if not (isinstance(r, Failed) and isinstance(r.error, UnknownColumn))]
        rest = [write for write in chunk if any(write is other for other in again)]
        return [*kept, *self._call(sheet, rest, self.note(sheet))]

    def _call(self, sheet: str, chunk: Sequence[RowWrite], note: SheetNote) -> list[WriteResult]:
        """Send what can be sent; a row for which the whole call is refused is set aside, and the others go again."""
        results: list[WriteResult] = []
        sent: list[RowWrite] = []
        rows: list[dict[str, Any]] = []
        for write in chunk:
            try:
                rows.append(self._row(write, note))
                sent.append(write)
            except Refused as error:
                results.append(Failed(write, error))
        send: Callable[..., Answer] = self._client.post if isinstance(chunk[0], Create) else self._client.put
        while sent:
            try:
                body = send(f"/sheets/{sheet}/rows", rows, allowPartialSuccess="true").body
            except AtRow as error:
                if error.index >= len(sent):
                    return [*results, *_fail(sent, error.cause)]
                results.append(Failed(sent.pop(error.index), error.cause))
                rows.pop(error.index)
                continue
            except ConnectorError as error:
                return [*results, *_fail(sent, error)]
            self._notebook.wrote(sheet, body.get("version"))
            return [*results, *self._answers(sheet, sent, body, note)]
        return results

    def _row(self, write: RowWrite, note: SheetNote) -> dict[str, Any]:
        """Return the row as the API takes it; raises Refused for a field that the sheet has no writable column for."""
        cells = []
        for title, value in write.fields.items():
            if title not in note.columns:
                raise Refused(
                    f"The sheet has no column {title!r}. Add it again, or give the renamed one its title back.",
                    code="SS-COLUMN-01",
                    field=title,
                )
            column, kind = note.columns[title]
            if kind not in WRITABLE:
                raise Refused(
                    f"Column {title!r} is of type {kind}, which takes no plain value. Change its type in the sheet.",
                    code="SS-COLUMN-02",
                    field=title,
                )
            if value is not None or isinstance(write, Update):
                cells.append({"columnId": column, "value": to_cell(value, kind)})
        if isinstance(write, Update):
            return {"id": int(write.ref.id), "cells": cells}
        # All rows of one call must name the same place (error 1123), so all go to the bottom, in order.
        return {"toBottom": True, "cells": [*cells, *self._own_cells(write, note)]}

    def _own_cells(self, create: Create, note: SheetNote) -> Iterator[dict[str, Any]]:
        if self._key not in note.columns:
            raise Refused(
                f"The sheet has lost its key column {self._key!r}. Add it again as a hidden text column.",
                code="SS-COLUMN-03",
                field=self._key,
            )
        yield {"columnId": note.columns[self._key][0], "value": create.write_key}
        title = create.plan.container if create.plan is not None else ""
        if title and self._deal in note.columns and self._deal not in create.fields:
            yield {"columnId": note.columns[self._deal][0], "value": title}

    def _answers(
        self, sheet: str, sent: Sequence[RowWrite], body: Mapping[str, Any], note: SheetNote
    ) -> Iterator[WriteResult]:
        """Pair the answer with what was sent: failed rows by index, the others in order (any other is Unknown)."""
        titles = note.titles()
        failed = {item.get("index", -1): item.get("error") or {} for item in body.get("failedItems") or ()}
        result = body.get("result") or ()
        rows = iter([result] if isinstance(result, dict) else result)
        for index, write in enumerate(sent):
            if index in failed:
                error = failed[index]
                yield Failed(write, explain_row(int(error.get("errorCode", 0)), str(error.get("message", "")), titles))
                continue
            row = next(rows, None)
            if row is None or not self._is_of(write, row, note):
                yield Failed(
                    write,
                    Unknown("Smartsheet's answer does not show the row. It is looked up again.", code="SS-BODY-02"),
                )
                continue
            yield Written(
                write,
                Ref(str(row["id"]), container=sheet),
                fields=_stored(write, row, note),
                version=str(body.get("version", "")),
                url=row_url(note.url, row["id"]),
            )

    def _is_of(self, write: RowWrite, row: Mapping[str, Any], note: SheetNote) -> bool:
        if isinstance(write, Update):
            return str(row["id"]) == write.ref.id
        cell = cells_by_column(row).get(note.columns[self._key][0])
        return cell is None or cell.get("value") == write.write_key


def row_url(sheet: str, row: int) -> str:
    """Return where a person opens a row (a row's permalink is its sheet's with `rowId`)."""
    return f"{sheet}?rowId={row}" if sheet else ""


def _stored(write: RowWrite, row: Mapping[str, Any], note: SheetNote) -> Fields | None:
    if "cells" not in row:
        return None
    cells = cells_by_column(row)
    return {title: from_cell(cells.get(note.columns[title][0]), note.columns[title][1]) for title in write.fields}


def _calls(writes: Sequence[RowWrite]) -> Iterator[tuple[str, Sequence[RowWrite]]]:
    """Group writes into calls: one sheet and one verb each, no row twice, 500 rows at most."""
    creates: dict[str, list[RowWrite]] = {}
    updates: dict[tuple[str, int], list[RowWrite]] = {}
    turns: dict[Ref, int] = {}
    for write in writes:
        if isinstance(write, Create):
            creates.setdefault(write.plan.id if write.plan is not None else "", []).append(write)
        else:
            turn = turns[write.ref] = turns.get(write.ref, -1) + 1
            updates.setdefault((write.ref.container, turn), []).append(write)
    yield from ((sheet, chunk) for sheet, group in creates.items() for chunk in _batches(group))
    yield from ((sheet, chunk) for (sheet, _), group in updates.items() for chunk in _batches(group))


def _batches(writes: Sequence[RowWrite]) -> Iterator[Sequence[RowWrite]]:
    return (writes[at : at + ROWS] for at in range(0, len(writes), ROWS))


def _fail(writes: Iterable[RowWrite], error: ConnectorError) -> Iterator[WriteResult]:
    return (Failed(write, error) for write in writes)
