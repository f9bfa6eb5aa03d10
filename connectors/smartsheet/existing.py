"""Sheets that others made: found by their names, read whole, and given our name's end, our columns and our keys.

Given out by `connector.existing` in the layout `sheet_per_onboarding`, called through `connectors.existing`. A column
that is there is never changed, a row's own cells neither.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from connectors.base import Failed, Kind, Record, Ref, Update, WriteResult, Written
from connectors.errors import ConnectorError, Refused
from connectors.smartsheet.client import Client
from connectors.smartsheet.columns import Column, definition
from connectors.smartsheet.failures import Gone, NoAccess
from connectors.smartsheet.plans import NAME, ROWS, OwnSheets, shown_key, shown_name
from connectors.smartsheet.reading import Reader
from connectors.smartsheet.rows import Rows
from connectors.smartsheet.sheets import Sheets


class SmartsheetExisting:
    """All sheets that our user sees, ours or not."""

    def __init__(
        self,
        client: Client,
        *,
        sheets: Sheets,
        plans: OwnSheets,
        rows: Rows,
        reader: Reader,
        columns: Sequence[Column],
        key: str,
    ) -> None:
        self._client = client
        self._sheets = sheets
        self._plans = plans
        self._rows = rows
        self._reader = reader
        self._columns = tuple(columns)
        self._key = key

    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        """List all sheets once, and show those of these names: two calls."""
        if field != NAME:
            raise Refused(
                f"A sheet has no field {field!r}. Match plans by `name` in the mapping.",
                code="SS-MATCH-01",
                field=field,
            )
        wanted = {_folded(value) for value in values}
        for sheet in self._sheets.all() if wanted else ():
            key = shown_key(sheet["name"])
            name = shown_name(sheet["name"]) if key else str(sheet["name"])
            # A name of ours is cut, so it is found by its beginning; the engine goes by its key.
            if _folded(name) in wanted or (key and any(each.startswith(_folded(name)) for each in wanted)):
                yield Record(
                    Kind.PLAN, Ref(str(sheet["id"])), {NAME: name}, write_key=key, url=sheet.get("permalink", "")
                )

    def contents(self, plans: Sequence[Ref]) -> Iterator[Record]:
        """Read each sheet whole: one call a sheet."""
        for plan in plans:
            try:
                yield from self._reader.sheet(plan.id).rows
            except (Gone, NoAccess):
                continue

    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        """Add what columns a sheet lacks, then write keys, 500 rows a call, and name the sheet last."""
        failed: dict[str, ConnectorError] = {}
        for sheet in dict.fromkeys(map(_sheet_of, records)):
            try:
                self._add_columns(sheet)
            except ConnectorError as error:
                failed[sheet] = error
        rows = {record.ref.id: record for record in records if record.kind is Kind.TASK}
        ready = [record for record in rows.values() if _sheet_of(record) not in failed]
        yield from (Failed(record, failed[sheet]) for record in rows.values() if (sheet := _sheet_of(record)) in failed)
        for result in self._rows.write(
            [replace(record, fields={**record.fields, self._key: record.write_key}) for record in ready]
        ):
            assert isinstance(result.write, Update)
            asked = rows[result.write.ref.id]
            if isinstance(result, Failed):
                failed.setdefault(_sheet_of(asked), result.error)
                yield Failed(asked, result.error)
            else:
                yield Written(asked, asked.ref, url=result.url)
        yield from (self._name(record, failed.get(record.ref.id)) for record in records if record.kind is Kind.PLAN)

    def price(self, records: Sequence[Update]) -> int:
        """Return the calls for these: the columns and the name of each sheet in two calls each, rows by 500."""
        rows = Counter(record.ref.container for record in records if record.kind is Kind.TASK)
        plans = sum(1 for record in records if record.kind is Kind.PLAN)
        return 4 * plans + sum(-(-count // ROWS) for count in rows.values())

    def _name(self, record: Update, failed: ConnectorError | None) -> WriteResult:
        """Give the sheet its name's end, which makes it findable: only once everything in it is."""
        if failed is not None:
            return Failed(record, failed)
        try:
            name = str(self._client.get(f"/sheets/{record.ref.id}", pageSize="1", page="1").body["name"])
        except ConnectorError as error:
            return Failed(record, error)
        if shown_key(name) == record.write_key:
            return Written(record, record.ref)
        [result] = self._plans.write([Update(record.write_key, record.kind, record.ref, {NAME: name})])
        return (
            Failed(record, result.error) if isinstance(result, Failed) else Written(record, record.ref, url=result.url)
        )

    def _add_columns(self, sheet: str) -> None:
        """Add the columns of ours that a sheet lacks, at its right; raises ConnectorErrors."""
        there = list(self._client.get(f"/sheets/{sheet}/columns", includeAll="true").body.get("data") or ())
        titles = {column["title"] for column in there}
        lacking = [column for column in self._columns if column.title not in titles]
        primary = next((column.title for column in lacking if column.primary), None)
        if primary is not None:
            own = next((column["title"] for column in there if column.get("primary")), "")
            raise Refused(
                f"The sheet's primary column is {own!r}. Rename it to {primary!r}, as the mapping calls it.",
                code="SS-MATCH-02",
                field=primary,
            )
        if lacking:
            made = [{**definition(column), "index": len(there)} for column in lacking]
            self._client.post(f"/sheets/{sheet}/columns", made)


def _sheet_of(record: Update) -> str:
    return record.ref.id if record.kind is Kind.PLAN else record.ref.container


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
