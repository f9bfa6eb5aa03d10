"""Listening: what a stream told becomes work, is on disk before its place is, and what was missed is looked at."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cdc_rig import DEALS, Org, hands_of, until

from connectors.errors import Refused, TryLater
from connectors.events import Event
from connectors.streams import Heard
from sync.core.model import Priority
from sync.demo.stage import Stage
from sync.receiver.listening import Listener, listening, streams_of
from sync.store import Store, StoreUnavailable

ROOT = Path(__file__).parents[2]
FEED = f"stream {DEALS}"


@pytest.fixture
def org(stage: Stage) -> Org:
    return Org(stage.simulator, stage.clock)


@contextmanager
def ears(stage: Stage, *, working: bool = False) -> Iterator[tuple[Listener, ...]]:
    """Listen until the block ends, with a worker if wanted."""
    plant = stage.plant
    if working:
        with (
            hands_of(stage) as hands,
            listening(streams_of(plant.connections), plant.engine, plant.store, kept=hands.wake) as listeners,
        ):
            yield listeners
    else:
        with listening(streams_of(plant.connections), plant.engine, plant.store) as listeners:
            yield listeners


def place(stage: Stage) -> str:
    return stage.plant.store.cursor("crm", FEED)


def take_places(stage: Stage, org: Org) -> None:
    """Let both streams hear a sign of life, so that they stand somewhere."""
    store = stage.plant.store
    before = [store.cursor("crm", f"stream /data/{name}ChangeEvent") for name in ("Opportunity", "OpportunityLineItem")]
    with ears(stage) as both:
        for _ in range(20):
            org.pass_time(300)
            try:
                until(lambda: all(store.cursor("crm", f"stream {e.name}") not in {"", *before} for e in both), 1)
            except AssertionError:
                continue
            return
    raise AssertionError("no sign of life came")


def planned(stage: Stage) -> int:
    return stage.plant.store.counts()["onboardings"]


def test_a_won_deal_becomes_a_plan_without_any_sweep(stage: Stage, org: Org) -> None:
    take_places(stage, org)
    with ears(stage, working=True):
        org.win("Acme")
        until(lambda: planned(stage) == 1)
    assert stage.plant.store.cursor("crm", "changes") == ""


def test_an_edit_of_a_line_is_brought_about(stage: Stage, org: Org) -> None:
    deal = org.win("Acme", lines=[{"product": "Setup", "quantity": 1, "price": 10}])
    take_places(stage, org)
    with ears(stage):
        [line] = org.lines_of(deal)
        org.act("edit_record", object="OpportunityLineItem", id=line, fields={"ServiceDate": "2026-12-01"})
        until(lambda: [a.ids for a in stage.plant.store.take_events(9)] == [(deal,)])


def test_killed_between_the_events_and_the_place_nothing_is_lost_and_nothing_doubled(stage: Stage, org: Org) -> None:
    take_places(stage, org)
    before = place(stage)
    deal = org.win("Acme")
    process = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_listener.py"), stage.config],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    assert place(stage) == before
    arrivals = stage.plant.store.take_events(9)
    assert [arrival.ids for arrival in arrivals] == [(deal,)]
    with ears(stage):
        until(lambda: place(stage) != before)
    assert stage.plant.store.take_events(9) == arrivals
    with ears(stage, working=True):
        until(lambda: planned(stage) == 1)


def test_an_overflow_has_everything_known_and_everything_changed_looked_at(stage: Stage, org: Org) -> None:
    stage.sweep()
    known = org.win("Known")
    stage.sweep()
    assert planned(stage) == 1
    org.pass_time(3600)  # beyond the overlap of a look back
    take_places(stage, org)
    org.knob("cdc_overflow_above", 0)
    new = org.win("New")
    with ears(stage):
        until(lambda: {new, known} <= {item.key for item in stage.plant.store.work_items()})
    waiting = {item.key: item.priority for item in stage.plant.store.work_items()}
    assert waiting == {new: Priority.LIVE, known: Priority.RECONCILE}
    with ears(stage, working=True):
        until(lambda: planned(stage) == 2 and not stage.plant.store.work_items())


def test_after_four_days_away_nothing_is_lost_without_a_sweep(stage: Stage, org: Org) -> None:
    stage.sweep()
    known, quiet = org.win("Known"), org.win("Quiet")
    stage.sweep()
    org.pass_time(3600)  # beyond the overlap of a look back
    take_places(stage, org)
    lost = org.win("Lost")
    org.edit(known, NextStep="call")
    org.pass_time(96 * 3600)
    with ears(stage):
        until(lambda: len(stage.plant.store.work_items()) == 3)
    waiting = {item.key: item.priority for item in stage.plant.store.work_items()}
    assert waiting == {lost: Priority.LIVE, known: Priority.LIVE, quiet: Priority.RECONCILE}
    with ears(stage, working=True):
        until(lambda: planned(stage) == 3 and not stage.plant.store.work_items())


def test_a_look_back_that_fails_leaves_the_place_where_it_was(stage: Stage, org: Org) -> None:
    take_places(stage, org)
    before = place(stage)
    org.knob("cdc_overflow_above", 0)
    org.fault("server_unavailable", "GET *queryAll*", times=None)
    new = org.win("New")
    with ears(stage) as both:
        until(lambda: any(each.trouble for each in both))
        assert place(stage) == before
        org.heal()
        until(lambda: place(stage) != before)
    assert [item.key for item in stage.plant.store.work_items()] == [new]


def test_an_outage_is_told_once_and_mends_itself(stage: Stage, org: Org) -> None:
    take_places(stage, org)
    org.fault("unavailable", "RPC Subscribe", times=None)
    with ears(stage) as both:
        until(lambda: all(each.trouble == "SF-CDC-03" for each in both))
        deal = org.win("Acme")
        org.heal()
        until(lambda: any(a.ids == (deal,) for a in stage.plant.store.take_events(9)))
        until(lambda: not any(each.trouble for each in both if each.name == DEALS))


def test_two_receivers_keep_each_event_once(either_stage: Stage) -> None:
    stage = either_stage
    org = Org(stage.simulator, stage.clock)
    take_places(stage, org)
    calls = org.calls("RPC Subscribe")
    with ears(stage), ears(stage):
        until(lambda: org.calls("RPC Subscribe") == calls + 4)
        before, deal = org.sent, org.win("Acme")
        until(lambda: org.sent == before + 2)
        until(lambda: stage.plant.store.take_events(9))
    assert [arrival.ids for arrival in stage.plant.store.take_events(9)] == [(deal,)]


class Script:
    """A stream that tells what it is given to tell: what no vendor can be made to do in a test."""

    name = "script"

    def __init__(self, *steps: Heard | Exception) -> None:
        self.steps = list(steps)
        self.asked: list[str] = []
        self.done = threading.Event()

    def hear(self, place: str) -> Iterator[Heard]:
        self.asked.append(place)
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, Exception):
                raise step
            yield step
        self.done.set()

    def close(self) -> None:
        self.done.set()


class Away:
    """A store that is away for the first so many calls."""

    def __init__(self, store: Any, away: int) -> None:
        self._store = store
        self.away = away

    def cursor(self, connection: str, feed: str) -> str:
        return str(self._store.cursor(connection, feed))

    def advance(self, connection: str, feed: str, cursor: str) -> None:
        self._store.advance(connection, feed, cursor)

    def accept(self, connection: str, events: Any) -> int:
        self.away -= 1
        if self.away >= 0:
            raise StoreUnavailable("it is away")
        return int(self._store.accept(connection, events))


def listen(store: Any, stream: Script, **more: Any) -> Listener:
    given = {"look_back": lambda _connection, _cursor: 0, "pause": 0.01}
    return Listener("crm", stream, store=store, **given | more)


def test_while_the_store_is_away_the_place_stays_and_the_stream_is_asked_again(store: Store) -> None:
    heard = Heard("p1", (Event("e1", ("006",)),))
    stream = Script(heard, heard)
    listener = listen(Away(store, 1), stream)
    listener.start()
    until(lambda: store.cursor("crm", "stream script") == "p1")
    listener.stop()
    assert stream.asked[:2] == ["", ""]
    assert len(store.take_events(9)) == 1


def test_a_defect_in_a_stream_ends_neither_it_nor_the_process(store: Store) -> None:
    stream = Script(ValueError("a deal's name"), TryLater("x", code="T-1", delay=0.0), Heard("p2"))
    listener = listen(store, stream)
    listener.start()
    until(lambda: store.cursor("crm", "stream script") == "p2")
    until(stream.done.is_set)
    listener.stop()
    assert listener.trouble == ""


def test_what_only_a_person_can_open_is_not_asked_for_again_at_once(store: Store) -> None:
    stream = Script(Refused("x", code="SF-CDC-02"))
    listener = listen(store, stream)
    listener.start()
    until(lambda: listener.trouble == "SF-CDC-02")
    assert len(stream.asked) == 1
    listener.stop()
    assert len(stream.asked) == 1


def test_the_worker_is_woken_for_news_alone(store: Store) -> None:
    woken: list[int] = []
    heard = Heard("p1", (Event("e1", ("006",)),))
    stream = Script(heard, heard, Heard("p2"))
    listener = listen(store, stream, kept=lambda: woken.append(1))
    listener.start()
    until(lambda: store.cursor("crm", "stream script") == "p2")
    listener.stop()
    assert woken == [1]


def test_waits_grow_while_nothing_is_heard_and_begin_anew_once_something_was(store: Store) -> None:
    later = [TryLater("x", code="T-1", delay=0.0) for _ in range(9)]
    listener = listen(store, Script(*later, Heard("p1"), TryLater("x", code="T-1", delay=0.0)), pause=1.0)
    assert [listener._listen()[1] for _ in range(10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]
