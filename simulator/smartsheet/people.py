"""What people do in Smartsheet's own pages: tick, type, move, copy, delete, rename, comment, share, unshare.

Called by `vendor.Smartsheet.act`. Every action takes `sheet` (id or name), `who` (an e-mail address) and its own
arguments; rows are named by id or row number, columns by id or title. People are not held to the API's strictness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.smartsheet import columns, discussions, rows, sheets
from simulator.smartsheet.call import find_container
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.places import Place, move
from simulator.smartsheet.state import Actor, Cell, Column, Row, Sheet, State
from simulator.smartsheet.values import read_cell

Args = Mapping[str, Any]


class NoSuchThing(LookupError):
    """An action names a sheet, row or column that is not there."""


def act(state: State, action: str, args: Args) -> dict[str, Any]:
    """Do what a person would do; raises KeyError for an unknown action, NoSuchThing or Problem for a wrong argument."""
    do = ACTIONS[action]
    sheet = _sheet(state, args["sheet"])
    actor = Actor(state.user(str(args.get("who", "cleo@example.com"))))
    done = do(state, sheet, args, actor)
    return {"sheet": sheet.id, "version": sheet.version, **(done or {})}


def _set_cell(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    row, column = _row(sheet, args["row"]), _column(sheet, args["column"])
    cell = _typed(state, column, args.get("value"))
    rows.change_rows(state, sheet, [rows.Draft({column.id: cell}, Place(), row)], actor)
    return {"row": row.id, "column": column.id}


def _tick_row(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    return _set_cell(state, sheet, {"column": _first(sheet, "CHECKBOX"), "value": True, **args}, actor)


def _set_status(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    return _set_cell(state, sheet, {"column": _first(sheet, "PICKLIST"), **args}, actor)


def _move_date(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    return _set_cell(state, sheet, {"column": _first(sheet, "DATE"), **args}, actor)


def _add_row(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    cells = {}
    for name, value in dict(args.get("cells") or {}).items():
        column = _column(sheet, name)
        cells[column.id] = _typed(state, column, value)
    parent = _row(sheet, args["parent"]).id if args.get("parent") else None
    made = rows.create_rows(state, sheet, [cells], Place(to_bottom=True, parent=parent), actor)
    return {"row": made[0].id}


def _copy_row(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    """Copy a row with all its cells, hidden ones too: this is how keys come to exist twice."""
    row = _row(sheet, args["row"])
    target = _sheet(state, args["to"]) if args.get("to") else sheet
    titles = {column.title: column.id for column in target.columns}
    names = {column.id: column.title for column in sheet.columns}
    cells: dict[int, Cell | None] = {
        titles[names[number]]: cell for number, cell in row.cells.items() if names[number] in titles
    }
    place = Place(sibling=row.id) if target is sheet else Place(to_bottom=True)
    made = rows.create_rows(state, target, [cells], place, actor)
    return {"row": made[0].id}


def _delete_row(state: State, sheet: Sheet, args: Args, actor: Actor) -> None:
    rows.remove_rows(state, sheet, [_row(sheet, args["row"]).id], actor)


def _move_row(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    """Move a row: `to` is top, bottom, indent or outdent, or `parent`, `below` or `above` names a row."""
    row = _row(sheet, args["row"])
    to = args.get("to")
    place = Place(
        to_top=to == "top", to_bottom=to == "bottom", indent=int(to == "indent"), outdent=int(to == "outdent")
    )
    if args.get("parent"):
        place = Place(to_bottom=True, parent=_row(sheet, args["parent"]).id)
    elif args.get("below") or args.get("above"):
        place = Place(sibling=_row(sheet, args.get("below") or args["above"]).id, above=bool(args.get("above")))
    move(sheet, [row], place)
    rows.change_rows(state, sheet, [rows.Draft({}, Place(), row)], actor)
    return {"row": row.id}


def _rename_column(state: State, sheet: Sheet, args: Args, actor: Actor) -> None:
    columns.change_column(state, sheet, _column(sheet, args["column"]), {"title": args["title"]}, actor)


def _edit_options(state: State, sheet: Sheet, args: Args, actor: Actor) -> None:
    column = _column(sheet, args["column"])
    columns.change_column(state, sheet, column, {"type": column.type, "options": list(args["options"])}, actor)


def _delete_column(state: State, sheet: Sheet, args: Args, actor: Actor) -> None:
    columns.drop_column(state, sheet, _column(sheet, args["column"]), actor)


def _lock(_: State, sheet: Sheet, args: Args, __: Actor) -> None:
    """Lock or unlock a column or a row."""
    locked = bool(args.get("locked", True))
    if args.get("column"):
        _column(sheet, args["column"]).locked = locked
    else:
        _row(sheet, args["row"]).locked = locked


def _rename_sheet(state: State, sheet: Sheet, args: Args, _: Actor) -> None:
    sheet.name = sheets.read_name({"name": args["name"]}, "sheet")
    state.stamp(sheet)


def _delete_sheet(state: State, sheet: Sheet, _: Args, __: Actor) -> None:
    state.drop(sheet)


def _move_sheet(state: State, sheet: Sheet, args: Args, _: Actor) -> None:
    """Move a sheet to a workspace or folder (`to`, with `kind`), or to the person's own folder without `to`."""
    to = args.get("to")
    target = find_container(state, int(to), str(args.get("kind", "workspace"))) if to else None
    sheets.relocate(state, sheet, target)


