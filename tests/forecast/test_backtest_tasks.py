"""A back-test knows nothing of the future, promises what it keeps, and beats the two naive ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from forecast_desk import CALENDAR, lines

from sync.core.backtest import backtest, score, scores
from sync.core.effort import read_effort
from sync.core.pace import DAYS, ENOUGH, HOURS, Finished, Known, Learner, Measure, Pace, enough, learn


@pytest.fixture(scope="module")
def history() -> tuple[Finished, ...]:
    """Twelve hundred tasks of a firm that got slower halfway."""
    return read_effort("\n".join(lines(1200)).encode(), calendar=CALENDAR).tasks


@pytest.mark.parametrize("measure", [HOURS, DAYS])
def test_p50_and_p80_cover_what_they_promise_and_the_error_beats_both_naive_ways(
    history: tuple[Finished, ...], measure: Measure
) -> None:
    found = scores(backtest(history, measure, CALENDAR), measure.hair)
    whole = found[0]
    assert whole.count > 1100
    assert {one.name for one in found} >= {"all", "last 70%", "last 50%", "last 30%", "PC0", "PC1", "PC2"}
    for one in found[:4]:
        assert 0.45 <= one.p50 <= 0.55, one
        assert 0.75 <= one.p80 <= 0.85, one
    assert whole.error < min(whole.error_estimate, whole.error_mean_ratio)


@pytest.mark.parametrize("measure", [HOURS, DAYS])
def test_what_happens_after_a_day_changes_no_forecast_made_by_that_day(
    history: tuple[Finished, ...], measure: Measure
) -> None:
    day = history[700].known.begins
    changed = tuple(
        replace(task, hours=task.hours * 50, days=task.days * 3) if task.completed >= day else task for task in history
    )

    def until(tasks: tuple[Finished, ...]) -> list[tuple[str, float, float, float]]:
        made = backtest(tasks, measure, CALENDAR)
        return [(one.task, one.said.p50, one.said.p80, one.mean_ratio) for one in made if one.day <= day]

    # The outcome's length may tell at most that a task is still open, which the truth and the change both say here.
    assert until(changed) == until(history)
    assert len(until(history)) > 300


def test_the_order_of_the_file_changes_nothing(history: tuple[Finished, ...]) -> None:
    assert backtest(history[::-1], DAYS, CALENDAR) == backtest(history, DAYS, CALENDAR)


def test_nothing_is_forecast_before_there_is_enough_to_go_by(history: tuple[Finished, ...]) -> None:
    few = history[: ENOUGH - 1]
    pace = learn(few)
    assert pace.hours_at_completion(history[-1].known) is None
    assert pace.duration(history[-1].known) is None
    assert enough(pace.count) == f"not enough data ({ENOUGH - 1} finished tasks; {ENOUGH} needed)"
    pace.learn(history[ENOUGH])
    assert pace.hours_at_completion(history[-1].known) is not None
    assert enough(pace.count) == ""


def test_what_was_completed_on_a_day_is_known_from_the_next_day_on() -> None:
    tasks = [Finished(f"{n}", known("ada"), 8.0, 11, date(2026, 1, 12)) for n in range(ENOUGH)]
    that_day = Finished("x", known("ada", number=11), 8.0, 1, date(2026, 1, 12))
    next_day = Finished("y", known("ada", number=12), 8.0, 1, date(2026, 1, 13))
    for measure in (HOURS, DAYS):
        assert [one.task for one in backtest([*tasks, that_day, next_day], measure, CALENDAR)] == ["y"]


def known(person: str, estimate: float = 8.0, number: int = 0) -> Known:
    groups = ((), ("person", person))
    return Known(estimate, 1, date(2026, 1, 1) + timedelta(days=number), groups)


def test_a_small_group_leans_on_the_wider_one() -> None:
    pace = Pace()
    for number in range(100):
        pace.learn(Finished(f"{number}", known("ada", number=number), 8.0, 1, date(2026, 6, 1)))
    pace.learn(Finished("x", known("ben", number=100), 80.0, 1, date(2026, 6, 1)))
    lone = pace.hours_at_completion(known("ben", number=101))
    assert lone is not None
    assert lone.p50 == pytest.approx(8.0, abs=0.1)
    for number in range(60):
        pace.learn(Finished(f"b{number}", known("ben", number=101 + number), 80.0, 1, date(2026, 6, 1)))
    shown = pace.hours_at_completion(known("ben", number=200))
    assert shown is not None
    assert shown.p50 == pytest.approx(80.0, abs=0.1)
    assert pace.hours_at_completion(known("ada", number=200)).p50 == pytest.approx(8.0, abs=0.1)  # type: ignore[union-attr]


def test_durations_of_long_ago_are_forgotten_but_for_the_widest_group() -> None:
    learner = Learner(DAYS)
    for number in range(40):
        learner.learn(Finished(f"{number}", known("ada", number=number), 8.0, 90, date(2026, 6, 1)))
    for number in range(40):
        later = known("ben", number=700 + number)
        learner.learn(Finished(f"b{number}", later, 8.0, 2, later.begins))
    soon, later = learner.mixture(known("ada", number=50)), learner.mixture(known("ada", number=760))
    assert soon.upto(89.0) < 0.5
    assert later.upto(89.0) > 0.5


def test_a_miss_by_a_hair_is_counted_as_a_miss_and_told() -> None:
    tasks = [
        Finished(f"{number}", known("ada", number=2 * number), 8.0, 1, date(2026, 1, 1) + timedelta(days=2 * number))
        for number in range(400)
    ]
    whole = score("all", backtest(tasks, HOURS, CALENDAR), HOURS.hair)
    assert whole.p50 + whole.p50_hair == pytest.approx(1.0)
    assert whole.p50 == pytest.approx(0.5, abs=0.05)
    assert whole.error < HOURS.hair
