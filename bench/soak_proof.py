"""What must be true after the soak: all sides equal, nothing twice, no accepted event lost, every second counted.

Called by `bench/soak.py` once all is quiet. It holds the store against what the vendors really hold, past the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from soak_world import Heard

from simulator.app import Simulator
from sync.receiver import hearing
from sync.store.database import Database
from sync.store.schema import cursors, inbox
from sync.verify import verify
from sync.wiring import Plant


@dataclass
class Verdict:
    """The figures, and examples of what is off."""

    figures: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def must_be_none(self, name: str, found: list[str]) -> None:
        """Count what should not be, and keep the first examples."""
        self.figures[name] = len(found)
        self.wrong += [f"{name}: {text}" for text in found[:5]]


def prove_equal(plant: Plant, verdict: Verdict) -> None:
    """Compare everything with everything."""
    proof = verify(store=plant.store, connections=plant.connections, context=plant.engine.context())
    wrong = {"unequal": proof.unequal, "duplicates": proof.duplicates, "lacking": proof.lacking, "strays": proof.strays}
    # What was off once is off, though a later proof may find it mended.
    verdict.figures |= {name: max(number, verdict.figures.get(name, 0)) for name, number in wrong.items()}
    verdict.figures["onboardings"] = proof.onboardings
    if not proof.sound:
        verdict.wrong += proof.examples
    intents = plant.store.counts()["open_intents"]
    verdict.must_be_none("open_intents", [f"{intents} creates of unknown outcome"] if intents else [])


def prove_planned(plant: Plant, deals: list[str], verdict: Verdict) -> None:
    """Every won deal has its plan, and nothing else has."""
    known = set()
    after = ""
    while keys := plant.store.keys(after=after):
        known.update(keys)
        after = keys[-1]
    verdict.must_be_none("unplanned", sorted(set(deals) ^ known))


def prove_events(plant: Plant, heard: Heard, verdict: Verdict) -> None:
    """Every event of which the vendor was told that we have it is in the inbox, and was taken up."""
    able = hearing(plant.connections)
    told = {
        (connection, event.id)
        for connection, headers, body in heard.acknowledged
        for event in able[connection].accept(headers, body).events
    }
    with _reading(plant) as database:
        rows = database.execute(sa.select(inbox.c.connection, inbox.c.event_id, inbox.c.taken_at)).all()
    taken = {(row.connection, row.event_id) for row in rows if row.taken_at is not None}
    verdict.figures["events_accepted"] = len(told)
    verdict.must_be_none("events_lost", [f"{event} of {connection}" for connection, event in sorted(told - taken)])


def prove_hours(plant: Plant, simulator: Simulator, verdict: Verdict) -> None:
    """Every issue's hours in the store are the sum of its worklogs in Jira, and there are no others."""
    really = _logged(simulator)
    ours: Counter[str] = Counter()
    after = ""
    while keys := plant.store.keys(after=after):
        for onboarding in plant.store.load(keys).values():
            for item, seconds in onboarding.tracked.items():
                ours[onboarding.bound("tracker")[item].ref.id] += seconds
        after = keys[-1]
    differing = [
        f"issue {issue} has {really.get(issue, 0)} s in Jira and {ours[issue]} s in the store"
        for issue in sorted(really.keys() | ours.keys())
        if really.get(issue, 0) != ours[issue]
    ]
    total = sum(plant.store.time_totals("tracker"))
    if total != sum(really.values()):
        differing.append(f"the ledger holds {total} s, Jira {sum(really.values())} s")
    verdict.figures["hours"] = total // 3600
    verdict.must_be_none("ledger_off", differing)


def _logged(simulator: Simulator) -> Mapping[str, int]:
    with simulator.world.lock:
        issues = simulator.jira.dump()["issues"]
    sums = {issue["id"]: sum(log["seconds"] for log in issue["worklogs"]) for issue in issues}
    return {issue: seconds for issue, seconds in sums.items() if seconds}


def read_since(plant: Plant, moment: datetime) -> bool:
    """Whether every vendor's feeds were read to their end since then."""
    feeds = cursors.c.connection.in_([*plant.connections])
    with _reading(plant) as database:
        moments = database.scalars(sa.select(cursors.c.advanced_at).where(feeds)).all()
    return bool(moments) and min(moments) >= moment


@contextmanager
def _reading(plant: Plant) -> Iterator[sa.Connection]:
    database = Database.open(plant.config.store.get_secret_value())
    try:
        with database.read() as connection:
            yield connection
    finally:
        database.close()
