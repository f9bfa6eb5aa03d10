"""Onboardings that nobody asked for can be borrowed: no two workers have one, and no request is lost by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync.core.model import Commit, Priority
from sync.store import Store

KEYS = ("a", "b", "c")


def test_only_what_is_clean_and_free_is_borrowed_and_a_request_meanwhile_stays(database: str) -> None:
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    with Store.open(database, clock=lambda: now) as store:
        store.request(KEYS, Priority.RECONCILE)
        store.commit([Commit(claim) for claim in store.claim("one", limit=9, lease_seconds=60)])
        store.request(["b"], Priority.RECONCILE)
        borrowed = {claim.key: claim for claim in store.borrow("round", [*KEYS, "unknown"], 60)}
        assert set(borrowed) == {"a", "c"}
        assert store.borrow("another", KEYS, 60) == ()
        assert [claim.key for claim in store.claim("two", limit=9, lease_seconds=60)] == ["b"]
        store.request(["a", "c"], Priority.LIVE)
        assert store.claim("two", limit=9, lease_seconds=60) == ()
        assert store.commit([Commit(borrowed["a"])]) == ()
        store.release([borrowed["c"]])
        assert {claim.key for claim in store.claim("two", limit=9, lease_seconds=60)} == {"a", "c"}


def test_a_borrower_that_stood_still_past_its_lease_writes_nothing(database: str) -> None:
    now = datetime(2026, 11, 2, 9, tzinfo=UTC)
    with Store.open(database, clock=lambda: now) as store:
        store.request(["a"], Priority.RECONCILE)
        store.commit([Commit(claim) for claim in store.claim("one", limit=9, lease_seconds=60)])
        (slow,) = store.borrow("round", ["a"], 60)
        now += timedelta(seconds=61)
        (quick,) = store.borrow("another", ["a"], 60)
        assert store.commit([Commit(slow, rollup={"x": 1})]) == (slow,)
        assert store.commit([Commit(quick, rollup={"x": 2})]) == ()
        assert store.load(["a"])["a"].rollup == {"x": 2}
        assert store.work_items() == ()
