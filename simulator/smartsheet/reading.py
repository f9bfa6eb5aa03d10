"""How sheets, rows, columns and cells look in answers.

Called by `sheets`, `rows`, `columns` and `webhooks`' siblings; it changes nothing. The order of the parameters' effects
is the vendor's as observed live in 2026: a page is cut first, then `rowsModifiedSince` (strictly later, whole seconds)
and blank rows are left out, so that pages may come back empty; `totalRowCount` never knows of any filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.smartsheet.call import Call, parse_moment, stamp
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.state import Cell, Column, Row, Sheet, State, User

PERMALINK = "https://app.smartsheet.com"


@dataclass(frozen=True, slots=True)
class View:
    """What of a row an answer shows."""

    sheet: Sheet
    columns: list[Column]
    filled_only: bool = False
    objects: bool = False
    types: bool = False
    writers: bool = False
    links: bool = False
    level: int = 0

    @staticmethod
    def of(call: Call, sheet: Sheet) -> View:
        """Read the view from a call's parameters; raises Problem."""
        include, exclude = set(call.listed("include")), set(call.listed("exclude"))
        wanted = set(call.id_list("columnIds"))
        if unknown := wanted - {column.id for column in sheet.columns}:
            raise Problem(1036, min(unknown))
        return View(
            sheet,
            [column for column in sheet.columns if not wanted or column.id in wanted],
            filled_only="nonexistentCells" in exclude,
            objects="objectValue" in include,
            types="columnType" in include,
            writers="writerInfo" in include,
            links="rowPermalink" in include,
            level=call.whole("level", 0, least=0),
        )


def show_sheet(call: Call, sheet: Sheet) -> dict[str, Any]:
    """Show a sheet with the rows that the call's parameters leave, or its version alone when it has not moved on."""
    after = call.request.arg("ifVersionAfter")
    if after and sheet.version <= call.whole("ifVersionAfter", 0, least=0):
        return {"version": sheet.version}
    order = sheet.order()
    view = View.of(call, sheet)
    answer = _head(call.state, sheet)
    answer["columns"] = [show_column(sheet, column, view.level) for column in view.columns]
    answer["rows"] = [show_row(row, view) for row in _chosen(call, order)]
    if "discussions" in call.listed("include"):
        answer["discussions"] = list(sheet.discussions.values())
    if "attachments" in call.listed("include"):
        answer["attachments"] = list(sheet.attachments.values())
    return answer


