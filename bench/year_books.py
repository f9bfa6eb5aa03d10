"""The product's side of the year's account: its mapping for the year's people, its ledger, its own back-test.

Called by `bench/year.py`. What the product says here is held against `bench/year_judge.py`, which knows nothing of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from year_judge import Plan, counted_seconds, doubled, plans, seconds_by_issue

from mappings.load import DEFAULT_MAPPINGS
from simulator.year_people import NEWCOMERS
from sync.core.hours import Ledger, ledger_of
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time

_PEOPLE = "  people:\n"


def mapping_for(folder: Path) -> str:
    """Write the default mapping with the year's people in it and return its path."""
    text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
    lines = "".join(f"    {email}: {{tracker: '{account}'}}\n" for email, account in sorted(NEWCOMERS.items()))
    if text.count(_PEOPLE) != 1:
        raise LookupError("The default mapping has no section `people` any more: see bench/year_books.py.")
    path = folder / "mapping.yaml"
    path.write_text(text.replace(_PEOPLE, _PEOPLE + lines), encoding="utf-8")
    return str(path)


@dataclass
class Audit:
    """What one look into the books found."""

    worklogs: int
    seconds: int
    seconds_off: int
    plans: dict[str, Plan]
    doubled: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def told(self) -> str:
        """Say it in a line."""
        off = f"{self.seconds_off} s off, {len(self.doubled)} doubled"
        return f"{len(self.plans)} plans, {self.worklogs} worklogs, {self.seconds} s, {off}"


def audit(stage: Stage, *, final: bool = False) -> Audit:
    """Hold every second of Jira against the ledger, by issue and by onboarding, and count every deal's plans.

    No feed of Jira's tells of the time of deleted issues: it counts in the final audit only, after a full look.
    """
    with stage.simulator.world.lock:
        jira, smartsheet = stage.simulator.jira.dump(), stage.simulator.smartsheet.dump()
        crm = stage.simulator.salesforce.dump()
    there, here = seconds_by_issue(jira), Counter[str]()
    found = plans(jira, smartsheet)
    today, examples, off = stage.clock.now().date(), [], 0
    for ledger in _ledgers(stage):
        for placed in ledger.entries:
            here[placed.logged.entry.record_id] += placed.seconds
        if ledger.key in found:
            should = counted_seconds(found[ledger.key], today)
            off += abs(ledger.counted - should)
            if ledger.counted != should:
                examples.append(f"{today} {ledger.key} counts {ledger.counted} s, Jira has {should} s")
    for placed in loose_time(stage.plant.store, stage.plant.engine.context().mappings.hours, today):
        here[placed.logged.entry.record_id] += placed.seconds
    gone = set() if final else set(map(str, jira["deleted"]))
    for issue in sorted((there.keys() | here.keys()) - gone):
        off += abs(there[issue] - here[issue])
        if there[issue] != here[issue]:
            examples.append(f"{today} issue {issue} has {there[issue]} s in Jira and {here[issue]} s in the ledger")
    logs = sum(len(issue["worklogs"]) for issue in jira["issues"])
    return Audit(logs, there.total(), off, found, list(doubled(found, crm)), examples[:10])


def _ledgers(stage: Stage) -> Iterator[Ledger]:
    context = stage.plant.engine.context()
    for known in dossiers(stage.plant.store):
        yield ledger_of(known, context.mappings.hours, context.today)


def coverage(stage: Stage) -> float | None:
    """Run `closedwon forecast --backtest` on the life's store; return P80's share of launches, None for too few."""
    code = "import sys; from sync.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "forecast", "--backtest", "--json", "--config", str(stage.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    scores = json.loads(done.stdout)["scores"].get("launch") or []
    return next((round(score["p80"], 3) for score in scores if score["name"] == "all"), None)
