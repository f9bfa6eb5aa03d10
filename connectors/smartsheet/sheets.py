"""Makes sheets with the mapping's columns, and lists those that are there.

Called by `plans`, `portfolio` and `checks`. It never touches a row, and never decides on a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import Unknown
from connectors.smartsheet.client import Client
from connectors.smartsheet.columns import Column, definition
from connectors.smartsheet.notes import Notebook, SheetNote

_PAGE = "1000"


class Sheets:
    """The sheets of one workspace; `columns` are those of a sheet that we make. Safe for several threads."""

    def __init__(self, client: Client, notebook: Notebook, *, workspace: str, columns: Sequence[Column]) -> None:
        self._client = client
        self._notebook = notebook
        self._workspace = workspace
        self.columns = tuple(columns)

    def make(self, name: str) -> Mapping[str, Any]:
        """Make a sheet with its columns, and note their ids; raises Unknown when it may have been made."""
        answer = self._client.post(
            f"/workspaces/{self._workspace}/sheets",
            {"name": name, "columns": [definition(column) for column in self.columns]},
        )
        sheet: dict[str, Any] = answer.body.get("result") or {}
        if "id" not in sheet:
            raise Unknown("Smartsheet's answer names no sheet. It is looked up and tried again.", code="SS-BODY-01")
        # Whatever the first version is, nobody else has edited this sheet yet.
        note = SheetNote(url=sheet.get("permalink", ""), quiet=int(answer.body.get("version") or 0))
        titles = [column.title for column in self.columns]
        self._notebook.keep(str(sheet["id"]), note.learned(sheet.get("columns", ()), titles))
        return sheet

    def in_workspace(self) -> Iterator[Mapping[str, Any]]:
        """List the sheets that lie in the workspace itself, all pages; folders are not looked into."""
        query = {"childrenResourceTypes": "sheets", "maxItems": _PAGE}
        while True:
            body = self._client.get(f"/workspaces/{self._workspace}/children", **query).body
            yield from (child for child in body.get("data", ()) if child.get("resourceType", "sheet") == "sheet")
            if not body.get("lastKey"):
                return
            query["lastKey"] = body["lastKey"]

    def everywhere(self) -> Iterator[Mapping[str, Any]]:
        """List all sheets that our user can see, wherever people moved them, in one call."""
        yield from self._client.get("/sheets", includeAll="true").body.get("data") or ()

    def all(self) -> Iterator[Mapping[str, Any]]:
        """List every sheet once: the workspace's own, which are shown at once, then all others that our user can see.

        The list of all sheets lags behind by up to 65 s, so a sheet made just now is in the workspace's only.
        """
        listed: set[object] = set()
        for listing in (self.in_workspace, self.everywhere):
            for sheet in listing():
                if sheet["id"] not in listed:
                    listed.add(sheet["id"])
                    yield sheet
