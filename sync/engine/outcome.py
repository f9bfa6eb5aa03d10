"""Turns what came back from the vendors into what the store keeps: confirmed base, held records, when to look again.

Called by `sync.engine.reconcile` between apply and commit. Pure bookkeeping: no calls, no store.
The base moves only where every side confirmed: a field whose write failed at one connection keeps its old base, so that
the difference is still there to be seen next time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.base import Create, Fields, Kind, Record, Update, Value, Written
from connectors.errors import Refused, TryLater, Unknown
from mappings.model import Lens, ObjectMapping, Untranslatable
from mappings.translate import shows
from sync.core.merge import attempt_of
from sync.core.model import PLAN_ITEM, Claim, Commit, Event, Onboarding, Quarantine, Severity
from sync.core.planned import Context, Plan, Snapshot, Step
from sync.engine.apply import Applied, Verdict
from sync.engine.recover import Recovery

_LONGEST_WAIT = 3600.0

_T = TypeVar("_T")


@dataclass
class Result:
    """One onboarding after apply. `base` and `events` are the plan's as far as every side confirmed them."""

    plan: Plan
    known: Onboarding
    """As it was remembered before."""
    new: bool
    base: Mapping[str, Fields]
    events: tuple[Event, ...]
    quarantine: list[Quarantine]
    again_after: float | None = None
    error: str = ""
    amended: bool = True
    """Every value of an amendment is confirmed, so that the deal and the template may be remembered as they are now."""


@dataclass
class RollUp:
    """What the CRM confirmed, and what is still owed."""

    confirmed: Fields
    quarantine: list[Quarantine] = field(default_factory=list)
    again_after: float | None = None
    error: str = ""


def creates(step: Step) -> bool:
    """Tell whether a step makes a record."""
    return isinstance(step.write, Create)


def settle(
    plans: Sequence[Plan],
    known: Mapping[str, Onboarding],
    applied: Mapping[str, Applied],
    verdicts: Mapping[str, Verdict],
    context: Context,
) -> list[Result]:
    """Return what became of each plan."""
    misfits = _misfits(applied, context)
    failed = {id(step): error for one in applied.values() for step, error in one.failed}
    results = []
    for each in plans:
        remembered = known[each.key]
        before = remembered.base
        verdict = verdicts.get(each.key, Verdict())
        refused = [_refused(step, error, _mapping(step, context)) for step, error in verdict.refused]
        held = [*each.quarantine, *misfits.get(each.key, ()), *refused]
        owed = [*each.owed, *(step for step in each.steps if id(step) in failed and not creates(step))]
        # That a vendor will not have a plan's new title is told; there is nothing that could be done about it.
        owed = [s for s in owed if s.write.kind is not Kind.PLAN or not isinstance(failed.get(id(s)), Refused)]
        kept = {place for step in owed for place in _places(step, _mapping(step, context))} | each.unconfirmed
        unknown = {(step.key, step.item) for step in owed if isinstance(failed.get(id(step)), Unknown | TryLater)}
        events = tuple(
            event
            for event in each.events
            if (event.item, event.field) not in kept
            # Where the winner may have landed, the next look may find no loser any more: keep it now.
            or (event.rule == "conflict:lost" and (event.key, event.item) in unknown)
        )
        new = not before and any(creates(step) for step in each.steps)
        base = _without(each.base, kept, before)
        amended = not each.amended & kept
        results.append(Result(each, remembered, new, base, events, held, verdict.again_after, verdict.error, amended))
    return results


def _mapping(step: Step, context: Context) -> ObjectMapping:
    return context.mappings.plan if step.write.kind is Kind.PLAN else context.mappings.task


def _places(step: Step, mapping: ObjectMapping) -> Iterator[tuple[str, str]]:
    """Name the item and canonical fields which a step writes."""
    for rule, lenses in mapping.by_connection.get(step.connection, ()):
        if any(lens.field in step.write.fields for lens in lenses):
            yield step.item, rule.name


def _without(
    base: Mapping[str, Fields], kept: AbstractSet[tuple[str, str]], before: Mapping[str, Fields]
) -> Mapping[str, Fields]:
    """Return a base with the old values of those fields which some side has not confirmed.

    What was never agreed on before (a new plan) is what its creates said.
    """
    changed = {item: dict(base[item]) for item, _ in kept if item in base and item in before}
    for item, name in kept:
        if item in changed and name in before[item]:
            changed[item][name] = before[item][name]
    return {**base, **changed}


def _refused(step: Step, error: Refused, mapping: ObjectMapping) -> Quarantine:
    """Hold back a refused record, or just the field where the vendor named one of an existing task."""
    lenses = {lens.field: lens for _, group in mapping.by_connection.get(step.connection, ()) for lens in group}
    named = error.field in step.write.fields and error.field in lenses and isinstance(step.write, Update)
    name = error.field if named else ""
    attempt = repr(sorted(step.write.fields.items()))
    if named:
        attempt = attempt_of(step.write.fields[name], step.over.get(name))
    return Quarantine(
        step.key, step.item, step.connection, name, error.code, error.message, Severity.HELD, attempt=attempt
    )


