"""One API call as the handlers see it: ids of the path, parameters parsed as the vendor parses them, access checks.

Built by `vendor.Smartsheet` for each request, used by every handler of this simulator. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Actor, Column, Container, Row, Sheet, State
from simulator.wire import BadJson, Request

ACCESS = ("", "VIEWER", "COMMENTER", "EDITOR", "EDITOR_SHARE", "ADMIN", "OWNER")
_KINDS: Mapping[str, type[Any]] = {
    **dict.fromkeys(("id", "parentId", "siblingId", "fromId", "destinationId", "scopeObjectId"), int),
    **dict.fromkeys(("index", "width", "indent", "outdent", "version"), int),
    **dict.fromkeys(("name", "newName", "title", "description", "text", "type", "symbol", "systemColumnType"), str),
    **dict.fromkeys(("destinationType", "scope", "callbackUrl", "url", "attachmentType"), str),
    **dict.fromkeys(("toTop", "toBottom", "above", "expanded", "locked"), bool),
    **dict.fromkeys(("primary", "hidden", "validation", "enabled"), bool),
    **dict.fromkeys(("columns", "cells", "options", "contactOptions", "events"), list),
    **dict.fromkeys(("comment", "subscope", "userSettings", "autoNumberFormat", "customHeaders"), dict),
}
"""The vendor reads bodies into typed objects; an attribute has one JSON type wherever it occurs."""


@dataclass(frozen=True)
class Call:
    """A request that has been let in."""

    state: State
    request: Request
    ids: tuple[int, ...]
    actor: Actor

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read a Boolean parameter in any case (the vendor's Python SDK sends `True`); raises Problem 1018."""
        text = self.request.arg(name)
        if text is None or text == "":
            return default
        if text.lower() not in {"true", "false"}:
            raise Problem(1018, text, name)
        return text.lower() == "true"

    def listed(self, name: str) -> list[str]:
        """Read a comma-separated parameter."""
        return [part.strip() for part in (self.request.arg(name) or "").split(",") if part.strip()]

    def whole(self, name: str, default: int, *, least: int = 1) -> int:
        """Read a whole number; raises Problem 1018."""
        text = self.request.arg(name)
        if text is None or text == "":
            return default
        if not text.isdigit() or len(text) > 16 or int(text) < least:
            raise Problem(1018, text, name)
        return int(text)

    def id_list(self, name: str) -> list[int]:
        """Read a list of ids; raises Problem 1018."""
        parts = self.listed(name)
        for part in parts:
            if not part.isdigit():
                raise Problem(1018, part, name)
        return [int(part) for part in parts]

    def moment(self, name: str) -> float | None:
        """Read a moment as epoch seconds; raises Problem 1018."""
        text = self.request.arg(name)
        return None if text is None or text == "" else parse_moment(text, name)

    def body(self) -> Any:
        """Read the JSON body; raises Problem 1008, 1024 or 1124."""
        if not self.request.body:
            raise Problem(1024)
        if "json" not in self.request.headers.get("content-type", "application/json"):
            raise Problem(1124)
        try:
            return self.request.json()
        except BadJson as error:
            raise Problem(1008, error) from error

    def record(self) -> dict[str, Any]:
        """Read a body that must be one object."""
        body = self.body()
        if not isinstance(body, dict):
            raise Problem(1008, "an object is expected")
        check_kinds(body)
        return body

    def records(self) -> tuple[list[dict[str, Any]], bool]:
        """Read a body of one object or several; the flag says whether the answer is a list."""
        body = self.body()
        many = isinstance(body, list)
        items = body if many else [body]
        if not all(isinstance(item, dict) for item in items):
            raise Problem(1008, "an object or a list of objects is expected")
        for item in items:
            check_kinds(item)
        return items, many

    def sheet(self, need: str = "VIEWER") -> Sheet:
        """Return the sheet that the path names; raises Problem 1006 or 1004."""
        return find_sheet(self.state, self.ids[0], need)

    def row(self, sheet: Sheet) -> Row:
        """Return the row that the path names; raises Problem 1006."""
        row = sheet.rows.get(self.ids[1])
        if row is None:
            raise Problem(1006)
        return row

    def column(self, sheet: Sheet, place: int = 1) -> Column:
        """Return the column that the path names; raises Problem 1006."""
        column = sheet.column(self.ids[place])
        if column is None:
            raise Problem(1006)
        return column

    def container(self, kind: str, need: str = "VIEWER") -> Container:
        """Return the workspace or folder that the path names; raises Problem 1006 or 1004."""
        return find_container(self.state, self.ids[0], kind, need)


def check_kinds(given: Mapping[str, Any]) -> None:
    """Insist on the JSON types of an object's attributes and of its columns'; raises Problem 1008."""
    for name, value in given.items():
        kind = _KINDS.get(name)
        if value is None or kind is None:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Problem(1008, f"the attribute {name} must be of type {kind.__name__}")
        if name in {"columns", "contactOptions"}:
            for item in value:
                if not isinstance(item, dict):
                    raise Problem(1008, f"the attribute {name} must be a list of objects")
                check_kinds(item)


def find_sheet(state: State, sheet_id: int, need: str = "VIEWER") -> Sheet:
    """Return a sheet on which the API's user has at least that access; raises Problem 1006 or 1004."""
    sheet = state.sheets.get(sheet_id)
    if sheet is None or not sheet.access:
        raise Problem(1006)
    if not allows(sheet.access, need):
        raise Problem(1004)
    return sheet


def find_container(state: State, container_id: int, kind: str, need: str = "VIEWER") -> Container:
    """Return a workspace or folder; raises Problem 1006 or 1004."""
    found = state.containers.get(container_id)
    if found is None or found.kind != kind or not found.access:
        raise Problem(1006)
    if not allows(found.access, need):
        raise Problem(1004)
    return found


def allows(access: str, need: str) -> bool:
    """Tell whether an access level suffices."""
    return ACCESS.index(access) >= ACCESS.index(need)


def parse_moment(text: str, name: str) -> float:
    """Read an ISO 8601 moment as epoch seconds, UTC when it names no zone; raises Problem 1018."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise Problem(1018, text, name) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@lru_cache(maxsize=65_536)
def stamp(second: int) -> str:
    """Write a second as the vendor does, `2026-11-01T09:00:00Z`."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def success(result: Any = None, *, version: int | None = None) -> dict[str, Any]:
    """Wrap the result of a write."""
    answer: dict[str, Any] = {"message": "SUCCESS", "resultCode": 0}
    if version is not None:
        answer["version"] = version
    if result is not None:
        answer["result"] = result
    return answer


def page_of(items: list[Any], call: Call, *, size: int = 100) -> tuple[list[Any], dict[str, int]]:
    """Cut a page; a page past the end is the last one, `includeAll` is a page of 30,000 (observed live, 2026)."""
    page, size = call.whole("page", 1), call.whole("pageSize", size)
    if call.flag("includeAll"):
        page, size = 1, 30_000
    pages = -(-len(items) // size)
    page = min(page, pages)
    start = max(0, (page - 1) * size)
    facts = {"pageNumber": page, "pageSize": size, "totalPages": pages, "totalCount": len(items)}
    return items[start : start + size], facts
