"""Wake-ups between processes save waiting, and cost nothing where they fail."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from work_engines import cut, until

from sync.cli.app import main
from sync.demo.stage import Stage
from sync.engine.reconcile import BRAKE
from sync.work import ring_once
from sync.work.bell import CHANNEL, Bell, Ears, Notifier
from sync.work.postgres import connect_args
from sync.work.runner import EMBEDDED, PROCRASTINATE

pytestmark = pytest.mark.real_time


class Count:
    """Counts how often it is called."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


class Slow:
    """An announcer that takes its time: until it is let go."""

    def __init__(self) -> None:
        self.told = 0
        self.let_go = threading.Event()

    def announce(self) -> None:
        self.told += 1
        self.let_go.wait(30)

    def close(self) -> None:
        pass


class Away:
    """An announcer whose first announcements fail."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.told = 0

    def announce(self) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.told += 1

    def close(self) -> None:
        raise ConnectionError


def test_a_ring_is_heard_by_the_same_store_and_by_no_other(new_postgres: Callable[[], str]) -> None:
    here, there = new_postgres(), new_postgres()
    heard, elsewhere = Count(), Count()
    ringing, answering = Bell(Notifier(here)), Bell(Notifier(there))
    with Ears(here, heard), Ears(there, elsewhere):
        until(lambda: heard.times == elsewhere.times == 1)  # each listens from now on
        ringing.ring()
        until(lambda: heard.times == 2)
        time.sleep(0.3)  # an ear of both would have heard it as well by now
        assert elsewhere.times == 1
        answering.ring()
        until(lambda: elsewhere.times == 2)
    ringing.close()
    answering.close()


def test_cut_off_by_the_server_both_go_on(new_postgres: Callable[[], str]) -> None:
    url = new_postgres()
    heard = Count()
    bell = Bell(Notifier(url))
    with Ears(url, heard):
        until(lambda: heard.times == 1)
        bell.ring()
        until(lambda: heard.times == 2)
        cut(url)
        until(lambda: heard.times == 3)  # what was missed meanwhile may have been anything
        bell.ring()
        until(lambda: heard.times == 4)
    bell.close()


def test_however_often_it_is_rung_meanwhile_one_more_is_told() -> None:
    slow = Slow()
    bell = Bell(slow)
    bell.ring()
    until(lambda: slow.told == 1)
    for _ in range(100):
        bell.ring()
    slow.let_go.set()
    until(lambda: slow.told == 2)
    bell.close()
    assert slow.told == 3  # the last one, for what may have been handed back


def test_ringing_waits_for_nobody() -> None:
    slow = Slow()
    bell = Bell(slow)
    began = time.monotonic()
    for _ in range(100):
        bell.ring()
    assert time.monotonic() - began < 10
    slow.let_go.set()
    bell.close()


def test_where_nobody_can_be_told_the_bell_stays_and_the_next_ring_is_told() -> None:
    away = Away(failures=5)
    bell = Bell(away)
    for left in (3, 1):
        bell.ring()
        until(lambda left=left: away.failures == left)
    bell.ring()
    until(lambda: away.told == 1)
    bell.close()


def test_a_command_that_leaves_work_wakes_the_daemons_of_its_store_and_one_that_leaves_none_does_not(
    new_postgres: Callable[[], str],
) -> None:
    url = new_postgres()
    with Stage(store=url) as stage, psycopg.connect(**connect_args(url), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        command = ["release", "--config", str(stage.config)]
        assert main(command) == 0  # no brake is engaged
        stage.plant.store.advance("engine", BRAKE, "GUARD-01: too much")
        assert main(command) == 0
        heard = [*listening.notifies(timeout=30, stop_after=1), *listening.notifies(timeout=0.1)]
    assert len(heard) == 1


@pytest.mark.parametrize("runner", [EMBEDDED, PROCRASTINATE])
def test_a_wake_up_fails_nobody(runner: str) -> None:
    ring_once(runner, "postgresql://nobody@127.0.0.1:1/nothing")
    ring_once(runner, "sqlite:///closedwon.db")
