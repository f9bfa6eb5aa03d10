"""The conformance rigs for Smartsheet, one for each layout: a workspace whose list of sheets lags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import smartsheet
from simulated_rig import ODD, TOKEN, SimulatedRig
from simulated_sending import digest

from connectors.base import Connector, DictMemory, Fields, Kind, Ref, Value
from connectors.conformance import At, Delivery
from connectors.smartsheet import ColumnSpec, Layout, SmartsheetConnector, SmartsheetSettings

HOOK_PATH = "sheets-0123456789-secret-path"


class SmartsheetRig(SimulatedRig):
    """In the layout with a sheet for each onboarding."""

    keyed: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.TASK)
    columns = (
        ColumnSpec("Task", primary=True),
        ColumnSpec("Phase"),
        ColumnSpec("Status", "PICKLIST", ("Not started", "In progress", "Blocked", "Done")),
        ColumnSpec("Done", "CHECKBOX"),
        ColumnSpec("Owner", "CONTACT_LIST"),
        ColumnSpec("Due", "DATE"),
        ColumnSpec("Estimated hours"),
    )
    fields: ClassVar[Mapping[Kind, tuple[str, ...]]] = {
        Kind.PLAN: ("name",),
        Kind.TASK: tuple(column.title for column in columns),
    }
    patterns: ClassVar[Mapping[At, str]] = {At.CREATE: "POST *", At.UPDATE: "PUT *", At.READ: "GET *"}
    busy: ClassVar[Mapping[str, Any]] = {"errorCode": 4003, "message": "Rate limit exceeded."}
    layout = Layout.SHEET_PER_ONBOARDING
    signature = "smartsheet-hmac-sha256"

    def connect(self, memory: DictMemory) -> Connector:
        account = {"url": f"{self.url}/2.0", "token": TOKEN, "workspace": "1000000000000001"}
        given = {**account, "layout": self.layout, "hook_path": HOOK_PATH}
        settings = SmartsheetSettings.model_validate(given)
        return SmartsheetConnector(settings, name="sheets", columns=self.columns, **self.collaborators(memory))

    def secrets(self) -> Sequence[str]:
        return (TOKEN, HOOK_PATH)

    def lag(self) -> float:
        self.vendor.knobs["list_lag_seconds"] = 65
        return 65.0

    def sign_out(self) -> None:
        self.vendor.knobs["token_expired"] = True

    def sign_in(self) -> None:
        self.vendor.knobs["token_expired"] = False

    def count(self, write_key: str) -> int:
        sheets = self.vendor.dump()["sheets"]
        plans = sum(sheet["name"].endswith(f" · {write_key}") for sheet in sheets)
        rows = [row["cells"] for sheet in sheets for row in sheet["rows"]]
        return int(plans) + [cells.get("Closedwon key") for cells in rows].count(write_key)

    def samples(self, kind: Kind) -> Sequence[Fields]:
        if kind is Kind.PLAN:
            names = (
                "Acme onboarding",
                "Ünïcödé — 漢字 🚀",
                "much too long a name for a sheet of Smartsheet",
                "two\n lines ",
            )
            return tuple({"name": name} for name in names)
        plain: dict[str, Value] = {
            "Task": "Kick-off",
            "Phase": "Start",
            "Status": "Not started",
            "Done": False,
            "Owner": "ada@example.com",
            "Due": date(2026, 12, 1),
            "Estimated hours": 2.5,
        }
        return (
            plain,
            {"Task": ODD, "Phase": ODD, "Done": True, "Status": "Done"},
            {"Task": "x" * 4500, "Phase": "0012", "Estimated hours": 7},
            {"Task": "2026-01-01", "Phase": "two\nlines", "Estimated hours": 0},
            {"Task": "", "Phase": "true", "Estimated hours": "1.50", "Due": datetime(2026, 5, 1, 23, tzinfo=UTC)},
            dict.fromkeys(name for name in plain if name != "Done") | {"Done": False},
        )

    def refused(self, kind: Kind) -> Fields | None:
        return None if kind is Kind.PLAN else {"Task": "Kick-off", "Status": "No such status"}

    def double(self, kind: Kind, write_key: str, ref: Ref) -> None:
        if kind is Kind.PLAN:
            self.again(kind, write_key, ref)
        else:
            self.act("copy_row", sheet=int(ref.container), row=int(ref.id))

    def person_edits(self, ref: Ref) -> None:
        self.act("set_cell", sheet=int(ref.container), row=int(ref.id), column="Task", value=self.new_text())

    def person_plans(self, name: str, tasks: Sequence[str]) -> Ref:
        """A person uses Smartsheet's own SDK, since no screen makes sheets here."""
        person = smartsheet.Smartsheet(TOKEN, api_base=f"{self.url}/2.0")
        column = {"title": "Task", "type": "TEXT_NUMBER", "primary": True}
        sheet = smartsheet.models.Sheet({"name": name, "columns": [column]})
        made = person.Workspaces.create_sheet_in_workspace(1000000000000001, sheet).result
        cells = [[{"columnId": made.columns[0].id, "value": task}] for task in tasks]
        if cells:
            person.Sheets.add_rows(made.id, [smartsheet.models.Row({"toBottom": True, "cells": row}) for row in cells])
        return Ref(str(made.id))

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        (hook,) = self.vendor.webhooks.all.values()
        return [Delivery({"content-type": "application/json", self.signature: digest(hook.secret, body)}, body)]

    def addresses(self) -> Sequence[str]:
        return [hook.url for hook in self.vendor.webhooks.all.values()]

    def other_registers(self, url: str, target: str) -> None:
        person = smartsheet.Smartsheet(TOKEN, api_base=f"{self.url}/2.0")
        given = {"name": "Theirs", "callbackUrl": url, "scope": "sheet", "scopeObjectId": int(target)}
        person.Webhooks.create_webhook(smartsheet.models.Webhook({**given, "events": ["*.*"], "version": 1}))

    def switch_off(self) -> None:
        for hook in self.vendor.webhooks.all.values():
            hook.enabled, hook.status = False, "DISABLED_BY_OWNER"

    def person_deletes(self, kind: Kind, ref: Ref) -> None:
        if kind is Kind.PLAN:
            self.act("delete_sheet", sheet=int(ref.id))
        else:
            self.act("delete_row", sheet=int(ref.container), row=int(ref.id))


class PortfolioRig(SmartsheetRig):
    """In the layout with shared sheets, where a plan has no record of its own."""

    keyed = (Kind.TASK,)
    layout = Layout.PORTFOLIO
