"""Decides what one onboarding needs: what to create, what to change and why, which values conflict, what to hold back.

Called by `sync.engine` with everything already observed. Pure: the same snapshot, context and day give the same plan,
which is why `closedwon apply` can hold a plan to the letter. It never decides how writes are batched or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.base import Create, Fields, Kind, Record, Ref, Update
from mappings.model import LEDGER, HeldBack
from mappings.translate import to_native
from sync.core.amend import Part, kept_part
from sync.core.amendment import Amended, amend
from sync.core.draft import draft
from sync.core.holder import follow
from sync.core.merge import AMENDMENT, HeldField, Merge, merge
from sync.core.model import (
    PLAN_ITEM,
    WRITE_KEY,
    Binding,
    BindingState,
    Event,
    Quarantine,
    Severity,
)
from sync.core.planned import Context, Plan, Snapshot, Step, write_key
from sync.core.scope import barred
from sync.core.twins import twin


def plan(snapshot: Snapshot, context: Context) -> Plan:
    """Plan one onboarding. Never raises for data: what does not fit is in `quarantine`."""
    known = snapshot.onboarding
    if not known.base and snapshot.deal is None:
        return Plan(snapshot.key, quarantine=_unusable(snapshot))
    if why := _barred(snapshot, context):
        return Plan(snapshot.key, quarantine=(_held(snapshot.key, "", "", "", "HANDOFF-01", why),))
    try:
        drafted = draft(snapshot, context)
    except HeldBack as error:
        return Plan(snapshot.key, quarantine=(_held(snapshot.key, "", "", "", error.code, error.message),))
    if is_new(snapshot) and not snapshot.decision.own:
        if snapshot.decision.belongs:
            return Plan(snapshot.key)
        other = twin(snapshot.deal, snapshot.kin) if snapshot.deal else None
        if other is not None:
            return Plan(snapshot.key, quarantine=(other,))
    amended = amend(snapshot, context, drafted)
    work = _Work(snapshot, context, amended)
    work.plans()
    for item, base in amended.plan.base.items():
        if item != PLAN_ITEM:
            work.task(item, base)
    return work.finish(_unusable(snapshot))


def _barred(snapshot: Snapshot, context: Context) -> str:
    """Return why the handoff gate lets no plan be made; one that was begun, in whatever part, goes on."""
    deal = snapshot.deal if is_new(snapshot) else None
    return "" if deal is None else barred(deal, context.mappings.scope)


def is_new(snapshot: Snapshot) -> bool:
    """Tell whether nothing of a plan was made yet."""
    known = snapshot.onboarding
    return not (known.base or known.bindings or known.intents)


class _Work:
    """The steps of one plan while they are gathered."""

    def __init__(self, snapshot: Snapshot, context: Context, amended: Amended) -> None:
        self.snapshot = snapshot
        self.context = context
        self.draft = draft = amended.plan
        self.amended = amended
        self.base: dict[str, Fields] = dict(draft.base)
        self.steps: list[Step] = []
        self.owed: list[Step] = []
        self.missing: list[Binding] = []
        self.found_again: list[Binding] = []
        self.events: list[Event] = [*draft.events]
        self.quarantine: list[Quarantine] = [*draft.quarantine]
        self.unconfirmed: set[tuple[str, str]] = set()
        self.kept: list[Part] = []
        self.bound = {name: snapshot.onboarding.bound(name) for name in context.homes}
        self.held = {(q.item, q.connection, q.field): q for q in snapshot.onboarding.held}

    def plans(self) -> None:
        """Create the plan's holder wherever one of its tasks will live; tell where it is gone or doubled."""
        for (connection, item), refs in self.snapshot.doubles.items():
            self.quarantine.append(doubled(self.draft.key, item, connection, refs))
        for connection in self.context.homes:
            tasks = sum(1 for item in self.base if item != PLAN_ITEM and connection in self._homes(item))
            plan = self.bound[connection].get(PLAN_ITEM)
            if plan is not None:
                self._note(plan, shown=connection not in self.snapshot.planless)
                self._retitle(plan)
            elif tasks:
                values = self.base[PLAN_ITEM]
                fields = to_native(self.context.mappings.plan, connection, values)
                self._create(PLAN_ITEM, connection, Kind.PLAN, fields, size=tasks)

    def _retitle(self, plan: Binding) -> None:
        """Bring an amended title or launch to the plan itself, but never over what people made of it."""
        before, now = self.snapshot.onboarding.base.get(PLAN_ITEM), self.base[PLAN_ITEM]
        name, key = plan.connection, self.draft.key
        if not before or before == now or name in self.snapshot.planless:
            return
        mapping, shown = self.context.mappings.plan, self.snapshot.holders.get(name, {})
        following = follow(mapping, name, before=before, now=now, shown=shown, view=self.context.view)
        for one in following.disputed:
            (lost, source), kept = ((one.theirs, name), one.ours)
            if not one.ours_wins:
                (lost, source), kept = ((one.ours, self.amended.by), one.theirs)
                self.kept.append(kept_part(one.rule, self.draft.title, one.theirs, one.ours, name))
            self.events.append(Event(key, PLAN_ITEM, one.rule, repr(lost), repr(kept), source, "conflict:lost"))
        if following.fields:
            update = Update(write_key(key, PLAN_ITEM), Kind.PLAN, plan.ref, following.fields)
            self.steps.append(Step(key, PLAN_ITEM, name, update, f"changed in {AMENDMENT}"))

    def task(self, item: str, base: Fields) -> None:
        """Merge one task's replicas, write what differs, create what is not there yet."""
        replicas: dict[str, Fields] = {LEDGER: {"tracked_seconds": self.snapshot.onboarding.tracked.get(item, 0)}}
        absent = []
        for connection in self._homes(item):
            binding = self.bound[connection].get(item)
            record = self.snapshot.replicas.get(connection, {}).get(item)
            if binding is None:
                absent.append(connection)
                continue
            self._note(binding, shown=record is not None)
            if record is not None:
                replicas[connection] = record.fields
                self._follow(binding, record)
        merged = merge(
            self.context.mappings.task,
            base,
            replicas,
            view=self.context.view,
            held=self._held_lenses(item),
            decided=self.amended.decided.get(item),
        )
        self._take(item, merged, replicas)
        for connection in absent:
            if connection in self.snapshot.planless:
                continue
            fields = to_native(self.context.mappings.task, connection, merged.values)
            self._create(item, connection, Kind.TASK, fields)

    def finish(self, more: tuple[Quarantine, ...]) -> Plan:
        """Return the gathered plan."""
        return replace(
            self.draft,
            base=self.base,
            steps=tuple(self.steps),
            owed=tuple(self.owed),
            missing=tuple(self.missing),
            unconfirmed=frozenset(self.unconfirmed),
            found_again=tuple(self.found_again),
            events=tuple(self.events),
            quarantine=(*self.quarantine, *more),
            diff=replace(self.draft.diff, parts=(*self.draft.diff.parts, *self.kept)) if self.kept else self.draft.diff,
        )

    def _homes(self, item: str) -> tuple[str, ...]:
        homes = self.context.mappings.homes(str(self.draft.base[item].get("audience") or "both"))
        return tuple(name for name in homes if name in self.context.homes)

    def _create(self, item: str, connection: str, kind: Kind, fields: Fields, *, size: int = 0) -> None:
        before = self.held.get((item, connection, ""))
        if before is not None and before.attempt == repr(sorted(fields.items())):
            self.quarantine.append(before)
            return
        key = write_key(self.draft.key, item)
        create = Create(key, kind, fields, size=size)
        self.steps.append(Step(self.draft.key, item, connection, create, "not there yet"))

    def _follow(self, binding: Binding, record: Record) -> None:
        """Bind the record that is shown in the place of one that is gone: a row that somebody cut and pasted."""
        if record.ref.id != binding.ref.id:
            moved = replace(binding, ref=record.ref, url=record.url, state=BindingState.LIVE)
            self.bound[binding.connection][binding.item] = moved
            self.found_again.append(moved)

    def _note(self, binding: Binding, *, shown: bool) -> None:
        """Note that a bound record is there, or that it is gone: one clear entry for a whole plan, not one a task."""
        if shown:
            if binding.state is BindingState.MISSING:
                self.found_again.append(replace(binding, state=BindingState.LIVE))
            return
        if binding.state is BindingState.LIVE:
            self.missing.append(replace(binding, state=BindingState.MISSING))
        known = self.context.mappings.task.by_connection.get(binding.connection, ())
        self.unconfirmed.update((binding.item, rule.name) for rule, _ in known)
        whole = binding.kind is Kind.PLAN
        if not whole and binding.connection in self.snapshot.planless:
            return
        text = (
            f"{binding.connection} no longer shows this {'plan' if whole else 'record'} (deleted, moved away, or "
            "hidden from us). Nothing was deleted elsewhere. Restore it there, or give the integration user access to "
            "it."
        )
        code = "PLAN-GONE-01" if whole else "MISSING-01"
        self.quarantine.append(_held(binding.key, binding.item, binding.connection, "", code, text))

    def _held_lenses(self, item: str) -> dict[tuple[str, str], HeldField]:
        return {
            (q.connection, q.field): HeldField(q.connection, q.field, q.code, q.message, q.attempt)
            for (held_item, _, name), q in self.held.items()
            if held_item == item and name not in {"", WRITE_KEY} and q.attempt
        }

    def _take(self, item: str, merged: Merge, replicas: Mapping[str, Fields]) -> None:
        """Turn one merge into steps, history and held fields."""
        key = self.draft.key
        self.base[item] = {**self.draft.base[item], **merged.values}
        sources = {change.field: change.source for change in merged.changes}
        for change in merged.changes:
            amended = change.source == AMENDMENT
            source, rule = (self.amended.by, "amended") if amended else (change.source, "changed")
            self.events.append(Event(key, item, change.field, repr(change.old), repr(change.new), source, rule))
        for conflict in merged.conflicts:
            for source, value in conflict.lost:
                self.events.append(
                    Event(key, item, conflict.field, repr(value), repr(conflict.kept), source, "conflict:lost")
                )
        for held in merged.held:
            self.quarantine.append(
                _held(key, item, held.connection, held.native_field, held.code, held.message, held.attempt)
            )
            self.unconfirmed.update(
                (item, rule.name)
                for rule in self.context.mappings.task.rules
                if any(lens.field == held.native_field for lens in rule.at(held.connection))
            )
        for connection, fields in merged.writes.items():
            ref = self.bound[connection][item].ref
            update = Update(write_key(key, item), Kind.TASK, ref, fields)
            over = {name: replicas[connection].get(name) for name in fields}
            step = Step(key, item, connection, update, _reason(fields, sources), over)
            before = self.held.get((item, connection, ""))
            if before is not None and before.attempt == repr(sorted(fields.items())):
                self.quarantine.append(before)
                self.owed.append(step)
            else:
                self.steps.append(step)


