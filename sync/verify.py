"""Proves that the sides agree: reads everything anew, compares it field by field, counts what exists twice.

Called by `closedwon verify`, the demo and the tests. It trusts neither the base nor the bindings for what is equal:
replicas are compared with each other, through the mapping alone, and roll-ups with a fresh computation. It writes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Capability, Connector, Fields, Kind, PlanRefs, Record
from mappings.model import LEDGER, ObjectMapping
from mappings.translate import shows, to_canonical
from sync.core.judgement import Told
from sync.core.model import PLAN_ITEM, Onboarding
from sync.core.planned import Context
from sync.core.records import RecordsStore
from sync.engine.audit import audits
from sync.engine.lessons import Lessons, lessons, told
from sync.engine.reconcile import UNREAD
from sync.engine.rolling import could_stand

EXAMPLES = 20
PAGE = 1000


@dataclass
class Proof:
    """What a full compare found; `examples` tells the first few in words."""

    onboardings: int = 0
    compared: int = 0
    """Records compared with another side."""
    fields: int = 0
    unequal: int = 0
    duplicates: int = 0
    lacking: int = 0
    """Records that one side should have and does not show."""
    strays: int = 0
    """Records with our write key which no onboarding of this store knows."""
    held: int = 0
    """Differences that are held back with a code, and so are known."""
    time_off: int = 0
    """Time entries that differ from the vendor's, that a side lacks, or that lie in no bucket or in two."""
    seconds: dict[str, dict[str, int]] = field(default_factory=dict)
    """By connection with time: the vendor's seconds, the stored ones, and those in the ledger's buckets."""
    examples: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Tell whether nothing is unequal, doubled, lacking or astray, and every second in its place."""
        return not (self.unequal or self.duplicates or self.lacking or self.strays or self.time_off)

    def note(self, text: str) -> None:
        """Keep an example, if there is room."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers for `--json`."""
        return {
            "onboardings": self.onboardings,
            "compared": self.compared,
            "fields": self.fields,
            "unequal": self.unequal,
            "duplicates": self.duplicates,
            "lacking": self.lacking,
            "strays": self.strays,
            "held": self.held,
            "time_off": self.time_off,
            "seconds": self.seconds,
            "examples": self.examples,
        }


def verify(
    *,
    store: RecordsStore,
    connections: Mapping[str, Connector],
    context: Context,
    progress: Callable[[int], None] = lambda _n: None,
) -> Proof:
    """Compare everything with everything. Raises the connectors' errors: half a proof is none."""
    proof = Proof()
    shown: dict[str, dict[str, Record]] = {}
    for name in (*context.homes, context.crm):
        shown[name] = _take_stock(name, connections[name], proof)
    known: set[str] = set()
    learned = lessons(store, context.mappings.calendar, context.today, keep=False)
    for page, facts in _pages(store):
        for name in context.homes:
            _look_where_it_was(name, connections[name], page, shown[name])
        for onboarding in page:
            known.add(onboarding.key)
            _compare(onboarding, facts[onboarding.key], learned, shown, context, proof)
        proof.onboardings += len(page)
        progress(proof.onboardings)
    _compare_time(store, connections, shown, context, proof)
    for name, records in shown.items():
        for key in records:
            if key.partition(":")[0] not in known:
                proof.strays += 1
                proof.note(f"{name}: {key} belongs to no onboarding that this store knows")
    return proof


def _take_stock(name: str, connector: Connector, proof: Proof) -> dict[str, Record]:
    """Read all of one side's records by write key and count doubles."""
    records: dict[str, Record] = {}
    counted: Counter[str] = Counter()
    for record in connector.inventory():
        counted[record.write_key] += 1
        records.setdefault(record.write_key, record)
    for key, count in counted.items():
        if count > 1:
            proof.duplicates += count - 1
            proof.note(f"{name}: {key} exists {count} times")
    return records


def _look_where_it_was(name: str, connector: Connector, page: Sequence[Onboarding], records: dict[str, Record]) -> None:
    """Fetch what the inventory lacks from where it was last: it goes by names of sheets, and people rename those."""
    asked: list[PlanRefs] = []
    places: dict[str, str] = {}
    for onboarding in page:
        bound = onboarding.bound(name)
        missed = {item: each for item, each in bound.items() if f"{onboarding.key}:{item}" not in records}
        tasks = tuple(each.ref for item, each in missed.items() if item != PLAN_ITEM)
        if tasks and PLAN_ITEM in bound:
            asked.append(PlanRefs(bound[PLAN_ITEM].ref, tasks))
            places.update((each.ref.id, f"{onboarding.key}:{item}") for item, each in missed.items())
    for record in connector.fetch(asked) if asked else ():
        if record.kind is Kind.TASK and not record.deleted and record.ref.id in places:
            records.setdefault(places[record.ref.id], record)


def _pages(store: RecordsStore) -> Iterator[tuple[Sequence[Onboarding], Mapping[str, Told]]]:
    after = ""
    while keys := store.keys(after=after, limit=PAGE):
        known = store.load(keys)
        yield [known[key] for key in keys], told(store, keys)
        after = keys[-1]


