"""What `doctor` asks of a Smartsheet connection: who we are, what we may do, and whether the columns fit the mapping.

Called by `connector.check`. It only reads, and a vendor's failure becomes a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from connectors.base import Finding, Kind, Level
from connectors.errors import ConnectorError
from connectors.smartsheet.client import Client
from connectors.smartsheet.columns import CREATABLE, MAX_CELLS, MAX_COLUMNS, MAX_OPTION, MAX_TITLE, WRITABLE, Column
from connectors.smartsheet.notes import Notebook, SheetNote
from connectors.smartsheet.plans import NAME
from connectors.smartsheet.settings import Layout, SmartsheetSettings
from connectors.smartsheet.sheets import Sheets

_SHEETS = 3
"""How many of our sheets, the newest, are looked into: all have the same columns unless a person changed one."""

_MAKERS = frozenset({"OWNER", "ADMIN"})


class Checks:
    """All checks of one connection, in the order in which an operator would repair."""

    def __init__(
        self,
        client: Client,
        notebook: Notebook,
        settings: SmartsheetSettings,
        *,
        sheets: Sheets,
        fields: Mapping[Kind, tuple[str, ...]],
    ) -> None:
        self._client = client
        self._notebook = notebook
        self._settings = settings
        self._there = sheets
        self._columns = sheets.columns
        self._fields = fields

    def run(self) -> Iterator[Finding]:
        """Yield findings; stops where the rest cannot be asked."""
        yield from self._mapping()
        for step in (self._sign_in, self._workspace, self._sheets):
            try:
                yield from step()
            except ConnectorError as error:
                message, _, repair = error.message.partition(". ")
                yield Finding(Level.ERROR, error.code, message, repair)
                return

    def _mapping(self) -> Iterator[Finding]:
        """Check what needs no call: the columns that the mapping asks for."""
        misfits = list(self._misfits())
        yield from misfits
        if not misfits:
            yield Finding(Level.OK, "SS-COLUMN-04", f"The mapping's {len(self._columns)} columns can be made.")

    def _misfits(self) -> Iterator[Finding]:
        columns, settings = self._columns, self._settings
        titles = [column.title for column in columns]
        for title in sorted({title for title in titles if titles.count(title) > 1}):
            yield _error(
                "SS-COLUMN-04", f"Two columns are titled {title!r}.", "Give each its own title in the mapping."
            )
        primaries = sum(column.primary for column in columns)
        if primaries != 1:
            yield _error(
                "SS-COLUMN-04", f"{primaries} columns are primary.", "Mark exactly one column `primary` in the mapping."
            )
        for column in columns:
            yield from _column_misfits(column)
        for title in self._fields.get(Kind.TASK, ()):
            if title not in titles:
                yield _error(
                    "SS-COLUMN-04", f"Column {title!r} is mapped but not described.", "Give its type in the mapping."
                )
        for field in self._fields.get(Kind.PLAN, ()):
            if field != NAME:
                yield _error("SS-NAME-02", f"A plan has no field {field!r} here.", f"Map only {NAME!r} of a plan.")
        if len(columns) > MAX_COLUMNS:
            yield _error("SS-SIZE-02", f"{len(columns)} columns are too many.", f"Map at most {MAX_COLUMNS}.")
        rows = settings.portfolio_rows
        if settings.layout is Layout.PORTFOLIO and rows * len(columns) > MAX_CELLS:
            yield Finding(
                Level.WARNING,
                "SS-SIZE-02",
                f"{rows} rows of {len(columns)} columns exceed a sheet's {MAX_CELLS} cells; "
                f"{MAX_CELLS // len(columns)} rows are used.",
                "Set `portfolio_rows` to that, or map fewer columns.",
            )

    def _sign_in(self) -> Iterator[Finding]:
        me = self._client.get("/users/me").body
        yield Finding(Level.OK, "SS-TOKEN-01", f"Signed in as {me.get('email', 'a user without an address')}.")
        if me.get("licensedSheetCreator") is False:
            yield _error(
                "SS-LICENCE-01",
                "Our user has no licence to create sheets.",
                "Have a Smartsheet system admin make it a licensed user (Admin Center > User Management).",
            )

    def _workspace(self) -> Iterator[Finding]:
        space = self._client.get(f"/workspaces/{self._settings.workspace}/metadata").body
        level = space.get("accessLevel", "unknown")
        if level in _MAKERS:
            yield Finding(Level.OK, "SS-WORKSPACE-01", f"Workspace {space.get('name')!r} is ours to use as {level}.")
        else:
            yield _error(
                "SS-WORKSPACE-02",
                f"Our user is only {level} of workspace {space.get('name')!r}.",
                "Share the workspace with it as Admin: it makes sheets and writes to locked columns.",
            )

    def _sheets(self) -> Iterator[Finding]:
        ours = [sheet for sheet in self._there.in_workspace() if self._notebook.read(str(sheet["id"])) is not None]
        newest = sorted(ours, key=lambda sheet: str(sheet.get("createdAt", "")), reverse=True)
        for sheet in islice(newest, _SHEETS):
            note = self._notebook.read(str(sheet["id"])) or SheetNote()
            body = self._client.get(f"/sheets/{sheet['id']}/columns", includeAll="true").body
            findings = list(self._compare(sheet["name"], note, body.get("data") or ()))
            yield from findings
            if not findings:
                yield Finding(Level.OK, "SS-COLUMN-01", f"Sheet {sheet['name']!r} has the columns of the mapping.")

    def _compare(self, name: str, note: SheetNote, present: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
        by_id = {column["id"]: column for column in present}
        found = note.learned(present, (column.title for column in self._columns))
        for wanted in self._columns:
            title = wanted.title
            if title not in found.columns:
                yield _error(
                    "SS-COLUMN-01",
                    f"Sheet {name!r} has no column {title!r}.",
                    f"Add a column {title!r} of type {wanted.type} to it.",
                )
                continue
            yield from self._compare_one(name, wanted, by_id[found.columns[title][0]])

    def _compare_one(self, name: str, wanted: Column, column: Mapping[str, Any]) -> Iterator[Finding]:
        title = wanted.title
        if column["title"] != title:
            yield Finding(
                Level.WARNING,
                "SS-COLUMN-05",
                f"Column {title!r} of sheet {name!r} is now titled {column['title']!r}; it goes on to work by its id.",
                f"Title it {title!r} again, or change the mapping.",
            )
        if column["type"] != wanted.type:
            yield _error(
                "SS-COLUMN-02",
                f"Column {title!r} of sheet {name!r} is {column['type']} and not {wanted.type}.",
                f"Change its type to {wanted.type}.",
            )
        lacking = sorted(set(wanted.options) - set(column.get("options") or ()))
        if lacking:
            yield _error(
                "SS-OPTION-01",
                f"Column {title!r} of sheet {name!r} lacks the options {', '.join(map(repr, lacking))}.",
                "Add them to the column.",
            )
        if title == self._settings.key_column and not column.get("hidden"):
            yield Finding(
                Level.WARNING,
                "SS-COLUMN-06",
                f"The key column {title!r} of sheet {name!r} is visible, so a person may change a key.",
                "Hide and lock it.",
            )


def _column_misfits(column: Column) -> Iterator[Finding]:
    title = column.title
    if column.type not in CREATABLE or column.type not in WRITABLE:
        yield _error(
            "SS-COLUMN-02",
            f"Column {title!r} cannot be of type {column.type}.",
            f"Use one of {', '.join(sorted(WRITABLE))}.",
        )
    if len(title) > MAX_TITLE:
        yield _error("SS-COLUMN-04", f"The title {title!r} is too long.", f"Use at most {MAX_TITLE} characters.")
    if column.primary and column.type != "TEXT_NUMBER":
        yield _error("SS-COLUMN-04", f"Primary column {title!r} is {column.type}.", "Make it TEXT_NUMBER.")
    if any(len(option) > MAX_OPTION for option in column.options):
        yield _error("SS-OPTION-01", f"An option of {title!r} is too long.", f"Use at most {MAX_OPTION} characters.")


def _error(code: str, message: str, repair: str) -> Finding:
    return Finding(Level.ERROR, code, message, repair)
