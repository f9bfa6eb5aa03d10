"""Atlassian Document Format: the check that v3 does, and the way between plain text and documents that v2 takes.

Called by `values` and the handlers of comments and worklogs. v2 strings are wiki markup; of that markup only paragraphs
and line breaks matter here, so everything else stays text.
"""

from __future__ import annotations

from typing import Any

_INLINE = frozenset({"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "media", "mediaInline"})
_BLOCK = frozenset({
    "paragraph", "heading", "bulletList", "orderedList", "taskList", "decisionList", "codeBlock", "blockquote", "panel",
    "rule", "table", "mediaSingle", "mediaGroup", "expand", "nestedExpand", "blockCard", "embedCard", "extension",
})  # fmt: skip
_ITEM = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "taskList"})
_CONTENT: dict[str, frozenset[str]] = {
    "doc": _BLOCK, "paragraph": _INLINE, "heading": _INLINE, "codeBlock": frozenset({"text"}),
    "bulletList": frozenset({"listItem"}), "orderedList": frozenset({"listItem"}), "listItem": _ITEM,
    "taskList": frozenset({"taskItem", "taskList"}), "taskItem": _INLINE, "decisionItem": _INLINE,
    "decisionList": frozenset({"decisionItem"}), "blockquote": _ITEM, "panel": _BLOCK, "expand": _BLOCK,
    "nestedExpand": _BLOCK, "table": frozenset({"tableRow"}), "tableRow": frozenset({"tableCell", "tableHeader"}),
    "tableCell": _BLOCK, "tableHeader": _BLOCK, "mediaSingle": frozenset({"media", "caption"}), "caption": _INLINE,
    "mediaGroup": frozenset({"media"}),
}  # fmt: skip
_MARKS = frozenset({
    "strong", "em", "code", "link", "strike", "underline", "subsup", "textColor", "backgroundColor", "border",
})  # fmt: skip
_KEYS = frozenset({"type", "content", "attrs", "marks", "text", "version"})

Document = dict[str, Any]


def is_document(value: Any) -> bool:
    """Tell whether v3 would take this as a document."""
    return (
        isinstance(value, dict)
        and value.get("type") == "doc"
        and value.get("version") == 1
        and isinstance(value.get("content"), list)
        and all(_fits(child, _BLOCK) for child in value["content"])
    )


def _fits(node: Any, allowed: frozenset[str]) -> bool:
    if not isinstance(node, dict) or node.get("type") not in allowed or set(node) - _KEYS:
        return False
    kind = node["type"]
    if kind == "text":
        marks = node.get("marks", [])
        return bool(node.get("text")) and isinstance(node["text"], str) and all(_is_mark(mark) for mark in marks)
    if kind == "heading" and node.get("attrs", {}).get("level") not in range(1, 7):
        return False
    content = node.get("content", [])
    return isinstance(content, list) and all(_fits(child, _CONTENT.get(kind, frozenset())) for child in content)


def _is_mark(mark: Any) -> bool:
    return isinstance(mark, dict) and mark.get("type") in _MARKS


def from_text(text: str) -> Document:
    """Turn plain text into a document: blank lines part paragraphs, line ends become breaks."""
    paragraphs = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in paragraphs]}


def _paragraph(text: str) -> Document:
    content: list[Document] = []
    for line in text.strip("\n").split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def to_text(node: Any) -> str:
    """Turn a document into the text that v2 shows and that JQL's `~` searches."""
    if not isinstance(node, dict):
        return ""
    kind = node.get("type")
    if kind == "text":
        return str(node.get("text", ""))
    if kind == "hardBreak":
        return "\n"
    if kind in {"mention", "emoji", "status"}:
        return str(node.get("attrs", {}).get("text", ""))
    parts = [to_text(child) for child in node.get("content", [])]
    if kind == "doc":
        return "\n\n".join(parts)
    if kind in {"bulletList", "orderedList", "taskList", "listItem", "table", "panel", "blockquote"}:
        return "\n".join(f"* {part}" if kind == "bulletList" else part for part in parts)
    return "".join(parts)
