"""Sentences on reading: never half for the whole, never an error for what is gone, complete over pages."""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from connectors.base import Capability, DealQuery, Kind, PlanRefs, Record, Ref
from connectors.conformance.bench import CLOSED, Bench, equal, expect, raises
from connectors.conformance.rig import At, Break
from connectors.conformance.suite import NotAsked, sentence
from connectors.errors import ConnectorError

DEALS, TASKS, TIME = Capability.DEALS, Capability.TASKS, Capability.TIME
PAGED = 12
"""Deals that a rig's vendor should not be able to show on one page."""


@sentence(TASKS)
def a_vanished_task_yields_less_and_no_error(bench: Bench) -> None:
    made = bench.made(Kind.TASK, 3)
    bench.rig.person_deletes(Kind.TASK, made[1].ref)
    asked = PlanRefs(bench.home(made[0]), tuple(one.ref for one in made))
    found = [record.write_key for record in bench.connector.fetch([asked]) if record.kind is Kind.TASK]
    equal(sorted(found), sorted(one.write.write_key for one in (made[0], made[2])), "tasks beside a vanished one")


@sentence(TASKS)
def a_vanished_plan_costs_the_others_nothing(bench: Bench) -> None:
    if Kind.PLAN not in bench.rig.keyed:
        raise NotAsked("a plan without a record of its own cannot vanish by itself")
    gone, kept = bench.made(Kind.PLAN, 2)
    tasks = bench.done(bench.fresh(Kind.TASK, 2, plan=kept.ref))
    bench.rig.person_deletes(Kind.PLAN, gone.ref)
    asked = [PlanRefs(gone.ref), PlanRefs(kept.ref, tuple(one.ref for one in tasks))]
    found = {record.ref for record in bench.connector.fetch(asked)}
    equal(found, {kept.ref, *(one.ref for one in tasks)}, "what comes beside a vanished plan")


@sentence(TASKS)
def what_never_was_yields_nothing(bench: Bench) -> None:
    nobody = Ref("999999999999999")
    equal(list(bench.connector.fetch([PlanRefs(nobody, (Ref("999999999999998", nobody.id),))])), [], "what never was")


@sentence(TIME, TASKS)
def a_tasks_container_is_its_plan(bench: Bench) -> None:
    made = bench.made(Kind.TASK, 2)
    asked = [*(one.ref.id for one in made), "999999999999999"]
    equal(
        dict(bench.connector.containers(asked)), {one.ref.id: bench.home(one).id for one in made}, "tasks' containers"
    )
    equal(dict(bench.connector.containers([])), {}, "the containers of nothing")


@sentence()
def half_an_answer_or_a_page_instead_is_never_taken_for_the_whole(bench: Bench) -> None:
    for name, read in _reads(bench).items():
        whole = read()
        for how in (Break.TRUNCATE, Break.HTML, Break.DROP_BEFORE):
            bench.rig.break_next(how, At.READ)
            try:
                seen = read()
            except ConnectorError:
                seen = whole  # said so, which is right as well
            finally:
                bench.rig.heal()
            equal(seen, whole, f"what {name} shows where a call goes wrong ({how})")


@sentence()
def a_read_that_breaks_once_is_made_again(bench: Bench) -> None:
    for name, read in _reads(bench).items():
        whole = read()
        for how in (Break.TRUNCATE, Break.HTML, Break.DROP_BEFORE):
            bench.rig.break_next(how, At.READ)
            equal(read(), whole, f"what {name} shows where one call goes wrong ({how})")
            bench.rig.heal()


@sentence()
def a_read_from_a_vendor_that_is_down_raises_and_never_shows_less(bench: Bench) -> None:
    for name, read in _reads(bench).items():
        bench.rig.break_next(Break.DOWN)
        error = raises(read, ConnectorError)
        bench.rig.heal()
        expect(getattr(error, "code", ""), f"{name} raises an error without a code")


@sentence()
def a_stream_that_breaks_in_the_middle_raises_and_never_just_ends(bench: Bench) -> None:
    for name, open_stream in _streams(bench).items():
        whole = sum(1 for _ in open_stream())
        stream = open_stream()
        next(stream)
        bench.rig.break_next(Break.DOWN)
        try:
            seen = 1 + sum(1 for _ in stream)
        except ConnectorError:
            seen = whole  # said so
        finally:
            bench.rig.heal()
        equal(seen, whole, f"records of {name}, where the vendor goes down after the first")


def _streams(bench: Bench) -> dict[str, Callable[[], Iterator[Record]]]:
    """Return the reads that may take several calls, over as much as makes them so."""
    connector = bench.connector
    streams: dict[str, Callable[[], Iterator[Record]]] = {"inventory": lambda: iter(connector.inventory())}
    if TASKS in connector.capabilities:
        plans = [bench.made(Kind.TASK, 2) for _ in range(3)]
        asked = [PlanRefs(bench.home(tasks[0]), tuple(one.ref for one in tasks)) for tasks in plans]
        streams["fetch"] = lambda: iter(connector.fetch(asked))
    else:
        bench.made(bench.rig.keyed[-1], PAGED)
    if DEALS in connector.capabilities:
        for _ in range(PAGED):
            bench.rig.win_deal(CLOSED)
        streams["deals"] = lambda: iter(connector.deals(DealQuery(won_since=CLOSED)))
    return streams


