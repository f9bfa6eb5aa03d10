from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Kind, Ref, TimeChanges, TimeEntry
from sync.core.model import Binding
from sync.store import Store

_WHEN = datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=-6)))


def _entry(name: str, record: str, seconds: int) -> TimeEntry:
    return TimeEntry(name, record, "ann", seconds, _WHEN, _WHEN)


@pytest.fixture
def bound(store: Store) -> Store:
    store.bind(
        [Binding(key, item, "tracker", Kind.TASK, Ref(f"{key}{item}")) for key in ("a", "b") for item in ("1", "2")]
    )
    return store


def test_an_entry_counts_for_the_item_that_is_bound_to_its_record(bound: Store) -> None:
    assert bound.put_time("tracker", [_entry("1", "a1", 60), _entry("2", "a1", 30), _entry("3", "b2", 5)]) == {"a", "b"}
    assert bound.load(["a"])["a"].tracked == {"1": 90}
    assert bound.time_totals("tracker") == (95, 0)


def test_time_on_other_records_and_other_connections_is_not_ours_but_not_lost(bound: Store) -> None:
    assert bound.put_time("tracker", [_entry("1", "elsewhere", 60)]) == frozenset()
    bound.put_time("other", [_entry("1", "a1", 7)])
    assert bound.time_totals("tracker") == (0, 60)
    assert bound.time_totals("other") == (0, 7)
    assert bound.time_totals("none") == (0, 0)
    assert bound.load(["a"])["a"].tracked == {}


def test_time_that_was_logged_before_its_record_was_bound_counts_from_then_on(bound: Store) -> None:
    bound.put_time("tracker", [_entry("1", "c1", 60)])
    bound.bind([Binding("c", "1", "tracker", Kind.TASK, Ref("c1"))])
    assert bound.load(["c"])["c"].tracked == {"1": 60}
    assert bound.time_totals("tracker") == (60, 0)


def test_an_entry_that_moved_or_changed_concerns_both_sides(bound: Store) -> None:
    bound.put_time("tracker", [_entry("1", "a1", 60), _entry("2", "a2", 60)])
    assert bound.put_time("tracker", [_entry("1", "b1", 60), _entry("2", "a2", 90)]) == {"a", "b"}
    assert bound.load(["a", "b"])["a"].tracked == {"2": 90}
    assert bound.load(["a", "b"])["b"].tracked == {"1": 60}


def test_an_entry_read_again_as_it_was_concerns_nobody(bound: Store) -> None:
    entry = _entry("1", "a1", 60)
    assert bound.put_time("tracker", [entry]) == {"a"}
    assert bound.put_time("tracker", [entry]) == frozenset()
    in_utc = replace(entry, started=entry.started.astimezone(UTC))
    assert bound.put_time("tracker", [in_utc]) == frozenset()
    assert bound.put_time("tracker", [replace(entry, author="bob")]) == frozenset()


def test_an_entry_read_again_as_it_was_is_not_written_again(bound: Store) -> None:
    bound.put_time("tracker", [_entry("1", "a1", 60)])
    statements: list[str] = []
    sa.event.listen(bound._database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    bound.put_time("tracker", [_entry("1", "a1", 60)])
    assert not [statement for statement in statements if statement.startswith("INSERT")]


def test_a_removed_entry_concerns_its_key_and_an_unknown_one_nobody(bound: Store) -> None:
    bound.put_time("tracker", [_entry("1", "a1", 60)])
    assert bound.drop_time("tracker", ["1", "unknown"]) == {"a"}
    assert bound.drop_time("tracker", ["1"]) == frozenset()
    assert bound.time_totals("tracker") == (0, 0)


def test_what_a_look_at_the_feed_found_is_kept_requested_and_its_cursor_moved_on_at_once(bound: Store) -> None:
    """In one transaction: killed in between, the next look would find nothing new and request nobody."""
    bound.put_time("tracker", [_entry("2", "b1", 60)])
    found = TimeChanges("c1", (_entry("1", "a1", 60),), ("2",))
    assert bound.take_time("tracker", found, since="") == {"a", "b"}
    assert [item.key for item in bound.work_items()] == ["a", "b"]
    assert bound.cursor("tracker", "time") == "c1"
    assert bound.time_totals("tracker") == (60, 0)


def test_who_reads_the_feed_slower_than_another_neither_brings_back_what_is_gone_nor_undoes_a_change(
    bound: Store,
) -> None:
    bound.take_time("tracker", TimeChanges("c1", (_entry("1", "a1", 60), _entry("2", "a2", 5))), since="")
    quicker = TimeChanges("c3", (_entry("1", "a1", 90),), ("2",))
    slower = TimeChanges("c2", (_entry("1", "a1", 60), _entry("2", "a2", 5)))
    assert bound.take_time("tracker", quicker, since="c1") == {"a"}
    assert bound.take_time("tracker", slower, since="c1") == frozenset()
    assert bound.load(["a"])["a"].tracked == {"1": 90}
    assert bound.cursor("tracker", "time") == "c3"
    assert bound.take_time("tracker", TimeChanges("c4", (_entry("2", "a2", 7),)), since="c3") == {"a"}


def test_time_on_a_record_that_two_items_are_bound_to_counts_once(bound: Store) -> None:
    bound.bind([Binding("b", "9", "tracker", Kind.TASK, Ref("a1"))])
    bound.put_time("tracker", [_entry("1", "a1", 60)])
    loaded = bound.load(["a", "b"])
    assert (loaded["a"].tracked, loaded["b"].tracked) == ({"1": 60}, {})
    assert bound.time_totals("tracker") == (60, 0)


@pytest.mark.parametrize("number", [1, 999, 5000])
def test_any_number_of_entries_is_kept_and_removed_at_once(bound: Store, number: int) -> None:
    assert bound.put_time("tracker", [_entry(str(n), "a1", 1) for n in range(number)]) == {"a"}
    assert bound.load(["a"])["a"].tracked == {"1": number}
    assert bound.drop_time("tracker", [str(n) for n in range(number)]) == {"a"}
    assert bound.time_totals("tracker") == (0, 0)


_steps = st.lists(
    st.tuples(st.sampled_from("12345"), st.sampled_from(["a1", "a2", "b1", "x", None]), st.integers(0, 10)), max_size=25
)


def test_whatever_happens_every_second_is_in_one_bucket_and_only_changed_keys_are_named(bound: Store) -> None:
    @given(_steps)
    @settings(max_examples=25, deadline=None)
    def holds(steps: list[tuple[str, str | None, int]]) -> None:
        _play(bound, steps)

    holds()


def _play(store: Store, steps: list[tuple[str, str | None, int]]) -> None:
    store.drop_time("tracker", list("12345"))
    known: dict[str, TimeEntry] = {}
    for name, record, seconds in steps:
        before = {key: onboarding.tracked for key, onboarding in store.load(["a", "b"]).items()}
        if record is None:
            named = store.drop_time("tracker", [name])
            known.pop(name, None)
        else:
            known[name] = _entry(name, record, seconds)
            named = store.put_time("tracker", [known[name]])
        after = {key: onboarding.tracked for key, onboarding in store.load(["a", "b"]).items()}
        assert {key for key in after if sum(after[key].values()) != sum(before[key].values())} <= named
        buckets = sum(sum(tracked.values()) for tracked in after.values())
        assert store.time_totals("tracker") == (buckets, sum(e.seconds for e in known.values()) - buckets)
