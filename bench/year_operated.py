"""The product as it is run over a simulated year: looks, brakes that a person lets go, vendors that fail now and then.

Called by `bench/year.py`. Faults come one at a time, at calls that a seed chose; so a life meets its faults again.
"""

from __future__ import annotations

import random
from typing import Any

from soak_world import FLEETING

from connectors.errors import ConnectorError
from sync.core.guard import Unsafe
from sync.core.model import Priority
from sync.demo.stage import Stage
from sync.engine.daily import is_due, roll_all, roll_on
from sync.engine.recount import recount
from sync.engine.report import Report

UNLUCKY = 0.2
"""How many of the looks meet a vendor that fails."""
EVERYWHERE: dict[str, dict[str, Any]] = {
    "drop_before": {},
    "drop_after": {},
    "late_commit": {"seconds": 2},
    "status": {"status": 503},
    "truncate": {},
}
ROUNDS = 12
LEARNS_ON = 0
"""The weekday on which forecasts learn anew. The daemon does so daily, which doubles the time that a life takes."""


class Operated:
    """The product over a year, with somebody who lets a brake go after having looked."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.total = Report()
        self.brakes = 0
        self.failed = 0
        self.faults = 0
        self._dice = random.Random(f"faults {seed}")

    def sweep(self) -> Report:
        """Look at what changed."""
        report = Report()
        for part in (lambda: self.stage.plant.engine.sweep(report), lambda: report.add(self._drain())):
            try:
                part()
            except Unsafe as error:
                self.brakes += 1
                report.notes.append(str(error))
                self.stage.plant.engine.release_brake()
            except ConnectorError:
                self.failed += 1  # as the daemon does: the next look may find the vendor well again
        self.total.add(report)
        return report

    def daily_round(self, *, anew: bool = False) -> None:
        """Bring to the CRM what a day changes merely by passing, as the daemon does once a day; `anew` once more."""
        engine, store = self.stage.plant.engine, self.stage.plant.store
        if anew or is_due(engine, store):
            learns = anew or self.stage.clock.now().weekday() == LEARNS_ON
            self.total.add(roll_on(engine, store) if learns else roll_all(engine, store))

    def look_at_all(self) -> None:
        """Do what `closedwon reconcile --all` does: read all time anew, and look at every onboarding."""
        store = self.stage.plant.store
        recount(self.stage.plant.connections, store=store, report=Report())
        store.request(store.keys(), Priority.RECONCILE)
        self.sweep()

    def settle(self) -> None:
        """Look until nothing is left to do."""
        report = Report()
        for _ in range(ROUNDS):
            self.stage.settle()
            report = self.sweep()
            if not report.writes and not report.waiting and not report.looked:
                return
        raise AssertionError(f"still at work after {ROUNDS} looks: {report.as_json()}")

    def misfortune(self) -> None:
        """Let a vendor fail in one of its ways at one of the calls that come next."""
        faults = self.stage.simulator.world.faults
        faults.rules[:] = [rule for rule in faults.rules if not rule.hits]
        if self._dice.random() >= UNLUCKY:
            return
        vendor = self._dice.choice(sorted(FLEETING))
        ways = {**EVERYWHERE, **FLEETING[vendor]}
        name = self._dice.choice(sorted(ways))
        faults.add(name, vendor=vendor, skip=self._dice.randrange(8), args=dict(ways[name]))

    def calm(self) -> None:
        """End all misfortune."""
        faults = self.stage.simulator.world.faults
        faults.rules.clear()
        self.faults = sum(faults.hits.values())

    def _drain(self) -> Report:
        return self.stage.plant.engine.drain()
