"""A report as an Excel workbook. Called by `sync.reports.render`; the same page gives the same bytes."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from sync.reports.page import Block, Cell, Column, Figures, Look, Page, Points, Table, Words, shown

_MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Stands for the moment of making, which would make every file another one."""

_FORMATS = {Look.DAY: "d mmm yyyy", Look.HOURS: "#,##0.00", Look.COUNT: "#,##0", Look.SHARE: "0%"}
_COLORS = {"green": ("#d7f0dd", "#14532d"), "amber": ("#fdecc8", "#7a4b00"), "red": ("#f9d6d5", "#7f1d1d")}
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_WIDEST = 60


def sheet(page: Page) -> bytes:
    """Return the page as .xlsx: a first sheet with the words and figures, and one sheet for each table."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties({"title": page.title, "created": _MADE})
    maker = _Maker(book)
    maker.front(page)
    for block in page.blocks:
        if isinstance(block, Table):
            maker.table(block)
    book.close()
    return out.getvalue()


class _Maker:
    """A workbook while it is written."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._formats: dict[tuple[Any, ...], Any] = {}
        self._names: set[str] = set()

    def front(self, page: Page) -> None:
        """Write the first sheet."""
        paper = self._sheet(page.title)
        paper.hide_gridlines(2)
        paper.set_column(0, 0, 30)
        paper.set_column(1, 1, 32)
        paper.set_column(2, 2, 50)
        paper.write_string(0, 0, page.title, self._format(bold=True, font_size=16))
        paper.write_string(1, 0, page.subtitle, self._format(font_color="#555555"))
        row = 3
        for block in page.blocks:
            row = self._block(paper, row, block)
        if page.footer:
            paper.write_string(row, 0, page.footer, self._format(font_color="#555555", italic=True))

    def table(self, table: Table) -> None:
        """Write a table on a sheet of its own, with a heading that stays and a filter."""
        paper = self._sheet(table.heading or "Table")
        for number, column in enumerate(table.columns):
            paper.write_string(0, number, column.name, self._head(column.look))
            paper.set_column(number, number, min(_WIDEST, _width(table, number, column)))
        for line, row in enumerate(table.rows, start=1):
            for number, (value, column) in enumerate(zip(row, table.columns, strict=True)):
                self._write(paper, line, number, value, column.look)
        if not table.rows:
            paper.write_string(1, 0, table.empty, self._format(italic=True))
        else:
            paper.autofilter(0, 0, len(table.rows), len(table.columns) - 1)
        paper.freeze_panes(1, 0)
        paper.repeat_rows(0)

    def _head(self, look: Look) -> Any:
        align = "right" if look in _FORMATS and look is not Look.DAY else "left"
        colors = {"bg_color": "#1f3a5f", "font_color": "#ffffff"}
        return self._format(bold=True, text_wrap=True, valign="top", align=align, **colors)

    def _sheet(self, heading: str) -> Any:
        paper = self._book.add_worksheet(self._name(heading))
        paper.set_landscape()
        paper.set_paper(9)  # A4
        paper.fit_to_pages(1, 0)
        paper.set_header("&L&A&R&P / &N")
        return paper

    def _name(self, heading: str) -> str:
        """Return a name that Excel takes: 31 characters, no brackets or slashes, none twice."""
        plain = " ".join(_FORBIDDEN.sub(" ", heading).split())[:31] or "Sheet"
        name, number = plain, 2
        while name.casefold() in self._names:
            name, number = f"{plain[:27]} {number}", number + 1
        self._names.add(name.casefold())
        return name

    def _block(self, paper: Any, row: int, block: Block) -> int:
        match block:
            case Figures():
                for figure in block.figures:
                    paper.write_string(row, 0, figure.name, self._format(bold=True, valign="top"))
                    self._write(paper, row, 1, figure.value, figure.look)
                    noted = self._format(font_color="#555555", text_wrap=True, indent=1, valign="top")
                    paper.write_string(row, 2, figure.note, noted)
                    row += 1
            case Words(heading, lines) | Points(heading, lines):
                if heading:
                    paper.write_string(row, 0, heading, self._format(bold=True, font_size=12))
                    row += 1
                lines = lines or ((block.empty,) if isinstance(block, Points) else ())
                wrapped = self._format(text_wrap=True, valign="top")
                for line in lines:
                    paper.merge_range(row, 0, row, 2, "", wrapped)
                    paper.write_string(row, 0, line, wrapped)
                    paper.set_row(row, 15 * (1 + len(line) // 100))
                    row += 1
            case Table():
                return row
        return row + 1

    def _write(self, paper: Any, row: int, column: int, value: Cell, look: Look) -> None:
        """Write a value as what it is; text is never taken for a formula or an address."""
        match value:
            case None:
                paper.write_blank(row, column, None, self._format(valign="top"))
            case bool() | str():
                paper.write_string(row, column, shown(value, look), self._style(str(value), look))
            case date():
                paper.write_datetime(
                    row, column, datetime.combine(value, datetime.min.time()), self._style("", Look.DAY)
                )
            case _:
                paper.write_number(row, column, value, self._style("", look))

    def _style(self, value: str, look: Look) -> Any:
        if look is Look.COLOR and value in _COLORS:
            ground, ink = _COLORS[value]
            return self._format(bg_color=ground, font_color=ink, bold=True, valign="top")
        if look in _FORMATS:
            return self._format(num_format=_FORMATS[look], align="left" if look is Look.DAY else "right", valign="top")
        return self._format(text_wrap=True, valign="top", align="left")

    def _format(self, **given: Any) -> Any:
        key = tuple(sorted(given.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(given)
        return self._formats[key]


def _width(table: Table, number: int, column: Column) -> int:
    longest = max((len(shown(row[number], column.look)) for row in table.rows), default=0)
    return max(column.width, min(longest + 2, _WIDEST), len(column.name) + 3)
