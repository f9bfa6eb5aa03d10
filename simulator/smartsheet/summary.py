"""The sheet summary: named fields beside the rows, one value each.

Called by `routes`. Values are read as cells of a column of the same type are. A field may be added by title once only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.smartsheet.call import Call, page_of, stamp, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Column, Sheet
from simulator.smartsheet.values import read_cell

_TYPES = frozenset({"TEXT_NUMBER", "DATE", "CHECKBOX", "PICKLIST", "CONTACT_LIST", "MULTI_PICKLIST"})
_WRITABLE = frozenset({"id", "title", "type", "objectValue", "options", "validation", "symbol", "index", "locked"})


def get_summary(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/summary."""
    return {"fields": _in_order(call.sheet())}


def list_fields(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/summary/fields."""
    page, facts = page_of(_in_order(call.sheet()), call)
    return {**facts, "data": page}


def add_fields(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/summary/fields."""
    sheet = call.sheet("ADMIN")
    given, many = call.records()
    made: list[dict[str, Any]] = []
    for item in given:
        if "id" in item:
            raise Problem(1032, "field.id")
        made.append(_field(call, sheet, {"index": len(sheet.summary) + len(made)}, item, made))
    return _file(call, sheet, made, many=many)


def update_fields(call: Call) -> dict[str, Any]:
    """PUT /sheets/{id}/summary/fields."""
    sheet = call.sheet("EDITOR")
    given, many = call.records()
    changed: list[dict[str, Any]] = []
    for item in given:
        if not item.get("id"):
            raise Problem(1012, "field.id")
        if item["id"] not in sheet.summary:
            raise Problem(1006)
        changed.append(_field(call, sheet, sheet.summary[item["id"]], item, changed))
    return _file(call, sheet, changed, many=many)


def delete_fields(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/summary/fields with ids."""
    sheet = call.sheet("ADMIN")
    wanted = call.id_list("ids")
    if not wanted:
        raise Problem(1009, "ids")
    known = [number for number in wanted if number in sheet.summary]
    if len(known) < len(wanted) and not call.flag("ignoreSummaryFieldsNotFound"):
        raise Problem(1006)
    for number in known:
        del sheet.summary[number]
    call.state.stamp(sheet)
    return success(known, version=sheet.version)


def _field(
    call: Call, sheet: Sheet, old: Mapping[str, Any], given: Mapping[str, Any], siblings: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a field as a write leaves it; raises Problem."""
    if strange := given.keys() - _WRITABLE:
        raise Problem(1032, ", ".join(sorted(f"field.{name}" for name in strange)))
    field = {**old, **given}
    for name in ("title", "type"):
        if not field.get(name):
            raise Problem(1012, f"field.{name}")
    if field["type"] not in _TYPES:
        raise Problem(1008, f"unknown field type {field['type']}")
    number = field.setdefault("id", call.state.new_id())
    taken = {each["title"] for each in (*sheet.summary.values(), *siblings) if each["id"] != number}
    if field["title"] in taken:
        raise Problem(1056)
    column = Column(number, field["title"], field["type"], options=tuple(field.get("options") or ()))
    if given.get("objectValue") is not None:
        rich = given["objectValue"]
        named = {"objectValue": rich} if isinstance(rich, dict) else {"value": rich}
        cell = read_cell(named, column, call.state)
        field["objectValue"] = None if cell is None else rich
        field["displayValue"] = "" if cell is None else str(cell.display or cell.value)
    who = {"email": call.actor.user.email, "name": call.actor.user.name}
    now = stamp(call.state.now())
    return {"createdAt": now, "createdBy": who, **field, "modifiedAt": now, "modifiedBy": who}


def _file(call: Call, sheet: Sheet, fields: list[dict[str, Any]], *, many: bool) -> dict[str, Any]:
    sheet.summary |= {field["id"]: field for field in fields}
    call.state.stamp(sheet)
    return success(fields if many else fields[0], version=sheet.version)


def _in_order(sheet: Sheet) -> list[dict[str, Any]]:
    return sorted(sheet.summary.values(), key=lambda field: (field["index"], field["id"]))
