from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from store_clock import Clock

from connectors.base import Kind, Ref
from sync.core.model import PLAN_ITEM, Binding, Commit, Priority
from sync.core.unattended import Horizon, Rate
from sync.store import Store
from sync.store.database import Database
from sync.store.migrate import FOLDER

RATE = Rate(per_minute=60, burst=10)


def _no_key(_connection: str, _id: str) -> str:
    return ""


def _deal(connection: str, vendor_id: str) -> str:
    return vendor_id if connection == "crm" and vendor_id.startswith("006") else ""


def test_an_accepted_event_is_there_for_whoever_opens_the_store_next(
    store: Store, open_store: Callable[[], Store]
) -> None:
    assert store.accept("tracker", [("e1", ["10001", "10002"]), ("e2", [])]) == 2
    first, second = open_store().take_events(10)
    assert (first.connection, first.event_id, first.ids) == ("tracker", "e1", ("10001", "10002"))
    assert (second.event_id, second.ids) == ("e2", ())


def test_a_repeated_event_is_not_counted_even_after_it_was_taken(store: Store) -> None:
    assert store.accept("tracker", [("e1", ["1"])]) == 1
    assert store.accept("tracker", [("e1", ["1"]), ("e2", ["2"]), ("e2", ["2"])]) == 1
    store.settle_events(store.take_events(10), _no_key)
    assert store.accept("tracker", [("e1", ["1"])]) == 0
    assert store.accept("sheets", [("e1", ["1"])]) == 1
    assert [event.connection for event in store.take_events(10)] == ["sheets"]


def test_thousands_of_events_are_accepted_at_once(store: Store) -> None:
    assert store.accept("tracker", [(f"e{n}", [str(n)]) for n in range(2500)]) == 2500
    assert len(store.take_events(1000)) == 1000
    store.settle_events(store.take_events(2500), _no_key)
    assert store.take_events(1) == ()


def test_settled_events_become_urgent_requests_of_bound_onboardings_and_of_new_deals(store: Store) -> None:
    store.bind(
        [
            Binding("deal-a", PLAN_ITEM, "sheets", Kind.PLAN, Ref("sheet-1")),
            Binding("deal-b", "t1", "tracker", Kind.TASK, Ref("10001")),
        ]
    )
    store.accept("sheets", [("s", ["sheet-1"])])
    store.accept("tracker", [("t", ["10001", "99999"])])
    store.accept("crm", [("c", ["006new", "001account"])])
    assert store.settle_events(store.take_events(10), _deal) == {"deal-a", "deal-b", "006new"}
    assert {(item.key, item.priority) for item in store.work_items()} == {
        ("deal-a", Priority.LIVE),
        ("deal-b", Priority.LIVE),
        ("006new", Priority.LIVE),
    }
    assert store.take_events(10) == ()


def test_an_event_that_two_have_taken_is_settled_by_one(store: Store, open_store: Callable[[], Store]) -> None:
    store.accept("crm", [("c", ["006new"])])
    arrivals = store.take_events(10)
    assert store.settle_events(arrivals, _deal) == {"006new"}
    assert open_store().settle_events(arrivals, _deal) == frozenset()
    assert store.work_items()[0].requested == 1


def test_events_that_cannot_be_requested_stay_waiting(store: Store) -> None:
    def broken(_connection: str, _id: str) -> str:
        raise InterruptedError

    store.accept("crm", [("c", ["006new"])])
    with pytest.raises(InterruptedError):
        store.settle_events(store.take_events(10), broken)
    assert len(store.take_events(10)) == 1
    assert store.work_items() == ()


def test_a_job_fires_once_for_each_time_it_is_due(store: Store, clock: Clock) -> None:
    minute = timedelta(minutes=1)
    assert not store.fire("sweep", clock.now, clock.now + minute)
    clock.advance(59)
    assert not store.fire("sweep", clock.now, clock.now + timedelta(seconds=1))
    clock.advance(1)
    assert store.fire("sweep", clock.now, clock.now + minute, "me")
    assert not store.fire("sweep", clock.now, clock.now + minute, "other")
    clock.advance(3600)
    assert store.fire("sweep", clock.now, clock.now + minute)
    assert not store.fire("sweep", clock.now, clock.now + minute)


def test_of_many_workers_one_fires_a_due_job(open_store: Callable[[], Store], clock: Clock) -> None:
    stores = [open_store() for _ in range(4)]
    stores[0].fire("sweep", clock.now, clock.now)
    later = clock.now + timedelta(minutes=1)
    with ThreadPoolExecutor(4) as threads:
        fired = list(threads.map(lambda store: store.fire("sweep", clock.now, later), stores * 5))
    assert fired.count(True) == 1


def test_a_schedule_made_tighter_counts_at_once(store: Store, clock: Clock) -> None:
    store.fire("full", clock.now, clock.now + timedelta(days=365))
    store.fire("full", clock.now, clock.now + timedelta(hours=1))
    clock.advance(3600)
    assert store.fire("full", clock.now, clock.now + timedelta(hours=1))


def test_a_worker_whose_clock_is_behind_does_not_fire_a_second_time(store: Store, clock: Clock) -> None:
    minute = timedelta(minutes=1)
    due = clock.now + minute
    store.fire("sweep", clock.now, due)
    assert store.fire("sweep", due, due + minute)
    behind = due - timedelta(seconds=2)
    assert not store.fire("sweep", behind, due)
    assert not store.fire("sweep", due + timedelta(seconds=1), due + minute)


