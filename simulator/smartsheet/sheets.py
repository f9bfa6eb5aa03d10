"""Sheets as a whole: list, create, read, rename, delete, copy, move.

Called by `routes`, `containers` and `people`. A new sheet has version 0; names need not be unique, so a repeated create
makes a second sheet of the same name, as the vendor does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.smartsheet.call import Call, find_container, page_of, stamp, success
from simulator.smartsheet.columns import read_columns
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.reading import View, permalink, show_cell, show_column, show_row, show_sheet, show_summary
from simulator.smartsheet.state import Cell, Column, Container, Row, Sheet, State

LONGEST_NAME = 50


def list_sheets(call: Call) -> dict[str, Any]:
    """GET /sheets: by name; `modifiedSince` is inclusive and follows the list's index, which lags."""
    index = call.state.index
    index.settle()
    since = call.moment("modifiedSince")
    limit = int(since) if since is not None else 0
    sheets = call.state.sheets
    found = [
        (sheet, entry)
        for number, entry in index.entries.items()
        if entry[0] >= limit and (sheet := sheets.get(number)) is not None and sheet.access
    ]
    found.sort(key=lambda pair: (pair[0].name.casefold(), pair[0].id))
    page, facts = page_of(found, call)
    versions = "sheetVersion" in call.listed("include")
    data = []
    for sheet, (modified, version) in page:
        shown = show_summary(sheet) | {"modifiedAt": stamp(modified)}
        data.append(shown | {"version": version} if versions else shown)
    return {**facts, "data": data}


def get_sheet(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}."""
    return show_sheet(call, call.sheet())


def get_version(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/version."""
    return {"version": call.sheet().version}


