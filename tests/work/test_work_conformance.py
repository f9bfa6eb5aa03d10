"""What every way of running work must hold: by real processes, embedded on both databases and by Procrastinate's jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest
from work_desk import seen
from work_engines import Engine

from sync.core.model import Priority
from sync.store import Store

pytestmark = pytest.mark.real_time

LEASE = 3.0


def until(happened: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until something happened; return how long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - began


def looked(store: Store, times: int = 1) -> Callable[[], bool]:
    return lambda: len(seen(store)) >= times


def ended(store: Store, how: str) -> Callable[[], bool]:
    return lambda: any(look["ended"] == how for look in seen(store))


def idle(store: Store) -> bool:
    return not store.work_items() and not store.owners()


def test_a_hundred_requests_make_one_look_and_at_most_one_more(engine: Engine) -> None:
    engine.start("one", lease=30)
    for _ in range(100):
        engine.store.request(["slow-2"], Priority.LIVE)
    until(lambda: idle(engine.store))
    assert 1 <= len(seen(engine.store)) <= 2


def test_a_request_during_a_look_makes_one_more(engine: Engine) -> None:
    engine.start("one", lease=30)
    engine.store.request(["slow-0.5"], Priority.LIVE)
    until(looked(engine.store))
    engine.store.request(["slow-0.5"], Priority.LIVE)
    until(lambda: [look["ended"] for look in seen(engine.store)] == ["done", "done"])
    until(lambda: idle(engine.store))
    assert len(seen(engine.store)) == 2


def test_two_workers_share_the_work_and_never_look_at_one_onboarding_at_once(engine: Engine) -> None:
    engine.start("one", lease=30)
    engine.start("two", lease=30)
    keys = [f"slow-0.{n}" for n in range(11, 25)]
    for _ in range(4):
        engine.store.request(keys, Priority.LIVE)
        time.sleep(0.1)
    until(lambda: idle(engine.store))
    looks = seen(engine.store)
    assert {look["key"] for look in looks} == set(keys)
    assert {look["owner"] for look in looks} == {"one", "two"}
    assert {look["beside"] for look in looks} == {0}


def test_after_kill_9_another_takes_over_within_one_and_a_half_leases(engine: Engine) -> None:
    first = engine.start("first", lease=LEASE)
    engine.store.request(["slow-20"], Priority.LIVE)
    until(looked(engine.store))
    engine.start("second", lease=LEASE)
    time.sleep(1.2 * LEASE)  # the first one renews: still its own
    assert len(seen(engine.store)) == 1
    first.kill()
    assert until(looked(engine.store, 2)) <= 1.5 * LEASE
    assert seen(engine.store)[1]["owner"] == "second"


def test_one_that_stood_still_past_its_lease_cannot_commit(engine: Engine) -> None:
    first = engine.start("first")
    engine.store.request(["slow-0.4"], Priority.LIVE)
    until(looked(engine.store))
    first.send_signal(signal.SIGSTOP)
    engine.start("second")
    until(ended(engine.store, "done"))
    first.send_signal(signal.SIGCONT)
    until(ended(engine.store, "lost"))
    assert [(look["owner"], look["ended"]) for look in seen(engine.store)] == [("first", "lost"), ("second", "done")]
    assert engine.store.work_items() == ()


def test_one_that_hangs_is_given_up_after_its_deadline(engine: Engine) -> None:
    engine.start("hangs", deadline=0.5)
    engine.store.request(["slow-20"], Priority.LIVE)
    until(looked(engine.store))
    engine.start("second")
    until(looked(engine.store, 2), seconds=15)
    assert seen(engine.store)[1]["owner"] == "second"


def test_a_schedule_of_two_workers_fires_once_each_time_it_is_due(engine: Engine) -> None:
    for owner in ("one", "two"):
        engine.start(owner, sweep="* * * * * *")
    until(lambda: len({look["owner"] for look in seen(engine.store, sweeps=True)}) == 2)  # each sweeps as it starts
    before, began = len(seen(engine.store, sweeps=True)), time.monotonic()
    until(lambda: len(seen(engine.store, sweeps=True)) >= before + 8)
    passed = time.monotonic() - began
    fired = len(seen(engine.store, sweeps=True)) - before
    # A busy machine may be late and leave one out, so there are at most as many as seconds, and one at either end.
    assert fired <= passed + 2


def test_told_to_stop_it_finishes_what_it_began_and_begins_nothing_more(engine: Engine) -> None:
    process = engine.start("one", lease=30)
    engine.store.request(["slow-1"], Priority.LIVE)
    until(looked(engine.store))
    engine.store.request(["next"], Priority.LIVE)
    process.terminate()
    assert process.wait(10) == 0
    assert [(look["key"], look["ended"]) for look in seen(engine.store)] == [("slow-1", "done")]
    assert [item.key for item in engine.store.work_items()] == ["next"]
    assert engine.store.owners() == ()


def test_told_to_stop_it_hands_back_what_it_cannot_finish_within_ten_seconds(engine: Engine) -> None:
    process = engine.start("one", lease=600)
    engine.store.request(["slow-60"], Priority.LIVE)
    until(looked(engine.store))
    process.terminate()
    assert process.wait(10) == 6
    assert engine.store.owners() == ()
    engine.start("two")
    until(looked(engine.store, 2))
    assert seen(engine.store)[1]["owner"] == "two"


def test_an_accepted_event_is_worked_on_although_its_receiver_was_killed(engine: Engine) -> None:
    engine.store.accept("crm", [("e1", ["006a"]), ("e2", ["006a", "006b"])])
    engine.start("one")
    until(lambda: {look["key"] for look in seen(engine.store)} == {"006a", "006b"})


def test_one_that_always_breaks_waits_longer_each_time_and_stops_nobody(engine: Engine) -> None:
    engine.store.request(["a", "b", "broken", "c"], Priority.LIVE)
    engine.start("one", lease=30)
    until(lambda: [item.failures for item in engine.store.work_items()] == [1])
    [first] = engine.store.work_items()
    assert first.key == "broken"
    assert "ZeroDivisionError in reconcile, work_desk.py" in first.error
    assert {look["key"] for look in seen(engine.store) if look["ended"] == "done"} == {"a", "b", "c"}
    until(lambda: [item.failures for item in engine.store.work_items()] == [2])  # nobody asked for it again
    until(lambda: engine.store.owners() == ())
    [second] = engine.store.work_items()
    assert first.not_before
    assert second.not_before
    assert second.not_before > first.not_before
    attempts = [look["began"] for look in seen(engine.store) if look["key"] == "broken"]
    assert attempts[-1] >= first.not_before.timestamp()


def test_urgent_work_goes_before_the_rest(engine: Engine) -> None:
    engine.store.request(["old"], Priority.BACKFILL)
    engine.store.request(["daily"], Priority.RECONCILE)
    engine.store.request(["event"], Priority.LIVE)
    engine.start("one", lease=30)
    until(lambda: idle(engine.store))
    assert [look["key"] for look in seen(engine.store)] == ["event", "daily", "old"]


def test_cancelled_work_is_not_looked_at(engine: Engine) -> None:
    engine.store.request(["unwanted", "wanted"], Priority.BACKFILL)
    engine.store.cancel(["unwanted"])
    engine.start("one", lease=30)
    until(ended(engine.store, "done"))
    until(lambda: idle(engine.store))
    assert [look["key"] for look in seen(engine.store)] == ["wanted"]
