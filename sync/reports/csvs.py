"""A report's tables as CSV: for a spreadsheet or another program. Called by `sync.reports.render`."""

from __future__ import annotations

import csv
import io
from datetime import date

from sync.reports.page import Cell, Page, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csvs(page: Page) -> str:
    """Return the tables one below the other, each with its heading where there are several. Dates are ISO.

    A text that a spreadsheet would take for a formula gets an apostrophe before it: it may come from anybody.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    tables = [block for block in page.blocks if isinstance(block, Table)]
    tables = [table for table in tables if not page.tables_only or table.heading in page.tables_only]
    for number, table in enumerate(tables):
        if len(tables) > 1:
            if number:
                writer.writerow([])
            writer.writerow([harmless(table.heading)])
        writer.writerow([column.name for column in table.columns])
        writer.writerows([_plain(value) for value in row] for row in table.rows)
    return out.getvalue()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet calculates."""
    return "'" + text if text.startswith(_FORMULA) else text


def _plain(value: Cell) -> str | int | float:
    match value:
        case None:
            return ""
        case date():
            return value.isoformat()
        case str():
            return harmless(value)
    return value
