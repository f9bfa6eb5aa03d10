"""Plain text to Atlassian Document Format and back, so that no rich text crosses our contract.

Used by `connectors.jira.shapes`. Each line is a paragraph, which makes reading our own text give exactly that text;
what people wrote with lists, tables, mentions or panels is read as its words.
Source of the format: developer.atlassian.com/cloud/jira/platform/apis/document/structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INLINE = frozenset({"paragraph", "heading", "codeBlock", "caption", "taskItem", "decisionItem"})
_ATTRIBUTE = {"mention": "text", "emoji": "text", "inlineCard": "url", "blockCard": "url", "status": "text"}


def document(text: str) -> dict[str, Any]:
    """Build a document of one paragraph per line; a blank line is an empty paragraph."""
    return {"type": "doc", "version": 1, "content": [_paragraph(line) for line in text.split("\n")]}


def plain(node: Any) -> str:
    """Return a document's words, one line per paragraph; a string (a field of old) is returned as it is."""
    if isinstance(node, str):
        return node
    return "\n".join(_lines(node)).strip("\n") if isinstance(node, Mapping) else ""


def _paragraph(line: str) -> dict[str, Any]:
    # A text node must not be empty (the vendor answers 400).
    return {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}


def _lines(node: Mapping[str, Any]) -> list[str]:
    kind = node.get("type")
    if kind in _INLINE:
        return _inline(node).split("\n")
    if kind == "tableRow":
        return [" | ".join(" ".join(_lines(cell)) for cell in _children(node))]
    lines = [line for child in _children(node) for line in _lines(child)]
    if kind == "listItem" and lines:
        return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]
    return lines if lines or _children(node) else [text for text in [_inline(node)] if text]


def _inline(node: Mapping[str, Any]) -> str:
    kind = str(node.get("type"))
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    if kind in _ATTRIBUTE:
        return str((node.get("attrs") or {}).get(_ATTRIBUTE[kind], ""))
    return "".join(_inline(child) for child in _children(node))


def _children(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = node.get("content")
    return [child for child in content if isinstance(child, Mapping)] if isinstance(content, list) else []
