"""People who edit everywhere by a script, and what must be true once they rest: shared by the laws' tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from connectors.base import Fields
from mappings.load import DEFAULT_MAPPINGS
from mappings.model import LEDGER
from mappings.translate import shows
from simulator.salesforce.problems import Problem
from sync.core.model import PLAN_ITEM, Onboarding, Priority, Quarantine
from sync.demo.stage import Stage
from sync.engine import Report

LAYOUTS = ("sheet_per_onboarding", "portfolio")
AUTHORITIES = {"tracker first": "[tracker, sheets]", "sheets first": "[sheets, tracker]"}
ACCOUNTS = {"ada@example.com": "5b10a2844c20165700ede21g", "ben@example.com": "5b10a2844c20165700ede22h"}
ROUNDS = 8
READS = ("/token", "/bulkfetch", "/worklog/list", "/search/jql", "/issue/properties")
"""Ends of addresses which are asked by POST and change nothing."""

Edit = tuple[str, int, int]
"""What somebody does, and two numbers that choose to what and how."""


def mapping_under(authority: str, folder: Path) -> str:
    """Write the default mapping with one authority for every field that several sides may change."""
    text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
    for order in AUTHORITIES.values():
        text = text.replace(f"authority: {order}", "authority: [THEM]")
    path = folder / "mapping.yaml"
    path.write_text(text.replace("[THEM]", AUTHORITIES[authority]), encoding="utf-8")
    return str(path)


def lag(stage: Stage) -> None:
    """Let every vendor lag as vendors do."""
    stage.simulator.jira.knobs.update({"search_lag_seconds": 25, "search_flicker": 0.2})
    stage.simulator.smartsheet.knobs["list_lag_seconds"] = 40
    stage.simulator.salesforce.knobs["visible_after_seconds"] = 5


class Life:
    """An organisation at work on these deals."""

    def __init__(self, stage: Stage, deals: Sequence[str]) -> None:
        self.stage = stage
        self.deals = list(deals)
        self.done: list[Edit] = []
        self.swept = Report()

    def live(self, script: Sequence[Edit]) -> None:
        """Do everything of a script; somebody who is refused shrugs and goes on."""
        for edit in script:
            self.do(edit)

    def do(self, edit: Edit) -> None:
        name, which, how = edit
        if name == "sweep":
            self.sweep()
            return
        with self.stage.simulator.world.lock:
            try:
                (ACTIONS.get(name) or SALES[name])(self, which, how)
            except (LookupError, ValueError, Problem):
                return
        self.done.append(edit)

    # -- who and what

    def jira(self, action: str, **args: Any) -> dict[str, Any]:
        return dict(self.stage.simulator.jira.act(action, {"who": "ada@example.com", **args}))

    def sheet(self, action: str, **args: Any) -> dict[str, Any]:
        return dict(self.stage.simulator.smartsheet.act(action, {"who": "cleo@example.com", **args}))

    def crm(self, action: str, which: int, **args: Any) -> None:
        self.stage.simulator.salesforce.act(action, {"id": self.deals[which % len(self.deals)], **args})

    def line(self, which: int, how: int) -> dict[str, str]:
        """Choose a line of one deal."""
        deal = self.deals[which % len(self.deals)]
        rows = self.stage.simulator.salesforce.org.rows("OpportunityLineItem")
        return {"id": str(_one([row["Id"] for row in rows if row["OpportunityId"] == deal], how))}

    def issue(self, which: int) -> str:
        issues = [i for _, i in sorted(self.stage.simulator.jira.site.issues.by_id.items()) if i.type.name != "Epic"]
        return str(_one(issues, which).id)

    def row(self, which: int) -> dict[str, int]:
        state = self.stage.simulator.smartsheet.state
        rows = [(sheet.id, row.id) for _, sheet in sorted(state.sheets.items()) for row in sheet.order() if row.cells]
        sheet, row = _one(rows, which)
        return {"sheet": sheet, "row": row}

    def worklog(self, which: int) -> str:
        return str(_one(sorted(self.stage.simulator.jira.site.worklogs.by_id), which))

    def day(self, how: int) -> str:
        return (self.stage.clock.now().date() + timedelta(days=how % 60)).isoformat()

    # -- what must be true

    def rest(self) -> None:
        """Let all lags run out and sweep until nothing is left to do, with one full look: Jira hides its deletions."""
        for number in range(ROUNDS):
            self.stage.settle()
            report = self.sweep()
            if number == 0:
                self.look_at_all()
            elif not report.writes and not report.waiting and not report.looked:
                return
        raise AssertionError(f"still at work after {ROUNDS} sweeps: {report.as_json()}")

    def look_at_all(self) -> Report:
        """Reconcile everything, changed or not."""
        store = self.stage.plant.store
        store.request(store.keys(), Priority.RECONCILE)
        return self.stage.plant.engine.drain()

    def sweep(self) -> Report:
        report = self.stage.sweep()
        self.swept.add(report)
        return report

    def known(self) -> dict[str, Onboarding]:
        return self.stage.plant.store.load(self.stage.plant.store.keys())

    def check(self) -> None:
        """Hold everything against the laws."""
        self.check_sound()
        self.check_quiet()
        self.check_base()
        self.check_hours()

    def check_sound(self) -> None:
        proof = self.stage.prove()
        doubled = [q for q in self.stage.plant.store.quarantined() if q.code == "DUPLICATE-01"]
        assert (proof.unequal, proof.lacking, proof.strays) == (0, 0, 0), proof.examples
        assert bool(proof.duplicates) == bool(doubled), (proof.examples, doubled)
        assert self.stage.plant.store.counts()["open_intents"] == 0
        assert self.stage.plant.store.counts()["dirty"] == 0

    def check_quiet(self) -> None:
        """Law 1: a full second reconcile writes nothing and makes no write call."""
        store, before = self.stage.plant.store, write_calls(self.stage)
        held = told(store.quarantined())
        report = self.look_at_all()
        assert report.writes == 0, report.as_json()
        assert write_calls(self.stage) == before
        assert told(store.quarantined()) == held

    def check_base(self) -> None:
        """Law 6: the base is what every side shows, wherever nothing is held back."""
        task, differing = self.stage.plant.mappings.task, []
        for key, onboarding in self.known().items():
            held = {(q.item, q.connection) for q in onboarding.held}
            for (item, name), fields in self.shown(onboarding).items():
                if {(item, name), (PLAN_ITEM, name)} & held or any(place == item for place, _ in held):
                    continue
                differing += [
                    (key, item, name, rule.name, fields[lens.field], onboarding.base[item].get(rule.name))
                    for rule in task.rules
                    for lens in rule.at(name)
                    if not lens.once and lens.field in fields
                    if not shows(lens, fields[lens.field], onboarding.base[item].get(rule.name))
                ]
        assert differing == []

    def shown(self, onboarding: Onboarding) -> dict[tuple[str, str], Fields]:
        """Read what every side shows of an onboarding's tasks now, past the engine."""
        engine, found = self.stage.plant.engine, {}
        for name, home in engine.homes.items():
            bound = onboarding.bound(name)
            places = {binding.ref.id: item for item, binding in bound.items() if item != PLAN_ITEM}
            for record in home.inventory():
                if record.ref.id in places:
                    found[places[record.ref.id], name] = record.fields
        for item in onboarding.base:
            if item != PLAN_ITEM:
                found[item, LEDGER] = {"tracked_seconds": onboarding.tracked.get(item, 0)}
        return found

    def check_hours(self) -> None:
        """Law 8: every logged second is in exactly one bucket, and the buckets sum to Jira's total."""
        logs = self.stage.simulator.jira.site.worklogs.by_id.values()
        assert sum(self.stage.plant.store.time_totals("tracker")) == sum(log.seconds for log in logs)


