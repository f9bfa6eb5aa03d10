"""Adding, changing and deleting rows through the API: bulk rules, locks, limits, partial success.

Called by `routes`. Each call takes effect as a whole or not at all, unless it allows partial success; it counts one
version. Cells are read by `values`, places by `places`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.smartsheet.call import Call, allows, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.places import Place, insert, move, read_place, same_place
from simulator.smartsheet.reading import View, show_row
from simulator.smartsheet.state import Actor, Cell, Column, Row, Sheet, State
from simulator.smartsheet.values import only_looks, read_cell

MOST_ROWS_PER_CALL = 500
MOST_ROWS = 20_000
MOST_CELLS = 500_000
_SETTABLE = frozenset({"cells", "expanded", "locked", "format", "id"})
_LOCATION = frozenset({"toTop", "toBottom", "parentId", "siblingId", "above", "indent", "outdent"})
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """One row of a write after all checks: `cells` maps column ids to cells, None empties one."""

    cells: dict[int, Cell | None]
    place: Place
    row: Row | None = None
    expanded: bool | None = None
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What the checks of one call share."""

    state: State
    sheet: Sheet
    columns: dict[int, Column]
    admin: bool

    @staticmethod
    def of(state: State, sheet: Sheet) -> Desk:
        """Prepare the checks for a sheet as the API's user sees it."""
        return Desk(state, sheet, {column.id: column for column in sheet.columns}, allows(sheet.access, "ADMIN"))


def add_rows(call: Call) -> dict[str, Any]:
    """POST /sheets/{id}/rows."""
    sheet = call.sheet("EDITOR")
    desk = Desk.of(call.state, sheet)
    given, many = _bounded(call)
    drafts, failed = _check_all(call, given, lambda item: _new_draft(desk, item))
    fits = len(sheet.rows) + len(drafts)
    if fits > MOST_ROWS or fits * len(sheet.columns) > MOST_CELLS:
        raise Problem(1061, "rows")
    rows = create_rows(
        call.state, sheet, [draft.cells for draft in drafts], drafts[0].place if drafts else Place(), call.actor
    )
    for row, draft in zip(rows, drafts, strict=True):
        row.locked, row.expanded = bool(draft.locked), draft.expanded is not False
    return _answer(call, sheet, rows, failed, many=many)


def update_rows(call: Call) -> dict[str, Any]:
    """PUT /sheets/{id}/rows."""
    sheet = call.sheet("EDITOR")
    desk = Desk.of(call.state, sheet)
    given, many = _bounded(call)
    drafts, failed = _check_all(call, given, lambda item: _changed_draft(desk, item))
    if drafts:
        change_rows(call.state, sheet, drafts, call.actor)
    return _answer(call, sheet, [draft.row for draft in drafts if draft.row], failed, many=many)


def delete_rows(call: Call) -> dict[str, Any]:
    """DELETE /sheets/{id}/rows?ids=…; children go with their parents."""
    sheet = call.sheet("EDITOR")
    wanted = call.id_list("ids")
    if not wanted:
        raise Problem(1009, "ids")
    present = [number for number in dict.fromkeys(wanted) if number in sheet.rows]
    if len(present) < len(set(wanted)) and not call.flag("ignoreRowsNotFound"):
        raise Problem(1006)
    admin = allows(sheet.access, "ADMIN")
    if not admin and any(row.locked for number in present for row in sheet.rows[number].subtree()):
        raise Problem(1092)
    remove_rows(call.state, sheet, present, call.actor)
    return success(present, version=sheet.version)


def create_rows(
    state: State, sheet: Sheet, cells: list[dict[int, Cell | None]], place: Place, actor: Actor
) -> list[Row]:
    """Make rows of checked cells, in order, as one change of the sheet."""
    now = state.now()
    rows = []
    for each in cells:
        sheet.last_serial += 1
        kept = {column: cell for column, cell in each.items() if cell is not None}
        rows.append(Row(state.new_id(), kept, now, now, actor.user, actor.user, serial=sheet.last_serial))
    if rows:
        insert(sheet, rows, place)
        state.commit(sheet, [row_event("created", row.id) for row in rows], actor)
    return rows


def change_rows(state: State, sheet: Sheet, drafts: list[Draft], actor: Actor) -> None:
    """Carry out checked changes as one change of the sheet."""
    now, events = state.now(), []
    rows = [draft.row for draft in drafts if draft.row is not None]
    if drafts[0].place.named:
        move(sheet, rows, drafts[0].place)
    for row, draft in zip(rows, drafts, strict=True):
        events.append(row_event("updated", row.id))
        for column, cell in draft.cells.items():
            _remember(row, column, cell, now, actor)
            events.append({"objectType": "cell", "eventType": "updated", "rowId": row.id, "columnId": column})
            if cell is None:
                row.cells.pop(column, None)
            else:
                row.cells[column] = cell
        row.locked = row.locked if draft.locked is None else draft.locked
        row.expanded = row.expanded if draft.expanded is None else draft.expanded
        row.modified, row.modified_by = now, actor.user
    state.commit(sheet, events, actor)


