"""The stage of the demo and of end-to-end tests: a simulator, a configuration for it, and an engine on its clock.

Used by `sync.demo.story` and by tests. Everything lives in a temporary folder and in this process; sleeping moves the
virtual clock, so that waiting for a vendor's index costs no time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ruamel.yaml import YAML

from simulator.app import Simulator
from simulator.clock import Clock
from sync.config import load_config
from sync.engine.report import Report
from sync.verify import Proof, verify
from sync.wiring import Plant, assemble

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SETTLED = 420.0
"""Virtual seconds after which every lag of every vendor is over: indexes, feeds and their overlaps."""


def configuration(urls: Mapping[str, str], store: str, **changes: Any) -> dict[str, Any]:
    """Return a config.yaml for simulated vendors; `changes` go into the sections of that name."""
    sections: dict[str, Any] = {
        "crm": {
            "connector": "salesforce",
            "url": urls["salesforce"],
            "client_id": "closedwon",
            "client_secret": "simulator-secret",
        },
        "tracker": {
            "connector": "jira",
            "url": urls["jira"],
            "email": "closedwon@example.com",
            "token": "simulator-token",
            "project": "ONB",
        },
        "sheets": {
            "connector": "smartsheet",
            "url": urls["smartsheet"] + "/2.0",
            "token": "simulator-token",
            "workspace": "1000000000000001",
        },
    }
    for name, section in sections.items():
        section.update(changes.pop(name, {}))
    if "pubsub" in urls:
        sections["crm"].setdefault("cdc", {"endpoint": urls["pubsub"]})
    engine = {"settle_seconds": 30, "patience_seconds": 600, **changes.pop("engine", {})}
    return {"store": store, "connections": sections, "engine": engine, **changes}


class Stage:
    """A simulator with an engine on it. Use it as a context manager."""

    def __init__(
        self,
        *,
        seed: int = 0,
        store: str = "",
        options: Mapping[str, Any] | None = None,
        ports: Mapping[str, int] | None = None,
        **changes: Any,
    ) -> None:
        self.clock = Clock(START, frozen=True)
        self.simulator = Simulator(seed=seed, clock=self.clock, options=options, ports=ports)
        self._folder = tempfile.TemporaryDirectory(prefix="closedwon-")
        self.folder = Path(self._folder.name)
        self.store = store or f"sqlite:///{self.folder / 'closedwon.db'}"
        self._changes = changes
        self.plant: Plant

    def __enter__(self) -> Self:
        self.simulator.start()
        self.config = self.folder / "config.yaml"
        with self.config.open("w", encoding="utf-8") as file:
            YAML().dump(configuration(self.simulator.urls, self.store, **self._changes), file)
        self.plant = self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.plant.close()
        self.simulator.stop()
        self._folder.cleanup()

    def open(self) -> Plant:
        """Open another plant on the same store and vendors, as a second process would."""
        return assemble(load_config(self.config), now=self.clock.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        with self.simulator.world.lock:
            self.clock.advance(seconds)

    def settle(self) -> None:
        """Let every lag run out."""
        self.sleep(SETTLED)

    def sweep(self) -> Report:
        """Look at what changed and bring it about, as `closedwon reconcile --changed` does."""
        report = Report()
        self.plant.engine.sweep(report)
        report.add(self.plant.engine.drain())
        return report

    def prove(self) -> Proof:
        """Compare everything with everything."""
        engine = self.plant.engine
        return verify(store=self.plant.store, connections=self.plant.connections, context=engine.context())

    def win(self, **deal: Any) -> str:
        """Have a deal won in Salesforce; returns its Id."""
        with self.simulator.world.lock:
            given = {"close_date": self.clock.now().date().isoformat(), **deal}
            return str(self.simulator.salesforce.act("win_deal", given)["id"])
