"""What a backfill would do, and what it would cost: counts, the price in calls, the time that this takes.

Called by `closedwon backfill --dry-run`. It reads the deals and plans like a real run, batch by batch, and writes
nothing anywhere. A time is a guess: what it rests upon is said beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Create, Kind, Meter, Upsert, Write
from sync import plan_file
from sync.backfill.run import Progress, unfinished
from sync.backfill.selection import Selection
from sync.core.planned import Plan, Step
from sync.engine import Engine, Report
from sync.engine.existing import NONE, Recognised

EXAMPLES = 20

ASSUMED_LATENCY = 0.3
"""Seconds that a call is taken to last where none was made to measure it by."""


class Stopwatch:
    """A Meter that measures how long calls take; put around each connection's own."""

    def __init__(self, inner: Meter) -> None:
        self.calls = 0
        self.seconds = 0.0
        self._inner = inner

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Pass on."""
        self._inner.before(endpoint, cost)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Measure and pass on."""
        self.calls += 1
        self.seconds += seconds
        self._inner.after(endpoint, status, headers, seconds)

    @property
    def latency(self) -> float | None:
        """Seconds per call, None before the first."""
        return self.seconds / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Way:
    """How fast one connection can be gone: calls a minute (0: as fast as it answers), seconds a call, what is left."""

    per_minute: float
    latency: float | None
    quota_left: int | None


@dataclass
class Outlook:
    """The numbers of a backfill that was not made."""

    deals: int = 0
    finished: int = 0
    """Deals whose plan is there, with nothing left to do."""
    plans: int = 0
    tasks: int = 0
    held: Counter[str] = field(default_factory=Counter)
    """Onboardings that would be held back, by code."""
    creates: Counter[str] = field(default_factory=Counter)
    updates: Counter[str] = field(default_factory=Counter)
    rollups: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    """Calls to write, by connection."""
    matches: dict[str, Counter[str]] = field(default_factory=dict)
    """Plans that are there already, by connection: sure, ambiguous, none."""
    matched: list[dict[str, Any]] = field(default_factory=list)
    """The first of those that are sure or ambiguous."""

    def recognise(self, told: Mapping[str, Recognised]) -> None:
        """Count what was found of one batch."""
        for key, each in told.items():
            for name, how in each.found.items():
                self.matches.setdefault(name, Counter())[how] += 1
                if how != NONE and len(self.matched) < EXAMPLES:
                    place = next((b.url or b.ref.id for b in each.bindings if b.connection == name), "")
                    tasks = sum(b.connection == name and b.kind is Kind.TASK for b in each.bindings)
                    self.matched.append(
                        {"deal": key, "title": each.title, "connection": name, "match": how, "at": place,
                         "tasks": tasks, "why": each.doubt}
                    )  # fmt: skip

    def take(self, step: Step) -> None:
        """Count one write."""
        if isinstance(step.write, Create):
            self.creates[step.connection] += 1
        elif isinstance(step.write, Upsert):
            self.rollups[step.connection] += 1
        else:
            self.updates[step.connection] += 1


def look_ahead(engine: Engine, deals: Selection, *, progress: Progress = lambda _s, _t, _r: None) -> Outlook:
    """Plan all these deals without acting. Raises the connectors' errors: half a look is no look."""
    outlook = Outlook()
    progress(0, deals.total, Report())
    for batch in deals.batches(engine.settings.batch):
        by_id = {record.ref.id: record for record in batch}
        keys = unfinished(engine.store, [*by_id])
        outlook.deals += len(by_id)
        outlook.finished += len(by_id) - len(keys)
        engine.recogniser.told = {}
        _take(outlook, engine, engine.preview(keys, deals=by_id))
        outlook.recognise(engine.recogniser.told)
        outlook.calls.update(engine.recogniser.price() if engine.recogniser.adopting else {})
        progress(deals.read, deals.total, Report())
    progress(deals.read, deals.total, Report())
    return outlook


def _take(outlook: Outlook, engine: Engine, plans: list[Plan]) -> None:
    known = engine.store.load([each.key for each in plans])
    rollups = plan_file.roll_ups(plans, known, engine.context(), engine.store)
    writes: dict[str, list[Write]] = {}
    for each in plans:
        creates = [step for step in each.steps if isinstance(step.write, Create)]
        outlook.plans += bool(creates) and not known[each.key].base
        outlook.tasks += len({step.item for step in creates if step.write.kind is Kind.TASK})
        outlook.held.update({q.code for q in each.quarantine})
        for step in [*each.steps, *([rollups[each.key]] if each.key in rollups else [])]:
            outlook.take(step)
            writes.setdefault(step.connection, []).append(step.write)
    for name, group in writes.items():
        outlook.calls[name] += engine.connections[name].price(group)


def describe(outlook: Outlook, *, ways: Mapping[str, Way], looked: Mapping[str, int], crm: str) -> dict[str, Any]:
    """Return everything that an outlook says, with the price and the time, as JSON-able data.

    `looked` are the calls that looking has cost, which a real run makes as well.
    """
    connections = {name: _price(outlook, name, way, looked.get(name, 0)) for name, way in ways.items()}
    homes = [part["seconds"] for name, part in connections.items() if name != crm]
    return {
        "dry_run": True,
        "deals": outlook.deals,
        "finished": outlook.finished,
        "plans": outlook.plans,
        "tasks": outlook.tasks,
        "held": dict(outlook.held),
        "matches": {name: dict(counts) for name, counts in outlook.matches.items()},
        "matched": outlook.matched,
        "connections": connections,
        # The CRM is read before the homes are written to, and written to after; the homes go side by side.
        "seconds": round(connections[crm]["seconds"] + max(homes, default=0.0), 1),
        "assumptions": [
            "No call fails, and nobody else uses up the pace.",
            "Each connection makes one call after the other; the connections that hold plans go side by side.",
            *(_assumption(name, part) for name, part in connections.items()),
        ],
    }


def _price(outlook: Outlook, name: str, way: Way, looked: int) -> dict[str, Any]:
    calls = outlook.calls[name]
    all_calls = calls + looked
    latency = ASSUMED_LATENCY if way.latency is None else way.latency
    paced = all_calls / way.per_minute * 60.0 if way.per_minute else 0.0
    return {
        "creates": outlook.creates[name],
        "updates": outlook.updates[name],
        "rollups": outlook.rollups[name],
        "calls": calls,
        "at_most": all_calls + (plan_file.BEGINNING if calls else 0),
        "quota_left": way.quota_left,
        "per_minute": way.per_minute or None,
        "latency": round(latency, 3),
        "latency_is": "assumed" if way.latency is None else "measured",
        "seconds": round(max(paced, all_calls * latency), 1),
    }


def _assumption(name: str, part: Mapping[str, Any]) -> str:
    pace = f"{part['per_minute']:g} calls a minute" if part["per_minute"] else "no pace of our own"
    return f"{name}: {pace}, {part['latency'] * 1000:.0f} ms a call ({part['latency_is']})."