def remove_rows(state: State, sheet: Sheet, ids: list[int], actor: Actor) -> None:
    """Delete rows with what is under them as one change of the sheet."""
    gone: list[int] = []
    for number in ids:
        if number in sheet.rows:
            gone += sheet.remove(sheet.rows[number])
    if gone:
        state.commit(sheet, [row_event("deleted", number) for number in gone], actor)


def row_event(kind: str, row_id: int) -> Event:
    """Build a callback's event about a row."""
    return {"objectType": "row", "eventType": kind, "id": row_id}


def _remember(row: Row, column: int, cell: Cell | None, now: int, actor: Actor) -> None:
    past = row.history.setdefault(column, [(row.cells.get(column, Cell()), row.created, row.created_by)])
    past.append((cell or Cell(), now, actor.user))


def _bounded(call: Call) -> tuple[list[dict[str, Any]], bool]:
    given, many = call.records()
    if len(given) > MOST_ROWS_PER_CALL:
        raise Problem(1061, "rows")
    return given, many


def _check_all(
    call: Call, given: list[dict[str, Any]], check: Callable[[dict[str, Any]], Draft]
) -> tuple[list[Draft], list[dict[str, Any]]]:
    """Check every row; the first fault ends the call unless it allows partial success."""
    partial = call.flag("allowPartialSuccess")
    drafts: list[Draft] = []
    failed: list[dict[str, Any]] = []
    for index, item in enumerate(given):
        try:
            drafts.append(check(item))
        except Problem as problem:
            where: dict[str, Any] = {"index": index} | ({"rowId": item["id"]} if item.get("id") else {})
            if not partial:
                raise Problem.again(problem, where) from problem
            ref = f"{call.state.dice.getrandbits(64):x}"
            failed.append({**where, "error": problem.body(ref)})
    same_place([draft.place for draft in drafts])
    return drafts, failed


def _new_draft(desk: Desk, item: Mapping[str, Any]) -> Draft:
    if "id" in item:
        raise Problem(1032, "row.id")
    return _draft(desk, item, None)


def _changed_draft(desk: Desk, item: Mapping[str, Any]) -> Draft:
    if not item.get("id"):
        raise Problem(1012, "row.id")
    row = desk.sheet.rows.get(item["id"])
    if row is None:
        raise Problem(1006)
    if row.locked and not desk.admin:
        raise Problem(1050)
    return _draft(desk, item, row)


def _draft(desk: Desk, item: Mapping[str, Any], row: Row | None) -> Draft:
    if strange := item.keys() - _SETTABLE - _LOCATION:
        raise Problem(1032, ", ".join(sorted(f"row.{name}" for name in strange)))
    place = read_place(item, desk.sheet, new=row is None)
    cells: dict[int, Cell | None] = {}
    for each in item.get("cells") or ():
        column = _target(desk, each)
        if column.id in cells:
            raise Problem(1037, column.id)
        if column.locked and not desk.admin:
            raise Problem(1039, column.id)
        _check_project(desk.sheet, column, row)
        if not only_looks(each):
            cells[column.id] = read_cell(each, column, desk.state)
    return Draft(cells, place, row, item.get("expanded"), item.get("locked"))


def _target(desk: Desk, given: Any) -> Column:
    if not isinstance(given, dict):
        raise Problem(1008, "a cell must be an object")
    if given.get("columnId") is None:
        raise Problem(1012, "cell.columnId")
    number = given["columnId"]
    column = desk.columns.get(number) if isinstance(number, int) else None
    if column is None:
        raise Problem(1036, given["columnId"])
    return column


def _check_project(sheet: Sheet, column: Column, row: Row | None) -> None:
    """Guard the columns that a sheet with dependencies calculates."""
    if not sheet.dependencies or column.project is None:
        return
    if column.project == "end":
        raise Problem(1080)
    if row is not None and row.children and column.project != "predecessor":
        raise Problem(1155, column.id)
    predecessors = next((each.id for each in sheet.columns if each.project == "predecessor"), 0)
    if column.project == "start" and row is not None and predecessors in row.cells:
        raise Problem(1155, column.id)


def _answer(call: Call, sheet: Sheet, rows: list[Row], failed: list[dict[str, Any]], *, many: bool) -> dict[str, Any]:
    sheet.order()
    view = View.of(call, sheet)
    shown = [show_row(row, view) for row in rows]
    answer = success(shown if many or not shown else shown[0], version=sheet.version)
    if failed:
        answer |= {"message": "PARTIAL_SUCCESS", "resultCode": 3, "failedItems": failed}
    return answer
