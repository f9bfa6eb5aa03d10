"""Columns: what the vendor accepts when a sheet is made and when columns are added, changed or deleted.

Called by `routes`, `sheets` and `people`. Types that only project sheets have cannot be made through the API (1142).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.smartsheet.call import Call, page_of, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.reading import show_column
from simulator.smartsheet.state import Actor, Column, Sheet, State

MOST_COLUMNS = 400
LONGEST_TITLE = 50
_TYPES = frozenset(
    {"TEXT_NUMBER", "DATE", "CONTACT_LIST", "CHECKBOX", "PICKLIST", "MULTI_CONTACT_LIST", "MULTI_PICKLIST"}
)
_RESERVED = frozenset({"DURATION", "PREDECESSOR", "ABSTRACT_DATETIME"})
_SYSTEM = {
    "AUTO_NUMBER": "TEXT_NUMBER",
    "MODIFIED_DATE": "DATETIME",
    "MODIFIED_BY": "CONTACT_LIST",
    "CREATED_DATE": "DATETIME",
    "CREATED_BY": "CONTACT_LIST",
}
_TICK_SYMBOLS = frozenset({"STAR", "FLAG"})


def list_columns(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/columns."""
    sheet = call.sheet()
    level = call.whole("level", 0, least=0)
    shown = [show_column(sheet, column, level) for column in sheet.columns]
    page, facts = page_of(shown, call)
    return {**facts, "data": page}


