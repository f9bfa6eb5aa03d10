"""How dear a first backfill and an idle sweep are: calls against the floors, CPU per deal, memory; one run, as ratios.

    .venv/bin/python bench/backfill.py [deals] [layout]

The simulator runs in a process of its own, so the CPU and memory shown are Closedwon's alone. The second run looks at
every record again and finds nothing changed: `second_run_cpu_us_per_record` is the price of such a look, and it writes
nothing. The last line is JSON.
"""

import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from math import ceil
from pathlib import Path

from ruamel.yaml import YAML

from connectors.base import DealQuery
from sync.backfill import backfill
from sync.cli.memory import collect_rarely
from sync.config import load_config
from sync.core.model import Priority
from sync.demo.stage import configuration
from sync.engine import Report
from sync.wiring import assemble

COLUMNS = {
    "opportunities": {
        "file": "deals.csv",
        "columns": {n: n for n in ("name", "account", "owner", "product", "stage", "close_date", "amount")},
    }
}


def export(folder: Path, deals: int) -> None:
    with (folder / "deals.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS["opportunities"]["columns"])
        for n in range(deals):
            day = date(2026, 1 + n % 10, 1 + n % 28)
            writer.writerow([f"Deal {n}", f"Customer {n % 200}", "Ada Lane", "Platform", "Closed Won", day, 1000 + n])
    with (folder / "columns.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(COLUMNS, file)


def main(deals: int, layout: str) -> None:
    collect_rarely()  # as every command does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(folder, deals)
        command = [sys.executable, "-m", "sync.cli", "simulator", "--port", "0", "--json", "--load", name]
        vendors = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            urls = json.loads(vendors.stdout.readline())["urls"]
            measure(folder, urls, deals, layout)
        finally:
            vendors.terminate()
            vendors.wait()


def measure(folder: Path, urls: dict[str, str], deals: int, layout: str) -> None:
    config = folder / "config.yaml"
    with config.open("w", encoding="utf-8") as file:
        YAML().dump(configuration(urls, f"sqlite:///{folder / 'closedwon.db'}", sheets={"layout": layout}), file)
    plant = assemble(load_config(config))
    cpu, wall = time.process_time(), time.perf_counter()
    report = backfill(plant.engine, DealQuery(won_since=date(2026, 1, 1)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    calls = plant.calls()
    issues = report.created["tracker"] - deals
    rows = report.created["sheets"] - deals
    floors = {
        "crm": ceil(deals / 2000) + ceil(deals / 200) + 1,  # and one for the token
        "tracker": ceil(deals / 50) + ceil(issues / 50),
        "sheets": 2 * deals if layout == "sheet_per_onboarding" else ceil(rows / 20_000) + ceil(rows / 500),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    again_cpu = time.process_time()
    second = Report()
    plant.engine.sweep(second)
    plant.store.request(plant.store.keys(limit=deals), Priority.RECONCILE)
    second.add(plant.engine.drain())
    again_cpu = time.process_time() - again_cpu
    result = {
        "deals": report.planned,
        "layout": layout,
        "records": report.writes,
        "calls": calls,
        "calls_to_floor": {n: round(calls[n] / floors[n], 3) for n in floors},
        "cpu_ms_per_deal": round(1000 * cpu / deals, 2),
        "wall_ms_per_deal": round(1000 * wall / deals, 2),
        "peak_mb": peak,
        "second_run_writes": second.writes,
        "second_run_cpu_us_per_record": round(1e6 * again_cpu / max(1, issues + rows), 1),
    }
    plant.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2] if len(sys.argv) > 2 else "portfolio")