def _share(state: State, sheet: Sheet, args: Args, _: Actor) -> None:
    """Give the API's user another access level; "" takes the sheet out of its sight."""
    sheet.access = str(args.get("access", "OWNER"))
    if not sheet.access:
        state.forget(sheet)


def _unshare(state: State, sheet: Sheet, _: Args, actor: Actor) -> None:
    _share(state, sheet, {"access": ""}, actor)


def _comment(state: State, sheet: Sheet, args: Args, actor: Actor) -> dict[str, Any]:
    row = _row(sheet, args["row"]) if args.get("row") else None
    made = discussions.start(state, sheet, row, str(args["text"]), actor)
    return {"discussion": made["id"]}


def _set_dependencies(_: State, sheet: Sheet, args: Args, __: Actor) -> None:
    """Switch dependencies on, which only the pages can; `columns` maps start, end, duration… to titles."""
    sheet.dependencies = bool(args.get("enabled", True))
    for part, title in dict(args.get("columns") or {}).items():
        column = _column(sheet, title)
        column.project = part
        column.type = {"duration": "DURATION", "predecessor": "PREDECESSOR"}.get(part, column.type)


ACTIONS: Mapping[str, Callable[[State, Sheet, Args, Actor], dict[str, Any] | None]] = {
    "set_cell": _set_cell,
    "tick_row": _tick_row,
    "set_status": _set_status,
    "move_date": _move_date,
    "add_row": _add_row,
    "copy_row": _copy_row,
    "delete_row": _delete_row,
    "move_row": _move_row,
    "rename_column": _rename_column,
    "edit_options": _edit_options,
    "delete_column": _delete_column,
    "lock": _lock,
    "rename_sheet": _rename_sheet,
    "delete_sheet": _delete_sheet,
    "move_sheet": _move_sheet,
    "share": _share,
    "unshare": _unshare,
    "comment": _comment,
    "set_dependencies": _set_dependencies,
}


def _sheet(state: State, wanted: Any) -> Sheet:
    for sheet in state.sheets.values():
        if wanted in {sheet.id, sheet.name} or str(wanted) == str(sheet.id):
            return sheet
    raise NoSuchThing(f"there is no sheet {wanted!r}; look for its id or name in the state dump")


def _row(sheet: Sheet, wanted: Any) -> Row:
    number = int(wanted)
    if number in sheet.rows:
        return sheet.rows[number]
    order = sheet.order()
    if 1 <= number <= len(order):
        return order[number - 1]
    raise NoSuchThing(f"sheet {sheet.name!r} has no row {wanted!r}; give a row's id or number")


def _column(sheet: Sheet, wanted: Any) -> Column:
    for column in sheet.columns:
        if wanted in {column.id, column.title} or str(wanted) == str(column.id):
            return column
    raise NoSuchThing(f"sheet {sheet.name!r} has no column {wanted!r}; give a column's id or title")


def _first(sheet: Sheet, kind: str) -> int:
    for column in sheet.columns:
        if column.type == kind:
            return column.id
    raise NoSuchThing(f"sheet {sheet.name!r} has no column of type {kind}; say which one by `column`")


def _typed(state: State, column: Column, value: Any) -> Cell | None:
    """Read a value as the pages do: leniently, and anything goes in the end unless the column restricts it."""
    if value is None or value == "":
        return None
    given = {"value": value, "strict": False}
    if column.type.startswith("MULTI_"):
        given = {"objectValue": value}
    try:
        return read_cell(given, column, state)
    except Problem:
        if column.validation or column.system:
            raise
        return Cell(value=value, display=str(value))
