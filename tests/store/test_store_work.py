from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from store_clock import Clock

from connectors.base import Kind, Ref
from sync.core.model import PLAN_ITEM, Binding, BindingState, Claim, Commit, Event, Priority, Quarantine, Severity
from sync.store import Store


def _claim(store: Store, *, keys: list[str] | None = None, limit: int = 10, owner: str = "me") -> tuple[Claim, ...]:
    return store.claim(owner, limit=limit, lease_seconds=60, keys=keys)


def _keys(claims: tuple[Claim, ...]) -> list[str]:
    return [claim.key for claim in claims]


def test_a_hundred_requests_make_one_claim_and_nothing_is_left(store: Store) -> None:
    for _ in range(100):
        store.request(["deal"], Priority.LIVE)
    [claim] = _claim(store)
    assert claim.requested == 100
    assert store.commit([Commit(claim)]) == ()
    assert _claim(store) == ()
    assert store.work_items() == ()


def test_a_request_during_the_work_leaves_the_key_dirty(store: Store) -> None:
    store.request(["deal"], Priority.LIVE)
    [claim] = _claim(store)
    store.request(["deal"], Priority.RECONCILE)
    assert _claim(store) == ()
    store.commit([Commit(claim)])
    [again] = _claim(store)
    assert (again.fence, again.requested) == (2, 2)


def test_urgent_keys_come_first_and_then_those_that_wait_longest(store: Store, clock: Clock) -> None:
    store.request(["z-first"], Priority.BACKFILL)
    clock.advance(1)
    store.request(["a-later"], Priority.BACKFILL)
    clock.advance(1)
    store.request(["live"], Priority.LIVE)
    assert [item.key for item in store.work_items()] == ["live", "z-first", "a-later"]
    assert _keys(_claim(store, limit=2)) == ["live", "z-first"]
    assert _keys(_claim(store)) == ["a-later"]


def test_a_request_makes_a_waiting_key_more_urgent_but_never_less(store: Store) -> None:
    store.request(["deal"], Priority.RECONCILE)
    store.request(["deal"], Priority.BACKFILL)
    assert store.work_items()[0].priority == Priority.RECONCILE
    store.request(["deal"], Priority.LIVE)
    assert store.work_items()[0].priority == Priority.LIVE


def test_a_clean_key_takes_the_priority_of_its_next_request(store: Store) -> None:
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(_claim(store)[0])])
    store.request(["deal"], Priority.BACKFILL)
    assert store.work_items()[0].priority == Priority.BACKFILL


def test_only_the_keys_asked_for_are_claimed(store: Store) -> None:
    store.request(["a", "b", "c"], Priority.LIVE)
    assert _keys(_claim(store, keys=["b", "unknown", "b"])) == ["b"]
    assert _claim(store, keys=[]) == ()
    assert _claim(store, limit=0) == ()


def test_a_leased_key_is_not_claimed_until_its_lease_ran_out(store: Store, clock: Clock) -> None:
    store.request(["deal"], Priority.LIVE)
    [first] = _claim(store, owner="first")
    clock.advance(59)
    assert _claim(store, owner="second") == ()
    clock.advance(1)
    [second] = _claim(store, owner="second")
    assert (second.fence, second.attempts) == (first.fence + 1, 2)
    assert store.work_items()[0].owner == "second"


def test_a_renewed_lease_holds_longer_and_a_lost_one_cannot_be_renewed(store: Store, clock: Clock) -> None:
    store.request(["a", "b"], Priority.LIVE)
    a, b = _claim(store)
    clock.advance(50)
    assert store.renew([a], 60) == (a,)
    clock.advance(30)
    assert _keys(_claim(store, owner="other")) == ["b"]
    assert store.renew([a, b], 60) == (a,)


def test_a_worker_that_lost_its_lease_commits_nothing_while_the_others_of_its_batch_stand(
    store: Store, clock: Clock
) -> None:
    store.request(["kept", "lost"], Priority.LIVE)
    kept, lost = _claim(store)
    task = Binding("lost", "t1", "tracker", Kind.TASK, Ref("1"))
    store.bind([task])
    clock.advance(50)
    store.renew([kept], 600)
    clock.advance(30)
    [winner] = _claim(store, owner="winner")

    def result(claim: Claim) -> Commit:
        event = Event(claim.key, "t1", "status", "open", "done", "tracker", "changed")
        held = Quarantine(claim.key, "t1", "crm", "Stage", "SF-PICKLIST-01", "no such stage")
        return Commit(claim, template="saas", missing=(task,), events=(event,), quarantine=(held,), error="x")

    assert store.commit([result(kept), result(lost)]) == (lost,)
    loaded = store.load(["kept", "lost"])
    assert (loaded["kept"].template, loaded["lost"].template) == ("saas", "")
    assert (len(loaded["kept"].held), len(loaded["lost"].held)) == (1, 0)
    assert (len(store.history("kept")), len(store.history("lost"))) == (1, 0)
    [row] = store.work_items()
    assert (row.key, row.owner, row.done, row.failures) == ("lost", "winner", 0, 0)
    assert store.commit([Commit(winner)]) == ()


def test_a_lease_that_ran_out_unnoticed_still_commits(store: Store, clock: Clock) -> None:
    store.request(["deal"], Priority.LIVE)
    [claim] = _claim(store)
    clock.advance(3600)
    assert store.commit([Commit(claim, template="saas")]) == ()
    assert store.load(["deal"])["deal"].template == "saas"


def test_a_claim_that_was_given_back_or_finished_cannot_commit(store: Store) -> None:
    store.request(["a", "b"], Priority.LIVE)
    a, b = _claim(store)
    store.release([a])
    assert store.commit([Commit(b)]) == ()
    assert store.commit([Commit(a, template="late"), Commit(b, template="twice")]) == (a, b)
    assert {o.template for o in store.load(["a", "b"]).values()} == {""}


