from __future__ import annotations

import pytest
import sqlalchemy as sa
from store_clock import Clock

from connectors.base import Kind, Ref
from sync.core.model import PLAN_ITEM, Binding, Intent, Onboarding
from sync.store import Store


def _plan(key: str, connection: str = "tracker", ref: str = "") -> Binding:
    return Binding(key, PLAN_ITEM, connection, Kind.PLAN, Ref(ref or f"{key}-epic"), url=f"https://tracker/{key}")


def _task(key: str, item: str, connection: str = "tracker") -> Binding:
    return Binding(key, item, connection, Kind.TASK, Ref(f"{key}-{item}", f"{key}-epic"))


def _intent(clock: Clock, write_key: str, item: str, mark: str = "1") -> Intent:
    return Intent("tracker", write_key, "deal", item, Kind.TASK, mark, clock.now, "Kickoff")


def test_an_unknown_key_is_an_empty_onboarding(store: Store) -> None:
    assert store.load(["deal"]) == {"deal": Onboarding("deal")}
    assert store.load([]) == {}


def test_bindings_come_back_as_they_were_in_one_order(store: Store) -> None:
    bindings = (_plan("deal"), _plan("deal", "sheets"), _task("deal", "t1"), _task("deal", "t1", "sheets"))
    store.bind(bindings[::-1])
    ordered = sorted(bindings, key=lambda b: (b.item, b.connection))
    assert store.load(["deal"])["deal"].bindings == tuple(ordered)


def test_an_intent_is_open_until_its_record_is_bound(store: Store, clock: Clock) -> None:
    first, second = _intent(clock, "w1", "t1"), _intent(clock, "w2", "t2")
    store.open_intents([second, first])
    assert store.load(["deal"])["deal"].intents == (first, second)
    store.bind([_task("deal", "t1"), _task("deal", "t2", "sheets")])
    assert store.load(["deal"])["deal"].intents == (second,)
    assert store.counts()["open_intents"] == 1
    store.drop_intents("sheets", ["w2"])
    assert store.counts()["open_intents"] == 1
    store.drop_intents("tracker", ["w2", "unknown"])
    assert store.load(["deal"])["deal"].intents == ()


def test_an_intent_that_is_open_keeps_the_mark_of_its_first_attempt(store: Store, clock: Clock) -> None:
    first = _intent(clock, "w1", "t1", mark="before the first attempt")
    store.open_intents([first])
    clock.advance(60)
    store.open_intents([_intent(clock, "w1", "t1", mark="later")])
    assert store.load(["deal"])["deal"].intents == (first,)


def test_only_onboardings_with_a_plan_are_listed_in_the_order_of_bytes(store: Store) -> None:
    store.bind([_plan(key) for key in ("b", "a", "B", "A", "_", "ä")] + [_task("no-plan", "t1")])
    assert store.keys(limit=4) == ("A", "B", "_", "a")
    assert store.keys(after="a") == ("b", "ä")
    assert store.counts()["onboardings"] == 6


def test_ids_lead_to_the_keys_of_records_and_of_what_contains_them(store: Store) -> None:
    shared = [Binding(key, PLAN_ITEM, "sheets", Kind.PLAN, Ref("sheet")) for key in ("a", "b")]
    store.bind([*shared, _task("a", "t1"), Binding("c", "t1", "sheets", Kind.TASK, Ref("row", "portfolio"))])
    assert store.keys_of("sheets", ["sheet", "row", "portfolio", "unknown", "a-t1"]) == {
        "sheet": {"a", "b"},
        "row": {"c"},
        "portfolio": {"c"},
    }
    assert store.keys_of("tracker", ["a-epic", "a-t1"]) == {"a-epic": {"a"}, "a-t1": {"a"}}
    assert store.keys_of("tracker", []) == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7, 100])
def test_a_page_of_bindings_never_splits_a_key_and_no_binding_is_left_out(store: Store, limit: int) -> None:
    wanted = [_task(key, f"t{n}") for key, tasks in (("a", 1), ("b", 4), ("c", 1), ("d", 2)) for n in range(tasks)]
    store.bind([*wanted, _task("b", "t9", "sheets"), _task("e", "t0", "sheets")])
    seen: list[Binding] = []
    while page := store.bindings_of("tracker", after=seen[-1].key if seen else "", limit=limit):
        assert len(page) <= max(limit, 4)
        assert not {b.key for b in page} & {b.key for b in seen}
        seen += page
    assert seen == wanted


@pytest.mark.parametrize("number", [1, 999, 5000])
def test_any_number_of_ids_is_looked_up_at_once(store: Store, clock: Clock, number: int) -> None:
    tasks = [_task(f"deal-{n:05}", "t1") for n in range(number)]
    store.open_intents([Intent("tracker", f"w{n}", t.key, "t2", Kind.TASK, "", clock.now) for n, t in enumerate(tasks)])
    store.bind(tasks)
    assert store.keys_of("tracker", [task.ref.id for task in tasks]) == {task.ref.id: {task.key} for task in tasks}
    loaded = store.load([task.key for task in tasks])
    assert [onboarding.bindings[0] for onboarding in loaded.values()] == tasks
    store.drop_intents("tracker", [f"w{n}" for n in range(number)])
    assert store.counts()["open_intents"] == 0


def test_a_thousand_onboardings_are_loaded_in_a_handful_of_statements(store: Store) -> None:
    keys = [f"deal-{n:04}" for n in range(1000)]
    store.bind([_task(key, f"t{n:02}") for key in keys for n in range(25)])
    statements: list[str] = []
    sa.event.listen(store._database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    loaded = store.load(keys)
    assert sum(len(onboarding.bindings) for onboarding in loaded.values()) == 25_000
    assert len([statement for statement in statements if statement.startswith("SELECT")]) <= 10