def get_row(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/rows/{id}."""
    sheet = call.sheet()
    row = call.row(sheet)
    sheet.order()
    view = View.of(call, sheet)
    shown = show_row(row, view) | {"sheetId": sheet.id, "version": sheet.version, "accessLevel": sheet.access}
    if "columns" in call.listed("include"):
        shown["columns"] = [show_column(sheet, column, view.level) for column in view.columns]
    return shown


def get_history(call: Call) -> dict[str, Any]:
    """GET /sheets/{id}/rows/{id}/columns/{id}/history: newest first."""
    sheet = call.sheet()
    row, column = call.row(sheet), call.column(sheet, 2)
    view = View.of(call, sheet)
    past = row.history.get(column.id) or [(row.cells.get(column.id, Cell()), row.created, row.created_by)]
    shown = [
        show_cell(cell, column, view)
        | {"modifiedAt": stamp(when), "modifiedBy": {"email": who.email, "name": who.name}}
        for cell, when, who in reversed(past)
    ]
    page, facts = page_of(shown, call)
    return {**facts, "data": page}


def create_sheet(call: Call) -> dict[str, Any]:
    """POST /sheets: in the owner's own folder."""
    return _create(call, None)


def create_sheet_in_workspace(call: Call) -> dict[str, Any]:
    """POST /workspaces/{id}/sheets."""
    return _create(call, call.container("workspace", "ADMIN"))


def create_sheet_in_folder(call: Call) -> dict[str, Any]:
    """POST /folders/{id}/sheets."""
    return _create(call, call.container("folder", "ADMIN"))


def update_sheet(call: Call) -> dict[str, Any]:
    """PUT /sheets/{id}: the name and the user's settings."""
    sheet = call.sheet("ADMIN")
    given = call.record()
    if strange := given.keys() - {"name", "userSettings", "projectSettings"}:
        raise Problem(1032, ", ".join(sorted(f"sheet.{name}" for name in strange)))
    name = read_name(given, "sheet") if "name" in given else sheet.name
    sheet.name = name
    sheet.settings |= given.get("userSettings") or {}
    call.state.stamp(sheet)
    shown = show_summary(sheet) | {"userSettings": sheet.settings}
    return success(shown, version=sheet.version)


def delete_sheet(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}."""
    call.state.drop(call.sheet("OWNER"))
    return success()


def copy_sheet(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/copy: columns only, unless `include` names `data`."""
    sheet = call.sheet()
    given = call.record()
    target = read_destination(call, given)
    name = read_name({"name": given.get("newName") or f"Copy of {sheet.name}"[:LONGEST_NAME]}, "newName")
    copy = duplicate(call.state, sheet, name, target, data=wants_data(call))
    return success(show_summary(copy))


def move_sheet(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/move."""
    sheet = call.sheet("OWNER")
    relocate(call.state, sheet, read_destination(call, call.record()))
    return success(show_summary(sheet))


def wants_data(call: Call) -> bool:
    """Tell whether a copy is to take the rows along."""
    return bool({"data", "all"} & set(call.listed("include")))


def read_name(given: Mapping[str, Any], kind: str) -> str:
    """Return the name in a body; raises Problem 1012 or 1041."""
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Problem(1012, f"{kind}.name")
    if len(name) > LONGEST_NAME:
        raise Problem(1041, f"{kind}.name", LONGEST_NAME, len(name))
    return name


def read_destination(call: Call, given: Mapping[str, Any]) -> Container | None:
    """Return where a copy or move goes, None for the owner's own folder; raises Problem."""
    kind = given.get("destinationType")
    if kind == "home":
        return None
    if kind not in {"folder", "workspace"}:
        raise Problem(
            1012 if kind is None else 1031, *(("destinationType",) if kind is None else (kind, "destinationType"))
        )
    if not given.get("destinationId"):
        raise Problem(1012, "destinationId")
    return find_container(call.state, given["destinationId"], kind, "ADMIN")


def relocate(state: State, sheet: Sheet, target: Container | None) -> None:
    """File a sheet somewhere else; its content, version and stamp stay as they are."""
    if sheet.container is not None:
        del state.containers[sheet.container].items[sheet.id]
    sheet.container = target.id if target else None
    if target is not None:
        target.items[sheet.id] = "sheet"


def duplicate(state: State, sheet: Sheet, name: str, target: Container | None, *, data: bool) -> Sheet:
    """Copy a sheet with fresh ids everywhere; rows come along when `data` says so, hidden keys and all."""
    now = state.now()
    columns = {
        column.id: Column(**{slot: getattr(column, slot) for slot in Column.__slots__} | {"id": state.new_id()})
        for column in sheet.columns
    }
    copy = Sheet(state.new_id(), name, list(columns.values()), target.id if target else None, now, now)
    copy.dependencies = sheet.dependencies
    copies: dict[int, Row] = {}
    for row in sheet.order() if data else ():
        copy.last_serial += 1
        cells = {columns[number].id: cell for number, cell in row.cells.items()}
        twin = Row(state.new_id(), cells, now, now, row.created_by, row.modified_by, serial=copy.last_serial)
        twin.locked, twin.expanded = row.locked, row.expanded
        parent = copies[row.parent.id] if row.parent is not None else None
        copies[row.id] = twin
        copy.place([twin], parent, len(copy.siblings(parent)))
    state.adopt(copy)
    return copy


def _create(call: Call, target: Container | None) -> dict[str, Any]:
    given = call.record()
    name = read_name(given, "sheet")
    if given.get("fromId"):
        source = call.state.sheets.get(given["fromId"])
        if source is None or not source.access:
            raise Problem(1033, given["fromId"])
        sheet = duplicate(call.state, source, name, target, data=wants_data(call))
    else:
        columns = read_columns(call.state, given.get("columns"))
        now = call.state.now()
        sheet = Sheet(call.state.new_id(), name, columns, target.id if target else None, now, now)
        call.state.adopt(sheet)
    shown = {
        "id": sheet.id,
        "name": sheet.name,
        "accessLevel": sheet.access,
        "permalink": permalink("sheets", sheet.id),
    }
    return success(shown | {"columns": [show_column(sheet, column, 2) for column in sheet.columns]})