def _misfits(applied: Mapping[str, Applied], context: Context) -> dict[str, list[Quarantine]]:
    """Find values that a vendor stored otherwise than it was told, by onboarding."""
    found: dict[str, list[Quarantine]] = {}
    for name, one in applied.items():
        for step, written in one.stored:
            for native, attempt in _differences(step, written, context):
                text = (
                    f"{name} stored something else in {native} than it was told. The field is left alone until its "
                    "value changes: shorten it, or check the column's type."
                )
                held = Quarantine(step.key, step.item, name, native, "STORED-OTHERWISE-01", text, attempt=attempt)
                found.setdefault(step.key, []).append(held)
    return found


def _differences(step: Step, written: Written, context: Context) -> list[tuple[str, str]]:
    """Return native fields whose stored value does not mean what was sent, with what was tried over what is there."""
    if step.write.kind is not Kind.TASK:
        return []
    shown = written.fields or {}
    expected = context.view(step.connection, step.write.kind, step.write.fields)
    differing = []
    for _, lenses in context.mappings.task.by_connection.get(step.connection, ()):
        for lens in lenses:
            if not lens.reads or lens.field not in expected or lens.field not in shown:
                continue
            sent, stored = step.write.fields[lens.field], shown[lens.field]
            if stored != expected[lens.field] and not _same(lens, sent, stored):
                differing.append((lens.field, attempt_of(sent, stored)))
    return differing


def _same(lens: Lens, sent: Value, stored: Value) -> bool:
    try:
        return shows(lens, stored, lens.transform.get(sent))
    except Untranslatable:
        return True


def take_roll_ups(
    steps: Sequence[Step],
    one: Applied,
    rollups: dict[str, RollUp],
    *,
    settle_seconds: float,
    codes: Counter[str],
) -> None:
    """Note which roll-ups the CRM confirmed."""
    failed = {step.key: error for step, error in one.failed}
    for step in steps:
        error = failed.get(step.key)
        mine = rollups[step.key]
        if error is None:
            mine.confirmed = step.write.fields
            continue
        codes[error.code] += 1
        if isinstance(error, Refused):
            mine.quarantine.append(_refused(step, error, ObjectMapping(Kind.ONBOARDING, ())))
            continue
        mine.again_after = error.delay if isinstance(error, TryLater) else settle_seconds
        mine.error = f"{error.code}: {error.message}"
        if isinstance(error, Unknown):
            mine.again_after = 0.0


def commit(result: Result, claim: Claim, rollups: Mapping[str, RollUp], recovery: Recovery) -> Commit:
    """Return what the store shall keep of one onboarding; what is as it was is not written again."""
    each, known = result.plan, result.known
    rollup = rollups.get(each.key, RollUp({}))
    waits = [wait for wait in (result.again_after, rollup.again_after) if wait is not None]
    duplicates = [q for q in recovery.duplicates if q.key == each.key]
    events = list(result.events)
    if result.new:
        count = sum(1 for step in each.steps if creates(step))
        events.append(Event(each.key, "", "", "", f"{each.template} ({count} records)", "engine", "created"))
    return Commit(
        claim,
        template=_moved(known.template, each.template),
        template_version=_moved(known.template_version, each.template_version) if result.amended else None,
        deal=_moved(known.deal, each.deal) if result.amended else None,
        base=_moved(known.base, result.base),
        rollup=_moved(known.rollup, rollup.confirmed),
        missing=each.missing,
        events=tuple(events),
        quarantine=_unique([*result.quarantine, *rollup.quarantine, *duplicates]),
        done=not waits,
        again_after=patiently(max(waits, default=0.0), claim),
        error=result.error or rollup.error,
    )


def _moved(before: _T, now: _T) -> _T | None:
    return None if now == before else now


def patiently(seconds: float, claim: Claim) -> float:
    """Return how long to wait before the next attempt: twice as long after each, at least a second, at most an hour."""
    return max(seconds, min(max(seconds, 1.0) * 2.0 ** min(claim.attempts - 1, 12), _LONGEST_WAIT))


def _unique(entries: Sequence[Quarantine]) -> tuple[Quarantine, ...]:
    return tuple({(q.item, q.connection, q.field): q for q in entries}.values())


def linked_plans(record: Record, context: Context) -> dict[str, str]:
    """Return the plan ids that the CRM's onboarding record names, by connection."""
    linked: dict[str, str] = {}
    for connection, name in zip(context.homes, ("plan_id", "sheet_id"), strict=False):
        lenses = context.mappings.onboarding.rule(name).at(context.crm)
        for fields in record.links:
            if value := next((fields[lens.field] for lens in lenses if fields.get(lens.field)), None):
                linked[connection] = str(value)
    return linked


def strangers(
    links: Mapping[str, Record], snapshots: Mapping[str, Snapshot], context: Context
) -> dict[str, dict[str, str]]:
    """Return the plans that the CRM names and we do not know, by onboarding and connection."""
    strange = {}
    for key, record in links.items():
        bound = {b.connection for b in snapshots[key].onboarding.bindings if b.item == PLAN_ITEM}
        linked = linked_plans(record, context)
        if linked.keys() - bound:
            strange[key] = {name: plan_id for name, plan_id in linked.items() if name not in bound}
    return strange
