"""A report as plain data: what it says, before anybody decides how it looks.

Built by the reports of this package, read by the renderers (`markdown`, `web`, `sheet`, `csvs`, `ics`). A cell holds a
value, never a formatted text, so that a spreadsheet gets numbers and dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

Cell: TypeAlias = str | int | float | date | None


class Look(StrEnum):
    """How a column's values are shown; `color` is health: green, amber or red."""

    TEXT = "text"
    DAY = "day"
    HOURS = "hours"
    COUNT = "count"
    SHARE = "share"
    COLOR = "color"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column. `width` is in characters, for spreadsheets."""

    name: str
    look: Look = Look.TEXT
    width: int = 14


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a heading; every row has a cell for each column. `empty` is said where there are no rows."""

    heading: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "None."


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that matters, with what it means."""

    name: str
    value: Cell
    look: Look = Look.TEXT
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs under a heading, "" for none."""

    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """A list under a heading; `boxes` are to be ticked."""

    heading: str
    points: tuple[str, ...]
    boxes: bool = False
    empty: str = "None."


Block: TypeAlias = Table | Figures | Words | Points


@dataclass(frozen=True, slots=True)
class Dated:
    """An entry of a calendar: whole days from `start` to `end`, or where `minutes` is given a session of that length.

    `begins` is a session's moment in UTC. `revision` grows with every change, `revised` is the moment of the last one.
    """

    uid: str
    name: str
    start: date
    end: date
    revision: int
    revised: datetime
    note: str = ""
    cancelled: bool = False
    begins: datetime | None = None
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One report. `day` is the day that it speaks of; `footer` says who it is for and what it rests on."""

    title: str
    subtitle: str
    day: date
    blocks: tuple[Block, ...]
    footer: str = ""
    tables_only: tuple[str, ...] = field(default=())
    """Headings of the tables that a CSV holds; empty for all."""
    dates: tuple[Dated, ...] = field(default=())
    """What an .ics holds."""


def shown(value: Cell, look: Look) -> str:
    """Return a value as people read it."""
    match value:
        case None:
            return "–"
        case date():
            return f"{value.day} {value:%b %Y}"
        case bool():
            return "yes" if value else "no"
        case int() | float() if look is Look.SHARE:
            return f"{value:.0%}"
        case int() | float() if look is Look.HOURS:
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        case int() | float():
            return f"{value:,g}"
    return value