def _chosen(call: Call, order: list[Row]) -> list[Row]:
    ids, numbers = set(call.id_list("rowIds")), set(call.id_list("rowNumbers"))
    rows = order
    if ids or numbers:
        rows = [row for row in order if row.id in ids or row.number in numbers]
    if call.request.arg("page") or call.request.arg("pageSize"):
        page, size = call.whole("page", 1), call.whole("pageSize", 100)
        page = min(page, max(1, -(-len(rows) // size)))
        rows = rows[(page - 1) * size : page * size]
    since = call.request.arg("rowsModifiedSince")
    if since:
        limit = int(parse_moment(since, "rowsModifiedSince"))
        rows = [row for row in rows if row.modified > limit and row.cells]
    return rows


def _head(state: State, sheet: Sheet) -> dict[str, Any]:
    head: dict[str, Any] = {
        "id": sheet.id,
        "name": sheet.name,
        "version": sheet.version,
        "totalRowCount": len(sheet.rows),
        "accessLevel": sheet.access,
        "effectiveAttachmentOptions": ["FILE", "LINK"],
        "ganttEnabled": sheet.dependencies,
        "dependenciesEnabled": sheet.dependencies,
        "resourceManagementEnabled": False,
        "resourceManagementType": "NONE",
        "cellImageUploadEnabled": True,
        "userSettings": {"criticalPathEnabled": False, "displaySummaryTasks": True, **sheet.settings},
        "permalink": permalink("sheets", sheet.id),
        "createdAt": stamp(sheet.created),
        "modifiedAt": stamp(sheet.modified),
        "isMultiPicklistEnabled": True,
    }
    workspace = workspace_of(state, sheet.container)
    if workspace is not None:
        head["workspace"] = workspace
    return head


def workspace_of(state: State, container_id: int | None) -> dict[str, Any] | None:
    """Name the workspace that a container belongs to."""
    while container_id is not None:
        container = state.containers[container_id]
        if container.kind == "workspace":
            return {"id": container.id, "name": container.name, "accessLevel": container.access}
        container_id = container.parent
    return None


def show_summary(sheet: Sheet) -> dict[str, Any]:
    """Show a sheet as lists do."""
    return {
        "id": sheet.id,
        "name": sheet.name,
        "accessLevel": sheet.access,
        "permalink": permalink("sheets", sheet.id),
        "createdAt": stamp(sheet.created),
        "modifiedAt": stamp(sheet.modified),
    }


def permalink(kind: str, number: int) -> str:
    """Return where a person opens the thing."""
    return f"{PERMALINK}/{kind}/{number:x}"


def show_column(sheet: Sheet, column: Column, level: int = 0) -> dict[str, Any]:
    """Show a column; without `level` multi-select columns pass for text, as the vendor keeps old clients working."""
    shown_type = "TEXT_NUMBER" if column.type.startswith("MULTI_") and level < 2 else column.type
    shown: dict[str, Any] = {
        "id": column.id,
        "version": column.version,
        "index": sheet.columns.index(column),
        "title": column.title,
        "type": shown_type,
        "validation": column.validation,
        "width": column.width,
    }
    optional = {
        "primary": column.primary,
        "options": list(column.options),
        "symbol": column.symbol,
        "systemColumnType": column.system,
        "contactOptions": [dict(contact) for contact in column.contacts],
        "hidden": column.hidden,
        "locked": column.locked,
        "description": column.description,
        "autoNumberFormat": column.number_format,
    }
    return shown | {name: value for name, value in optional.items() if value}


def show_row(row: Row, view: View) -> dict[str, Any]:
    """Show a row; `Sheet.order` must be fresh."""
    shown: dict[str, Any] = {"id": row.id, "rowNumber": row.number}
    if row.parent is not None:
        shown["parentId"] = row.parent.id
    if row.previous is not None:
        shown["siblingId"] = row.previous
    shown["expanded"] = row.expanded
    shown["createdAt"] = stamp(row.created)
    shown["modifiedAt"] = stamp(row.modified)
    if row.locked:
        shown["locked"] = True
    if view.writers:
        shown["createdBy"], shown["modifiedBy"] = _who(row.created_by), _who(row.modified_by)
    if view.links:
        shown["permalink"] = f"{permalink('sheets', view.sheet.id)}?rowId={row.id}"
    cells = []
    filled = row.cells
    for column in view.columns:
        cell = filled.get(column.id) if column.system is None else _system(row, column)
        if cell is None:
            if not view.filled_only:
                cells.append({"columnId": column.id})
            continue
        cells.append(show_cell(cell, column, view))
    shown["cells"] = cells
    return shown


def show_cell(cell: Cell, column: Column, view: View) -> dict[str, Any]:
    """Show a filled cell."""
    shown: dict[str, Any] = {"columnId": column.id}
    if view.types:
        shown["columnType"] = column.type
    if cell.value is not None:
        shown["value"] = cell.value
    if cell.display is not None:
        shown["displayValue"] = cell.display
    if cell.formula is not None:
        shown["formula"] = cell.formula
    if cell.hyperlink is not None:
        shown["hyperlink"] = dict(cell.hyperlink)
    if view.objects and (cell.object_value is not None or cell.value is not None):
        shown["objectValue"] = _object_value(cell, column)
    return shown


def _object_value(cell: Cell, column: Column) -> Any:
    if cell.object_value is not None:
        return dict(cell.object_value)
    if column.type == "CONTACT_LIST":
        return {"objectType": "CONTACT", "email": cell.value, "name": cell.display}
    if column.type == "DATE":
        return {"objectType": "DATE", "value": cell.value}
    return cell.value


def _system(row: Row, column: Column) -> Cell | None:
    """Compute the cell of a system column."""
    if column.system == "AUTO_NUMBER":
        form: Mapping[str, Any] = column.number_format or {}
        text = f"{form.get('prefix', '')}{row.serial:0{len(form.get('fill', '')) or 1}d}{form.get('suffix', '')}"
        return Cell(text, text)
    if column.system in {"MODIFIED_DATE", "CREATED_DATE"}:
        return Cell(stamp(row.modified if column.system == "MODIFIED_DATE" else row.created))
    who = row.modified_by if column.system == "MODIFIED_BY" else row.created_by
    return Cell(who.email, who.email)


def _who(user: User) -> dict[str, str]:
    return {"email": user.email, "name": user.name}
