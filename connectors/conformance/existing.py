"""Sentences on plans that others made: found in few calls, read whole, made ours, and what people wrote left alone.

Asked of connectors that have a method `existing` which gives something; the others are not asked.
"""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from connectors.base import Capability, Kind, PlanRefs, Record, Ref, Update, Written
from connectors.conformance.bench import Bench, equal, expect
from connectors.conformance.suite import NotAsked, sentence
from connectors.existing import Existing, TakesOver

TASKS = Capability.TASKS
MANY = 40
"""Texts that are looked for at once."""
FEW = 4
"""Calls which that may cost."""
OWNER = "006SUITEOTHERS000X"


@sentence(TASKS)
def a_plan_that_others_made_is_found_by_its_text_with_what_is_in_it(bench: Bench) -> None:
    existing = _existing(bench)
    ref = bench.rig.person_plans("Onboard Beta", ("Call them", "Train them"))
    bench.rig.person_plans("Onboard Gamma", ("Call them",))
    field = _text(bench, Kind.PLAN)
    found = [r for r in existing.lookup(field, ["Onboard Beta", "Nobody's"]) if r.fields.get(field) == "Onboard Beta"]
    equal([(r.kind, r.ref.id, r.write_key) for r in found], [(Kind.PLAN, ref.id, "")], "plans of this text")
    inside = list(existing.contents([ref]))
    seen = sorted((str(r.fields.get(_text(bench, Kind.TASK))), r.ref.container, r.write_key) for r in inside)
    equal(seen, [("Call them", ref.id, ""), ("Train them", ref.id, "")], "tasks in this plan")
    equal(list(existing.lookup(field, [])), [], "plans of no text")
    equal(list(existing.contents([])), [], "tasks in no plan")


@sentence(TASKS)
def looking_for_many_texts_costs_few_calls(bench: Bench) -> None:
    existing = _existing(bench)
    bench.rig.person_plans("Onboard Beta", ())
    texts = [f"Nobody's {number}" for number in range(MANY)]
    list(existing.lookup(_text(bench, Kind.PLAN), ["Onboard Beta"]))  # what is learned once is learned now
    _, calls = bench.cost(lambda: list(existing.lookup(_text(bench, Kind.PLAN), [*texts, "Onboard Beta"])))
    expect(calls <= FEW, f"{MANY} texts cost {calls} calls, where {FEW} are right")


@sentence(TASKS)
def what_is_taken_over_carries_our_key_and_keeps_what_people_wrote(bench: Bench) -> None:
    existing = _existing(bench)
    ref = bench.rig.person_plans("Onboard Beta", ("Call them", "Train them"))
    before = {r.ref.id: r.fields for r in existing.contents([ref])}
    updates = _updates(existing, ref)
    results = list(existing.take_over(updates))
    equal(len([r for r in results if isinstance(r, Written)]), len(updates), "records that were taken over")
    after = _read(bench, ref, updates)
    equal({i: r.write_key for i, r in after.items()}, {u.ref.id: u.write_key for u in updates}, "write keys read back")
    for number, fields in before.items():
        changed = {name for name, value in fields.items() if value and after[number].fields.get(name) != value}
        equal(changed, set(), "fields that people had filled in and that are different now")


@sentence(TASKS)
def taking_over_twice_changes_nothing(bench: Bench) -> None:
    existing = _existing(bench)
    ref = bench.rig.person_plans("Onboard Beta", ("Call them",))
    updates = _updates(existing, ref)
    list(existing.take_over(updates))
    before = _read(bench, ref, updates)
    results = list(existing.take_over(updates))
    expect(all(isinstance(r, Written) for r in results), f"the second time failed: {results!r}")
    after = _read(bench, ref, updates)
    equal(
        {i: r.fields for i, r in after.items()}, {i: r.fields for i, r in before.items()}, "fields after a second time"
    )
    for update in updates:
        equal(bench.rig.count(update.write_key), 1, f"records of {update.write_key} at the vendor")


def _existing(bench: Bench) -> Existing:
    existing = bench.connector.existing() if isinstance(bench.connector, TakesOver) else None
    if existing is None:
        raise NotAsked("the connector does not take over what others made")
    return existing


def _text(bench: Bench, kind: Kind) -> str:
    """Return the field of a kind that holds its name: the first text of its samples."""
    return next(name for name, value in bench.plain(kind).items() if isinstance(value, str))


def _updates(existing: Existing, plan: Ref) -> list[Update]:
    tasks = sorted(existing.contents([plan]), key=lambda record: record.ref.id)
    keyed = [Update(f"{OWNER}:t{n}", Kind.TASK, Ref(r.ref.id, plan.id), {}) for n, r in enumerate(tasks)]
    return [Update(f"{OWNER}:plan", Kind.PLAN, plan, {}), *keyed]


def _read(bench: Bench, plan: Ref, updates: list[Update]) -> dict[str, Record]:
    asked = PlanRefs(plan, tuple(update.ref for update in updates if update.kind is Kind.TASK))
    return {record.ref.id: record for record in bench.connector.fetch([asked])}
