from __future__ import annotations

import pytest

from connectors.errors import Paused
from connectors.pace import Pace
from sync.work import Gate


class Watch:
    """Virtual seconds; sleeping moves them."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def gate(watch: Watch) -> Gate:
    return Gate("tracker", Pace(), clock=watch, sleep=watch.sleep, trip=3, pause=10, longest=35)


def call(gate: Gate, status: int, headers: dict[str, str] | None = None) -> None:
    gate.before("GET /x")
    gate.after("GET /x", status, headers or {}, 0.1)


def test_an_open_gate_lets_calls_and_refusals_pass(gate: Gate) -> None:
    for status in (200, 400, 404, 409, 200):
        call(gate, status)
    assert gate.closed_for == 0


def test_failures_in_a_row_close_it_and_single_ones_do_not(gate: Gate) -> None:
    for status in (500, 0, 200, 503, 0):
        call(gate, status)
    assert gate.closed_for == 0
    call(gate, 502)
    assert gate.closed_for == 10
    with pytest.raises(Paused) as refused:
        gate.before("GET /x")
    assert (refused.value.code, refused.value.delay) == ("PAUSED-01", 10)


def test_after_the_pause_one_call_tries_while_the_others_wait(gate: Gate, watch: Watch) -> None:
    for _ in range(3):
        call(gate, 500)
    watch.now += 10
    gate.before("GET /x")
    with pytest.raises(Paused):
        gate.before("GET /y")
    gate.after("GET /x", 200, {}, 0.1)
    call(gate, 200)
    assert gate.closed_for == 0


def test_each_failed_try_doubles_the_pause_up_to_the_longest(gate: Gate, watch: Watch) -> None:
    for _ in range(3):
        call(gate, 500)
    pauses = []
    for _ in range(4):
        watch.now += gate.closed_for
        call(gate, 0)
        pauses.append(gate.closed_for)
    assert pauses == [20, 35, 35, 35]
    watch.now += gate.closed_for
    call(gate, 200)
    for _ in range(3):
        call(gate, 500)
    assert gate.closed_for == 10


def test_what_one_thread_is_asked_to_wait_all_wait(gate: Gate, watch: Watch) -> None:
    call(gate, 429, {"Retry-After": "4"})
    call(gate, 200)
    call(gate, 200)
    assert watch.slept == [4]


def test_a_stopped_gate_lets_nothing_pass(gate: Gate) -> None:
    gate.stop()
    with pytest.raises(Paused) as refused:
        gate.before("GET /x")
    assert refused.value.code == "STOPPING-01"