def get_column(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/columns/{id}."""
    sheet = call.sheet()
    return show_column(sheet, call.column(sheet), call.whole("level", 0, least=0))


def add_columns(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/columns: one object or several, side by side from the first one's `index` on."""
    sheet = call.sheet("ADMIN")
    given, many = call.records()
    for item in given:
        if not isinstance(item.get("index"), int):
            raise Problem(1012, "column.index")
    if len({item["index"] for item in given}) > 1:
        raise Problem(1031, given[-1]["index"], "column.index")
    made = [read_column(call.state, item) for item in given]
    if any(column.primary for column in made):
        raise Problem(1055)
    _check_set([*sheet.columns, *made])
    if (len(sheet.columns) + len(made)) * len(sheet.rows) > 500_000:
        raise Problem(1061, "columns")
    at = min(given[0]["index"], len(sheet.columns)) if given else 0
    sheet.columns[at:at] = made
    call.state.commit(sheet, [_event("created", column.id) for column in made], call.actor)
    shown = [show_column(sheet, column, 2) for column in made]
    return success(shown if many else shown[0], version=sheet.version)


def update_column(call: Call) -> dict[str, Any]:
    """PUT /sheets/{id}/columns/{id}."""
    sheet = call.sheet("ADMIN")
    column = call.column(sheet)
    change_column(call.state, sheet, column, call.record(), call.actor)
    return success(show_column(sheet, column, 2), version=sheet.version)


def delete_column(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/columns/{id}."""
    sheet = call.sheet("ADMIN")
    drop_column(call.state, sheet, call.column(sheet), call.actor)
    return success(version=sheet.version)


def change_column(state: State, sheet: Sheet, column: Column, given: Mapping[str, Any], actor: Actor) -> None:
    """Change a column's title, type, options, place or looks; raises Problem and then nothing has changed."""
    if "id" in given and given["id"] != column.id:
        raise Problem(1032, "column.id")
    retyped = {"symbol", "systemColumnType", "options"} & given.keys()
    if retyped and "type" not in given:
        raise Problem(1090)
    if column.project and given.get("type", column.type) != column.type:
        raise Problem(1142, column.type)
    merged: dict[str, Any] = {
        "title": column.title,
        "type": column.type,
        "primary": column.primary,
        "symbol": column.symbol,
        "options": list(column.options),
        "systemColumnType": column.system,
        "contactOptions": list(column.contacts),
        "validation": column.validation,
        "hidden": column.hidden,
        "locked": column.locked,
        "width": column.width,
        "description": column.description,
    }
    if "type" in given and given["type"] != column.type:
        merged |= {"options": [], "symbol": None, "systemColumnType": None}
    changed = read_column(state, {**merged, **{key: value for key, value in given.items() if key != "id"}}, old=column)
    if column.primary != changed.primary:
        raise Problem(1055)
    _check_set([changed if each is column else each for each in sheet.columns])
    for name in ("title", "type", "options", "symbol", "system", "contacts", "hidden", "locked", "validation", "width"):
        setattr(column, name, getattr(changed, name))
    column.description = changed.description
    column.version += 1
    if isinstance(given.get("index"), int):
        sheet.columns.remove(column)
        sheet.columns.insert(given["index"], column)
    state.commit(sheet, [_event("updated", column.id)], actor)


def drop_column(state: State, sheet: Sheet, column: Column, actor: Actor) -> None:
    """Delete a column with its cells; raises Problem 1065 for the primary one."""
    if column.primary:
        raise Problem(1065)
    sheet.columns.remove(column)
    for row in sheet.rows.values():
        row.cells.pop(column.id, None)
        row.history.pop(column.id, None)
    state.commit(sheet, [_event("deleted", column.id)], actor)


def read_columns(state: State, given: Any) -> list[Column]:
    """Return the columns of a new sheet; raises Problem."""
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise Problem(1054)
    columns = [read_column(state, item) for item in given]
    if sum(column.primary for column in columns) != 1:
        raise Problem(1055)
    _check_set(columns)
    return columns


def read_column(state: State, given: Mapping[str, Any], *, old: Column | None = None) -> Column:
    """Return one column as a write describes it; raises Problem."""
    title, kind, system = given.get("title"), given.get("type"), given.get("systemColumnType")
    if "id" in given:
        raise Problem(1032, "column.id")
    if not isinstance(title, str) or not title.strip():
        raise Problem(1012, "column.title")
    if len(title) > LONGEST_TITLE:
        raise Problem(1041, "column.title", LONGEST_TITLE, len(title))
    if not kind:
        raise Problem(1012, "column.type")
    if old is None or old.type != kind:
        _check_type(kind, system)
    primary = bool(given.get("primary"))
    if primary and kind != "TEXT_NUMBER":
        raise Problem(1057)
    return Column(
        id=old.id if old else state.new_id(),
        title=title,
        type=kind,
        primary=primary,
        options=_options(given, kind),
        symbol=given.get("symbol"),
        system=system,
        contacts=tuple(given.get("contactOptions") or ()),
        hidden=bool(given.get("hidden")),
        locked=bool(given.get("locked")),
        validation=bool(given.get("validation")),
        width=given.get("width") or 150,
        description=given.get("description"),
        number_format=given.get("autoNumberFormat"),
    )


def _check_type(kind: object, system: object) -> None:
    if system is not None:
        if system not in _SYSTEM:
            raise Problem(1008, f"unknown systemColumnType {system}")
        if kind != _SYSTEM[str(system)]:
            raise Problem(1079, kind, system)
        return
    if kind in _RESERVED:
        raise Problem(1142, kind)
    if kind == "DATETIME":
        raise Problem(1089)
    if kind not in _TYPES:
        raise Problem(1008, f"unknown column type {kind}")


def _options(given: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    options, symbol = given.get("options") or [], given.get("symbol")
    if symbol is not None:
        if kind not in {"PICKLIST", "CHECKBOX"} or (symbol in _TICK_SYMBOLS) != (kind == "CHECKBOX"):
            raise Problem(1058, symbol, kind)
        if options and kind == "CHECKBOX":
            raise Problem(1059)
    if options and kind not in {"PICKLIST", "MULTI_PICKLIST"}:
        raise Problem(1060, kind)
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise Problem(1008, "column.options must be a list of strings")
    return tuple(options)


def _check_set(columns: Sequence[Column]) -> None:
    titles = [column.title.casefold() for column in columns]
    if len(set(titles)) < len(titles):
        raise Problem(1056)
    systems = [column.system for column in columns if column.system]
    for system in systems:
        if systems.count(system) > 1:
            raise Problem(1077, system)
    if len(columns) > MOST_COLUMNS:
        raise Problem(1061, "columns")


def _event(kind: str, column_id: int) -> dict[str, Any]:
    return {"objectType": "column", "eventType": kind, "id": column_id}
