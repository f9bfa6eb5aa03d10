"""What the tests of the Smartsheet connector share: the account as they see it, and short ways to make plans and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from connectors.base import Create, DictMemory, Failed, FreeMeter, Kind, PlanRefs, Record, Ref, WriteResult, Written
from connectors.smartsheet import ColumnSpec, SmartsheetConnector, SmartsheetSettings
from simulator.server import World
from simulator.smartsheet import Smartsheet

WORKSPACE = "1000000000000001"
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DEAL = "0065g00000AbCdEAAV"
PLAN_KEY = f"{DEAL}:plan"
STATUSES = ("Not started", "In progress", "Blocked", "Done")
COLUMNS = (
    ColumnSpec("Task", primary=True),
    ColumnSpec("Phase"),
    ColumnSpec("Status", "PICKLIST", STATUSES),
    ColumnSpec("Done", "CHECKBOX"),
    ColumnSpec("Owner", "CONTACT_LIST"),
    ColumnSpec("Start", "DATE"),
    ColumnSpec("Due", "DATE"),
    ColumnSpec("Estimated hours"),
)
FIELDS = {Kind.PLAN: ("name",), Kind.TASK: tuple(column.title for column in COLUMNS)}


@dataclass
class Account:
    """The simulated account, and what tests do to it."""

    world: World
    vendor: Smartsheet
    url: str
    memory: DictMemory = field(default_factory=DictMemory)
    made: list[SmartsheetConnector] = field(default_factory=list)

    def connector(self, memory: DictMemory | None = None, **settings: Any) -> SmartsheetConnector:
        """Build a connector whose pauses are the simulator's time."""
        given: dict[str, Any] = {"url": self.url, "token": "simulator-token", "workspace": WORKSPACE, **settings}
        connector = SmartsheetConnector(
            SmartsheetSettings(**given),
            name="sheets",
            fields=FIELDS,
            columns=COLUMNS,
            memory=self.memory if memory is None else memory,
            meter=FreeMeter(),
            clock=self.world.clock.now,
            sleep=self.world.clock.advance,
        )
        self.made.append(connector)
        return connector

    def fault(self, name: str, endpoint: str = "*", **parts: Any) -> None:
        self.world.faults.add(name, vendor="smartsheet", endpoint=endpoint, **parts)

    def people(self, action: str, sheet: str, **args: Any) -> dict[str, Any]:
        return self.vendor.act(action, {"sheet": int(sheet), **args})

    def calls(self) -> dict[str, int]:
        """Count the calls by endpoint since the last `forget`."""
        return {endpoint: n for (_, endpoint), n in sorted(self.world.calls.items())}

    def forget(self) -> None:
        self.world.calls.clear()

    def sheets(self) -> list[Mapping[str, Any]]:
        return list(self.vendor.dump()["sheets"])


def plan_create(key: str = PLAN_KEY, name: str = "Acme onboarding", size: int = 3) -> Create:
    return Create(key, Kind.PLAN, {"name": name}, size=size)


def task_create(plan: Ref, item: str = "kickoff", deal: str = DEAL, **fields: Any) -> Create:
    values = {"Task": f"Do {item}", "Status": "Not started", "Due": date(2026, 12, 1), **fields}
    return Create(f"{deal}:{item}", Kind.TASK, values, plan=plan)


def written(results: Iterator[WriteResult]) -> list[Written]:
    """Return the results, all of which must be successes."""
    found = list(results)
    failed = [result for result in found if isinstance(result, Failed)]
    assert not failed, failed
    return [result for result in found if isinstance(result, Written)]


def failures(results: Iterator[WriteResult]) -> list[Failed]:
    """Return the results, all of which must be failures."""
    found = list(results)
    assert all(isinstance(result, Failed) for result in found), found
    return [result for result in found if isinstance(result, Failed)]


def a_plan(connector: SmartsheetConnector, *items: str) -> tuple[Ref, list[Written]]:
    """Make a plan with these tasks."""
    plan = written(connector.write([plan_create(size=len(items))]))[0].ref
    return plan, written(connector.write([task_create(plan, item) for item in items])) if items else []


def rows(connector: SmartsheetConnector, plan: Ref, *tasks: Ref) -> list[Record]:
    """Read a plan's tasks as they are now."""
    return [r for r in connector.fetch([PlanRefs(plan, tasks)]) if r.kind is Kind.TASK]
