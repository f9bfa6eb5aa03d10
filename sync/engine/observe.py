"""Looks at the vendors: reads the deals and replicas of a batch in few calls, and pairs them with what is remembered.

Called by `sync.engine.reconcile`. It reads only; it decides nothing and writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.base import Connector, DealQuery, Fields, Kind, PlanRefs, Record, Ref, TimeEntry
from connectors.errors import NotAuthorised, TryLater
from mappings.model import Deal, HeldBack, MappingSet, ObjectMapping
from mappings.translate import deal_from, is_won
from sync.core.guard import Tally
from sync.core.merge import View, as_shown
from sync.core.model import PLAN_ITEM, Binding, BindingState, Onboarding
from sync.core.plan import doubles_of
from sync.core.planned import Snapshot, place_of

_T = TypeVar("_T")


@dataclass
class TimeSeen:
    """Hours that people entered in columns, as time entries to keep and to remove, by connection."""

    entries: dict[str, list[TimeEntry]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    """Onboardings with an entry on a record that will be bound only once this look is over."""


@dataclass
class Observed:
    """One batch as it stands: a snapshot per key, and per connection what was bound and what was seen."""

    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    time: TimeSeen = field(default_factory=TimeSeen)
    links: dict[str, Record] = field(default_factory=dict)
    """Deals whose CRM record already names a plan."""
    bound: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    unread: dict[str, TryLater] = field(default_factory=dict)
    """Connections that could not be read, which are taken for unchanged."""
    unasked: dict[str, TryLater] = field(default_factory=dict)
    """Onboardings whose deal could not be read."""
    waiting: dict[str, TryLater] = field(default_factory=dict)
    """Onboardings that have no snapshot, since one of those connections leaves too much open about them."""

    def tallies(self, updates: Mapping[str, int], missing: Mapping[str, int]) -> list[Tally]:
        """Return the guard's view of this batch."""
        return [
            Tally(name, self.bound[name], self.seen.get(name, 0), missing.get(name, 0), updates.get(name, 0))
            for name in self.bound
        ]


def observe(
    known: Mapping[str, Onboarding],
    *,
    crm: Connector,
    homes: Mapping[str, Connector],
    mappings: MappingSet,
    deals: Mapping[str, Record] | None = None,
    view: View | None = None,
    refused: Callable[[str, NotAuthorised], TryLater],
) -> Observed:
    """Read everything that planning these onboardings needs.

    `deals` are records that the caller has read already (a backfill streams them); the rest is read by id. All
    connections are read side by side. Raises the connectors' errors: half a look is no look. Given a `view`, one home
    that can only be read later is no error but `unread`, as long as another one can be read; without the CRM, those who
    have a plan are `unasked` and the others wait. `refused` says how long a vendor that refuses us is
    left alone, or raises.
    """
    have = dict(deals or {})
    lacking = tuple(key for key in known if key not in have)
    with ThreadPoolExecutor(max_workers=len(homes) + 1, thread_name_prefix="observe") as pool:
        reading = pool.submit(
            copy_context().run, lambda: {r.ref.id: r for r in crm.deals(DealQuery(ids=lacking))} if lacking else {}
        )
        replicas = {
            name: pool.submit(copy_context().run, _replicas, name, home, known.values()) for name, home in homes.items()
        }
    observed = Observed()
    shown: dict[str, _Shown] = {}
    for name, future in replicas.items():
        replica = _result(future, name, refused)
        if isinstance(replica, TryLater):
            observed.unread[name], replica = replica, _Shown()
        shown[name] = replica
    deals_read = _result(reading, crm.name, refused)
    if isinstance(deals_read, TryLater):
        if view is None:
            raise deals_read
        observed.unasked = dict.fromkeys(lacking, deals_read)
        observed.waiting |= {key: deals_read for key in lacking if not known[key].base}
    else:
        have |= deals_read
    for name, error in observed.unread.items():
        if view is None or len(observed.unread) == len(homes):
            raise error
        _remember(name, known, shown[name], observed, mappings.task, view)
    known = {key: onboarding for key, onboarding in known.items() if key not in observed.waiting}
    for name in homes:
        observed.bound[name] = sum(len(onboarding.bound(name)) for onboarding in known.values())
        observed.seen[name] = sum(len(items) for items in shown[name].tasks.values())
    for key, onboarding in known.items():
        record = have.get(key)
        deal, problem = _deal(record, mappings)
        if record is not None and record.links:
            observed.links[key] = record
        observed.snapshots[key] = Snapshot(
            key,
            onboarding,
            deal,
            {name: shown[name].tasks.get(key, {}) for name in homes},
            problem,
            frozenset(n for n in homes if PLAN_ITEM in onboarding.bound(n) and key not in shown[n].plans),
            {
                (n, item): tuple(record.ref for record in records)
                for n in homes
                for item, records in shown[n].doubles.get(key, {}).items()
                if records
            },
            unasked=key in observed.unasked,
            holders={name: shown[name].holders[key] for name in homes if key in shown[name].holders},
        )
    return observed


