"""Settles creates whose outcome is unknown, before anything is created again.

Called by `sync.engine.reconcile` for onboardings with open intents, and for deals whose CRM record names a plan that
this store does not know. It looks write keys up by the connector's lag-free way and binds what it finds.
It never creates and never deletes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.base import Connector, Create, Kind, Record, Ref, Wanted
from connectors.errors import NotAuthorised, TryLater
from sync.core.model import PLAN_ITEM, Binding, Intent, Onboarding, Quarantine, Severity, StoreApi
from sync.core.plan import doubled
from sync.core.planned import Plan


@dataclass
class Recovery:
    """What came of it: keys that must wait (with seconds, or since a vendor is away), bindings made, duplicates."""

    wait: dict[str, float] = field(default_factory=dict)
    away: dict[str, TryLater] = field(default_factory=dict)
    adopted: list[Binding] = field(default_factory=list)
    duplicates: list[Quarantine] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Onboardings whose plan others made and a person had us take over: that much of it changes is no surprise."""

    def held(self, known: Onboarding) -> tuple[Quarantine, ...]:
        """Return what was held back of an onboarding and the doubles found now: nobody would find them again."""
        found = {(q.item, q.connection, q.field): q for q in self.duplicates if q.key == known.key}
        return (*(q for q in known.held if (q.item, q.connection, q.field) not in found), *found.values())


def recover(
    known: Mapping[str, Onboarding],
    *,
    homes: Mapping[str, Connector],
    store: StoreApi,
    now: datetime,
    settle_seconds: float,
    outcome: Recovery,
    refused: Callable[[str, NotAuthorised], TryLater],
) -> None:
    """Look up every open intent that has had time to settle; forget those which surely never landed.

    A vendor may commit a request after it dropped our connection, so an intent younger than `settle_seconds` waits. So
    do onboardings whose vendor is away, or refuses us if `refused` does not raise; the others go on.
    """
    outcome.wait.clear()
    outcome.away.clear()
    for name, home in homes.items():
        ripe: dict[str, Intent] = {}
        for onboarding in known.values():
            mine = [intent for intent in onboarding.intents if intent.connection == name]
            left = max((settle_seconds - (now - i.opened_at).total_seconds() for i in mine), default=0.0)
            if left > 0:
                outcome.wait[onboarding.key] = max(left, outcome.wait.get(onboarding.key, 0.0))
            else:
                ripe |= {intent.write_key: intent for intent in mine}
        try:
            if ripe:
                _look_up(name, home, ripe, known, store, outcome)
        except TryLater as error:
            outcome.away |= {intent.key: error for intent in ripe.values()}
        except NotAuthorised as error:
            outcome.away |= dict.fromkeys((intent.key for intent in ripe.values()), refused(name, error))


def _look_up(
    name: str,
    home: Connector,
    ripe: Mapping[str, Intent],
    known: Mapping[str, Onboarding],
    store: StoreApi,
    outcome: Recovery,
) -> None:
    """Look plans up first: a task is found under its plan, and without a plan there can be no task."""
    plans = {key: binding.ref for key, o in known.items() if (binding := o.bound(name).get(PLAN_ITEM))}
    holders = [intent for intent in ripe.values() if intent.kind is Kind.PLAN]
    found = _found(home, holders, plans)
    plans |= {ripe[key].key: records[0].ref for key, records in found.items() if records}
    tasks = [intent for intent in ripe.values() if intent.kind is Kind.TASK and intent.key in plans]
    found |= _found(home, tasks, plans)
    bindings = []
    for write_key, records in found.items():
        intent = ripe[write_key]
        bound = known[intent.key].bound(name).get(intent.item)
        # What is in use already stays in use, whichever is the older.
        records.sort(key=lambda record: bound is None or record.ref.id != bound.ref.id)
        first = records[0]
        bindings.append(
            Binding(intent.key, intent.item, name, intent.kind, _filed(first.ref, intent, plans), first.url)
        )
        if len(records) > 1:
            outcome.duplicates.append(
                doubled(intent.key, intent.item, name, [_filed(record.ref, intent, plans) for record in records[1:]])
            )
    store.bind(bindings)
    store.drop_intents(name, [key for key in ripe if key not in found])
    outcome.adopted += bindings


def _found(home: Connector, intents: Iterable[Intent], plans: Mapping[str, Ref]) -> dict[str, list[Record]]:
    wanted = [Wanted(i.write_key, i.kind, plans.get(i.key), i.mark, i.name) for i in intents]
    found: dict[str, list[Record]] = {}
    if wanted:
        keys = {want.write_key for want in wanted}
        for record in home.find(wanted):
            if record.write_key in keys:
                found.setdefault(record.write_key, []).append(record)
    for records in found.values():
        records.sort(key=lambda record: (len(record.ref.id), record.ref.id))
    return found


def _filed(ref: Ref, intent: Intent, plans: Mapping[str, Ref]) -> Ref:
    """Keep the container of a task even where the look-up's answer does not show it."""
    if intent.kind is Kind.TASK and not ref.container:
        return Ref(ref.id, plans[intent.key].id)
    return ref


def adopt(
    drafts: Iterable[Plan],
    links: Mapping[str, Mapping[str, str]],
    *,
    homes: Mapping[str, Connector],
    store: StoreApi,
    now: datetime,
    outcome: Recovery,
    refused: Callable[[str, NotAuthorised], TryLater],
) -> dict[str, Quarantine]:
    """Bind plans which the CRM names but this store does not know, and return those that cannot be found.

    `links` holds by onboarding and connection the id of each such plan.

    A lost or restored store must never lead to a second plan: what the CRM names is looked up by write key like a
    create of unknown outcome, and where the plan itself is not found, a person decides. Raises TryLater where a vendor
    is away, or refuses us and `refused` does not raise: without an answer none of them may be planned.
    """
    unknown = {draft.key: Onboarding(draft.key) for draft in drafts}
    lost: dict[str, Quarantine] = {}
    for name, home in homes.items():
        ripe = {
            step.write.write_key: Intent(
                name, step.write.write_key, step.key, step.item, step.write.kind, "", now, draft.title
            )
            for draft in drafts
            for step in draft.steps
            if step.connection == name and name in links[draft.key] and isinstance(step.write, Create)
        }
        if not ripe:
            continue
        before = len(outcome.adopted)
        try:
            _look_up(name, home, ripe, unknown, store, outcome)
        except NotAuthorised as error:
            raise refused(name, error) from None
        bound = {binding.key for binding in outcome.adopted[before:] if binding.item == PLAN_ITEM}
        for intent in ripe.values():
            if intent.key not in bound:
                lost[intent.key] = _lost(intent, links[intent.key][name])
    return lost


def _lost(intent: Intent, plan_id: str) -> Quarantine:
    return Quarantine(
        intent.key,
        "",
        intent.connection,
        "",
        "ADOPT-01",
        f"The CRM names plan {plan_id} at {intent.connection}, but no plan with our key is there. No second plan is "
        "made. Restore that plan, or empty the plan's id in the CRM's onboarding record to have a new one made.",
        Severity.HELD,
    )
