"""One page, in the format that was asked for. Called by `closedwon report` and the examples.

A writer is imported when its format is asked for: a daemon need not keep an office writer in memory.
"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Any

from sync.reports.csvs import csvs
from sync.reports.markdown import markdown
from sync.reports.page import Page


class Format(StrEnum):
    """What a report may be written as; the value is the end of a file's name."""

    MARKDOWN = "md"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"
    ICS = "ics"


def render(page: Page, form: Format) -> bytes:
    """Return a page's bytes: the same page gives the same bytes."""
    match form:
        case Format.MARKDOWN:
            return markdown(page).encode()
        case Format.HTML:
            from sync.reports.web import web  # noqa: PLC0415 - see above

            return web(page).encode()
        case Format.XLSX:
            from sync.reports.sheet import sheet  # noqa: PLC0415 - see above

            return sheet(page)
        case Format.CSV:
            return csvs(page).encode("utf-8-sig")
        case Format.ICS:
            from sync.reports.ics import ics  # noqa: PLC0415 - see above

            return ics(page)


def model(page: Page) -> dict[str, Any]:
    """Return a page as plain values, for `--json`; each block tells its kind."""
    blocks = [{"kind": type(block).__name__.lower(), **asdict(block)} for block in page.blocks]
    return {**asdict(page), "blocks": blocks}