def told(entries: Sequence[Quarantine]) -> set[tuple[str, ...]]:
    return {(q.key, q.item, q.connection, q.field, q.code) for q in entries}


def write_calls(stage: Stage) -> int:
    """Count the calls so far that could have changed something."""
    calls: Mapping[tuple[str, str], int] = stage.simulator.world.calls
    return sum(n for (_, e), n in calls.items() if not e.startswith("GET") and not e.endswith(READS))


def _one(things: Sequence[Any], which: int) -> Any:
    if not things:
        raise LookupError("there is none")
    return things[which % len(things)]


def _status(name: str) -> Callable[[Life, int, int], object]:
    return lambda life, which, _: life.jira("set_status", issue=life.issue(which), status=name)


def _cell(column: str, *values: Any) -> Callable[[Life, int, int], object]:
    return lambda life, which, how: life.sheet(
        "set_cell", **life.row(which), column=column, value=values[how % len(values)]
    )


def _fields(**values: Callable[[Life, int], Any]) -> Callable[[Life, int, int], object]:
    return lambda life, which, how: life.jira(
        "edit_issue", issue=life.issue(which), fields={name: value(life, how) for name, value in values.items()}
    )


def _other_name(name: str) -> str:
    return name.removesuffix(" (old)") if name.endswith(" (old)") else f"{name} (old)"


def _rename_status(life: Life, which: int, _: int) -> None:
    statuses = life.stage.simulator.jira.site.schema.statuses
    status = statuses[_one(sorted(statuses), which)]
    life.jira("rename_status", status=status.id, name=_other_name(status.name))


