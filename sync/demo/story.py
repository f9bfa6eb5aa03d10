"""The demo's story, scene by scene. Called by `closedwon demo`; every number it prints was counted, none is set.

It uses the same stage as the end-to-end tests, and nothing that a user's own configuration could not do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sync.core.model import PLAN_ITEM, Priority
from sync.demo.stage import Stage
from sync.engine import Report

Line = tuple[str, str, int, float]
"""A product sold: name, family, quantity, unit price."""

WON: dict[str, tuple[Line, ...]] = {
    "Acme Corporation": (("Platform", "Subscription", 1, 48000.0), ("SSO", "SSO", 1, 6000.0)),
    "Betatech": (("Platform", "Subscription", 1, 36000.0), ("Data migration", "Migration", 1, 9000.0)),
    "Cancity": (("Platform", "Subscription", 1, 30000.0), ("ERP connector", "Integration", 2, 8000.0)),
    "Isdom": (("Ethernet circuit 1G", "Circuit", 2, 900.0),),
}
WON_LATER: dict[str, tuple[Line, ...]] = {
    "Konex": (("Platform", "Subscription", 1, 22000.0),),
    "Zumgoity": (("Platform", "Subscription", 1, 27000.0), ("Training day", "Training", 3, 1500.0)),
}
ENGINEER, CUSTOMER, COORDINATOR = "ada@example.com", "dan@example.com", "cleo@example.com"
WORKED = 4
HOUR = 3600


def run_demo(*, svg: Path | None = None, quiet: bool = False) -> dict[str, Any]:
    """Play the whole story and return the closing numbers. Prints the scenes on stdout unless `quiet`."""
    console = Console(record=svg is not None, quiet=quiet and svg is None, highlight=False, width=100)
    with Stage() as stage:
        stage.simulator.jira.knobs["search_lag_seconds"] = 20
        stage.simulator.smartsheet.knobs["list_lag_seconds"] = 30
        result = _Story(stage, console).play()
    if svg is not None:
        # Without the web fonts that rich refers to: the picture asks nobody else for anything.
        drawn = re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="closedwon demo"), flags=re.DOTALL)
        svg.write_text(drawn, encoding="utf-8")
    return result


class _Story:
    def __init__(self, stage: Stage, console: Console) -> None:
        self.stage = stage
        self.say = console.print
        self.total = Report()
        self.deals: list[str] = []

    def play(self) -> dict[str, Any]:
        """Play all scenes."""
        self._sweep()  # from here on, changes count
        self._win()
        self._work()
        self._fail()
        return self._prove()

    def _scene(self, number: int, title: str) -> None:
        self.say(f"\n[bold cyan]{number}. {title}[/bold cyan]")

    def _sweep(self) -> Report:
        self.stage.settle()
        report = self.stage.sweep()
        self.total.add(report)
        return report

    def _win(self) -> None:
        self._scene(1, "Deals are won in Salesforce")
        for customer, sold in WON.items():
            self._close(customer, sold)
        report = self._sweep()
        self.say(f"   {len(WON)} deals closed won → {report.planned} plans: {_counts(report.created)}")
        self._table()

    def _close(self, customer: str, sold: tuple[Line, ...]) -> None:
        names = ("product", "family", "quantity", "price")
        lines = [dict(zip(names, line, strict=True)) for line in sold]
        deal = {"name": f"{customer} – {sold[0][0]}", "account": customer, "owner": COORDINATOR, "hours": 120}
        self.deals.append(self.stage.win(**deal, lines=lines))

    def _table(self) -> None:
        table = Table("Customer", "Template", "Tasks", "Launch", box=None, padding=(0, 2, 0, 3))
        for onboarding in self.stage.plant.store.load(self.deals).values():
            plan = onboarding.base[PLAN_ITEM]
            tasks = str(len(onboarding.base) - 1)
            table.add_row(str(plan["account"]), onboarding.template, tasks, str(plan["target_launch"]))
        self.say(table)

    def _work(self) -> None:
        self._scene(2, "People work where they like to work")
        first = self.stage.plant.store.load(self.deals[:1])[self.deals[0]]
        tracker, sheets = first.bound("tracker"), first.bound("sheets")
        issues = [binding.ref.id for item, binding in tracker.items() if item != PLAN_ITEM][:WORKED]
        for number, issue in enumerate(issues, 1):
            self._act("jira", "log_time", issue=issue, seconds=number * HOUR, who=ENGINEER)
            self._act("jira", "close_task", issue=issue, who=ENGINEER)
        self.say(f"   Ada closes {len(issues)} tasks in Jira and logs {sum(range(1, WORKED + 1))} hours")
        rows = [
            binding for item, binding in sheets.items() if item != PLAN_ITEM and item not in _items(tracker, issues)
        ]
        for ref in (row.ref for row in rows[:2]):
            self._act("smartsheet", "tick_row", sheet=int(ref.container), row=int(ref.id), who=CUSTOMER)
        moved, due = rows[2].ref, first.base[rows[2].item]["due_target"]
        assert isinstance(due, date)
        self._act(
            "smartsheet",
            "move_date",
            sheet=int(moved.container),
            row=int(moved.id),
            column="Due",
            value=(due + timedelta(weeks=1)).isoformat(),
            who=COORDINATOR,
        )
        self.say("   The customer ticks 2 rows in Smartsheet; Cleo moves a due date by a week")
        report = self._sweep()
        self.say(
            f"   → {report.updated.total()} records follow; {report.conflicts} conflicts; roll-ups: {report.rollups}"
        )
        self._show_crm()

    def _act(self, vendor: str, action: str, **args: Any) -> None:
        with self.stage.simulator.world.lock:
            self.stage.simulator.vendors[vendor].act(action, args)

    def _show_crm(self) -> None:
        row = next(
            r for r in self.stage.simulator.salesforce.org.rows("Onboarding__c") if r["Deal_Key__c"] == self.deals[0]
        )
        self.say(
            f"   Salesforce shows {row['Percent_Complete__c']} % complete, {row['Tasks_Done__c']:.0f} of "
            f"{row['Tasks_Total__c']:.0f} tasks, {row['Hours_Tracked__c']} of {row['Hours_Contracted__c']} hours"
        )

    def _fail(self) -> None:
        self._scene(3, "Vendors fail in the middle of a write")
        faults = self.stage.simulator.world.faults
        faults.add("drop_after", vendor="jira", endpoint="POST /rest/api/3/issue/bulk", times=2)
        faults.add("error_4002", vendor="smartsheet", endpoint="POST /2.0/sheets/{id}/rows", after=True, times=1)
        faults.add("html", vendor="salesforce", endpoint="PATCH *composite*", times=1)
        for customer, sold in WON_LATER.items():
            self._close(customer, sold)
        report = self._sweep()
        self.say("   Jira commits and hangs up, twice; Smartsheet commits and says it failed; Salesforce sends a page")
        self.say(f"   → {len(WON_LATER)} plans; found again instead of made twice: {_counts(report.adopted)}")

    def _prove(self) -> dict[str, Any]:
        self._scene(4, "Proof")
        self._sweep()
        second = Report()
        self.stage.plant.engine.sweep(second)
        self.stage.plant.store.request(self.deals, Priority.RECONCILE)
        second.add(self.stage.plant.engine.drain())
        self.say(f"   A full second run writes {second.writes} records")
        calls = self.stage.plant.calls()
        proof = self.stage.prove()
        self.say(
            f"   verify: {proof.compared} records, {proof.fields} fields compared: {proof.unequal} unequal, "
            f"{proof.duplicates} duplicates, {proof.lacking} lacking"
        )
        counts = self.stage.plant.store.counts()
        known = self.stage.plant.store.load(self.deals).values()
        return {
            "deals": len(self.deals),
            "plans": counts["onboardings"],
            "tasks": sum(len(onboarding.base) - 1 for onboarding in known),
            "duplicates": proof.duplicates,
            "unequal": proof.unequal + proof.lacking + proof.strays,
            "second_run_writes": second.writes,
            "rollups_written": self.total.rollups,
            "calls": {"salesforce": calls["crm"], "jira": calls["tracker"], "smartsheet": calls["sheets"]},
        }


def _items(bindings: dict[str, Any], ids: list[str]) -> set[str]:
    return {item for item, binding in bindings.items() if binding.ref.id in ids}


def _counts(records: Mapping[str, int]) -> str:
    return ", ".join(f"{count} records in {name}" for name, count in records.items()) or "none"