def _compare_time(
    store: RecordsStore,
    connections: Mapping[str, Connector],
    shown: Mapping[str, Mapping[str, Record]],
    context: Context,
    proof: Proof,
) -> None:
    """Hold every time entry against its vendor, and the buckets against the entries: to the second."""
    timed = {name: one for name, one in connections.items() if Capability.TIME in one.capabilities}
    for audit in audits(store, timed, shown, context):
        proof.seconds[audit.connection] = {
            "vendor": audit.vendor,
            "stored": audit.stored,
            "in_buckets": audit.in_buckets,
        }
        proof.time_off += audit.off
        proof.held += audit.held
        for text in audit.examples:
            proof.note(text)


def _compare(
    onboarding: Onboarding,
    facts: Told,
    learned: Lessons,
    shown: Mapping[str, Mapping[str, Record]],
    context: Context,
    proof: Proof,
) -> None:
    held = _held(onboarding, [*context.homes, LEDGER])
    values: dict[str, Fields] = {}
    held_before = proof.held
    for item, base in onboarding.base.items():
        if item == PLAN_ITEM:
            continue
        homes = context.mappings.homes(str(base.get("audience") or "both"))
        sides = {
            name: record.fields
            for name in homes
            if name in shown and (record := shown[name].get(f"{onboarding.key}:{item}")) is not None
        }
        for name in homes:
            if name in shown and name not in sides:
                known = bool({(item, name), (PLAN_ITEM, name)} & held)
                _count(proof, known, "lacking", f"{name}: {onboarding.key}:{item} is not there")
        sides[LEDGER] = {"tracked_seconds": onboarding.tracked.get(item, 0)}
        said = _compare_item(f"{onboarding.key}:{item}", item, base, sides, context.mappings.task, held, proof)
        values[item] = {**base, **said}
    if proof.held > held_before:
        held |= {(PLAN_ITEM, context.crm)}  # where a value is held back, its roll-up may say what either side says
    whole: dict[str, Fields] = {PLAN_ITEM: onboarding.base.get(PLAN_ITEM, {}), **values}
    may_show = could_stand(replace(onboarding, base=whole), context=context, told=facts, learned=learned)
    _compare_roll_up(onboarding.key, may_show, shown[context.crm], context, proof, held)


def _held(onboarding: Onboarding, sides: Sequence[str]) -> set[tuple[str, str]]:
    """Return what is held back, by item and connection: all of it where the onboarding as a whole cannot be read."""
    held = {(q.item, q.connection) for q in onboarding.held}
    if any(q.field == UNREAD for q in onboarding.held):
        held |= {(item, name) for item in onboarding.base for name in sides}
    return held


def _count(proof: Proof, known: bool, name: str, text: str) -> None:  # noqa: FBT001 - two lines above its only callers
    if known:
        proof.held += 1
    else:
        setattr(proof, name, getattr(proof, name) + 1)
        proof.note(text)


def _compare_item(
    key: str,
    item: str,
    base: Fields,
    sides: Mapping[str, Fields],
    mapping: ObjectMapping,
    held: set[tuple[str, str]],
    proof: Proof,
) -> Fields:
    """Hold every side's fields against what the first side that reads them says; return what was said."""
    said: dict[str, tuple[str, Any]] = {}
    for name, fields in sides.items():
        canonical, _ = to_canonical(mapping, name, fields, base)
        for canonical_name, value in canonical.items():
            said.setdefault(canonical_name, (name, value))
    proof.compared += len(sides) - 1
    for rule in mapping.rules:
        if rule.name not in said:
            continue
        source, value = said[rule.name]
        for lens in rule.lenses:
            if lens.connection not in sides or lens.once or lens.field not in sides[lens.connection]:
                continue
            proof.fields += 1
            if not shows(lens, sides[lens.connection][lens.field], value):
                known = bool({(item, lens.connection), (item, source)} & held)
                text = f"{key}: {rule.name} is {value!r} at {source} and differs at {lens.connection}"
                _count(proof, known, "unequal", text)
    return {name: value for name, (_, value) in said.items()}


def _compare_roll_up(
    key: str,
    may_show: Iterator[Fields],
    shown: Mapping[str, Record],
    context: Context,
    proof: Proof,
    held: set[tuple[str, str]],
) -> None:
    """Hold the CRM's record against the roll-up as it is today, or was on a day since all were worked out anew."""
    today = next(may_show, None)
    if today is None:
        return
    known = any(item == "" or name == context.crm for item, name in held)
    record = shown.get(key)
    if record is None:
        _count(proof, known, "lacking", f"{context.crm}: no {Kind.ONBOARDING} record for {key}")
        return
    proof.compared += 1
    proof.fields += len(today)
    nearest = _differing(record, today)
    while nearest and (before := next(may_show, None)):
        nearest = min(nearest, _differing(record, before), key=len)
    for name, value in nearest.items():
        text = f"{context.crm}: {name} of {key} is {record.fields[name]!r}, computed {value!r}"
        _count(proof, known, "unequal", text)


def _differing(record: Record, fields: Fields) -> Fields:
    """Return what the record should show in the fields in which it shows something else."""
    shown = record.fields
    return {n: value for n, value in fields.items() if n in shown and shown[n] != value and (shown[n] or value)}
