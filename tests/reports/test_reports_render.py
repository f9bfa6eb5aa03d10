"""One page in every format: the same values, no text of anybody's taken for markup, the same bytes each time."""

from __future__ import annotations

import csv
import io
import time
from datetime import date
from html.parser import HTMLParser

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sync.reports.csvs import csvs
from sync.reports.markdown import markdown
from sync.reports.page import Column, Figure, Figures, Look, Page, Points, Table, Words
from sync.reports.sheet import sheet
from sync.reports.web import web

NASTY = [
    "=HYPERLINK('http://evil')",
    "+1",
    "-1",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "[a](javascript:x)",
    "# not a heading",
    "a | b",
    "1. no list",
    "- no list",
    "*no* `code` _here_",
    "one\ntwo",
    "javascript:alert(1)",
]


def page(*texts: str) -> Page:
    columns = (
        Column("Task"),
        Column("Due", Look.DAY),
        Column("Hours", Look.HOURS),
        Column("Share", Look.SHARE),
        Column("Health", Look.COLOR),
        Column("Link", Look.LINK),
    )
    rows = [(text, date(2026, 11, 2), 1.5, 0.25, "red", text) for text in texts]
    return Page(
        "Weekly: Acme",
        "Week of 2 Nov 2026",
        date(2026, 11, 6),
        (
            Figures((Figure("Health", "amber", Look.COLOR, "late"), Figure("Hours", 1234.5, Look.HOURS))),
            Words("Summary", texts),
            Points("Next", texts, boxes=True),
            Table("Tasks", columns, tuple(rows)),
            Table("Tasks", (Column("Nothing"),), ()),
        ),
        "For the customer.",
    )


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_every_text_as_text_and_fetches_nothing() -> None:
    seen = _Seen()
    seen.feed(web(page(*NASTY, "https://example.com/x?a=1&b=2")))
    assert not seen.tags & {"script", "img", "link", "iframe", "form", "input"}
    assert seen.links == ["https://example.com/x?a=1&b=2"]
    for text in NASTY:
        assert text in seen.text


@pytest.mark.parametrize("text", NASTY)
def test_markdown_shows_every_text_as_text(text: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown(page(text)))
    whole = parser.render(markdown(page(text)))
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", "h2", "h2", "h2", "h2"]
    assert sum(token.type in {"bullet_list_open", "ordered_list_open"} for token in tokens) == 1
    assert sum(token.type == "td_open" for token in tokens) == 4 + 6
    assert not {"<script", 'href="javascript', "<em>", "<code>"} & {
        part for part in ("<script", 'href="javascript', "<em>", "<code>") if part in whole
    }


@pytest.mark.parametrize("text", NASTY)
def test_a_workbook_holds_values_and_never_a_formula(text: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet(page(text))))
    assert book.sheetnames == ["Weekly Acme", "Tasks", "Tasks 2"]
    row = list(book["Tasks"][2])
    assert [cell.data_type for cell in row] == ["s", "d", "n", "n", "s", "s"]
    assert [row[0].value, row[1].value.date(), row[2].value, row[3].value] == [text, date(2026, 11, 2), 1.5, 0.25]
    assert all(cell.data_type != "f" for paper in book for line in paper for cell in line)
    assert row[5].hyperlink is None


def test_a_csv_holds_iso_dates_and_numbers_and_nothing_that_calculates() -> None:
    lines = list(csv.reader(io.StringIO(csvs(page(*NASTY)))))
    assert lines[0] == ["Tasks"]
    assert lines[1] == ["Task", "Due", "Hours", "Share", "Health", "Link"]
    assert lines[2][1:5] == ["2026-11-02", "1.5", "0.25", "red"]
    for line, text in zip(lines[2:], NASTY, strict=False):
        assert line[0] == ("'" + text if text[0] in "=+-@" else text)


def test_the_same_page_gives_the_same_bytes() -> None:
    first = sheet(page("a"))
    time.sleep(1.1)  # a workbook that says when it was made would differ from the next second on
    assert sheet(page("a")) == first
    assert web(page("a")) == web(page("a"))


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_a_format(text: str) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(markdown(page(text)))
    assert sum(token.type == "td_open" for token in tokens) == 4 + 6
    web(page(text))
    assert len(list(csv.reader(io.StringIO(csvs(page(text)))))) == 6
