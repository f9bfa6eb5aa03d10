"""The whole account as JSON-able, sorted data, so that two states can be compared and a person can read one.

Called by `vendor.Smartsheet.dump`. Stamps and ids are in it, secrets are not.
"""

from __future__ import annotations

from typing import Any

from simulator.smartsheet.call import stamp
from simulator.smartsheet.state import Row, Sheet, State


def dump(state: State) -> dict[str, Any]:
    """Return workspaces and folders, and every sheet with its rows by column title."""
    containers = sorted(state.containers.values(), key=lambda each: each.id)
    sheets = sorted(state.sheets.values(), key=lambda each: each.id)
    return {
        "containers": [
            {"id": each.id, "kind": each.kind, "name": each.name, "parent": each.parent, "items": sorted(each.items)}
            for each in containers
        ],
        "sheets": [_sheet(sheet) for sheet in sheets],
    }


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "id": sheet.id,
        "name": sheet.name,
        "container": sheet.container,
        "version": sheet.version,
        "access": sheet.access,
        "modified": stamp(sheet.modified),
        "columns": [
            {
                "id": each.id,
                "title": each.title,
                "type": each.type,
                "hidden": each.hidden,
                "options": list(each.options),
            }
            for each in sheet.columns
        ],
        "rows": [_row(sheet, row) for row in sheet.order()],
        "discussions": sorted(sheet.discussions.values(), key=lambda each: each["id"]),
    }


def _row(sheet: Sheet, row: Row) -> dict[str, Any]:
    filled = [(column.title, row.cells[column.id]) for column in sheet.columns if column.id in row.cells]
    return {
        "id": row.id,
        "parent": row.parent.id if row.parent is not None else None,
        "modified": stamp(row.modified),
        "created_by": row.created_by.email,
        "cells": {title: cell.value for title, cell in filled},
    }
