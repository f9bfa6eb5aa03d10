"""Whatever happens to entries, records and plans, each second lies in one bucket of one ledger: on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hours_world import TODAY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Kind, Ref, TimeEntry
from mappings.conditions import Condition
from mappings.hours import HourRules
from sync.core.dossier import UNPLANNED
from sync.core.hours import ledger_of
from sync.core.model import PLAN_ITEM, Binding, Commit
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time
from sync.store import Store

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
KEYS = ("a", "b", "unmade")
ITEMS = (PLAN_ITEM, "one", "two")
RECORDS = (*(f"{key}-{item}" for key in KEYS for item in ITEMS), "stray", "nobody")


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store.open(database, clock=lambda: AT) as store:
        store.bind(
            [Binding(key, item, "t", Kind.TASK, Ref(f"{key}-{item}")) for key in KEYS for item in ITEMS if key != "b"]
        )
        store.bind([Binding("b", item, "t", Kind.TASK, Ref(f"b-{item}")) for item in (PLAN_ITEM, "one")])
        store.request(["a", "b"], 0)
        claims = store.claim("me", limit=9, lease_seconds=60)
        tasks = {"one": {"role": "engineer"}, "two": {"billable": False}}
        store.commit([Commit(claim, base={PLAN_ITEM: {"contracted_hours": 10.0}, **tasks}) for claim in claims])
        yield store


entry = st.builds(
    lambda number, record, seconds, day: TimeEntry(
        str(number), record, "ada", seconds, AT - timedelta(days=day), AT + timedelta(seconds=seconds)
    ),
    st.integers(1, 12),
    st.sampled_from(RECORDS),
    st.sampled_from([-60, 0, 1, 3599, 7200, 90_000]),
    st.integers(-3, 12_000),
)
acts = st.one_of(
    st.tuples(st.just("put"), st.lists(entry, min_size=1, max_size=6)),
    st.tuples(st.just("drop"), st.lists(st.integers(1, 12).map(str), min_size=1, max_size=3)),
    st.tuples(
        st.just("bind"),
        st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["one", "two"]), st.sampled_from(RECORDS)),
    ),
    st.tuples(st.just("inside"), st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["stray", "nobody"]))),
    st.tuples(st.just("outside"), st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["stray", "nobody"]))),
)
said = st.builds(
    HourRules,
    on_plan=st.sampled_from(["counted", "unattributed"]),
    unplanned=st.sampled_from(["counted", "unattributed"]),
    non_billable_when=st.sampled_from([None, Condition.compile('task.role == "engineer"')]),
)


def _inside(store: Store, key: str, record: str) -> None:
    for document in store.kept(UNPLANNED):  # as `attribute` does: a record lies in one plan at most
        if document.name == f"t:{record}":
            store.forget(UNPLANNED, document.key, document.name)
    store.keep(UNPLANNED, key, f"t:{record}", {})


DO: dict[str, Callable[[Store, Any], object]] = {
    "put": lambda store, entries: store.put_time("t", entries),
    "drop": lambda store, ids: store.drop_time("t", ids),
    "bind": lambda store, place: store.bind([Binding(place[0], place[1], "t", Kind.TASK, Ref(place[2]))]),
    "inside": lambda store, place: _inside(store, *place),
    "outside": lambda store, place: store.forget(UNPLANNED, place[0], f"t:{place[1]}"),
}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(acts, max_size=12), said)
def test_every_second_of_the_store_is_in_one_bucket_of_one_ledger(
    store: Store, life: list[tuple[str, Any]], rules: HourRules
) -> None:
    for act, what in life:
        DO[act](store, what)
    books = [ledger_of(each, rules, TODAY) for each in dossiers(store)]
    placed = [one for book in books for one in book.entries]
    placed += loose_time(store, rules, TODAY)
    stored = store.entries("t")
    assert Counter(one.logged.entry for one in placed) == Counter(stored)
    assert sum(one.seconds for one in placed) == sum(store.time_totals("t"))
    assert store.time_places("t", RECORDS) == (sum(e.seconds for e in stored),) * 2
    for book in books:
        assert book.total == sum(store.load([book.key])[book.key].tracked.values())