def unobserved(
    known: Mapping[str, Onboarding], deals: Mapping[str, Record], mappings: MappingSet
) -> dict[str, Snapshot]:
    """Return these deals as they would be seen if nothing were there of them; asks nobody."""
    read = {key: _deal(record, mappings) for key, record in deals.items()}
    return {key: Snapshot(key, known[key], deal, {}, problem) for key, (deal, problem) in read.items()}


def _result(future: Future[_T], name: str, refused: Callable[[str, NotAuthorised], TryLater]) -> _T | TryLater:
    """Return what was read, or when it may be read later; raises what no waiting mends."""
    try:
        return future.result()
    except TryLater as error:
        return error
    except NotAuthorised as error:
        return refused(name, error)


def _remember(
    name: str,
    known: Mapping[str, Onboarding],
    shown: _Shown,
    observed: Observed,
    mapping: ObjectMapping,
    view: View,
) -> None:
    """Let what a connection last showed stand for what it shows, unless it left something open."""
    for key, onboarding in known.items():
        bound = onboarding.bound(name)
        held = any(entry.connection == name for entry in onboarding.held)
        if held or any(binding.state is BindingState.MISSING for binding in bound.values()):
            observed.waiting[key] = observed.unread[name]
            continue
        shown.plans.add(key)
        shown.tasks[key] = {
            item: Record(binding.kind, binding.ref, as_shown(mapping, name, onboarding.base[item], view))
            for item, binding in bound.items()
            if item != PLAN_ITEM and item in onboarding.base
        }


def _deal(record: Record | None, mappings: MappingSet) -> tuple[Deal | None, HeldBack | None]:
    if record is None or record.deleted or not is_won(record, mappings):
        return None, None
    try:
        return deal_from(record, mappings), None
    except HeldBack as error:
        return None, error


@dataclass
class _Shown:
    """What one connection showed: tasks by key and item, the keys whose plan is there, records that exist twice."""

    tasks: dict[str, dict[str, Record]] = field(default_factory=dict)
    plans: set[str] = field(default_factory=set)
    doubles: dict[str, dict[str, list[Record]]] = field(default_factory=dict)
    holders: dict[str, Fields] = field(default_factory=dict)
    """What the plan's own record shows, by key; none in a portfolio, where nobody can change one plan's name."""


def _replicas(name: str, home: Connector, known: Iterable[Onboarding]) -> _Shown:
    """Fetch one connection's records and file them by onboarding and item."""
    shown = _Shown()
    tasks: dict[str, tuple[str, str]] = {}
    plans: defaultdict[str, set[str]] = defaultdict(set)  # a portfolio sheet holds the plans of many
    by_key: dict[str, Mapping[str, Binding]] = {}
    asked = []
    for onboarding in known:
        bound = onboarding.bound(name)
        plan = bound.get(PLAN_ITEM)
        if plan is None:
            continue
        by_key[onboarding.key] = bound
        refs = {item: binding.ref for item, binding in bound.items() if item != PLAN_ITEM}
        tasks.update((ref.id, (onboarding.key, item)) for item, ref in refs.items())
        plans[plan.ref.id].add(onboarding.key)
        asked.append(PlanRefs(plan.ref, tuple(refs.values())))
        asked += _doubles(name, onboarding, plan.ref)
    for record in home.fetch(asked) if asked else ():
        if record.deleted:
            continue
        if record.kind is Kind.PLAN and record.ref.id in plans:
            shown.plans |= plans[record.ref.id]
            if not record.ref.container:
                shown.holders.update(dict.fromkeys(plans[record.ref.id], record.fields))
        elif record.kind is Kind.TASK and record.ref.id in tasks:
            key, item = tasks[record.ref.id]
            shown.tasks.setdefault(key, {})[item] = record
        elif record.kind is Kind.PLAN or record.ref.container in plans:
            key, item = place_of(record.write_key)
            if item not in by_key.get(key, {}):
                continue
            found = shown.doubles.setdefault(key, {}).setdefault(item, [])
            found += [record] if record.ref not in {other.ref for other in found} else []
    _stand_in(shown)
    return shown


def _stand_in(shown: _Shown) -> None:
    """Let a record with the right write key stand in for one that is gone."""
    for key, doubles in shown.doubles.items():
        for item, records in doubles.items():
            if records[0].kind is Kind.TASK and item not in shown.tasks.get(key, {}):
                shown.tasks.setdefault(key, {})[item] = records.pop(0)


def _doubles(name: str, onboarding: Onboarding, plan: Ref) -> Iterator[PlanRefs]:
    """Ask for records that were found to exist twice, to see whether somebody deleted them."""
    for entry in onboarding.held:
        if entry.connection == name:
            for ref in doubles_of(entry):
                if entry.item == PLAN_ITEM:
                    yield PlanRefs(ref)
                else:
                    yield PlanRefs(plan, (ref,))
