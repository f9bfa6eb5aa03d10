"""A running backfill as its operators have it: a process that is watched, paused, cancelled, killed, and goes on."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from office import SINCE, Office, until

from sync.core.model import Priority
from sync.store import Store

pytestmark = pytest.mark.real_time

MAKING = "POST /rest/api/3/issue/bulk"


@contextmanager
def held_up(office: Office) -> Iterator[None]:
    """Let every call that makes issues take so long that another terminal has its say meanwhile."""
    fault = office.simulator.world.faults.add(
        "delay", vendor="jira", endpoint=MAKING, times=None, args={"seconds": 0.2}
    )
    yield
    fault.times = 0


def many(office: Office, count: int) -> list[str]:
    office.configure(engine={"batch": 2})
    return [office.win(f"Customer {number}") for number in range(count)]


def running(office: Office) -> dict[str, object]:
    standings = office.run("status", "--json").json["backfills"]
    return standings[0] if standings else {}


def test_a_backfill_is_paused_and_resumed_from_another_terminal(office: Office) -> None:
    many(office, 12)
    with held_up(office):
        process = office.start("backfill", *SINCE, "--json")
        until(lambda: running(office).get("seen"))
        told = office.run("backfill", "pause", "--json").json
        assert told["told"] == "pause"
        assert told["backfill"]["state"] in {"pausing", "paused"}
        until(lambda: running(office)["state"] == "paused")
        made = office.records()
        assert made[0] < 36
        assert "closedwon backfill --won-since 2020-01-01" in str(running(office)["command"])
        assert re.search(r"Backfill \w{6} paused: \d+ of 12 deals, \d+ planned", office.run("status").out)
        time.sleep(1)
        assert office.records() == made
        assert process.poll() is None
    office.run("backfill", "resume")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert '"planned":12' in out
    assert office.records() == (36, 12, 12)
    assert running(office) == {}


def test_a_cancelled_backfill_ends_with_its_own_code_and_leaves_nothing_half_done(office: Office) -> None:
    many(office, 12)
    with held_up(office):
        process = office.start("backfill", *SINCE, "--json")
        until(lambda: running(office).get("seen"))
        assert office.run("backfill", "cancel").code == 0
        out, err = process.communicate(timeout=300)
    assert process.returncode == 9, err
    assert "CANCELLED-01: Cancelled after" in err
    issues, sheets, onboardings = office.records()
    assert issues == 3 * sheets == 3 * onboardings < 36
    assert f'"planned":{sheets}' in out
    store = office.store()
    assert (store.counts()["dirty"], store.counts()["open_intents"], store.kept("backfill")) == (0, 0, ())
    store.close()
    assert office.run("verify").code == 0


def test_killed_midway_it_goes_on_without_making_or_looking_at_anything_twice(office: Office) -> None:
    many(office, 8)
    process = office.start("backfill", *SINCE)
    rows = "POST /2.0/sheets/{id}/rows"
    office.simulator.world.faults.add(
        "kill_before", vendor="smartsheet", endpoint=rows, skip=4, args={"pid": process.pid}
    )
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert running(office)["state"] == "dead"
    assert "goes on where it stopped" in office.run("status").out
    office.run("backfill", "pause").refused(2, "BACKFILL-01", "closedwon backfill --won-since 2020-01-01")
    before = office.creates()
    again = office.run("backfill", *SINCE, "--json")
    assert again.code == 0, again.err
    assert again.json["looked"] <= 5  # the two whole batches before the kill are skipped, the third is looked at twice
    made = {path: count - before.get(path, 0) for path, count in office.creates().items()}
    assert made[rows] == 4
    assert office.records() == (24, 8, 8)
    assert office.run("verify", "--json").json["duplicates"] == 0
    assert running(office) == {}


def test_a_dead_backfill_can_be_forgotten_and_nobody_is_told_where_none_runs(office: Office) -> None:
    office.run("backfill", "cancel").refused(2, "BACKFILL-01", "There is no such backfill")
    many(office, 2)
    process = office.start("backfill", *SINCE)
    office.simulator.world.faults.add("kill_before", vendor="jira", endpoint=MAKING, args={"pid": process.pid})
    process.communicate(timeout=300)
    assert "was dead; it is forgotten" in office.run("backfill", "cancel").out
    assert running(office) == {}


def test_what_another_worker_is_at_is_waited_for_and_never_reported_as_waiting(office: Office) -> None:
    first, second = many(office, 2)
    store = office.store()
    store.request([first], Priority.LIVE)
    [claim] = store.claim("elsewhere:1", limit=1, lease_seconds=600, keys=[first])
    done = threading.Timer(1.5, lambda: _finish(store, claim))
    done.start()
    ran = office.run("backfill", *SINCE, "--json")
    done.join()
    assert (ran.code, ran.json["planned"], ran.json["waiting"]) == (0, 1, 0)
    assert store.keys() == (second,)
    store.close()


def _finish(store: Store, claim: object) -> None:
    store.release([claim])  # type: ignore[list-item]
    store.cancel([claim.key])  # type: ignore[attr-defined]


def test_what_another_worker_keeps_is_left_to_it(office: Office) -> None:
    first, second = many(office, 2)
    office.configure(engine={"batch": 2, "patience_seconds": 1})
    store = office.store()
    store.request([first], Priority.LIVE)
    store.claim("elsewhere:1", limit=1, lease_seconds=600, keys=[first])
    ran = office.run("backfill", *SINCE, "--json")
    assert (ran.code, ran.json["planned"], ran.json["waiting"]) == (0, 1, 0)
    [note] = ran.json["notes"]
    assert note.startswith("Left alone: 1. Another worker on this store has them")
    assert store.keys() == (second,)
    [left] = store.work_items()
    assert (left.key, left.owner) == (first, "elsewhere:1")
    store.close()


def test_urgent_work_that_nobody_takes_is_done_with_the_rest(office: Office) -> None:
    first, second = many(office, 2)
    store = office.store()
    store.request([first], Priority.LIVE)
    assert office.run("backfill", *SINCE, "--json").json["planned"] == 2
    assert store.keys() == tuple(sorted((first, second)))
    store.close()
