"""A firm's own record of work as Jira worklogs, read back by the real connector: is every second in one bucket?

    .venv/bin/python bench/effort_ledger.py tasks.csv

Projects are bound as onboardings and their tasks as items, every tenth task is left unbound; the ledger's sums are held
against the file's, in all, by project, by task and by person. The last line is JSON.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from connectors.base import Kind, Ref
from mappings.hours import HourRules
from simulator.effort import Worked, load_history
from sync.core.hours import Bucket, ledger_of
from sync.core.model import PLAN_ITEM, Binding, Commit, Priority
from sync.demo.stage import Stage
from sync.engine import Report
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time
from sync.store import Store

CONNECTION = "tracker"
LOOSE = 10
"""Every so many-th task belongs to no onboarding."""


def main(path: Path) -> int:
    with Stage() as stage:
        began = time.perf_counter()
        with stage.simulator.world.lock:
            worked = load_history(stage.simulator.jira, path)
        loaded = time.perf_counter() - began
        bind(stage.plant.store, worked)
        stage.settle()
        began = time.perf_counter()
        stage.plant.engine.sweep(Report())
        read = time.perf_counter() - began
        found = {"loaded_seconds": round(loaded, 1), "read_seconds": round(read, 1)}
        found |= compare(stage.plant.store, stage.clock.now().date(), worked, path, stage)
    print(json.dumps(found))
    return 1 if found["ledger_seconds_off"] else 0


def bind(store: Store, worked: Worked) -> None:
    """Make each project an onboarding and its tasks its items, but for every tenth."""
    for project in sorted(worked.epics):
        places = [place for place in worked.issues if place[0] == project]
        bound = [place for number, place in enumerate(places) if number % LOOSE]
        store.request([project], Priority.LIVE)
        (claim,) = store.claim("bench", limit=1, lease_seconds=60, keys=[project])
        base = {PLAN_ITEM: {"title": project}, **{task: {"name": task, "status": "done"} for _, task in bound}}
        assert store.commit([Commit(claim, template="history", template_version="1", base=base)]) == ()
        store.bind([Binding(project, PLAN_ITEM, CONNECTION, Kind.PLAN, Ref(worked.epics[project]))])
        store.bind([Binding(project, t, CONNECTION, Kind.TASK, Ref(worked.issues[project, t])) for _, t in bound])


def compare(store: Store, today: date, worked: Worked, path: Path, stage: Stage) -> dict[str, object]:
    by_issue = {issue: place for place, issue in worked.issues.items()}
    names = {user.account_id: user.name for user in stage.simulator.jira.site.schema.users.values()}
    ours: dict[str, Counter[object]] = {name: Counter() for name in ("all", "project", "task", "person")}
    buckets: Counter[str] = Counter()
    later, rules = today + timedelta(days=1), HourRules()
    placed = [each for known in dossiers(store) for each in ledger_of(known, rules, later).entries]
    placed += loose_time(store, rules, later)
    for each in placed:
        place = by_issue[each.logged.entry.record_id]
        count(ours, place, names[each.logged.entry.author], each.seconds)
        buckets[str(each.bucket)] += each.seconds
    theirs: dict[str, Counter[object]] = {name: Counter() for name in ours}
    for row in rows(path):
        place = (row["project"].strip(), row["task"].strip())
        count(theirs, place, row["developer"].strip() or "nobody", seconds_of(row))
    off = {name: sum(abs(ours[name][k] - theirs[name][k]) for k in ours[name] | theirs[name]) for name in ours}
    assert sum(buckets.values()) == ours["all"]["all"]
    return {
        "tasks": len(worked.issues),
        "worklogs": len(placed),
        "file_seconds": theirs["all"]["all"],
        "buckets": {str(bucket): buckets[str(bucket)] for bucket in Bucket},
        "off_by": off,
        "ledger_seconds_off": sum(off.values()),
    }


def count(sums: dict[str, Counter[object]], place: tuple[str, str], person: str, seconds: int) -> None:
    for name, key in (("all", "all"), ("project", place[0]), ("task", place), ("person", person)):
        sums[name][key] += seconds


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Read the file once more, by nothing of ours."""
    with path.open(encoding="latin-1", newline="") as file:
        yield from csv.DictReader(file)


def seconds_of(row: dict[str, str]) -> int:
    hours = Decimal(row["hours_actual_developer"] or 0)
    return max(0, round(hours * 3600))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
