"""What the tests of the simulated Smartsheet share: an account with its address, and how a refusal is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
import smartsheet

from simulator.server import World
from simulator.smartsheet import TOKEN, Smartsheet

WORKSPACE = 1000000000000001
COLUMNS: list[dict[str, Any]] = [
    {"title": "Task", "type": "TEXT_NUMBER", "primary": True},
    {"title": "Done", "type": "CHECKBOX"},
    {"title": "Status", "type": "PICKLIST", "options": ["Not Started", "In Progress", "Complete"]},
    {"title": "Start", "type": "DATE"},
    {"title": "Owner", "type": "CONTACT_LIST"},
    {"title": "Key", "type": "TEXT_NUMBER", "hidden": True, "locked": True},
]


@dataclass
class Account:
    """What a test needs: the vendor, its world, its address and one prepared sheet's ids."""

    vendor: Smartsheet
    world: World
    base: str
    session: requests.Session

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self.session.request(method, self.base + path, json=body, params=params, timeout=10)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sheet(self, name: str = "Plan", columns: list[dict[str, Any]] | None = None) -> tuple[int, dict[str, int]]:
        body = {"name": name, "columns": columns or COLUMNS}
        made = self.call("POST", f"/workspaces/{WORKSPACE}/sheets", body).json()["result"]
        return made["id"], {column["title"]: column["id"] for column in made["columns"]}

    def add(self, sheet: int, column: int, *values: Any, **place: Any) -> list[int]:
        body = [{**(place or {"toBottom": True}), "cells": [{"columnId": column, "value": each}]} for each in values]
        answer = self.call("POST", f"/sheets/{sheet}/rows", body)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["result"]]

    def names(self, sheet: int) -> list[str]:
        return [row["cells"][0].get("value", "") for row in self.get(f"/sheets/{sheet}")["rows"]]

    def sdk(self) -> smartsheet.Smartsheet:
        client = smartsheet.Smartsheet(TOKEN, api_base=self.base, user_agent="tests", max_retry_time=0)
        client.errors_as_exceptions()
        return client


def refused(answer: requests.Response, status: int, code: int) -> dict[str, Any]:
    """Insist on a refusal and return its body."""
    body = answer.json()
    assert (answer.status_code, body["errorCode"]) == (status, code), answer.text
    assert body["refId"]
    return body
