"""Reads the project's documents as a newcomer does: their fenced blocks, commands and links. Used by these tests only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = (
    README,
    *(
        ROOT / "docs" / name
        for name in ("your-own-deals.md", "operations.md", "receiver.md", "vendor-facts.md", "jira.md", "smartsheet.md")
    ),
    ROOT / "docs" / "salesforce" / "README.md",
)
_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w+)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"\bclosedwon (?P<name>[a-z]+)(?P<rest>[^`|\n]*)")
_LINK = re.compile(r"\]\((?!https?:)(?P<path>[^)#]+)(?:#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    """One fenced block, without its indentation."""

    kind: str
    text: str


def section(page: Path, heading: str) -> str:
    """Return what stands under a heading of the second level."""
    parts = re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return next(part for part in parts if part.startswith(heading))


def blocks(text: str, kind: str) -> list[Block]:
    """Return the fenced blocks of a kind."""
    found = []
    for match in _FENCE.finditer(text):
        indent = len(match["indent"])
        body = "".join(line[indent:] if line.strip() else line for line in match["body"].splitlines(keepends=True))
        found.append(Block(match["kind"], body))
    return [block for block in found if block.kind == kind]


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Return every command of ours that a text names, with its long options."""
    return [(match["name"], re.findall(r"--[a-z-]+", match["rest"])) for match in _COMMAND.finditer(text)]


def links(page: Path) -> list[Path]:
    """Return the files that a page points to."""
    return [page.parent / match["path"] for match in _LINK.finditer(page.read_text(encoding="utf-8"))]