def _rename_column(life: Life, which: int, how: int) -> None:
    place = life.row(which)
    column = _one(life.stage.simulator.smartsheet.state.sheets[place["sheet"]].columns, how)
    life.sheet("rename_column", sheet=place["sheet"], column=column.id, title=_other_name(column.title))


def _win(life: Life, which: int, how: int) -> None:
    if len(life.deals) < 4:
        life.deals.append(life.stage.win(name=f"Deal {which}-{how}", account=f"Customer {which}", hours=how))


ACTIONS: Mapping[str, Callable[[Life, int, int], object]] = {
    "close": lambda life, which, _: life.jira("close_task", issue=life.issue(which)),
    "reopen": _status("To Do"),
    "start": _status("In Progress"),
    "review": _status("In Review"),
    "block": _status("Blocked"),
    "log": lambda life, which, how: life.jira("log_time", issue=life.issue(which), seconds=60 * (how + 1)),
    "edit log": lambda life, which, how: life.jira("edit_worklog", worklog=life.worklog(which), seconds=60 * (how + 7)),
    "delete log": lambda life, which, _: life.jira("delete_worklog", worklog=life.worklog(which)),
    "move log": lambda life, which, how: life.jira("move_worklog", worklog=life.worklog(which), issue=life.issue(how)),
    "rename issue": _fields(summary=lambda _, how: f"Renamed in Jira {how}"),
    "issue due": _fields(duedate=lambda life, how: life.day(how)),
    "assign": _fields(assignee=lambda _, how: {"accountId": [*ACCOUNTS.values()][how % 2]}),
    "unassign": _fields(assignee=lambda _life, _how: None),
    "delete issue": lambda life, which, _: life.jira("delete_issue", issue=life.issue(which)),
    "move issue": lambda life, which, _: life.jira("move_issue", issue=life.issue(which), project="OPS"),
    "rename status": _rename_status,
    "tick": _cell("Done", True),
    "untick": _cell("Done", False),
    "set status": _cell("Status", "Not started", "In progress", "Blocked", "Done"),
    "row due": lambda life, which, how: life.sheet("set_cell", **life.row(which), column="Due", value=life.day(how)),
    "row start": lambda life, which, how: life.sheet(
        "set_cell", **life.row(which), column="Start", value=life.day(how)
    ),
    "rename row": lambda life, which, how: life.sheet(
        "set_cell", **life.row(which), column="Task", value=f"Renamed in a sheet {how}"
    ),
    "row owner": _cell("Owner", *ACCOUNTS, None),
    "estimate": _cell("Estimated hours", 1, 2.5, 8),
    "wrong estimate": _cell("Estimated hours", "soon"),
    "wrong phase": _cell("Phase", "Elsewhere"),
    "add row": lambda life, which, how: life.sheet(
        "add_row", sheet=life.row(which)["sheet"], cells={"Task": f"A note {how}"}
    ),
    "copy row": lambda life, which, _: life.sheet("copy_row", **life.row(which)),
    "delete row": lambda life, which, _: life.sheet("delete_row", **life.row(which)),
    "rename column": _rename_column,
    "win": _win,
    "reopen deal": lambda life, which, _: life.crm("reopen_deal", which),
    "win again": lambda life, which, _: life.crm("edit_deal", which, fields={"StageName": "Closed Won"}),
    "delete deal": lambda life, which, _: life.crm("delete_deal", which),
    "undelete deal": lambda life, which, _: life.crm("undelete_deal", which),
    "deal hours": lambda life, which, how: life.crm("edit_deal", which, fields={"Contracted_Hours__c": how}),
    "wait": lambda life, _, how: life.stage.sleep(how * 3),
}
"""Everything that people do."""

SALES: Mapping[str, Callable[[Life, int, int], object]] = {
    "add line": lambda life, which, how: life.crm(
        "add_line", which, product=("CRM link", "ERP link")[how % 2], quantity=1 + how % 3, price=100
    ),
    "remove line": lambda life, which, how: life.crm("remove_line", which, **life.line(which, how)),
    "another quantity": lambda life, which, how: life.crm(
        "edit_record", which, object="OpportunityLineItem", fields={"Quantity": 1 + how}, **life.line(which, how)
    ),
    "another close date": lambda life, which, how: life.crm("edit_deal", which, fields={"CloseDate": life.day(how)}),
    "another title": lambda life, which, how: life.crm("edit_deal", which, fields={"Name": f"Renamed deal {how}"}),
    "bounce": lambda life, which, _: life.crm("reopen_deal", which),
    "win again": ACTIONS["win again"],
}
"""Everything that sales does to a deal after its plan was made."""
