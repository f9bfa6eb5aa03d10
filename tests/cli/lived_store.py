"""Onboardings that lived, in the store of a desk: for commands that look back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cli_desk import Desk
from forecast_desk import CALENDAR, life

from connectors.base import Fields, Kind, Ref
from sync.core.dossier import Dossier
from sync.core.hindsight import as_of
from sync.core.model import PLAN_ITEM, Binding, Commit, Event, Priority
from sync.store import Store

TODAY = datetime.now(UTC).date()
UNDER_WAY = "006under00000000001"


def keep(desk: Desk, dossiers: Sequence[Dossier]) -> None:
    """Live these onboardings into the desk's own store, each change on its day."""
    now = datetime(2020, 1, 1, tzinfo=UTC)
    with Store.open(f"sqlite:///{desk.folder / 'closedwon.db'}", clock=lambda: now) as store:
        told = sorted((line for known in dossiers for line in known.history), key=lambda line: line[0])
        for known in dossiers:
            commit(store, known, ())
            bound = [Binding(known.key, PLAN_ITEM, "tracker", Kind.PLAN, Ref(known.key))]
            bound += [Binding(known.key, t.item, "tracker", Kind.TASK, Ref(known.key + t.item)) for t in known.tasks]
            store.bind(bound)
            entries = [
                replace(each.entry, id=f"{known.key}{each.item}", record_id=known.key + each.item)
                for each in known.logged
            ]
            store.put_time("tracker", entries)
        by_key = {known.key: known for known in dossiers}
        for at, event in told:
            now = at
            commit(store, as_of(by_key[event.key], at.date()), (event,))


def commit(store: Store, known: Dossier, events: tuple[Event, ...]) -> None:
    base: dict[str, Fields] = {PLAN_ITEM: known.plan}
    for task in known.tasks:
        base[task.item] = {
            "name": task.name,
            "status": task.status,
            "audience": task.audience,
            "milestone": task.milestone,
            "depends_on": task.depends_on,
            "start_target": task.start_target,
            "due_target": task.due_target,
            "start_baseline": task.baseline_start,
            "due_baseline": task.baseline_due,
            "estimated_hours": task.estimated_hours,
        }
    store.request([known.key], Priority.LIVE)
    (claim,) = store.claim("test", limit=1, lease_seconds=60, keys=[known.key])
    done = Commit(
        claim, template="saas", template_version="1", deal={"contracted_hours": 60.0}, base=base, events=events
    )
    assert store.commit([done]) == ()


def under_way() -> Dossier:
    """An onboarding that began twenty business days ago, as of yesterday."""
    (known,) = life(1, seed=5, begin=CALENDAR.add(TODAY, -20))
    history = tuple((at, replace(event, key=UNDER_WAY)) for at, event in known.history)
    return as_of(replace(known, key=UNDER_WAY, history=history), TODAY - timedelta(days=1))
