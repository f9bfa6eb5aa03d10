"""Workspaces and folders: list, create, metadata, children, rename, delete, copy, move.

Called by `routes` and `people`. The reads that the vendor switched off on 2026-06-03 answer 410 (see `routes`).
"""

from __future__ import annotations

import base64
from typing import Any

from simulator.smartsheet.call import Call, page_of, stamp, success
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.reading import permalink, show_summary
from simulator.smartsheet.sheets import duplicate, read_destination, read_name, wants_data
from simulator.smartsheet.state import Container, State

_CHILDREN = {"sheets": "sheet", "folders": "folder", "reports": "report", "sights": "sight", "templates": "template"}


def list_workspaces(call: Call) -> dict[str, Any]:
    """GET /workspaces: by token when asked so, else by page."""
    spaces = [each for each in call.state.containers.values() if each.kind == "workspace" and each.access]
    shown = [show_container(space) for space in spaces]
    if call.request.arg("paginationType") == "token":
        return _by_token(call, shown)
    page, facts = page_of(shown, call)
    return {**facts, "data": page}


def create_workspace(call: Call) -> dict[str, Any]:
    """POST /workspaces."""
    return success(show_container(make(call.state, "workspace", read_name(call.record(), "workspace"), None)))


def create_folder_in_workspace(call: Call) -> dict[str, Any]:
    """POST /workspaces/{id}/folders."""
    return _create_folder(call, call.container("workspace", "ADMIN"))


def create_folder_in_folder(call: Call) -> dict[str, Any]:
    """POST /folders/{id}/folders."""
    return _create_folder(call, call.container("folder", "ADMIN"))


def get_metadata(call: Call) -> dict[str, Any]:
    """GET /workspaces/{id}/metadata and /folders/{id}/metadata."""
    container = _named(call)
    dates = {"createdAt": stamp(container.created), "modifiedAt": stamp(container.modified)}
    return show_container(container) | dates


def get_children(call: Call) -> dict[str, Any]:
    """GET /workspaces/{id}/children and /folders/{id}/children: direct children, without the list's lag."""
    container = _named(call)
    wanted = call.listed("childrenResourceTypes") or list(_CHILDREN)
    for name in wanted:
        if name not in _CHILDREN:
            raise Problem(1018, name, "childrenResourceTypes")
    kinds = {_CHILDREN[name] for name in wanted}
    return _by_token(
        call, [_child(call.state, number, kind) for number, kind in container.items.items() if kind in kinds]
    )


def update(call: Call) -> dict[str, Any]:
    """PUT /workspaces/{id} and /folders/{id}: rename."""
    container = _named(call, "ADMIN")
    container.name = read_name(call.record(), container.kind)
    container.modified = call.state.now()
    return success(show_container(container))


def delete(call: Call) -> dict[str, Any]:
    """DELETE /workspaces/{id} and /folders/{id}: with everything inside."""
    remove(call.state, _named(call, "OWNER"))
    return success()


def copy(call: Call) -> dict[str, Any]:
    """POST /workspaces/{id}/copy and /folders/{id}/copy."""
    source = _named(call)
    given = call.record()
    name = read_name({"name": given.get("newName")}, "newName")
    target = None
    if source.kind == "folder":
        target = read_destination(call, given)
    twin = make(call.state, source.kind, name, target)
    left = _copy_items(call.state, source, twin, int(call.state.knobs["copy_at_most"]), data=wants_data(call))
    if left < 0:
        raise Problem(1119, -left)
    return success(show_container(twin))


def move(call: Call) -> dict[str, Any]:
    """POST /folders/{id}/move."""
    folder = call.container("folder", "ADMIN")
    target = read_destination(call, call.record())
    above = target
    while above is not None:
        if above is folder:
            raise Problem(1031, folder.id, "destinationId")
        above = call.state.containers.get(above.parent or 0)
    _unfile(call.state, folder)
    folder.parent = target.id if target else None
    if target is not None:
        target.items[folder.id] = "folder"
    return success(show_container(folder))


def make(state: State, kind: str, name: str, parent: Container | None, *, number: int | None = None) -> Container:
    """Make a workspace or folder."""
    now = state.now()
    made = Container(number or state.new_id(), kind, name, parent.id if parent else None, now, now)
    state.containers[made.id] = made
    if parent is not None:
        parent.items[made.id] = "folder"
    return made


def remove(state: State, container: Container) -> None:
    """Delete a workspace or folder with everything inside."""
    for number, kind in list(container.items.items()):
        if kind == "sheet":
            state.drop(state.sheets[number])
        else:
            remove(state, state.containers[number])
    _unfile(state, container)
    del state.containers[container.id]


def show_container(container: Container) -> dict[str, Any]:
    """Show a workspace or folder as answers do."""
    shown: dict[str, Any] = {"id": container.id, "name": container.name}
    if container.kind == "workspace":
        shown["accessLevel"] = container.access
    return shown | {"permalink": permalink(f"{container.kind}s", container.id)}


def _named(call: Call, need: str = "VIEWER") -> Container:
    return call.container(call.request.segments[1].removesuffix("s"), need)


def _create_folder(call: Call, parent: Container) -> dict[str, Any]:
    return success(show_container(make(call.state, "folder", read_name(call.record(), "folder"), parent)))


def _child(state: State, number: int, kind: str) -> dict[str, Any]:
    if kind == "sheet":
        return {"resourceType": "sheet", **show_summary(state.sheets[number])}
    folder = state.containers[number]
    dates = {"createdAt": stamp(folder.created), "modifiedAt": stamp(folder.modified)}
    return {"resourceType": "folder", **show_container(folder), **dates}


def _by_token(call: Call, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Cut a page by token; `maxItems` is at least 100."""
    most = call.whole("maxItems", 100, least=100)
    start = 0
    if token := call.request.arg("lastKey"):
        try:
            last = int(base64.urlsafe_b64decode(token))
            start = 1 + next(index for index, item in enumerate(items) if item["id"] == last)
        except (ValueError, StopIteration) as error:
            raise Problem(1018, token, "lastKey") from error
    page = items[start : start + most]
    if start + most < len(items):
        return {"data": page, "lastKey": base64.urlsafe_b64encode(str(page[-1]["id"]).encode()).decode()}
    return {"data": page}


def _copy_items(state: State, source: Container, twin: Container, budget: int, *, data: bool) -> int:
    """Copy what is inside; returns the budget left, below zero when so many items were left out."""
    for number, kind in list(source.items.items()):
        if number == twin.id:
            continue
        budget -= 1
        if budget < 0:
            continue
        if kind == "sheet":
            sheet = state.sheets[number]
            duplicate(state, sheet, sheet.name, twin, data=data)
        else:
            folder = state.containers[number]
            budget = _copy_items(state, folder, make(state, "folder", folder.name, twin), budget, data=data)
    return budget


def _unfile(state: State, container: Container) -> None:
    if container.parent is not None:
        del state.containers[container.parent].items[container.id]
