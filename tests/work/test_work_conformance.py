"""What every way of running work must hold: by real processes, embedded on both databases and by Procrastinate's jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from work_desk import alone, seen
from work_engines import Engine, exit_code, tell, until

from connectors.events import TIME_ENTRY
from sync.core.model import Priority
from sync.store import Store

pytestmark = pytest.mark.real_time

LEASE = 3.0


def looked(store: Store, times: int = 1) -> Callable[[], bool]:
    return lambda: len(seen(store)) >= times


def ended(store: Store, how: str) -> Callable[[], bool]:
    return lambda: any(look["ended"] == how for look in seen(store))


def idle(store: Store) -> bool:
    return not store.work_items() and not store.owners()


def test_a_hundred_requests_make_one_look_and_one_more(engine: Engine) -> None:
    engine.start("one", lease=30)
    engine.request("held")
    until(looked(engine.store))
    for _ in range(99):
        engine.request("held")
    engine.let_go.touch()
    until(lambda: idle(engine.store))
    assert [look["ended"] for look in seen(engine.store)] == ["done", "done"]


def test_a_request_during_a_look_makes_one_more(engine: Engine) -> None:
    engine.start("one", lease=30)
    engine.request("held")
    until(looked(engine.store))
    engine.request("held")
    engine.let_go.touch()
    until(lambda: idle(engine.store))
    assert [look["ended"] for look in seen(engine.store)] == ["done", "done"]


def test_two_workers_share_the_work_and_never_look_at_one_onboarding_at_once(engine: Engine) -> None:
    engine.start("one", lease=30)
    engine.start("two", lease=30)
    keys = [f"slow-{n}" for n in range(20)]
    for _ in range(4):
        engine.request(*keys)
        time.sleep(0.1)
    until(lambda: idle(engine.store))
    looks = seen(engine.store)
    assert {look["key"] for look in looks} == set(keys)
    assert {look["owner"] for look in looks} == {"one", "two"}
    assert {look["beside"] for look in looks} == {0}


def test_after_kill_9_another_takes_over_within_one_and_a_half_leases(engine: Engine) -> None:
    first = engine.start("first", lease=LEASE)
    engine.request("held")
    until(looked(engine.store))
    engine.start("second", lease=LEASE)
    time.sleep(LEASE)  # the first one renews: still its own
    assert len(seen(engine.store)) == 1
    first.kill()
    assert until(looked(engine.store, 2)) <= 1.5 * LEASE
    assert seen(engine.store)[1]["owner"] == "second"


def test_one_that_stood_still_past_its_lease_cannot_commit(engine: Engine) -> None:
    first = engine.start("first")
    engine.request("held")
    until(looked(engine.store))
    engine.stop(first)
    engine.start("second")
    until(looked(engine.store, 2))
    tell(first, signal.SIGCONT)
    alone(engine.let_go, "first").touch()
    until(ended(engine.store, "lost"))
    engine.let_go.touch()
    until(ended(engine.store, "done"))
    assert [(look["owner"], look["ended"]) for look in seen(engine.store)] == [("first", "lost"), ("second", "done")]
    assert engine.store.work_items() == ()


def test_one_that_hangs_is_given_up_after_its_deadline(engine: Engine) -> None:
    engine.start("hangs", deadline=0.5)
    engine.request("held")
    until(looked(engine.store))
    engine.start("second")
    until(looked(engine.store, 2), seconds=15)
    assert seen(engine.store)[1]["owner"] == "second"


def test_a_schedule_of_two_workers_fires_once_each_time_it_is_due(engine: Engine) -> None:
    for owner in ("one", "two"):
        engine.start(owner, sweep="* * * * * *")
    until(lambda: len({look["owner"] for look in seen(engine.store, sweeps=True)}) == 2)  # each sweeps as it starts
    before, began = len(seen(engine.store, sweeps=True)), time.monotonic()
    until(lambda: len(seen(engine.store, sweeps=True)) >= before + 5)
    passed = time.monotonic() - began
    fired = len(seen(engine.store, sweeps=True)) - before
    # A busy machine may be late and leave one out, so there are at most as many as seconds, and one at either end.
    assert fired <= passed + 2


def test_told_to_stop_it_finishes_what_it_began_and_begins_nothing_more(engine: Engine) -> None:
    process = engine.start("one", lease=30)
    engine.request("held")
    until(looked(engine.store))
    engine.request("next")
    process.terminate()
    time.sleep(0.5)
    engine.let_go.touch()
    assert exit_code(process) == 0
    assert [(look["key"], look["ended"]) for look in seen(engine.store)] == [("held", "done")]
    assert [item.key for item in engine.store.work_items()] == ["next"]
    assert engine.store.owners() == ()


def test_told_to_stop_it_hands_back_within_ten_seconds_what_it_cannot_finish(engine: Engine) -> None:
    process = engine.start("one", lease=600)
    engine.request("held")
    until(looked(engine.store))
    process.terminate()
    assert exit_code(process) == 6
    assert engine.store.owners() == ()
    engine.start("two")
    until(looked(engine.store, 2))
    assert seen(engine.store)[1]["owner"] == "two"


def test_an_accepted_event_is_worked_on_although_its_receiver_was_killed(engine: Engine) -> None:
    engine.store.accept("crm", [("e1", ["006a"]), ("e2", ["006a", "006b"])])
    engine.start("one")
    until(lambda: {look["key"] for look in seen(engine.store)} == {"006a", "006b"})


def test_an_event_that_nobody_can_read_does_not_stop_those_behind_it(engine: Engine) -> None:
    engine.store.accept("tracker", [("e1", [f"{TIME_ENTRY}7"])])
    engine.store.accept("crm", [("e2", ["006a"])])
    engine.start("one")
    until(lambda: {look["key"] for look in seen(engine.store)} == {"006a"})


def test_one_that_always_breaks_waits_longer_each_time_and_stops_nobody(engine: Engine) -> None:
    def waiting(failures: int) -> Callable[[], bool]:
        return lambda: (
            not engine.store.owners() and any(item.failures >= failures for item in engine.store.work_items())
        )

    engine.request("a", "b", "broken", "c")
    engine.start("one", lease=30)
    until(waiting(failures=1))
    [first, *_] = [item for item in engine.store.work_items() if item.failures]
    assert first.key == "broken"
    assert "ZeroDivisionError in reconcile, work_desk.py" in first.error
    until(lambda: {look["key"] for look in seen(engine.store) if look["ended"] == "done"} == {"a", "b", "c"})
    until(waiting(failures=first.failures + 1))  # nobody asked for it again
    [second] = engine.store.work_items()
    assert first.not_before
    assert second.not_before
    assert second.not_before > first.not_before


def test_urgent_work_goes_before_the_rest(engine: Engine) -> None:
    engine.request("old", priority=Priority.BACKFILL)
    engine.request("daily", priority=Priority.RECONCILE)
    engine.request("event")
    engine.start("one", lease=30)
    until(lambda: idle(engine.store))
    assert [look["key"] for look in seen(engine.store)] == ["event", "daily", "old"]


def test_cancelled_work_is_not_looked_at(engine: Engine) -> None:
    engine.request("unwanted", "wanted", priority=Priority.BACKFILL)
    engine.store.cancel(["unwanted"])
    engine.start("one", lease=30)
    until(ended(engine.store, "done"))
    until(lambda: idle(engine.store))
    assert [look["key"] for look in seen(engine.store)] == ["wanted"]
