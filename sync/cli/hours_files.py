"""Writes statements of hours to files: entries as CSV, everything as XLSX. The same statements give the same bytes.

Used by `sync.cli.hours` only. Texts come from vendors and customers: none of them ever becomes a formula or a link.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sync.cli.hours_shown import ENTRIES, PERIODS, SUMMARY, TO_DO, Cell, entry_row, period_row, summary_row, what_to_do
from sync.core.hours import TO_FIX, Placed
from sync.core.statement import Statement

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be taken for a formula by spreadsheet programs (OWASP, "CSV injection")."""

_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a file."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def sheets(statements: Sequence[Statement], loose: Sequence[Placed]) -> tuple[Sheet, ...]:
    """Return the tables of the XLSX file; `loose` are the entries that belong to no plan."""
    entries = [*_entries(statements), *(("", placed) for placed in loose)]
    to_fix = [(key, placed) for key, placed in entries if placed.bucket in TO_FIX]
    return (
        Sheet("Summary", SUMMARY, [summary_row(one) for one in statements]),
        Sheet(
            "Periods",
            PERIODS,
            [period_row(one.dossier.key, each) for one in statements for each in one.balance.periods],
        ),
        Sheet("Entries", ENTRIES, [entry_row(key, placed) for key, placed in entries]),
        Sheet("To fix", (*ENTRIES, *TO_DO), [(*entry_row(key, placed), what_to_do(placed)) for key, placed in to_fix]),
    )


def _entries(statements: Iterable[Statement]) -> Iterator[tuple[str, Placed]]:
    for one in statements:
        for placed in one.ledger.entries:
            yield one.dossier.key, placed


def write_csv(path: Path, statements: Sequence[Statement], loose: Sequence[Placed]) -> None:
    """Write every entry with its bucket as CSV in UTF-8, with a mark at its beginning that office programs need."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ENTRIES)
        for key, placed in (*_entries(statements), *(("", placed) for placed in loose)):
            writer.writerow([harmless(cell) for cell in entry_row(key, placed)])


def harmless(cell: Cell) -> Cell:
    """Keep a text from being taken for a formula: an apostrophe before it says that it is a text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def write_xlsx(path: Path, tables: Sequence[Sheet], today: date) -> None:
    """Write tables as an office file whose bytes depend on nothing else."""
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    import xlsxwriter  # noqa: PLC0415 - three megabytes that a daemon never needs

    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"title": "Hours", "created": datetime(today.year, today.month, today.day)})  # noqa: DTZ001
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        for table in tables:
            page = book.add_worksheet(table.name)
            page.freeze_panes(1, 0)
            page.write_row(0, 0, table.head, bold)
            for number, row in enumerate(table.rows, start=1):
                for column, cell in enumerate(row):
                    _write(page, number, column, cell, day)
            for column, title in enumerate(table.head):
                longest = max((len(str(row[column] or "")) for row in table.rows), default=0)
                page.set_column(column, column, min(max(longest, len(title)) + 2, _WIDEST))


def _write(page: Any, row: int, column: int, cell: Cell, day: Any) -> None:
    if isinstance(cell, date):
        page.write_datetime(row, column, cell, day)
    elif isinstance(cell, int | float):
        page.write_number(row, column, cell)
    elif cell:
        page.write_string(row, column, cell)
