"""The pace of a connection: a token bucket's arithmetic on virtual time, its patience, its counts, its threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.errors import TryLater
from connectors.pace import Pace


class Time:
    """A clock that only sleeping (and the test) moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pace(self, per_minute: float, **parts: Any) -> Pace:
        return Pace(per_minute, clock=self.read, sleep=self.sleep, **parts)


@pytest.fixture
def time() -> Time:
    return Time()


def test_a_burst_passes_at_once_and_then_one_unit_a_second(time):
    pace = time.pace(60)
    for _ in range(10):
        pace.before("GET /thing")
    assert time.slept == []
    for _ in range(3):
        pace.before("GET /thing")
    assert time.slept == [1.0, 1.0, 1.0]


def test_a_heavy_call_costs_what_it_costs(time):
    pace = time.pace(300)
    pace.before("POST /copy", 10)
    pace.before("POST /copy", 10)
    pace.before("GET /thing")
    assert time.slept == [2.0, pytest.approx(0.2)]


def test_what_is_not_used_fills_up_to_the_burst_and_no_further(time):
    pace = time.pace(60, burst=20)
    for _ in range(20):
        pace.before("GET /thing")
    time.now += 5
    for _ in range(5):
        pace.before("GET /thing")
    assert time.slept == []
    time.now += 3600
    for _ in range(20):
        pace.before("GET /thing")
    assert time.slept == []
    pace.before("GET /thing")
    assert time.slept == [1.0]


def test_over_an_hour_no_more_passes_than_was_agreed(time):
    pace = time.pace(300)
    passed = 0
    while time.now < 4600.0:
        pace.before("GET /thing", 1 + passed % 3)
        passed += 1
    units = sum(1 + number % 3 for number in range(passed))
    assert units == pytest.approx(300 * 60 + 10, abs=3)


def test_no_limit_means_no_wait(time):
    pace = time.pace(0)
    for _ in range(10_000):
        pace.before("GET /thing", 10)
    assert (time.slept, pace.total) == ([], 10_000)


def test_a_wait_beyond_patience_is_told_and_neither_slept_nor_counted_nor_charged(time):
    pace = time.pace(60, patience=5)
    for _ in range(15):
        pace.before("GET /thing")
    assert time.slept == [1.0] * 5
    with pytest.raises(TryLater) as caught:
        pace.before("POST /copy", 10)
    assert (caught.value.code, caught.value.delay, caught.value.scope) == ("PACE-01", 10.0, "connection")
    assert (time.slept, pace.calls) == ([1.0] * 5, {"GET /thing": 15})
    pace.before("GET /thing")
    assert time.slept == [1.0] * 6, "the call that was put off took nobody's place"


def test_a_small_burst_still_lets_one_heavy_call_through(time):
    pace = time.pace(60, burst=1)
    pace.before("POST /copy", 10)
    assert time.slept == []


def test_threads_get_their_places_one_after_the_other_and_none_is_given_twice():
    waits: list[float] = []
    pace = Pace(60, patience=1e9, clock=lambda: 0.0, sleep=waits.append)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pace.before("GET /thing"), range(410)))
    assert sorted(waits) == [float(number) for number in range(1, 401)]
    assert pace.calls == {"GET /thing": 410}


def test_calls_and_failures_are_counted_by_endpoint(time):
    pace = time.pace(0)
    for status in (200, 204, 302, 400, 429, 503, 0):
        pace.before("GET /thing")
        pace.after("GET /thing", status, {}, 0.1)
    pace.before("PUT /thing")
    pace.after("PUT /thing", 200, {}, 0.1)
    assert (pace.calls, pace.failures, pace.total) == ({"GET /thing": 7, "PUT /thing": 1}, {"GET /thing": 4}, 8)


@pytest.mark.parametrize(
    ("header", "remaining"),
    [
        ("api-usage=18/5000", 4982),
        ("api-usage=18/5000; per-app-api-usage=17/250(appName=closedwon)", 4982),
        ("api-usage=5100/5000", -100),
        ("api-usage=many/5000", None),
        ("api-usage=", None),
        ("", None),
    ],
)
def test_what_the_vendor_says_is_left_is_kept(time, header, remaining):
    pace = time.pace(0)
    pace.after("GET /thing", 200, {"Sforce-Limit-Info": header} if header else {}, 0.1)
    assert pace.remaining == remaining


def test_an_answer_that_says_nothing_of_the_allotment_leaves_what_is_known(time):
    pace = time.pace(0)
    pace.after("GET /thing", 200, {"Sforce-Limit-Info": "api-usage=18/5000"}, 0.1)
    pace.after("GET /thing", 500, {}, 0.1)
    assert pace.remaining == 4982
