"""Sentences on writing while all goes well: once, paired, each for itself, at the price that was told."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from connectors.base import Capability, Create, Failed, Fields, Kind, PlanRefs, Ref, Update, Upsert, Written
from connectors.conformance.bench import Bench, equal, expect
from connectors.conformance.suite import sentence
from connectors.errors import Refused, Stale

TASKS = Capability.TASKS


@sentence()
def a_create_makes_exactly_one_record(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        made = bench.made(kind, 3)
        for written in made:
            bench.once(written.write)
        refs = {written.ref for written in made}
        expect(len(refs) == len(made) and Ref("") not in refs, f"{len(made)} new records have the refs {refs}")


@sentence()
def every_write_gets_one_result_and_nothing_else_does(bench: Bench) -> None:
    for kind, unfit in _refusable(bench):
        (before,) = bench.made(kind)
        new = bench.fresh(kind, 3)
        bad = bench.fresh(kind, 2, fields=unfit)
        change = bench.update(before, bench.plain(kind)) if kind is not Kind.ONBOARDING else before.write
        results = bench.write([new[0], bad[0], change, new[1], bad[1], new[2]])
        wrong = [type(result).__name__ for result in results]
        equal(wrong, ["Written", "Failed", "Written", "Written", "Failed", "Written"], f"results for each {kind}")


@sentence()
def a_refused_record_costs_the_others_nothing(bench: Bench) -> None:
    for kind, unfit in _refusable(bench):
        good = bench.fresh(kind, 4)
        (bad,) = bench.fresh(kind, fields=unfit)
        results = bench.write([*good[:2], bad, *good[2:]])
        refused = results[2]
        expect(
            isinstance(refused, Failed) and isinstance(refused.error, Refused),
            f"a {kind} that cannot be taken is answered with {refused!r}",
        )
        bench.once(bad, times=0)
        for write in good:
            bench.once(write)


def _refusable(bench: Bench) -> list[tuple[Kind, Fields]]:
    """Return the kinds of which this vendor refuses some, with values that it refuses."""
    unfit = [(kind, bench.rig.refused(kind)) for kind in bench.rig.keyed]
    return [(kind, fields) for kind, fields in unfit if fields is not None]


@sentence()
def a_write_that_the_vendor_has_no_place_for_is_refused(bench: Bench) -> None:
    strange = Create("006SUITE9:plan", Kind.LINE, {"Name": "nobody's"})
    expect(isinstance(bench.failure(strange), Refused), "a Create of a line item is not refused")
    if TASKS in bench.connector.capabilities:
        upsert = Upsert("006SUITE9", Kind.TASK, bench.plain(Kind.TASK))
        expect(isinstance(bench.failure(upsert), Refused), "an Upsert of a task is not refused")


@sentence()
def nothing_asked_costs_no_call(bench: Bench) -> None:
    results, calls = bench.cost(lambda: list(bench.connector.write([])))
    equal((results, calls), ([], 0), "results and calls of an empty list of writes")
    found, calls = bench.cost(lambda: list(bench.connector.find([])))
    equal((found, calls), ([], 0), "records and calls where none are wanted")
    if TASKS in bench.connector.capabilities:
        fetched, calls = bench.cost(lambda: list(bench.connector.fetch([])))
        equal((fetched, calls), ([], 0), "records and calls where no plans are asked for")


@sentence()
def the_price_is_what_creates_then_cost(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        bench.made(kind)  # what is learnt once in a connection's life is not the price of a write
        for number in (1, 7):
            writes = bench.fresh(kind, number)
            price, calls = bench.cost(lambda writes=writes: bench.connector.price(writes))  # type: ignore[misc]
            equal(calls, 0, "calls that asking for the price makes")
            _, calls = bench.cost(lambda writes=writes: bench.done(writes))  # type: ignore[misc]
            equal(calls, price, f"calls for {number} new {kind}s, against the price")


@sentence()
def a_batch_costs_fewer_calls_than_its_records(bench: Bench) -> None:
    kind = bench.rig.keyed[-1]
    bench.made(kind)
    writes = bench.fresh(kind, 20)
    _, calls = bench.cost(lambda: bench.done(writes))
    expect(calls <= 4, f"20 new records took {calls} calls")  # noqa: PLR2004 - a connector that batches at all


@sentence()
def an_update_changes_only_the_fields_that_it_names(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        (made,) = bench.made(kind)
        before = dict(bench.read(made).fields)
        name, value = _another(bench, kind, before)
        if kind is Kind.ONBOARDING:
            bench.done([Upsert(made.write.write_key, kind, {name: value})])
        else:
            bench.done([bench.update(made, {name: value})])
        after = dict(bench.read(made).fields)
        wanted = dict(bench.connector.normalise(kind, {name: value}))
        equal(after.pop(name), wanted[name], f"{kind}.{name} after its update")
        before.pop(name)
        equal(after, before, f"the other fields of a {kind} after an update of {name}")
        bench.once(made.write)


def _another(bench: Bench, kind: Kind, fields: Fields) -> tuple[str, str]:
    """Choose a text of the samples that differs from what is there."""
    for sample in bench.rig.samples(kind)[1:]:
        for name, value in sample.items():
            if (
                isinstance(value, str)
                and name in fields
                and bench.connector.normalise(kind, sample)[name] != fields[name]
            ):
                return name, value
    raise LookupError(f"the rig's samples of {kind} hold no second text")


@sentence(TASKS)
def an_update_of_a_vanished_record_fails_alone_and_raises_nothing(bench: Bench) -> None:
    gone, kept = bench.made(Kind.TASK, 2)
    bench.rig.person_deletes(Kind.TASK, gone.ref)
    plain = bench.plain(Kind.TASK)
    lost, done = bench.write([bench.update(gone, plain), bench.update(kept, plain)])
    expect(
        isinstance(lost, Failed) and isinstance(lost.error, Refused | Stale),
        f"an update of a deleted task is answered with {lost!r}",
    )
    expect(isinstance(done, Written), f"the update beside it is answered with {done!r}")


@sentence(TASKS)
def an_update_of_a_record_that_never_was_fails_and_raises_nothing(bench: Bench) -> None:
    (made,) = bench.made(Kind.TASK)
    nobody = Update("006SUITE9:t9", Kind.TASK, Ref("9999999999999999", made.ref.container), bench.plain(Kind.TASK))
    error = bench.failure(nobody)
    expect(isinstance(error, Refused | Stale), f"an update of a task that never was is answered with {error!r}")


@sentence(TASKS)
def tasks_of_several_plans_are_read_together(bench: Bench) -> None:
    first, second = bench.made(Kind.TASK, 3), bench.made(Kind.TASK, 2)
    asked = [PlanRefs(bench.home(group[0]), tuple(one.ref for one in group)) for group in (first, second)]
    found = [record for record in bench.connector.fetch(asked) if record.kind is Kind.TASK]
    equal(
        sorted(record.write_key for record in found),
        sorted(one.write.write_key for one in (*first, *second)),
        "write keys of the tasks of two plans",
    )
    equal({record.ref for record in found}, {one.ref for one in (*first, *second)}, "refs as fetched and as written")
