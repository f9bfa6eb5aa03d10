"""What the tests of the Jira connector share: connectors for the simulated site, their cost, and short ways to write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Create, DictMemory, FreeMeter, Kind, Ref, Update, Wanted, Written
from connectors.jira import JiraConnector, JiraSettings
from simulator.jira import Jira
from simulator.server import World

EMAIL, TOKEN = "closedwon@example.com", "simulator-token"
ADA = "5b10a2844c20165700ede21g"
FIELDS = {
    Kind.PLAN: ("summary", "status", "status.category", "duedate"),
    Kind.TASK: (
        "summary",
        "description",
        "status",
        "status.category",
        "duedate",
        "assignee",
        "timeoriginalestimate",
        "customfield_10015",
        "customfield_10050",
        "customfield_10051",
    ),
}


@dataclass
class Bench:
    """The site, and how tests get connectors for it and look at what they cost."""

    world: World
    jira: Jira
    url: str
    slept: list[float] = field(default_factory=list)
    opened: list[JiraConnector] = field(default_factory=list)

    def connector(
        self, *, memory: DictMemory | None = None, fields: dict[Kind, tuple[str, ...]] | None = None, **settings: Any
    ) -> JiraConnector:
        given = {"url": self.url, "email": EMAIL, "token": TOKEN, "project": "ONB"} | settings
        made = JiraConnector(
            JiraSettings.model_validate(given),
            name="tracker",
            fields=fields or FIELDS,
            memory=memory or DictMemory(),
            meter=FreeMeter(),
            clock=self.world.clock.now,
            sleep=self.sleep,
        )
        self.opened.append(made)
        return made

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.world.clock.advance(seconds)

    def calls(self, what: Callable[[], Any]) -> tuple[Any, dict[str, int]]:
        """Run and return its result with the calls that it cost, by endpoint."""
        before = dict(self.world.calls)
        result = what()
        made = {name: n - before.get((vendor, name), 0) for (vendor, name), n in self.world.calls.items()}
        return result, {name: n for name, n in made.items() if n}

    def fault(self, name: str, endpoint: str = "*", **parts: Any) -> None:
        self.world.faults.add(name, vendor="jira", endpoint=endpoint, **parts)

    def issues(self) -> list[Any]:
        return list(self.jira.site.issues.by_id.values())


def plan(key: str = "006A", **fields: Any) -> Create:
    return Create(f"{key}:plan", Kind.PLAN, {"summary": f"Onboard {key}"} | fields)


def task(plan_ref: Ref | None, item: str = "kickoff", key: str = "006A", **fields: Any) -> Create:
    return Create(f"{key}:{item}", Kind.TASK, {"summary": item.title()} | fields, plan=plan_ref)


def update(written: Written, **fields: Any) -> Update:
    return Update(written.write.write_key, written.write.kind, written.ref, fields)


def written(connector: JiraConnector, *writes: Any) -> list[Written]:
    """Write and return the results in the order of the writes; fails the test when one did not succeed."""
    results = {result.write.write_key: result for result in connector.write(writes)}
    assert all(isinstance(result, Written) for result in results.values()), results
    return [results[write.write_key] for write in writes]


def wanted(write: Create, mark: str) -> Wanted:
    return Wanted(write.write_key, write.kind, write.plan, mark)