def test_a_released_key_is_due_at_once_as_if_it_had_not_been_claimed(store: Store) -> None:
    store.request(["deal"], Priority.LIVE)
    store.release(_claim(store))
    [again] = _claim(store)
    assert (again.fence, again.attempts) == (2, 1)


def test_unfinished_work_waits_as_long_as_it_was_told(store: Store, clock: Clock) -> None:
    store.request(["deal"], Priority.RECONCILE)
    store.commit([Commit(_claim(store)[0], done=False, again_after=30, error="Jira asks to wait")])
    [row] = store.work_items()
    assert (row.failures, row.error, row.attempts, row.done) == (1, "Jira asks to wait", 1, 0)
    clock.advance(29)
    assert _claim(store) == ()
    store.request(["deal"], Priority.RECONCILE)
    assert _claim(store) == ()
    clock.advance(1)
    [again] = _claim(store)
    assert again.attempts == 2
    store.commit([Commit(again)])
    [row] = store.work_items(only_open=False)
    assert (row.failures, row.error, row.attempts, row.done) == (0, "", 0, 2)


def test_a_live_request_ends_a_wait_even_when_it_came_during_the_work(store: Store) -> None:
    store.request(["deal"], Priority.RECONCILE)
    store.commit([Commit(_claim(store)[0], done=False, again_after=30)])
    store.request(["deal"], Priority.LIVE)
    [claim] = _claim(store)
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(claim, done=False, again_after=30)])
    assert _keys(_claim(store)) == ["deal"]


def test_what_a_commit_does_not_say_stays_as_it_was(store: Store) -> None:
    store.request(["deal"], Priority.LIVE)
    base = {"t1": {"target": date(2026, 12, 1), "owners": ("ann", "bob"), "hours": None}}
    whole = Commit(_claim(store)[0], template="saas", template_version="3", deal={"amount": 1.5}, base=base)
    store.commit([whole])
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(_claim(store)[0], rollup={"Progress__c": 40}, deal={})])
    loaded = store.load(["deal"])["deal"]
    assert (loaded.template, loaded.template_version, loaded.deal, loaded.base) == ("saas", "3", {}, base)
    assert loaded.rollup == {"Progress__c": 40}


def test_a_missing_record_becomes_a_tombstone_unless_it_was_bound_anew(store: Store) -> None:
    old, new = (Binding("deal", "t1", "tracker", Kind.TASK, Ref(ref)) for ref in ("1", "2"))
    gone = Binding("deal", PLAN_ITEM, "tracker", Kind.PLAN, Ref("9"))
    store.bind([old, gone])
    store.bind([new])
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(_claim(store)[0], missing=(old, gone))])
    bound = store.load(["deal"])["deal"].bound("tracker")
    assert (bound["t1"].state, bound[PLAN_ITEM].state) == (BindingState.LIVE, BindingState.MISSING)
    assert store.counts()["missing"] == 1


def test_what_is_held_back_keeps_its_first_moment_and_is_replaced_as_a_whole(store: Store, clock: Clock) -> None:
    first = clock.now
    stage = Quarantine("deal", "t1", "crm", "Stage", "SF-PICKLIST-01", "no such stage", attempt="Done")
    owner = Quarantine("deal", "t1", "tracker", "assignee", "JI-USER-01", "unknown person", Severity.WAITING)
    for held in ((stage,), (stage, owner)):
        store.request(["deal"], Priority.LIVE)
        store.commit([Commit(_claim(store)[0], quarantine=held)])
        clock.advance(60)
    assert [(q.field, q.since, q.attempt) for q in store.quarantined()] == [
        ("Stage", first, "Done"),
        ("assignee", clock.now.replace(minute=1), ""),
    ]
    assert store.load(["deal"])["deal"].held == store.quarantined()
    counts = store.counts()
    assert (counts["held"], counts["waiting"]) == (1, 1)
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(_claim(store)[0])])
    assert len(store.quarantined()) == 2, "a commit that says nothing of it leaves it"
    store.request(["deal"], Priority.LIVE)
    store.commit([Commit(_claim(store)[0], quarantine=())])
    assert store.quarantined() == ()


def test_history_is_listed_newest_first_and_survives_odd_text(store: Store, clock: Clock) -> None:
    store.request(["deal"], Priority.LIVE)
    events = tuple(
        Event("deal", "t1", "name", "", text, "tracker", "changed") for text in ("a\0b", "cut \ud83d", "größer")
    )
    store.commit([Commit(_claim(store)[0], events=events)])
    assert [event.new for _, event in store.history("deal")] == ["größer", "cut ?", "a\ufffdb"]
    assert [at for at, _ in store.history("deal", limit=1)] == [clock.now]


@pytest.mark.parametrize("number", [1, 999, 5000])
def test_any_number_of_keys_is_worked_on_at_once(store: Store, number: int) -> None:
    keys = [f"deal-{n:05}" for n in range(number)]
    store.request(keys, Priority.BACKFILL)
    claims = _claim(store, keys=keys, limit=number)
    assert _keys(claims) == keys
    assert store.renew(claims, 60) == claims
    assert store.commit([Commit(claim, template="saas") for claim in claims]) == ()
    assert {o.template for o in store.load(keys).values()} == {"saas"}
    assert store.counts()["dirty"] == 0


def test_two_stores_on_one_database_see_each_others_work(store: Store, open_store: Callable[[], Store]) -> None:
    other = open_store()
    store.request(["a", "b"], Priority.LIVE)
    assert _keys(_claim(store, limit=1)) == ["a"]
    assert _keys(_claim(other)) == ["b"]
