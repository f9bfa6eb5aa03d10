"""What every way of running work must hold, with real processes on both databases."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from work_desk import make, metadata, seen

from sync.core.model import Priority
from sync.store import Store

DESK = Path(__file__).with_name("work_desk.py")
LEASE = 4.0

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(database: str) -> Iterator[Start]:
    """Start a worker process and wait until it works."""
    started: list[subprocess.Popen[str]] = []

    def starter(owner: str, *, lease: float = LEASE, deadline: float = 60.0) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(DESK), database, owner, str(lease), str(deadline)],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(DESK.parent.parent.parent)},
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield starter
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    store = open_store()
    metadata.create_all(store._database.engine)
    return store


def until(happened: Callable[[], bool], seconds: float = 60.0) -> float:
    """Wait until something happened; return how long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - began


def ended(store: Store, how: str) -> Callable[[], bool]:
    return lambda: any(look["ended"] == how for look in seen(store))


def test_a_hundred_requests_make_one_look_and_at_most_one_more(store: Store, start: Start) -> None:
    start("one")
    for _ in range(100):
        store.request(["slow-0.5"], Priority.LIVE)
    until(lambda: store.horizon().ready is None and not store.owners())
    assert 1 <= len(seen(store)) <= 2


def test_a_request_during_a_look_makes_one_more(store: Store, start: Start) -> None:
    start("one")
    store.request(["slow-0.3"], Priority.LIVE)
    until(lambda: len(seen(store)) == 1)
    store.request(["slow-0.3"], Priority.LIVE)
    until(lambda: [look["ended"] for look in seen(store)] == ["done", "done"])
    assert store.work_items() == ()


def test_two_workers_never_look_at_one_onboarding_at_once(store: Store, start: Start) -> None:
    start("one")
    start("two")
    keys = [f"slow-0.0{n}" for n in range(1, 10)]
    for _ in range(8):
        store.request(keys, Priority.LIVE)
        time.sleep(0.05)
    until(lambda: not store.work_items())
    looked = seen(store)
    assert {look["key"] for look in looked} == set(keys)
    assert {look["owner"] for look in looked} == {"one", "two"}
    assert {look["beside"] for look in looked} == {0}


def test_after_kill_9_another_takes_over_within_one_and_a_half_leases(store: Store, start: Start) -> None:
    first = start("first")
    store.request(["slow-9"], Priority.LIVE)
    until(lambda: len(seen(store)) == 1)
    start("second")
    time.sleep(LEASE)  # the first one renews: still its own
    assert len(seen(store)) == 1
    first.kill()
    assert until(lambda: len(seen(store)) == 2) <= 1.5 * LEASE
    assert seen(store)[1]["owner"] == "second"


def test_one_that_stood_still_past_its_lease_cannot_commit(store: Store, start: Start) -> None:
    first = start("first")
    store.request(["slow-0.4"], Priority.LIVE)
    until(lambda: len(seen(store)) == 1)
    first.send_signal(signal.SIGSTOP)
    start("second")
    until(ended(store, "done"))
    first.send_signal(signal.SIGCONT)
    until(ended(store, "lost"))
    assert [(look["owner"], look["ended"]) for look in seen(store)] == [("first", "lost"), ("second", "done")]
    assert store.work_items() == ()


def test_one_that_hangs_is_given_up_after_its_deadline(store: Store, start: Start) -> None:
    start("hangs", deadline=0.5)
    store.request(["slow-9"], Priority.LIVE)
    until(lambda: len(seen(store)) == 1)
    start("second")
    assert until(lambda: len(seen(store)) == 2) <= 0.5 + 1.5 * LEASE


def test_told_to_stop_it_finishes_what_it_began_and_begins_nothing_more(store: Store, start: Start) -> None:
    process = start("one")
    store.request(["slow-0.5"], Priority.LIVE)
    until(lambda: len(seen(store)) == 1)
    store.request(["next"], Priority.LIVE)
    process.terminate()
    assert process.wait(10) == 0
    assert [(look["key"], look["ended"]) for look in seen(store)] == [("slow-0.5", "done")]
    assert [item.key for item in store.work_items()] == ["next"]
    assert store.owners() == ()


def test_an_accepted_event_is_worked_on_although_its_receiver_was_killed(store: Store, start: Start) -> None:
    store.accept("crm", [("e1", ["006a"]), ("e2", ["006a", "006b"])])
    start("one")
    until(lambda: {look["key"] for look in seen(store)} == {"006a", "006b"})


def test_one_that_always_breaks_waits_longer_each_time_and_stops_nobody(store: Store) -> None:
    worker = make(store, "one", lease=60)
    store.request(["a", "b", "broken", "c"], Priority.LIVE)
    while worker.step() == 0.0:
        pass
    [row] = store.work_items()
    assert (row.key, row.failures, row.attempts) == ("broken", 1, 1)
    assert "ZeroDivisionError in reconcile, work_desk.py" in row.error
    assert {look["key"] for look in seen(store) if look["ended"] == "done"} == {"a", "b", "c"}
    first_wait = row.not_before
    store.request(["broken"], Priority.LIVE)
    while worker.step() == 0.0:
        pass
    [row] = store.work_items()
    assert row.failures == 2
    assert first_wait
    assert row.not_before
    assert row.not_before > first_wait


def test_urgent_work_goes_before_the_rest(store: Store) -> None:
    worker = make(store, "one", lease=60)
    store.request(["old"], Priority.BACKFILL)
    store.request(["daily"], Priority.RECONCILE)
    store.request(["event"], Priority.LIVE)
    while worker.step() == 0.0:
        pass
    assert [look["key"] for look in seen(store)] == ["event", "daily", "old"]


def test_cancelled_work_is_not_looked_at(store: Store, start: Start) -> None:
    store.request(["unwanted", "wanted"], Priority.BACKFILL)
    store.cancel(["unwanted"])
    start("one")
    until(ended(store, "done"))
    until(lambda: not store.work_items())
    assert [look["key"] for look in seen(store)] == ["wanted"]