def _reason(fields: Fields, sources: Mapping[str, str]) -> str:
    changed = sorted(set(sources.values()))
    return f"changed in {', '.join(changed)}" if changed else f"drift in {', '.join(sorted(fields))}"


def _unusable(snapshot: Snapshot) -> tuple[Quarantine, ...]:
    if snapshot.unasked:
        return tuple(entry for entry in snapshot.onboarding.held if not entry.item and not entry.connection)
    if snapshot.problem is not None:
        return (_held(snapshot.key, "", "", "", snapshot.problem.code, snapshot.problem.message),)
    if snapshot.deal is None and snapshot.onboarding.base:
        text = (
            "The CRM no longer shows this deal as won (reopened, deleted or hidden). Its plan goes on as it is. "
            "Win the deal again, or close the plan's tasks."
        )
        return (_held(snapshot.key, "", "", "", "DEAL-GONE-01", text),)
    return ()


def doubled(key: str, item: str, connection: str, refs: Sequence[Ref]) -> Quarantine:
    """Hold back that other records carry an item's write key; `refs` stay in `attempt`, to be looked at again."""
    text = (
        f"{connection} holds this record {len(refs) + 1} times. The first is used; delete the rest "
        f"({', '.join(ref.id for ref in refs)})."
    )
    attempt = "\n".join(f"{ref.id}@{ref.container}" for ref in refs)
    return _held(key, item, connection, WRITE_KEY, "DUPLICATE-01", text, attempt)


def doubles_of(entry: Quarantine) -> tuple[Ref, ...]:
    """Return the records which `doubled` noted."""
    if entry.field != WRITE_KEY:
        return ()
    return tuple(Ref(*ref.split("@", 1)) for ref in entry.attempt.splitlines())


def _held(key: str, item: str, connection: str, name: str, code: str, message: str, attempt: str = "") -> Quarantine:
    return Quarantine(key, item, connection, name, code, message, Severity.HELD, attempt=attempt)
