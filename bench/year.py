"""A year of simulated life against the product, time-warped; then everything is counted by an independent judge.

    .venv/bin/python bench/year.py [--seed 1] [--onboardings 100] [--days 365] [--layout portfolio]

Two looks a day, as many as there are evenings in three offices, and the day's round; a coordinator decides what waits.
At the end of each month, and at the end of all, every second that Jira holds is held against the hours ledger, issue by
issue, and every deal's plans are counted; at the end also every roll-up in the CRM. The last line is JSON; exit code 1
when anything is off, with examples on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from year_books import Audit, audit, coverage, mapping_for
from year_coordinator import Coordinator
from year_judge import rollups_off, unplanned
from year_operated import Operated

from simulator.year import Year
from sync.demo.stage import Stage

SELLING_SHARE = 0.65
"""In which part of the life deals are won; the rest is left for the last of them to launch."""
MEMORY = "/dev/shm"
LAYOUTS = ("sheet_per_onboarding", "portfolio")
PAUSES = (0, 90, 90, 600)
"""Seconds between people's acts and a look: Jira tells of the last minute's time later."""


def live(stage: Stage, year: Year, operated: Operated, coordinator: Coordinator, seed: int) -> list[Audit]:
    """Live the year, with an audit at the end of each month and of all."""
    dice = random.Random(f"looks {seed}")
    audits: list[Audit] = []
    began = time.monotonic()
    for evening in year.evenings():
        to(stage, evening)
        year.live(evening)
        stage.sleep(dice.choice(PAUSES))
        coordinator.decide()
        operated.misfortune()
        operated.sweep()
        operated.daily_round()
        if (evening + timedelta(hours=14)).month != evening.month and evening.hour > 12:
            operated.calm()
            operated.settle()
            audits.append(audit(stage))
            say(f"{evening:%Y-%m} after {time.monotonic() - began:.0f} s: {audits[-1].told()}")
            for text in audits[-1].examples:
                say(f"off: {text}")
    return audits


def to(stage: Stage, moment: datetime) -> None:
    """Go on to a moment; waiting for vendors may have led beyond it already."""
    ahead = (moment - stage.clock.now()).total_seconds()
    if ahead > 0:
        stage.sleep(ahead)


def rest(year: Year, operated: Operated, coordinator: Coordinator) -> None:
    """Let all come to rest, so that what is still off is wrong and not under way."""
    year.rest()
    operated.calm()
    operated.settle()
    coordinator.decide(at_once=True)
    operated.look_at_all()
    operated.settle()
    coordinator.decide(at_once=True)  # what went with a part that was decided before
    operated.settle()
    operated.daily_round(anew=True)


def judge(stage: Stage, year: Year, coordinator: Coordinator, audits: list[Audit]) -> tuple[dict[str, Any], list[str]]:
    """Return the figures, and examples of what is off."""
    last = audit(stage, final=True)
    with stage.simulator.world.lock:
        crm = stage.simulator.salesforce.dump()
    rollups = list(rollups_off(last.plans, crm, stage.clock.now().date()))
    held = {one.key for one in stage.plant.store.quarantined()}
    unmade = [deal for deal in unplanned(last.plans, crm) if deal not in coordinator.no_onboardings]
    waiting = [f"{one.key} waits for a decision: {one.message}" for one in coordinator.waiting()]
    lacking = [deal for deal in unmade if deal not in held]
    differing = [f"{key} {text}" for key, plan in last.plans.items() for text in plan.differing]
    doubled = sorted({text for each in (*audits, last) for text in each.doubled})
    figures = {
        "onboardings": len(last.plans),
        "worklogs": last.worklogs,
        "ledger_seconds_off": max(each.seconds_off for each in (*audits, last)),
        "rollups_wrong": len(rollups),
        "plans_doubled": len(doubled),
        "p80_coverage": coverage(stage),
        "plans_lacking": len(lacking),
        "plans_held_back": len(unmade) - len(lacking),
        "decisions_waiting": len(waiting),
        "sides_differing": len(differing),
        "amendments": sum(year.sales.done.values()),
        "audits": len(audits) + 1,
    }
    return figures, [*last.examples, *rollups[:10], *doubled[:10], *lacking[:10], *waiting[:10], *differing[:10]]


def passed(figures: dict[str, Any]) -> bool:
    """Tell whether nothing is off."""
    off = (
        "ledger_seconds_off",
        "rollups_wrong",
        "plans_doubled",
        "plans_lacking",
        "decisions_waiting",
        "sides_differing",
    )
    return not any(figures[name] for name in off)


def say(text: str) -> None:
    """Tell how it goes."""
    print(text, file=sys.stderr, flush=True)


def run(stage: Stage, asked: argparse.Namespace) -> dict[str, Any]:
    """Live one life and judge it; what is off is told on stderr."""
    began = time.monotonic()
    operated = Operated(stage, asked.seed)
    operated.sweep()  # the first look only notes where each vendor stands
    life = {"onboardings": asked.onboardings, "length": asked.days, "selling_days": round(asked.days * SELLING_SHARE)}
    year = Year(stage.simulator, seed=asked.seed, **life)
    coordinator = Coordinator(stage, asked.seed)
    audits = live(stage, year, operated, coordinator, asked.seed)
    rest(year, operated, coordinator)
    figures, wrong = judge(stage, year, coordinator, audits)
    held = dict(sorted(Counter(one.code for one in stage.plant.store.quarantined()).items()))
    say(
        f"{time.monotonic() - began:.0f} s; {operated.faults} faults, {operated.failed} looks failed, "
        f"{operated.brakes} brakes; {year.renames} renames"
    )
    say(f"amendments {dict(sorted(year.sales.done.items()))}; decided {dict(coordinator.decided)}; held {held}")
    for text in wrong[:40]:
        say(f"off: {text}")
    return figures


def main() -> int:
    """Read the command line, live, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--onboardings", type=int, default=100)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--layout", choices=LAYOUTS, help="of sheets; left out: the seeds take turns")
    asked = parser.parse_args()
    # Every commit of the product's is flushed to the disk. This life needs to outlive nothing, so it lies in memory.
    fast = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="closedwon-year-", dir=fast) as folder:
        mapping, store = mapping_for(Path(folder)), f"sqlite:///{folder}/closedwon.db"
        layout = asked.layout or LAYOUTS[(asked.seed - 1) % len(LAYOUTS)]
        with Stage(seed=asked.seed, store=store, mapping=mapping, sheets={"layout": layout}) as stage:
            figures = run(stage, asked)
    print(json.dumps({**figures, "layout": layout, "seed": asked.seed}))
    return 0 if passed(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
