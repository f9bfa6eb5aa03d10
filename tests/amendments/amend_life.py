"""A deal that is changed after its plan was made, and what its plan shows at every side."""

from __future__ import annotations

from typing import Any

from sync.core.amendment import parts_of
from sync.core.model import Event, Onboarding, Priority, Quarantine
from sync.core.planned import Decision
from sync.demo.stage import Stage
from sync.engine.report import Report
from sync.engine.sources import decide

LINES = [{"product": "CRM link", "family": "Integration", "quantity": 2, "price": 1000}]
OWNER = "ada@example.com"


class Sold:
    """One sold deal on a stage."""

    def __init__(self, stage: Stage, **deal: Any) -> None:
        self.stage = stage
        stage.sweep()
        given = {"name": "First", "account": "Acme", "hours": 40, "owner": OWNER, "lines": LINES}
        self.key = stage.win(**{**given, **deal})
        self.rest()

    # -- people

    def crm(self, action: str, **args: Any) -> dict[str, Any]:
        with self.stage.simulator.world.lock:
            return dict(self.stage.simulator.salesforce.act(action, {"id": self.key, **args}))

    def edit(self, **fields: Any) -> None:
        """Edit the deal and let everything come to rest."""
        self.crm("edit_deal", fields=fields)
        self.rest()

    def add_line(self, product: str = "ERP link", quantity: float = 1) -> str:
        line = {"product": product, "family": "Integration", "quantity": quantity, "price": 500}
        return str(self.crm("add_line", **line)["id"])

    def lines(self) -> list[str]:
        org = self.stage.simulator.salesforce.org
        with self.stage.simulator.world.lock:
            return [str(r["Id"]) for r in org.rows("OpportunityLineItem") if r["OpportunityId"] == self.key]

    def jira(self, action: str, item: str, **args: Any) -> None:
        issue = self.known.bound("tracker")[item].ref.id
        with self.stage.simulator.world.lock:
            self.stage.simulator.jira.act(action, {"who": "ada@example.com", "issue": issue, **args})

    # -- the engine

    def rest(self) -> Report:
        """Let every lag run out and look once."""
        self.stage.settle()
        report = self.stage.sweep()
        self.stage.settle()
        report.add(self.stage.sweep())
        return report

    def look(self) -> Report:
        """Reconcile everything, changed or not."""
        store = self.stage.plant.store
        store.request([self.key], Priority.RECONCILE)
        return self.stage.plant.engine.drain()

    def decide(self, *, apply: bool = True, only: tuple[str, ...] = ()) -> Report:
        """Accept or reject what waits, all of it or that of some items."""
        parts = [part for part in self.waiting()["parts"] if not only or part["item"] in only]
        ids = frozenset(str(part["id"]) for part in parts)
        chosen = {"applied": ids} if apply else {"left": ids}
        decide(self.stage.plant.store, self.key, Decision(by="mona", reason="told so", **chosen))
        return self.look()

    # -- what is there

    @property
    def known(self) -> Onboarding:
        return self.stage.plant.store.load([self.key])[self.key]

    @property
    def plan(self) -> dict[str, Any]:
        return dict(self.known.base["plan"])

    def task(self, item: str) -> dict[str, Any]:
        return dict(self.known.base[item])

    def held(self) -> list[Quarantine]:
        return [held for held in self.known.held if not held.connection]

    def codes(self) -> list[str]:
        return [held.code for held in self.held()]

    def waiting(self) -> dict[str, Any]:
        (held,) = [held for held in self.held() if held.code == "AMEND-01"]
        return parts_of(held)

    def told(self) -> list[tuple[str, str, str]]:
        """Return what waits, in short: kind, item, field."""
        return [(part["kind"], part["item"], part["field"]) for part in self.waiting()["parts"]]

    def amended(self) -> list[Event]:
        history = self.stage.plant.store.history(self.key)
        return [event for _, event in history if event.rule == "amended"]

    def plans(self) -> tuple[int, int]:
        """Count epics, and sheets by the deals that have rows in them (an empty one too): there is never a second."""
        epics = sum(i.type.name == "Epic" for i in self.stage.simulator.jira.site.issues.by_id.values())
        sheets = self.stage.simulator.smartsheet.dump()["sheets"]
        owners = [{row["cells"].get("Closedwon key", "").partition(":")[0] for row in each["rows"]} for each in sheets]
        return epics, sum(max(1, len(each)) for each in owners)

    def check(self) -> None:
        """Hold everything against the laws: all sides equal, one plan, and a second look writes nothing."""
        self.rest()
        proof = self.stage.prove()
        assert (proof.unequal, proof.lacking, proof.strays, proof.duplicates) == (0, 0, 0, 0), proof.examples
        assert self.plans() == (1, 1)
        assert self.stage.plant.store.counts()["open_intents"] == 0
        before, held = self.known, self.codes()
        assert self.look().writes == 0
        assert self.known.base == before.base
        assert self.known.deal == before.deal
        assert self.codes() == held
