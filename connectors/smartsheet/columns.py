"""Columns and cells: how a plain value becomes a cell of its column's type, and a cell a plain value.

Called by the other modules of this package; pure. What a value *means* is said by `mappings`, never here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from connectors.base import Value

MAX_TEXT = 4_000
"""Characters of one cell; what is longer is cut by Smartsheet without a word (Limitations)."""

MAX_CELLS = 500_000
MAX_COLUMNS = 400
MAX_TITLE = 50
MAX_OPTION = 500

CREATABLE = frozenset(
    {"TEXT_NUMBER", "DATE", "CHECKBOX", "CONTACT_LIST", "PICKLIST", "MULTI_CONTACT_LIST", "MULTI_PICKLIST"}
)
"""Types that the API can make; DURATION, PREDECESSOR and ABSTRACT_DATETIME answer 1142."""

WRITABLE = frozenset({"TEXT_NUMBER", "DATE", "CHECKBOX", "CONTACT_LIST", "PICKLIST"})
"""Types whose cells take a plain `value`; the others want an objectValue."""


class Column(Protocol):
    """What is asked of a column's description; `mappings.model.ColumnSpec` has it, and so has ours."""

    @property
    def title(self) -> str:
        """The column's title, unique in its sheet."""
        ...

    @property
    def type(self) -> str:
        """Smartsheet's name of the type."""
        ...

    @property
    def options(self) -> Sequence[str]:
        """What a PICKLIST offers."""
        ...

    @property
    def primary(self) -> bool:
        """Whether this is the sheet's one primary column."""
        ...

    @property
    def hidden(self) -> bool:
        """Whether people do not see it."""
        ...

    @property
    def locked(self) -> bool:
        """Whether only admins may edit it."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column as the mapping wants it."""

    title: str
    type: str = "TEXT_NUMBER"
    options: tuple[str, ...] = ()
    primary: bool = False
    hidden: bool = False
    locked: bool = False


def definition(column: Column) -> dict[str, Any]:
    """Return a column as the API takes it when a sheet is made."""
    wire: dict[str, Any] = {"title": column.title, "type": column.type}
    if column.primary:
        wire["primary"] = True
    if column.options:
        wire["options"] = list(column.options)
        # People then cannot type a status that no mapping knows.
        wire["validation"] = True
    if column.hidden:
        wire["hidden"] = True
    if column.locked:
        wire["locked"] = True
    return wire


def to_cell(value: Value, kind: str) -> bool | float | str:
    """Return a cell's `value` for a column of that type; the empty text clears a cell.

    JSON null would be refused, and the SDK's models drop dates and None without a word.
    """
    if kind == "CHECKBOX":
        return bool(value)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if kind == "DATE" else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return ", ".join(value)[:MAX_TEXT]
    if isinstance(value, str):
        return value[:MAX_TEXT]
    return value


def from_cell(cell: Mapping[str, Any] | None, kind: str) -> Value:
    """Return a cell's plain value; an empty cell is None, and an empty checkbox is not ticked.

    A date column may hold text, where a person typed it and validation is off: that comes as text.
    """
    raw = cell.get("value") if cell is not None else None
    if kind == "CHECKBOX":
        return raw is True
    if raw is None or raw == "":
        return None
    if kind != "DATE" and isinstance(raw, str):
        return raw
    if kind == "DATE" and isinstance(raw, str):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            return raw
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        return float(raw)
    return raw if isinstance(raw, str) else str(raw)


def stored(value: Value, kind: str) -> Value:
    """Return the value as it would be read back after `to_cell`, without a call."""
    if type(value) is str and kind not in {"CHECKBOX", "DATE"}:
        return value[:MAX_TEXT] or None  # what most cells hold, the short way
    return from_cell({"value": to_cell(value, kind)}, kind)


def cells_by_column(row: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """Index a row's cells by their column's id."""
    return {cell["columnId"]: cell for cell in row.get("cells", ())}


def with_service_columns(columns: Sequence[Column], deal: str, *, key: str) -> tuple[Column, ...]:
    """Return the mapping's columns, a text column for the deal where `deal` titles one that it lacks, and the key's."""
    lacking = deal and deal not in {column.title for column in columns}
    added: tuple[Column, ...] = (ColumnSpec(deal),) if lacking else ()
    # The deal stands beside the task's name, where people look for it.
    return (*columns[:1], *added, *columns[1:], ColumnSpec(key, hidden=True, locked=True))
