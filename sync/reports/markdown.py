"""A report as Markdown: for a wiki, a ticket or an e-mail's text. Called by `sync.reports.render`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sync.reports.page import Block, Figures, Look, Page, Points, Table, Words, shown

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")
_LISTED = re.compile(r"^(\d*)([-+.)~=])")
"""What would begin a list or underline a heading at the start of a line."""

_RIGHT = frozenset({Look.HOURS, Look.COUNT, Look.SHARE})


def markdown(page: Page) -> str:
    """Return the page as Markdown. Text of people's is escaped: it makes no heading, link, table or tag."""
    lines = [f"# {_safe(page.title)}", "", _safe(page.subtitle), ""]
    for block in page.blocks:
        lines += [*_block(block), ""]
    if page.footer:
        lines += ["---", "", _safe(page.footer), ""]
    return "\n".join(lines)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Figures():
            yield "| | |"
            yield "|---|---|"
            for figure in block.figures:
                note = f" ({_safe(figure.note)})" if figure.note else ""
                yield f"| {_safe(figure.name)} | **{_safe(shown(figure.value, figure.look))}**{note} |"
        case Words():
            yield from _heading(block.heading)
            for number, paragraph in enumerate(block.paragraphs):
                if number:
                    yield ""
                yield _safe(paragraph)
        case Points():
            yield from _heading(block.heading)
            mark = "- [ ] " if block.boxes else "- "
            yield from (mark + _safe(point) for point in block.points)
            if not block.points:
                yield _safe(block.empty)
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    yield from _heading(table.heading)
    if not table.rows:
        yield _safe(table.empty)
        return
    yield "| " + " | ".join(_safe(column.name) for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.look in _RIGHT else "---" for column in table.columns) + "|"
    for row in table.rows:
        cells = (
            _cell(shown(value, column.look), column.look) for value, column in zip(row, table.columns, strict=True)
        )
        yield "| " + " | ".join(cells) + " |"


def _cell(text: str, look: Look) -> str:
    if look is Look.LINK and text.startswith(("https://", "http://")):
        return f"<{text.replace('|', '%7C').replace('>', '%3E').replace(' ', '%20')}>"
    return _safe(text)


def _heading(heading: str) -> Iterator[str]:
    if heading:
        yield f"## {_safe(heading)}"
        yield ""


def _safe(text: str) -> str:
    """Escape what Markdown would take for its own, and keep a text in its line."""
    line = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _LISTED.sub(r"\1\\\2", line)
