"""A report as one HTML file: for a browser, a phone and a printer. Called by `sync.reports.render`.

It fetches nothing from anywhere and runs no script; every text is escaped by the template engine.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sync.reports.page import Figures, Look, Page, Points, Table, Words, shown

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_NUMBERS = frozenset({Look.HOURS, Look.COUNT, Look.SHARE})


def web(page: Page) -> str:
    """Return the page as a whole HTML document."""
    template = _ENVIRONMENT.get_template("page.html.jinja")
    return template.render(page=page, kind=_kind, shown=shown, safe_link=_safe_link, numbers=_NUMBERS)


def _kind(block: object) -> str:
    names = {Table: "table", Figures: "figures", Words: "words", Points: "points"}
    return names[type(block)]


def _safe_link(text: str) -> bool:
    return text.startswith(("https://", "http://"))
