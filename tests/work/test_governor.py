from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Paused, TryLater
from connectors.pace import Pace
from sync.core.model import Priority
from sync.core.unattended import Rate
from sync.governor import Governor, Urgency
from sync.store import Store

RATE = Rate(per_minute=60, burst=10)


class Time:
    """One time for stores and governors; sleeping moves it."""

    def __init__(self) -> None:
        self.passed = 0.0

    def seconds(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 9, tzinfo=UTC) + timedelta(seconds=self.passed)

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def process(database: str, time: Time) -> Iterator[Callable[..., Governor]]:
    """Make the governor of one more process on the same store."""
    stores = []

    def make(priority: int = Priority.LIVE, *, reserve: int = 0, patience: float = 120.0) -> Governor:
        stores.append(Store.open(database, clock=time.now))
        return Governor(
            "sheets",
            Pace(),
            purse=stores[-1],
            rate=RATE,
            reserve=reserve,
            urgency=Urgency(priority),
            sleep=time.sleep,
            patience=patience,
            clock=time.seconds,
        )

    yield make
    for store in stores:
        store.close()


def test_two_processes_together_keep_to_one_pace(process: Callable[..., Governor], time: Time) -> None:
    one, two = process(), process()
    for _ in range(35):
        one.before("GET /x")
        two.before("GET /x")
    assert time.passed == pytest.approx(60, abs=1)


def test_a_backfill_leaves_half_of_the_burst_to_live_work(process: Callable[..., Governor], time: Time) -> None:
    live, backfill = process(), process(Priority.BACKFILL)
    for _ in range(5):
        backfill.before("GET /x")
    assert time.passed == 0
    backfill.before("GET /x")
    assert time.passed > 0
    waited = time.passed
    for _ in range(5):
        live.before("GET /x")
    assert time.passed == waited


def test_a_wait_beyond_patience_is_left_to_later(process: Callable[..., Governor]) -> None:
    governor = process(patience=2)
    for _ in range(11):
        governor.before("GET /x")
    with pytest.raises(TryLater, match="used up the pace for sheets"):
        governor.before("GET /heavy", 10)


def test_the_daily_reserve_is_left_to_other_programs_and_asked_for_again_later(
    process: Callable[..., Governor], time: Time
) -> None:
    backfill, live = process(Priority.BACKFILL, reserve=1000), process(reserve=1000)
    for governor in (backfill, live):
        governor.before("GET /x")
        governor.after("GET /x", 200, {"Sforce-Limit-Info": "api-usage=14100/15000"}, 0.1)
    live.before("GET /x")
    with pytest.raises(Paused) as refused:
        backfill.before("GET /x")
    assert refused.value.code == "QUOTA-01"
    time.sleep(901)
    backfill.before("GET /x")
