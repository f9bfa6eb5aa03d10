"""Decides what one onboarding needs: what to create, what to change and why, which values conflict, what to hold back.

Called by `sync.engine` with everything already observed. Pure: the same snapshot, context and day give the same plan,
which is why `closedwon apply` can hold a plan to the letter. It never decides how writes are batched or sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connectors.base import Create, Fields, Kind, Record, Ref, Update, Upsert, Value, Write
from mappings.hours import Terms
from mappings.model import LEDGER, Deal, HeldBack, MappingSet, ObjectMapping
from mappings.templates import PlanSpec, TaskSpec, Template, choose, instantiate, kickoff_of
from mappings.translate import to_native
from sync.core.allotment import balance
from sync.core.dossier import Logged
from sync.core.hours import Facts, ledger
from sync.core.merge import HeldField, Merge, View, merge
from sync.core.model import (
    ONBOARDING_ITEM,
    PLAN_ITEM,
    WRITE_KEY,
    Binding,
    BindingState,
    Event,
    Onboarding,
    Quarantine,
    Severity,
)
from sync.core.rollup import roll_up


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all onboardings of a run. `crm` and `homes` are connection names."""

    mappings: MappingSet
    templates: tuple[Template, ...]
    crm: str
    homes: tuple[str, ...]
    view: View
    today: date


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was observed of one onboarding.

    `deal` is None when the CRM did not show it as won; `problem` tells why a shown deal cannot be used. `replicas`
    holds per connection the record of each bound item that the vendor showed, or one with its write key in its place.
    `planless` names the connections which no longer show the plan itself, and `doubles` the records that carry a bound
    item's write key beside the one in use. `unasked` tells that the CRM could not be asked: then an onboarding that has
    its plan goes on by what is remembered, and what was held back about its deal stays.
    """

    key: str
    onboarding: Onboarding
    deal: Deal | None
    replicas: Mapping[str, Mapping[str, Record]]
    problem: HeldBack | None = None
    planless: frozenset[str] = frozenset()
    doubles: Mapping[tuple[str, str], tuple[Ref, ...]] = field(default_factory=dict)
    """By connection and item."""
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One write and its reason. A TASK's Create gets its plan's Ref when that is known.

    `over` holds what the record showed in the fields of an Update.
    """

    key: str
    item: str
    connection: str
    write: Write
    reason: str
    over: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one onboarding needs now; `base` is what its sides say once every step has succeeded."""

    key: str
    title: str = ""
    template: str = ""
    template_version: str = ""
    deal: Fields = field(default_factory=dict)
    base: Mapping[str, Fields] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    owed: tuple[Step, ...] = ()
    """Updates that the vendor refused before and that are not sent again: the base waits for them."""
    unconfirmed: frozenset[tuple[str, str]] = frozenset()
    """Items with their fields which some side cannot confirm now (gone, or held back there): the base waits."""
    found_again: tuple[Binding, ...] = ()
    missing: tuple[Binding, ...] = ()
    events: tuple[Event, ...] = ()
    quarantine: tuple[Quarantine, ...] = ()


def write_key(key: str, item: str) -> str:
    """Return our identity of one item, as stored in every vendor's record."""
    return f"{key}:{item}"


def place_of(key: str) -> tuple[str, str]:
    """Return the onboarding and the item that a write key names; the item is "" in a text of somebody else's."""
    onboarding, _, item = key.partition(":")
    return onboarding, item


def plan(snapshot: Snapshot, context: Context) -> Plan:
    """Plan one onboarding. Never raises for data: what does not fit is in `quarantine`."""
    known = snapshot.onboarding
    if not known.base and snapshot.deal is None:
        return Plan(snapshot.key, quarantine=_unusable(snapshot))
    try:
        draft = _draft(snapshot, context)
    except HeldBack as error:
        return Plan(snapshot.key, quarantine=(_held(snapshot.key, "", "", "", error.code, error.message),))
    work = _Work(snapshot, context, draft)
    work.plans()
    for item, base in draft.base.items():
        if item != PLAN_ITEM:
            work.task(item, base)
    return work.finish(_unusable(snapshot))


def _draft(snapshot: Snapshot, context: Context) -> Plan:
    """Return the onboarding as remembered or, for a new one, as its template makes it."""
    known = snapshot.onboarding
    if known.base or snapshot.deal is None:
        title = str(known.base.get(PLAN_ITEM, {}).get("title") or known.key)
        return Plan(known.key, title, known.template, known.template_version, known.deal, known.base)
    deal = snapshot.deal
    spec = new_plan(deal, context)
    base: dict[str, Fields] = {PLAN_ITEM: _plan_values(spec, deal)}
    base |= {task.key: _task_values(task, context.mappings.task) for task in spec.tasks}
    fields = {**deal.fields, "contracted_hours": spec.contracted_hours}
    return Plan(deal.key, spec.title, spec.template, spec.template_version, fields, base)