def test_what_one_process_spends_the_others_wait_for(
    store: Store, open_store: Callable[[], Store], clock: Clock
) -> None:
    other = open_store()
    assert [store.spend("sheets", 5, RATE), other.spend("sheets", 5, RATE)] == [0.0, 0.0]
    assert other.spend("sheets", 1, RATE) == pytest.approx(1.0)
    assert other.spend("tracker", 1, RATE) == 0.0
    clock.advance(1)
    assert other.spend("sheets", 1, RATE) == 0.0
    assert store.spend("sheets", 1, RATE) > 0


def test_a_minute_never_takes_more_than_the_rate_and_the_burst(store: Store, clock: Clock) -> None:
    granted = 0
    for _ in range(600):
        while store.spend("sheets", 1, RATE) == 0.0:
            granted += 1
        clock.advance(0.1)
    assert 68 <= granted <= 70


def test_the_less_urgent_leave_a_reserve_to_the_more_urgent(store: Store, clock: Clock) -> None:
    while store.spend("sheets", 1, RATE, reserve=5) == 0.0:
        pass
    assert [store.spend("sheets", 1, RATE) for _ in range(5)] == [0.0] * 5
    assert store.spend("sheets", 1, RATE) > 0
    clock.advance(5)
    assert store.spend("sheets", 1, RATE, reserve=5) > 0


def test_a_cost_above_the_burst_is_paid_with_all_of_it(store: Store, clock: Clock) -> None:
    assert store.spend("sheets", 25, RATE, reserve=5) == 0.0
    assert store.spend("sheets", 1, RATE) == pytest.approx(1.0)
    clock.advance(9.9)
    assert store.spend("sheets", 25, RATE) == pytest.approx(0.1, abs=0.01)


def test_tidying_forgets_old_events_and_keys_without_a_plan_and_nothing_that_waits(store: Store, clock: Clock) -> None:
    store.accept("crm", [("old", ["006never"]), ("waits", [])])
    store.settle_events(store.take_events(1), _deal)
    store.bind([Binding("planned", PLAN_ITEM, "sheets", Kind.PLAN, Ref("sheet-1"))])
    store.request(["planned", "dirty"], Priority.LIVE)
    for claim in store.claim("me", limit=10, lease_seconds=60, keys=["006never", "planned"]):
        store.commit([Commit(claim)])
    clock.advance(86_400)
    assert store.tidy(clock.now - timedelta(days=2)) == 0
    assert store.tidy(clock.now - timedelta(hours=1)) == 2
    assert [event.event_id for event in store.take_events(10)] == ["waits"]
    assert {item.key for item in store.work_items(only_open=False)} == {"planned", "dirty"}


def test_a_worker_sees_how_urgent_the_work_is_and_when_there_will_be_more(store: Store, clock: Clock) -> None:
    assert store.horizon() == Horizon()
    start = clock.now
    store.request(["late"], Priority.BACKFILL)
    clock.advance(5)
    store.request(["soon"], Priority.RECONCILE)
    assert store.horizon() == Horizon(Priority.RECONCILE, None, start)
    [soon] = store.claim("me", limit=10, lease_seconds=60, up_to=Priority.RECONCILE)
    assert soon.key == "soon"
    assert store.horizon() == Horizon(Priority.BACKFILL, clock.now + timedelta(seconds=60), start)
    [late] = store.claim("me", limit=10, lease_seconds=90)
    store.commit([Commit(late, done=False, again_after=30)])
    assert store.horizon() == Horizon(None, clock.now + timedelta(seconds=30), None)
    store.commit([Commit(soon)])
    clock.advance(30)
    assert store.horizon() == Horizon(Priority.BACKFILL, None, start)


def test_hastened_work_that_failed_is_due_at_once_and_what_waits_for_other_reasons_is_not(store: Store) -> None:
    store.request(["failed", "settling"], Priority.RECONCILE)
    for claim in store.claim("me", limit=10, lease_seconds=60):
        error = "JIRA-DOWN-01: away" if claim.key == "failed" else ""
        store.commit([Commit(claim, done=False, again_after=600, error=error)])
    store.hasten()
    assert [claim.key for claim in store.claim("me", limit=10, lease_seconds=60)] == ["failed"]


def test_cancelled_requests_are_forgotten_and_what_is_worked_on_goes_on(store: Store) -> None:
    store.request(["a", "b"], Priority.BACKFILL)
    [claim] = store.claim("me", limit=1, lease_seconds=60)
    store.cancel(["a", "b", "unknown"])
    assert [item.key for item in store.work_items()] == ["a"]
    assert store.commit([Commit(claim)]) == ()
    store.request(["b"], Priority.LIVE)
    assert [item.key for item in store.work_items()] == ["b"]


def test_a_store_of_the_first_version_keeps_what_it_holds_when_it_is_opened(url: str, clock: Clock) -> None:
    database = Database.open(url)
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        work = "key, requested, done, priority, dirty_since, attempts, failures, owner, fence, error"
        values = "'deal', 3, 2, 0, '2026-11-21 09:00:00', 0, 0, '', 7, ''"
        connection.exec_driver_sql(f"INSERT INTO work ({work}) VALUES ({values})")
    database.close()
    with Store.open(url, clock=clock) as store:
        [claim] = store.claim("me", limit=10, lease_seconds=60)
        assert (claim.key, claim.fence, claim.requested) == ("deal", 8, 3)
        assert store.accept("crm", [("e1", ["006a"])]) == 1
