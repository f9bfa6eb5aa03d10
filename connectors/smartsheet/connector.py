"""Our contract over Smartsheet: plans are sheets (or parts of shared ones), tasks are rows.

Built through the entry point `closedwon.connectors`, called by the engine and its shells. It only hands out
work: plans to `plans` or `portfolio`, rows to `rows`, reads to `reading`, findings to `checks`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel

from connectors.base import (
    Capability,
    Changes,
    Create,
    DealQuery,
    Deals,
    Failed,
    Fields,
    FieldSchema,
    Finding,
    Kind,
    Memory,
    Meter,
    PlanRefs,
    Record,
    Schema,
    TimeChanges,
    TimeEntry,
    Update,
    Wanted,
    Write,
    WriteResult,
)
from connectors.errors import ConnectorError, Refused
from connectors.smartsheet.checks import Checks
from connectors.smartsheet.client import Client
from connectors.smartsheet.columns import MAX_TEXT, WRITABLE, Column, stored, with_service_columns
from connectors.smartsheet.events import SmartsheetEvents
from connectors.smartsheet.existing import SmartsheetExisting
from connectors.smartsheet.failures import Gone, NoAccess, halts
from connectors.smartsheet.notes import Notebook
from connectors.smartsheet.plans import NAME, NAME_LENGTH, ROWS, OwnSheets
from connectors.smartsheet.portfolio import SharedSheets
from connectors.smartsheet.reading import Reader
from connectors.smartsheet.rows import Rows
from connectors.smartsheet.settings import Layout, SmartsheetSettings
from connectors.smartsheet.sheets import Sheets


class SmartsheetConnector:
    """One connection to Smartsheet.

    `fields` names the columns that the mapping uses of a TASK; `columns` describes those of the sheets that we make.
    """

    Settings: ClassVar[type[BaseModel]] = SmartsheetSettings
    capabilities: frozenset[Capability] = frozenset({Capability.TASKS})

    def __init__(
        self,
        settings: SmartsheetSettings,
        *,
        name: str,
        fields: Mapping[Kind, tuple[str, ...]],
        columns: Sequence[Column] = (),
        memory: Memory,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        shown = tuple(dict.fromkeys((*fields.get(Kind.TASK, ()), *(column.title for column in columns))))
        self._client = Client(settings, meter=meter, clock=clock, sleep=sleep)
        deal = settings.deal_column if settings.layout is Layout.PORTFOLIO else ""
        notebook = Notebook(memory, shared=bool(deal))
        self._columns = with_service_columns(columns, deal, key=settings.key_column)
        self._types = {column.title: column.type for column in self._columns}
        titles = tuple(dict.fromkeys((*shown, *self._types)))
        sheets = Sheets(self._client, notebook, workspace=settings.workspace, columns=self._columns)
        self._sheets = sheets
        self._rows = Rows(self._client, notebook, titles=titles, key=settings.key_column, deal=deal)
        self._reader = Reader(self._client, notebook, titles=titles, shown=shown, key=settings.key_column, clock=clock)
        self._plans: OwnSheets | SharedSheets = (
            SharedSheets(notebook, sheets, self._reader, memory=memory, rows=settings.portfolio_rows, deal=deal)
            if deal
            else OwnSheets(self._client, notebook, sheets)
        )
        self._settings = settings
        self._clock = clock
        self._checks = Checks(self._client, notebook, settings, sheets=sheets, fields=fields)

    def deals(self, query: DealQuery) -> Deals:
        """Smartsheet holds no deals."""
        raise NotImplementedError

    def changes(self, cursor: str) -> Changes:
        """Say which sheets others edited: one call, however many sheets there are; our own edits are no news."""
        return self._reader.changes(cursor)

    def time_changes(self, cursor: str) -> TimeChanges:
        """Smartsheet holds no time entries."""
        raise NotImplementedError

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Smartsheet holds no time entries."""
        raise NotImplementedError

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Smartsheet holds no time entries."""
        raise NotImplementedError

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Read each sheet that holds these plans once, whole."""
        return self._reader.fetch(plans)

    def mark(self) -> str:
        """Nothing is needed: names and key cells can be read at once."""
        return ""

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look sheets up by the end of their names, rows by their key cells."""
        yield from self._plans.find([want for want in wanted if want.kind is Kind.PLAN])
        yield from self._reader.find([want for want in wanted if want.kind is Kind.TASK])

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Carry writes out: a call per sheet to make or rename (none for most in a portfolio), 500 rows a call."""
        plans: list[Create | Update] = []
        rows: list[Create | Update] = []
        for write in writes:
            if isinstance(write, Create | Update) and write.kind is Kind.PLAN:
                plans.append(write)
            elif isinstance(write, Create | Update) and write.kind is Kind.TASK and _sheet_of(write):
                rows.append(write)
            else:
                error = Refused(
                    "Smartsheet takes plans, and tasks that are filed under one. Check what the mapping sends here.",
                    code="SS-WRITE-01",
                )
                yield Failed(write, error)
        halted: ConnectorError | None = None
        for result in self._plans.write(plans):
            halted = result.error if isinstance(result, Failed) and halts(result.error) else halted
            yield result
        yield from self._rows.write(rows, halted=halted)

    def price(self, writes: Sequence[Write]) -> int:
        """Return how many calls: one for each new sheet, one for each 500 rows that lie in the same sheet."""
        creates = [write for write in writes if isinstance(write, Create)]
        updates = [write for write in writes if isinstance(write, Update)]
        renames = sum(1 for write in updates if write.kind is Kind.PLAN)
        rows = Counter(_sheet_of(write) for write in updates if write.kind is Kind.TASK)
        return self._plans.price(creates) + renames + sum(-(-count // ROWS) for count in rows.values())

    def inventory(self) -> Iterator[Record]:
        """Read every sheet of ours, doubles too: as many calls as there are sheets."""
        return self._plans.inventory(self._shown_rows)

    def _shown_rows(self, sheet: str) -> tuple[Record, ...]:
        """Return a listed sheet's rows: none of one that is gone, which the lagging list goes on showing."""
        try:
            return self._reader.sheet(sheet).rows
        except (Gone, NoAccess):
            return ()

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        """Return the values as a cell or a sheet's name would hold them."""
        if kind is Kind.PLAN:
            return {
                title: self._plans.shown(str(value or "")) if title == NAME else value
                for title, value in fields.items()
            }
        return {title: stored(value, self._types.get(title, "TEXT_NUMBER")) for title, value in fields.items()}

    def describe(self) -> Schema:
        """Describe the columns that our sheets have; people's changes to single sheets are findings of `check`."""
        tasks = tuple(
            FieldSchema(
                name=column.title,
                label=column.title,
                type=column.type,
                writable=column.type in WRITABLE,
                max_length=MAX_TEXT if column.type == "TEXT_NUMBER" else None,
                options=tuple(column.options),
            )
            for column in self._columns
        )
        plan = FieldSchema(name=NAME, label="Sheet name", type="TEXT_NUMBER", writable=True, max_length=NAME_LENGTH)
        return Schema({Kind.PLAN: (plan,), Kind.TASK: tasks})

    def check(self) -> Iterable[Finding]:
        """Check sign-in, workspace, limits and the newest sheets' columns."""
        return self._checks.run()

    def existing(self) -> SmartsheetExisting | None:
        """Return what finds and takes over sheets that others made; None where plans share sheets."""
        if not isinstance(self._plans, OwnSheets):
            return None
        return SmartsheetExisting(
            self._client,
            sheets=self._sheets,
            plans=self._plans,
            rows=self._rows,
            reader=self._reader,
            columns=self._columns,
            key=self._settings.key_column,
        )

    def events(self) -> SmartsheetEvents | None:
        """Return what hears Smartsheet's webhooks, where the settings name their path."""
        settings = self._settings
        if settings.hook_path is None:
            return None
        return SmartsheetEvents(
            path=settings.hook_path, agent=settings.change_agent, name=self.name, client=self._client, clock=self._clock
        )

    def close(self) -> None:
        """Close sessions."""
        self._client.close()


def _sheet_of(write: Create | Update) -> str:
    if isinstance(write, Update):
        return write.ref.container
    return write.plan.id if write.plan is not None else ""