def new_plan(deal: Deal, context: Context) -> PlanSpec:
    """Make a new plan's specification; raises HeldBack when no template fits or a value for it is missing."""
    mappings = context.mappings
    template = choose(context.templates, deal)
    kickoff = kickoff_of(template, deal, mappings.calendar)
    return instantiate(template, deal, mappings.calendar, kickoff=kickoff, people=mappings.users.roles)


def _plan_values(spec: PlanSpec, deal: Deal) -> dict[str, Value]:
    return {
        "title": spec.title,
        "account": deal.account,
        "kickoff": spec.kickoff,
        "target_launch": spec.target_launch,
        "contracted_hours": spec.contracted_hours,
        "launch_item": _launch_item(spec),
        **spec.terms.values(),
    }


def _launch_item(spec: PlanSpec) -> str:
    """Return the milestone that is the launch: the last one due by the target launch; "" where a plan has none."""
    before = [task for task in spec.tasks if task.milestone and task.due_target <= spec.target_launch]
    return max(before, key=lambda task: task.due_target).key if before else ""


def _task_values(task: TaskSpec, mapping: ObjectMapping) -> dict[str, Value]:
    """Return a new task's canonical values: those which the mapping knows, and those which only we remember."""
    own: dict[str, Value] = {
        "tracked_hours": 0,
        "milestone": task.milestone,
        "critical": task.critical,
        "role": task.role or None,
        "billable": task.billable,
        "depends_on": task.depends_on,
        "start_baseline": task.start_target,
        "due_baseline": task.due_target,
    }
    return {**{rule.name: None for rule in mapping.rules}, **task.canonical(), **own}


class _Work:
    """The steps of one plan while they are gathered."""

    def __init__(self, snapshot: Snapshot, context: Context, draft: Plan) -> None:
        self.snapshot = snapshot
        self.context = context
        self.draft = draft
        self.base: dict[str, Fields] = dict(draft.base)
        self.steps: list[Step] = []
        self.owed: list[Step] = []
        self.missing: list[Binding] = []
        self.found_again: list[Binding] = []
        self.events: list[Event] = []
        self.quarantine: list[Quarantine] = []
        self.unconfirmed: set[tuple[str, str]] = set()
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
            elif tasks:
                values = self.base[PLAN_ITEM]
                fields = to_native(self.context.mappings.plan, connection, values)
                self._create(PLAN_ITEM, connection, Kind.PLAN, fields, size=tasks)

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
        merged = merge(self.context.mappings.task, base, replicas, view=self.context.view, held=self._held_lenses(item))
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
            self.events.append(
                Event(key, item, change.field, repr(change.old), repr(change.new), change.source, "changed")
            )
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


def roll_up_step(
    done: Plan, onboarding: Onboarding, context: Context, logged: Sequence[Logged]
) -> tuple[Step | None, Fields]:
    """Return the CRM write that a finished plan needs, if any, and the native roll-up values.

    `onboarding` is as remembered after the plan was applied: its bindings tell the links, its `rollup` what the CRM
    confirmed last, and `logged` are its time entries. Single writer: a value that somebody else changed in the CRM is
    put back by `verify --repair` only.
    """
    tasks = {item: fields for item, fields in done.base.items() if item != PLAN_ITEM}
    plan = done.base.get(PLAN_ITEM, {})
    terms = Terms.of(plan, done.deal)
    facts = {item: Facts.of(item, fields) for item, fields in tasks.items()} if logged else {}
    book = ledger(logged, rules=context.mappings.hours, terms=terms, tasks=facts, today=context.today, key=done.key)
    values = roll_up(
        key=done.key,
        title=done.title,
        plan=plan,
        tasks=tasks,
        counted_seconds=book.counted,
        balance=balance(book, terms, context.today),
        contracted_hours=terms.total,
        today=context.today,
    )
    links = _links(onboarding, context)
    mapping = context.mappings.onboarding
    fields = context.view(context.crm, mapping.kind, to_native(mapping, context.crm, {**values, **links}))
    if fields == onboarding.rollup or not tasks:
        return None, onboarding.rollup
    write = Upsert(done.key, Kind.ONBOARDING, fields)
    changed = [name for name, value in fields.items() if onboarding.rollup.get(name) != value]
    return Step(done.key, ONBOARDING_ITEM, context.crm, write, "roll-up of " + ", ".join(changed)), fields


def _links(onboarding: Onboarding, context: Context) -> dict[str, Value]:
    """Return ids and addresses of the plan at each connection, as canonical `<connection>_plan_id` and `_plan_url`."""
    links: dict[str, Value] = {}
    names = (("plan_id", "plan_url"), ("sheet_id", "sheet_url"))
    for connection, (id_name, url_name) in zip(context.homes, names, strict=False):
        binding = onboarding.bound(connection).get(PLAN_ITEM)
        links[id_name] = binding.ref.id if binding else None
        links[url_name] = (binding.url or None) if binding else None
    return links
