"""The conformance rig for Jira: a project whose search lags, and people who log time."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from simulated_rig import ODD, TOKEN, SimulatedRig
from simulated_sending import digest

from connectors.base import Connector, DictMemory, Fields, Kind, Ref, Value
from connectors.conformance import At, Delivery
from connectors.jira import JiraConnector, JiraSettings
from simulator.jira.webhooks import Webhook

HOOK_PATH, HOOK_SECRET = "tracker-0123456789-secret-path", "It's a Secret to Everybody"


class JiraRig(SimulatedRig):
    keyed = (Kind.PLAN, Kind.TASK)
    fields: ClassVar[Mapping[Kind, tuple[str, ...]]] = {
        Kind.PLAN: ("summary", "duedate", "status", "status.category"),
        Kind.TASK: (
            "summary",
            "description",
            "status",
            "status.category",
            "duedate",
            "assignee",
            "labels",
            "timeoriginalestimate",
            "customfield_10015",
            "customfield_10050",
            "customfield_10051",
        ),
    }
    # All calls of our connector that end in a `k` are POST issue/bulk.
    patterns: ClassVar[Mapping[At, str]] = {
        At.CREATE: "POST */issue/bulk",
        At.UPDATE: "PUT *",
        At.READ: "[GP][EO][ST]*[!k]",
    }
    email = "closedwon@example.com"
    signature = "x-hub-signature"

    def connect(self, memory: DictMemory) -> Connector:
        account = {"url": self.url, "email": self.email, "token": TOKEN, "project": "ONB"}
        given = {**account, "hook_path": HOOK_PATH, "hook_secret": HOOK_SECRET}
        return JiraConnector(JiraSettings.model_validate(given), name="tracker", **self.collaborators(memory))

    def secrets(self) -> Sequence[str]:
        return (TOKEN, HOOK_PATH, HOOK_SECRET, base64.b64encode(f"{self.email}:{TOKEN}".encode()).decode())

    def lag(self) -> float:
        self.vendor.knobs["search_lag_seconds"] = 120
        return 120.0

    def sign_out(self) -> None:
        self.act("expire_token")

    def sign_in(self) -> None:
        self.vendor.tokens[self.email] = TOKEN

    def count(self, write_key: str) -> int:
        issues = self.vendor.dump()["issues"]
        return sum(issue["properties"].get("closedwon", {}).get("key") == write_key for issue in issues)

    def samples(self, kind: Kind) -> Sequence[Fields]:
        if kind is Kind.PLAN:
            return (
                {"summary": "Onboard Acme", "duedate": date(2027, 2, 28)},
                {"summary": ODD, "duedate": date(2028, 2, 29)},
                {"summary": "two\nlines", "duedate": None},
            )
        plain: dict[str, Value] = {
            "summary": "Kick-off",
            "description": "First line\nsecond line",
            "duedate": date(2026, 12, 1),
            "assignee": "5b10a2844c20165700ede21g",
            "labels": ("alpha", "beta"),
            "timeoriginalestimate": 9000,
            "customfield_10015": date(2026, 11, 25),
            "customfield_10050": "Kick-off",
            "customfield_10051": "Customer",
        }
        return (
            plain,
            {"summary": ODD, "description": ODD, "customfield_10050": ODD, "timeoriginalestimate": 5431},
            {"summary": "x" * 300, "description": "y" * 33_000, "customfield_10050": "🚀" * 200},
            {"summary": "a\r\nb\u2028c", "description": "\n\none\r\n\r\ntwo  \n", "labels": ("two words", "b", "a")},
            {"summary": "ctl \x00\x07 end", "description": "   ", "customfield_10050": "", "labels": ()},
            {"summary": "Status", "status": "In Progress"},
            {"summary": "Status", "status": "Done"},
            {"summary": "Empty"} | dict.fromkeys(name for name in plain if name not in {"summary", "labels"}),
        )

    def refused(self, kind: Kind) -> Fields | None:
        return {"summary": None} if kind is Kind.PLAN else {"summary": "Kick-off", "customfield_10051": "Nobody"}

    def double(self, kind: Kind, write_key: str, ref: Ref) -> None:
        self.again(kind, write_key, ref)

    def person_edits(self, ref: Ref) -> None:
        self.act("edit_issue", issue=ref.id, fields={"summary": self.new_text()}, who="ada@example.com")

    def person_deletes(self, kind: Kind, ref: Ref) -> None:
        self.act("delete_issue", issue=ref.id)

    def person_plans(self, name: str, tasks: Sequence[str]) -> Ref:
        plan = self._person_makes("Epic", name)
        for task in tasks:
            self._person_makes("Task", task, parent={"id": plan})
        return Ref(plan)

    def _person_makes(self, kind: str, summary: str, **fields: Any) -> str:
        given = {"project": {"key": "ONB"}, "issuetype": {"name": kind}, "summary": summary, **fields}
        return str(self.act("create_issue", fields=given, who="ada@example.com")["id"])

    def sealed(self, body: bytes) -> Sequence[Delivery]:
        headers = {"content-type": "application/json", self.signature: f"sha256={digest(HOOK_SECRET, body)}"}
        return [Delivery(headers, body)]

    def addresses(self) -> Sequence[str]:
        return [hook.url for hook in self.vendor.site.webhooks.by_id.values()]

    def other_registers(self, url: str, target: str) -> None:
        admin = next(iter(self.vendor.site.schema.users))
        self.vendor.site.webhooks.by_id[99] = Webhook(99, "Theirs", url, frozenset(), owner=admin, updated=0)

    def switch_off(self) -> None:
        for hook in self.vendor.site.webhooks.by_id.values():
            hook.enabled = False

    def log_time(self, ref: Ref, seconds: int) -> str:
        return str(self.act("log_time", issue=ref.id, seconds=seconds, who="ada@example.com")["worklog"])

    def seconds(self, ref: Ref) -> int:
        (issue,) = [issue for issue in self.vendor.dump()["issues"] if issue["id"] == ref.id]
        return sum(int(log["seconds"]) for log in issue["worklogs"])

    def edit_time(self, entry: str, seconds: int) -> None:
        self.act("edit_worklog", worklog=entry, seconds=seconds, who="ada@example.com")

    def move_time(self, entry: str, ref: Ref) -> None:
        self.act("move_worklog", worklog=entry, issue=ref.id, who="ada@example.com")

    def delete_time(self, entry: str) -> None:
        self.act("delete_worklog", worklog=entry, who="ada@example.com")