def _reads(bench: Bench) -> dict[str, Callable[[], object]]:
    """Return the reads that a connector has, over something to read."""
    connector = bench.connector
    kind = bench.rig.keyed[-1]
    made = bench.made(kind, 3)
    reads: dict[str, Callable[[], object]] = {
        "find": lambda: _in_order(connector.find([bench.wanted(one.write, "0") for one in made])),
        "inventory": lambda: _in_order(connector.inventory()),
    }
    if TASKS in connector.capabilities:
        asked = PlanRefs(bench.home(made[0]), tuple(one.ref for one in made))
        reads["fetch"] = lambda: _in_order(connector.fetch([asked]))
    if DEALS in connector.capabilities:
        reads["deals"] = lambda: _in_order(connector.deals(DealQuery(won_since=CLOSED)))
    if TIME in connector.capabilities:
        bench.rig.log_time(made[0].ref, 600)
        bench.rig.advance(bench.rig.lag() + 60)
        reads["time_entries"] = lambda: sorted(entry.id for entry in connector.time_entries())
        reads["time_changes"] = lambda: sorted(entry.id for entry in connector.time_changes("").entries)
    return reads


def _in_order(records: object) -> list[Record]:
    found: list[Record] = list(records)  # type: ignore[call-overload]
    return sorted(found, key=lambda record: (record.kind, record.ref.id))


@sentence()
def the_inventory_lists_every_record_of_ours_and_every_double(bench: Bench) -> None:
    bench.rig.lag()
    keys: list[str] = []
    for kind in bench.rig.keyed:
        made = bench.made(kind, 3)
        bench.rig.double(kind, made[0].write.write_key, made[0].ref)
        keys += [one.write.write_key for one in made]
    listed = Counter(record.write_key for record in bench.connector.inventory())
    equal(
        {key: listed[key] for key in keys},
        {key: bench.rig.count(key) for key in keys},
        "records by key in the inventory",
    )
    expect("" not in listed, "the inventory lists records without a write key")


@sentence()
def the_inventory_of_a_process_that_forgot_all_is_the_same(bench: Bench) -> None:
    for kind in bench.rig.keyed:
        bench.made(kind, 2)
    before = _in_order(bench.connector.inventory())
    bench.restart(forget=True)
    equal(_in_order(bench.connector.inventory()), before, "the inventory after the notes were lost")


@sentence(DEALS)
def deals_by_date_come_all_once_and_in_order(bench: Bench) -> None:
    inside = [bench.rig.win_deal(CLOSED + timedelta(days=number % 3), lines=2) for number in range(PAGED)]
    bench.rig.win_deal(CLOSED - timedelta(days=1))
    bench.rig.win_deal(CLOSED + timedelta(days=3))
    bench.rig.win_deal(CLOSED, won=False)
    query = DealQuery(won_since=CLOSED, won_until=CLOSED + timedelta(days=2))
    deals = bench.connector.deals(query)
    found = list(deals)
    equal(sorted(record.ref.id for record in found), sorted(inside), "deals won in three days")
    equal(deals.total, len(inside), "the total that is told beforehand")
    equal([len(record.lines) for record in found], [2] * PAGED, "line items of each")
    again = [record.ref for record in bench.connector.deals(query)]
    equal(again, [record.ref for record in found], "the order of the same deals, asked twice")


@sentence(DEALS)
def deals_by_id_come_all_whether_won_or_not(bench: Bench) -> None:
    won = [bench.rig.win_deal(CLOSED, lines=2) for _ in range(PAGED)]
    open_ = bench.rig.win_deal(CLOSED, won=False)
    found = list(bench.connector.deals(DealQuery(ids=(*won, open_, "006000000000000AAA", "no id at all"))))
    equal(sorted(record.ref.id for record in found), sorted([*won, open_]), "deals asked for by their ids")
    expect(all(record.kind is Kind.DEAL for record in found), "a deal comes as something else")
    expect(all(len(record.lines) == 2 for record in found if record.ref.id in won), "line items are missing")  # noqa: PLR2004


@sentence(DEALS)
def a_deal_tells_of_the_onboarding_that_the_vendor_holds_for_it(bench: Bench) -> None:
    (made,) = bench.made(Kind.ONBOARDING)
    (deal,) = bench.connector.deals(DealQuery(ids=(made.write.write_key,)))
    expect(len(deal.links) == 1, f"a deal with one onboarding record shows {len(deal.links)}")
    expect(made.ref.id in deal.links[0].values(), "a deal's link does not name its record")


@sentence()
def what_a_connector_does_not_declare_it_does_not_do(bench: Bench) -> None:
    connector = bench.connector
    lacking: dict[Capability, Callable[[], object]] = {
        DEALS: lambda: connector.deals(DealQuery()),
        TASKS: lambda: list(connector.fetch([PlanRefs(Ref("1"))])),
        TIME: lambda: connector.time_changes(""),
    }
    for capability, call in lacking.items():
        if capability not in connector.capabilities:
            raises(call, NotImplementedError)
    if TIME not in connector.capabilities:
        raises(lambda: list(connector.time_entries()), NotImplementedError)
