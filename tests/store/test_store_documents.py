from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from store_clock import Clock

from sync.store import Store


def test_a_document_is_kept_by_kind_onboarding_and_name(
    store: Store, open_store: Callable[[], Store], clock: Clock
) -> None:
    store.keep("override", "b", "health", {"value": "red"})
    store.keep("override", "b", "health", {"value": "amber", "why": "a\0b 😀", "days": [1, None, 2.5, True]})
    store.keep("override", "a", "health", {})
    store.keep("notice", "b", "health", {"value": "green"})
    first, second = open_store().kept("override")
    assert (first.key, second.key) == ("a", "b")
    assert second.value == {"value": "amber", "why": "a\0b 😀", "days": [1, None, 2.5, True]}
    assert second.at == clock()
    assert store.kept("override", "a") == (first,)
    assert store.kept("other") == ()


def test_of_many_who_keep_a_document_once_one_is_told_so(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda number: store.keep_once("notice", "a", "n", {"by": number}), range(20)))
    assert sum(told) == 1
    (kept,) = store.kept("notice")
    assert kept.value == {"by": told.index(True)}


def test_a_document_that_changed_meanwhile_is_not_replaced(store: Store) -> None:
    store.keep("backfill", "", "1", {"state": "running", "seen": 1})
    assert store.replace("backfill", "", "1", old={"seen": 1, "state": "running"}, new={"state": "paused"})
    assert not store.replace("backfill", "", "1", old={"state": "running", "seen": 1}, new={"state": "gone"})
    assert not store.replace("backfill", "", "2", old={}, new={})
    assert [kept.value for kept in store.kept("backfill")] == [{"state": "paused"}]


def test_a_forgotten_document_is_gone_and_forgetting_none_is_no_error(store: Store) -> None:
    store.keep("notice", "a", "n", {})
    store.forget("notice", "a", "n")
    store.forget("notice", "a", "n")
    assert store.kept("notice") == ()
