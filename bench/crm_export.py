"""Every won deal of a CRM export that nobody here wrote becomes a plan, once undisturbed and once killed half-way.

    .venv/bin/python bench/crm_export.py [--folder FOLDER] [--since DAY] [--until DAY]      (make crm-export)

`FOLDER` holds the practice data set that docs/examples/crm-columns.yaml describes: 8,800 opportunities, 4,238 won, with
dirt in them. The first run is held against the call floors; the second one is killed with SIGKILL in the middle, taken
up by another process, and must end the same. `verify` compares everything after both. The last line on stdout is JSON;
exit 0 only if every won deal has its plan, nothing is unequal or doubled, and the calls keep to 1.05 of the floors.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from connectors.base import DealQuery
from simulator.load import load_folder
from sync.backfill import backfill
from sync.cli.memory import collect_rarely
from sync.config import load_config
from sync.demo.stage import Stage
from sync.wiring import assemble

ROOT = Path(__file__).parents[1]
EXPORT = ROOT.parent / "shared" / "data" / "crm"
COLUMNS = ROOT / "docs" / "examples" / "crm-columns.yaml"
FIRST = date(2016, 1, 1)
SPARE = 1.05
LEASE = 60
BATCH = 1000
"""Onboardings that are begun together; of so few all are begun before a kill in the middle."""
PROCESSES = multiprocessing.get_context("spawn")


def won(folder: Path, query: DealQuery) -> int:
    """Count the won deals of these days in the file itself."""
    with (folder / "sales_pipeline.csv").open(encoding="utf-8", newline="") as file:
        closed = [
            datetime.strptime(row["close_date"], "%m/%d/%Y").date()  # noqa: DTZ007 - days have no zone
            for row in csv.DictReader(file)
            if row["deal_stage"] == "Won"
        ]
    return sum((query.won_since or date.min) <= day <= (query.won_until or date.max) for day in closed)


@contextmanager
def vendors(folder: Path) -> Iterator[Stage]:
    """Serve the export from simulated vendors, with an engine beside them that has planned nothing yet."""
    with Stage(sheets={"layout": "portfolio"}, engine={"lease_seconds": LEASE, "patience_seconds": 600}) as opened:
        load_folder(opened.simulator.salesforce, folder, COLUMNS)
        yield opened


def proven(stage: Stage) -> dict[str, int]:
    """Compare everything with everything."""
    proof = stage.prove()
    return {
        "onboardings": proof.onboardings,
        "unequal": proof.unequal,
        "duplicates": proof.duplicates,
        "lacking": proof.lacking,
        "strays": int(not proof.sound),
    }


def undisturbed(folder: Path, query: DealQuery, deals: int) -> dict[str, Any]:
    """Plan every deal in one run."""
    with vendors(folder) as stage:
        report = backfill(stage.plant.engine, query)
        issues, rows = report.created["tracker"] - deals, report.created["sheets"] - deals
        world = stage.simulator.world
        calls = {
            "salesforce": world.count("salesforce", but=["POST /services/oauth2/token"]),
            "jira": world.count("jira"),
            "smartsheet": world.count("smartsheet"),
        }
        floors = {
            "salesforce": ceil(deals / 2000) + ceil(deals / 200),
            "jira": ceil(deals / 50) + ceil(issues / 50),
            "smartsheet": ceil(rows / 20_000) + ceil(rows / 500),
        }
        return {
            "planned": report.planned,
            "held": report.held,
            "waiting": report.waiting,
            "records": report.writes,
            "calls": calls,
            "calls_to_floor": {name: round(calls[name] / floors[name], 3) for name in floors},
            **proven(stage),
        }


def victim(config: str, now: datetime, query: DealQuery, go: Connection) -> None:
    """The process that gets killed."""
    go.recv()
    plant = assemble(load_config(Path(config)), now=lambda: now, sleep=lambda _: None, owner="victim")
    backfill(plant.engine, query)


def killed(folder: Path, query: DealQuery, at: int) -> dict[str, Any]:
    """Kill a run after that many calls, and go on in another process's place once its lease is over."""
    with vendors(folder) as stage:
        ours, theirs = PROCESSES.Pipe()
        child = PROCESSES.Process(target=victim, args=(str(stage.config), stage.clock.now(), query, theirs))
        child.start()
        stage.simulator.world.faults.add("kill_after", skip=at, args={"pid": child.pid})
        ours.send("go")
        child.join(1800)
        half = stage.plant.store.counts()
        stage.sleep(LEASE + 1)
        report = backfill(stage.plant.engine, query)
        proof = proven(stage)
        again = backfill(stage.plant.engine, query)
        return {
            "killed": child.exitcode == -signal.SIGKILL,
            "planned_before": half["onboardings"],
            "open_intents_before": half["open_intents"],
            "adopted": report.adopted.total(),
            "held": report.held,
            "waiting": report.waiting,
            "open_intents": stage.plant.store.counts()["open_intents"],
            "second_run_writes": again.writes,
            **proof,
        }


def main() -> int:
    """Do both and print what came out."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    words.add_argument("--folder", type=Path, default=EXPORT)
    words.add_argument("--since", type=date.fromisoformat, default=FIRST)
    words.add_argument("--until", type=date.fromisoformat)
    said = words.parse_args()
    if not said.folder.is_dir():
        sys.exit(f"{said.folder} is not there: name the folder of the export with --folder")
    collect_rarely()  # as every command does
    query = DealQuery(won_since=said.since, won_until=said.until)
    deals = won(said.folder, query)
    clean = undisturbed(said.folder, query, deals)
    print(json.dumps({"deals": deals, "undisturbed": clean}), file=sys.stderr, flush=True)
    resumed = killed(said.folder, query, sum(clean["calls"].values()) // 2)
    good = (
        clean["planned"] == clean["onboardings"] == resumed["onboardings"] == deals
        and max(clean["calls_to_floor"].values()) <= SPARE
        and not any(run[zero] for run in (clean, resumed) for zero in ("held", "waiting", "unequal", "duplicates"))
        and not any(run[zero] for run in (clean, resumed) for zero in ("lacking", "strays"))
        and resumed["killed"]
        and (deals <= BATCH or resumed["planned_before"] < deals)
        and min(resumed["planned_before"], resumed["open_intents_before"]) > 0  # killed between the first and the last
        and not (resumed["open_intents"] or resumed["second_run_writes"])
    )
    print(json.dumps({"deals": deals, "undisturbed": clean, "resumed": resumed}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
