"""The table of endpoints: method and path, ids as braces, to handler.

Read by `vendor.Smartsheet`. It decides nothing but which function answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.smartsheet import columns, containers, discussions, rows, sheets, summary
from simulator.smartsheet.call import Call
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.webhooks import Webhooks
from simulator.wire import Request, Response

Handler = Callable[[Call], dict[str, Any] | Response]
ROOT = "2.0"


def shape(request: Request) -> str:
    """Return a request's endpoint, `PUT /2.0/sheets/{id}/rows`; case of the last word does not matter."""
    parts = [("{id}" if part.isdigit() else part) for part in request.segments]
    if parts and parts[-1].lower() == "resetsharedsecret":
        parts[-1] = "resetsharedsecret"
    return f"{request.method} /{'/'.join(parts)}"


def me(call: Call) -> dict[str, Any]:
    """GET /users/me."""
    user = call.actor.user
    return {
        "id": user.id,
        "email": user.email,
        "firstName": user.first,
        "lastName": user.last,
        "locale": "en_US",
        "timeZone": "Europe/Amsterdam",
        "account": {"id": user.id - 1, "name": "Closedwon Simulator"},
        "admin": False,
        "licensedSheetCreator": True,
    }


def server_info(_: Call) -> dict[str, Any]:
    """GET /serverinfo."""
    return {"featureInfo": {"symbolsVersion": 12}, "formats": {}, "supportedLocales": ["en_US"]}


def gone(_: Call) -> dict[str, Any]:
    """Answer for what the vendor has switched off."""
    raise Problem(4005)


HANDLERS: Mapping[str, Handler] = {
    f"{method} /{ROOT}{path}": handler
    for method, path, handler in (
        ("GET", "/users/me", me),
        ("GET", "/serverinfo", server_info),
        ("GET", "/workspaces", containers.list_workspaces),
        ("POST", "/workspaces", containers.create_workspace),
        ("GET", "/workspaces/{id}", gone),
        ("GET", "/workspaces/{id}/folders", gone),
        ("GET", "/folders/{id}", gone),
        ("GET", "/folders/{id}/folders", gone),
        ("PUT", "/workspaces/{id}", containers.update),
        ("DELETE", "/workspaces/{id}", containers.delete),
        ("POST", "/workspaces/{id}/copy", containers.copy),
        ("GET", "/workspaces/{id}/metadata", containers.get_metadata),
        ("GET", "/workspaces/{id}/children", containers.get_children),
        ("POST", "/workspaces/{id}/folders", containers.create_folder_in_workspace),
        ("POST", "/workspaces/{id}/sheets", sheets.create_sheet_in_workspace),
        ("PUT", "/folders/{id}", containers.update),
        ("DELETE", "/folders/{id}", containers.delete),
        ("POST", "/folders/{id}/copy", containers.copy),
        ("POST", "/folders/{id}/move", containers.move),
        ("GET", "/folders/{id}/metadata", containers.get_metadata),
        ("GET", "/folders/{id}/children", containers.get_children),
        ("POST", "/folders/{id}/folders", containers.create_folder_in_folder),
        ("POST", "/folders/{id}/sheets", sheets.create_sheet_in_folder),
        ("GET", "/sheets", sheets.list_sheets),
        ("POST", "/sheets", sheets.create_sheet),
        ("GET", "/sheets/{id}", sheets.get_sheet),
        ("PUT", "/sheets/{id}", sheets.update_sheet),
        ("DELETE", "/sheets/{id}", sheets.delete_sheet),
        ("GET", "/sheets/{id}/version", sheets.get_version),
        ("POST", "/sheets/{id}/copy", sheets.copy_sheet),
        ("POST", "/sheets/{id}/move", sheets.move_sheet),
        ("POST", "/sheets/{id}/rows", rows.add_rows),
        ("PUT", "/sheets/{id}/rows", rows.update_rows),
        ("DELETE", "/sheets/{id}/rows", rows.delete_rows),
        ("GET", "/sheets/{id}/rows/{id}", sheets.get_row),
        ("GET", "/sheets/{id}/discussions", discussions.list_discussions),
        ("POST", "/sheets/{id}/discussions", discussions.add_discussion),
        ("GET", "/sheets/{id}/rows/{id}/discussions", discussions.list_discussions),
        ("POST", "/sheets/{id}/rows/{id}/discussions", discussions.add_discussion),
        ("GET", "/sheets/{id}/discussions/{id}", discussions.get_discussion),
        ("DELETE", "/sheets/{id}/discussions/{id}", discussions.delete_discussion),
        ("POST", "/sheets/{id}/discussions/{id}/comments", discussions.add_comment),
        ("GET", "/sheets/{id}/comments/{id}", discussions.get_comment),
        ("PUT", "/sheets/{id}/comments/{id}", discussions.update_comment),
        ("DELETE", "/sheets/{id}/comments/{id}", discussions.delete_comment),
        ("GET", "/sheets/{id}/attachments", discussions.list_attachments),
        ("POST", "/sheets/{id}/attachments", discussions.add_attachment),
        ("GET", "/sheets/{id}/rows/{id}/attachments", discussions.list_attachments),
        ("POST", "/sheets/{id}/rows/{id}/attachments", discussions.add_attachment),
        ("GET", "/sheets/{id}/attachments/{id}", discussions.get_attachment),
        ("DELETE", "/sheets/{id}/attachments/{id}", discussions.delete_attachment),
        ("GET", "/sheets/{id}/rows/{id}/columns/{id}/history", sheets.get_history),
        ("GET", "/sheets/{id}/summary", summary.get_summary),
        ("GET", "/sheets/{id}/summary/fields", summary.list_fields),
        ("POST", "/sheets/{id}/summary/fields", summary.add_fields),
        ("PUT", "/sheets/{id}/summary/fields", summary.update_fields),
        ("DELETE", "/sheets/{id}/summary/fields", summary.delete_fields),
        ("GET", "/sheets/{id}/columns", columns.list_columns),
        ("POST", "/sheets/{id}/columns", columns.add_columns),
        ("GET", "/sheets/{id}/columns/{id}", columns.get_column),
        ("PUT", "/sheets/{id}/columns/{id}", columns.update_column),
        ("DELETE", "/sheets/{id}/columns/{id}", columns.delete_column),
    )
}
"""Every endpoint that needs the account's state alone."""


def handlers(webhooks: Webhooks) -> dict[str, Handler]:
    """Return all endpoints, with those of the webhooks."""
    return {
        **HANDLERS,
        f"GET /{ROOT}/webhooks": webhooks.list_all,
        f"POST /{ROOT}/webhooks": webhooks.create,
        f"GET /{ROOT}/webhooks/{{id}}": webhooks.get,
        f"PUT /{ROOT}/webhooks/{{id}}": webhooks.update,
        f"DELETE /{ROOT}/webhooks/{{id}}": webhooks.delete,
        f"POST /{ROOT}/webhooks/{{id}}/resetsharedsecret": webhooks.reset_secret,
    }
