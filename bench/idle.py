"""What an idle daemon costs: CPU, memory and vendor calls a cycle, in real time, with many onboardings in its store.

    .venv/bin/python bench/idle.py [--onboardings 10000] [--minutes 5] [--layout portfolio]

The simulator is filled and a real backfill makes the plans, until a look finds nothing new. Then a real `closedwon
daemon` runs in a process of its own while nobody does anything, and is watched from outside; what it did before its
first cycle was over does not count, signing in aside it is the same. The last line is JSON.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psutil
from backfill import export
from ruamel.yaml import YAML

from connectors.base import DealQuery
from sync.backfill import backfill
from sync.config import load_config
from sync.demo.stage import SETTLED, configuration
from sync.engine import Report
from sync.wiring import Plant, assemble

ROOT = Path(__file__).parents[1]
LOOKS = 5
"""The first one after the backfill sees its echo, the next ones should see nothing."""
CYCLE = "GET /2.0/sheets"
"""Asked once by every sweep, however many sheets there are."""
SIGN_IN = "POST /services/oauth2/token"


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("--onboardings", type=int, default=10_000)
    given.add_argument("--minutes", type=float, default=5.0, help="0 watches the first cycle alone")
    given.add_argument("--layout", default="portfolio")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as name, simulated(Path(name), asked.onboardings) as urls:
        config = Path(name) / "config.yaml"
        with config.open("w", encoding="utf-8") as file:
            sheets = {"layout": asked.layout}
            store = f"sqlite:///{Path(name) / 'closedwon.db'}"
            YAML().dump(configuration(urls, store, sheets=sheets, engine={"settle_seconds": 2}), file)
        onboardings = fill(config, urls["control"])
        print(json.dumps({**watch(config, urls["control"], asked.minutes), "onboardings": onboardings}))


@contextmanager
def simulated(folder: Path, deals: int) -> Iterator[dict[str, str]]:
    """Serve the vendors with so many won deals; yields their addresses."""
    export(folder, deals)
    command = [sys.executable, "-m", "sync.cli", "simulator", "--port", "0", "--json", "--load", str(folder)]
    vendors = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield json.loads(vendors.stdout.readline())["urls"]
    finally:
        vendors.terminate()
        vendors.wait()


def fill(config: Path, control: str) -> int:
    """Make all plans, let the vendors' lags run out, look until there is nothing new; returns how many there are."""
    plant = assemble(load_config(config))
    began = time.monotonic()
    settled(plant)  # notes where the vendors stand, so that not all of the past is listed afterwards
    backfill(plant.engine, DealQuery(won_since=date(2026, 1, 1)))
    tell(f"plans are made ({time.monotonic() - began:.0f} s)")
    ask(control, "POST", "/clock", {"advance": SETTLED})
    for _ in range(LOOKS):
        if settled(plant):
            break
    else:
        raise SystemExit("the vendors' lists do not come to rest: an idle daemon cannot be watched")
    onboardings = plant.store.counts()["onboardings"]
    plant.close()
    return onboardings


def settled(plant: Plant) -> bool:
    """Look once and do what is found; tell whether that was nothing."""
    report, before = Report(), sum(plant.calls().values())
    found = plant.engine.sweep(report)
    calls = sum(plant.calls().values()) - before
    plant.engine.drain()
    return not found and not report.failures and calls <= 5


def watch(config: Path, control: str, minutes: float) -> dict[str, float]:
    """Run the daemon and say what it cost."""
    ask(control, "DELETE", "/calls")
    command = [sys.executable, "-m", "sync.cli", "daemon", "--port", "0", "--config", str(config)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        idle = psutil.Process(process.pid)
        while not cycles(ask(control, "GET", "/calls")):
            time.sleep(0.2)
            assert process.poll() is None, "the daemon ended"
        time.sleep(5)  # the first sweep's other calls
        peak = idle.memory_info().rss
        if minutes:
            ask(control, "DELETE", "/calls")
        began, before = time.monotonic(), idle.cpu_times()
        while time.monotonic() - began < minutes * 60:
            time.sleep(0.5)
            peak = max(peak, idle.memory_info().rss)
        after, seconds = idle.cpu_times(), max(time.monotonic() - began, 1e-9)
        counted = ask(control, "GET", "/calls")
        cpu = (after.user + after.system) - (before.user + before.system)
        return {
            "minutes": minutes,
            "cycles": cycles(counted),
            "cpu_percent": round(100 * cpu / seconds, 3) if minutes else 0.0,
            "rss_mb": round(peak / 2**20, 1),
            "calls_per_cycle": round(calls(counted) / cycles(counted), 2),
        }
    finally:
        process.terminate()
        process.wait()


def ask(control: str, method: str, path: str, body: object = None) -> dict[str, dict[str, int]]:
    """Ask the simulator's control for something; of its calls, by vendor and endpoint."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(control + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer).get("endpoints", {})


def cycles(counted: dict[str, dict[str, int]]) -> int:
    return counted.get("smartsheet", {}).get(CYCLE, 0)


def calls(counted: dict[str, dict[str, int]]) -> int:
    return sum(n for each in counted.values() for endpoint, n in each.items() if endpoint != SIGN_IN)


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
