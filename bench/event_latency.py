"""From an accepted event to its effect at the other vendor: how long, when nothing delays it.

    .venv/bin/python bench/event_latency.py [--events 200] [--deals 16]

A real `closedwon up` on an SQLite file, vendors that answer at once, real webhooks. One thing after the other: an
engineer closes an issue in Jira and its row in Smartsheet must show it; a customer ticks a row and its issue must be
done. The clock runs from the moment at which the receiver has acknowledged the webhook to the moment at which the other
vendor holds the value. The last line is JSON; `plan_p50_ms` is from a won deal's event to its whole plan.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from soak_processes import Served

from simulator.app import Simulator
from simulator.courier import Answer, Delivery
from sync.config import load_config
from sync.demo.stage import configuration
from sync.engine import Report
from sync.receiver import address, hearing
from sync.wiring import Plant, assemble

HOOKS: Mapping[str, Mapping[str, str]] = {
    "crm": {"hook_path": "crm-0123456789-latency-path"},
    "tracker": {"hook_path": "tracker-0123456789-latency-path", "hook_secret": "latency-secret"},
    "sheets": {"hook_path": "sheets-0123456789-latency-path"},
}
PATIENCE = 60.0


class Ear:
    """Hears when the receiver has acknowledged a webhook of one connection."""

    def __init__(self, simulator: Simulator) -> None:
        self._acknowledged = threading.Event()
        self._connection = ""
        self.moment = 0.0
        simulator.world.courier.heard = self._heard

    def expect(self, connection: str) -> None:
        """Wait for the next one of this connection from now on."""
        self._acknowledged.clear()
        self._connection = connection

    def acknowledged(self) -> None:
        """Return once it came; `moment` is then when."""
        if not self._acknowledged.wait(PATIENCE):
            raise RuntimeError(f"no event of {self._connection} was acknowledged")

    def _heard(self, delivery: Delivery, answer: Answer) -> None:
        ours = f"/hooks/{self._connection}/" in delivery.url
        if ours and 200 <= answer.status < 300 and not self._acknowledged.is_set():
            self.moment = time.perf_counter()
            self._acknowledged.set()


class Bench:
    """The vendors, the process, and how long each effect took."""

    def __init__(self, simulator: Simulator, plant: Plant) -> None:
        self.simulator = simulator
        self.plant = plant
        self.ear = Ear(simulator)

    def win(self, number: int) -> float:
        """Have a deal won; return the seconds from its event to its whole plan."""
        day = self.simulator.world.clock.now().date().isoformat()
        deal = {"name": f"Deal {number}", "account": f"Customer {number}", "close_date": day, "hours": 40}
        plans = self.plant.store.counts()["onboardings"]
        return self.took("crm", "salesforce", "win_deal", deal, lambda: self.rests() and self.plans() > plans)

    def close(self, task: tuple[str, int, int]) -> float:
        """Have an engineer close an issue; return the seconds from its event to the row."""
        issue, sheet, row = task
        closing = {"issue": issue, "who": "ada@example.com"}
        return self.took("tracker", "jira", "close_task", closing, lambda: self.cell(sheet, row) == "Done")

    def tick(self, task: tuple[str, int, int]) -> float:
        """Have a customer tick a row; return the seconds from its event to the issue."""
        issue, sheet, row = task
        ticking = {"sheet": sheet, "row": row, "who": "dan@example.com"}
        return self.took("sheets", "smartsheet", "tick_row", ticking, lambda: self.status(issue) == "Done")

    def took(
        self, connection: str, vendor: str, action: str, args: Mapping[str, Any], effect: Callable[[], bool]
    ) -> float:
        """Do something at a vendor; return the seconds from its acknowledged event to the effect."""
        self.ear.expect(connection)
        with self.simulator.world.lock:
            self.simulator.vendors[vendor].act(action, args)
        end = time.perf_counter() + PATIENCE
        while not effect():
            if time.perf_counter() > end:
                raise RuntimeError(f"{action} had no effect within {PATIENCE:.0f} s")
            time.sleep(0.001)
        moment = time.perf_counter()
        self.ear.acknowledged()
        return max(0.0, moment - self.ear.moment)

    def tasks(self) -> list[tuple[str, int, int]]:
        """List the tasks that both vendors show: issue, sheet, row."""
        issues = {(b.key, b.item): b.ref.id for b in self.plant.store.bindings_of("tracker")}
        rows = {(b.key, b.item): b.ref for b in self.plant.store.bindings_of("sheets") if b.item != "plan"}
        both = sorted(issues.keys() & rows.keys())
        return [(issues[place], int(rows[place].container), int(rows[place].id)) for place in both]

    def plans(self) -> int:
        return self.plant.store.counts()["onboardings"]

    def rests(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.plant.store.counts()["dirty"] or self.plant.store.take_events(1))

    def status(self, issue: str) -> str:
        return str(self.simulator.jira.site.issue(issue).status.name)

    def cell(self, sheet: int, row: int) -> Any:
        found = self.simulator.smartsheet.state.sheets[sheet]
        [column] = [column.id for column in found.columns if column.title == "Status"]
        cell = found.rows[row].cells.get(column)
        return cell.value if cell else None


def measure(events: int, deals: int, folder: Path) -> dict[str, Any]:
    config = folder / "config.yaml"
    with Simulator() as simulator:
        store = f"sqlite:///{folder / 'closedwon.db'}"
        hooks = {name: dict(hook) for name, hook in HOOKS.items()}
        with config.open("w", encoding="utf-8") as file:
            YAML().dump(configuration(simulator.urls, store, **hooks), file)
        plant = assemble(load_config(config))
        served = Served("up", ["up", "--json", "--port", "0", "--health-port", "0"], config=config, folder=folder)
        try:
            plant.engine.sweep(Report())
            served.start()
            served.wait()
            bench = Bench(simulator, plant)
            hear(bench, served.keep_port(), "crm")
            plans = [bench.win(number) for number in range(deals)]
            hear(bench, served.keep_port(), "tracker", "sheets")
            return figures(work(bench, events), plans)
        finally:
            served.kill()
            plant.close()


def hear(bench: Bench, url: str, *connections: str) -> None:
    """Have vendors send their webhooks to the receiver."""
    for name in connections:
        events = hearing(bench.plant.connections)[name]
        where = url + address(name, events)
        plans = sorted({b.ref.id for b in bench.plant.store.bindings_of(name) if b.item == "plan"})
        assert all(hook.sound for hook in events.install(where, plans))
        if name == "crm":
            message = {"object": "Opportunity", "url": where, "fields": ["StageName"]}
            with bench.simulator.world.lock:
                bench.simulator.salesforce.act("add_outbound_message", message)


def work(bench: Bench, events: int) -> list[float]:
    """Close and tick in turn, each on a task of its own and after the last one's echo has passed."""
    took = []
    for number, task in enumerate(bench.tasks()[:events]):
        while not bench.rests():
            time.sleep(0.001)
        took.append(bench.tick(task) if number % 2 else bench.close(task))
    return took


def figures(took: Sequence[float], plans: Sequence[float]) -> dict[str, Any]:
    times, wins = sorted(took), sorted(plans)
    return {
        "events": len(times),
        "p50_ms": _ms(times, 0.5),
        "p95_ms": _ms(times, 0.95),
        "p99_ms": _ms(times, 0.99),
        "max_ms": _ms(times, 1),
        "plans": len(wins),
        "plan_p50_ms": _ms(wins, 0.5),
        "plan_p95_ms": _ms(wins, 0.95),
    }


def _ms(times: Sequence[float], share: float) -> float:
    return round(1000 * times[min(len(times) - 1, int(len(times) * share))], 1)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--events", type=int, default=200)
    given.add_argument("--deals", type=int, default=16, help="each has 14 tasks that both vendors show")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="closedwon-latency-") as folder:
        print(json.dumps(measure(asked.events, asked.deals, Path(folder))))


if __name__ == "__main__":
    main()
