"""How fast hours are used, what they come to, and by when they are used up: read off the entries alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hours_world import TODAY, ago, book, logged
from hypothesis import given
from hypothesis import strategies as st

from mappings.hours import Rollover, Terms
from sync.core.burn import Exhaustion, burn, exhaustion, seconds_at_completion, weekly
from sync.core.dossier import Task
from sync.core.hours import Ledger

H = 3600


def worked(*weeks: float) -> Ledger:
    """Return a ledger with these hours in the weeks that end today, the last week last."""
    days = [ago(7 * back + 3) for back in reversed(range(len(weeks)))]
    return book(*(logged(round(h * H), day, number=n) for n, (h, day) in enumerate(zip(weeks, days, strict=True)) if h))


def task(status: str = "not_started", *, estimate: float, item: str = "build", billable: bool = True) -> Task:
    words = dict.fromkeys(("name", "phase", "owner", "role"), "x")
    dates = dict.fromkeys(("start_target", "due_target", "baseline_start", "baseline_due"))
    return Task(
        **words,
        **dates,
        item=item,
        status=status,
        audience="both",
        milestone=False,
        critical=False,
        estimated_hours=estimate,
        tracked_seconds=0,
        depends_on=(),
        billable=billable,
    )


def test_burn_is_that_of_the_last_four_weeks_or_of_fewer() -> None:
    assert burn(worked(), TODAY).weeks == 0
    assert (burn(worked(8), TODAY).hours_per_week, burn(worked(8), TODAY).weeks) == (8, 1)
    assert burn(worked(100, 4, 4, 4, 8), TODAY).hours_per_week == 5
    assert weekly(worked(2, 0, 6), TODAY) == (2 * H, 0, 6 * H)


def test_at_completion_is_what_was_charged_and_what_open_estimates_leave() -> None:
    ledger = worked(4)  # all of it on `build`
    assert seconds_at_completion([], ledger) == 4 * H
    assert seconds_at_completion([task(estimate=10)], ledger) == 10 * H
    assert seconds_at_completion([task(estimate=10, item="other")], ledger) == 14 * H
    assert seconds_at_completion([task(estimate=2)], ledger) == 4 * H
    assert seconds_at_completion([task("cancelled", estimate=10), task(estimate=5, billable=False)], ledger) == 4 * H


def test_estimates_are_corrected_by_what_finished_tasks_took() -> None:
    done = task("done", estimate=8)  # it took twice that; half is believed, since eight hours stand against it
    assert seconds_at_completion([done, task(estimate=10, item="other")], worked(16)) == (16 + 15) * H


def test_time_that_is_rejected_uses_no_estimate_up() -> None:
    ledger = book(logged(30 * H), logged(2 * H, number=2))
    assert seconds_at_completion([task(estimate=10)], ledger) == 10 * H


def test_steady_work_uses_hours_up_on_the_day_that_division_gives() -> None:
    found = exhaustion(worked(5, 5, 5), Terms(25), at_completion=None, today=TODAY)
    assert found == Exhaustion(TODAY + timedelta(days=14), TODAY + timedelta(days=14))


def test_unsteady_work_may_last_longer() -> None:
    found = exhaustion(worked(1, 9, 5), Terms(35), at_completion=None, today=TODAY)
    assert found.p50 == TODAY + timedelta(days=28)
    assert found.p80 is not None
    assert found.p80 > found.p50


def test_work_that_ends_before_leaves_no_day_of_exhaustion() -> None:
    found = exhaustion(worked(5, 5, 5), Terms(40), at_completion=30 * H, today=TODAY)
    assert found == Exhaustion(why="they last until the work ends")


@pytest.mark.parametrize(
    ("ledger", "terms", "why"),
    [
        (worked(5, 5, 5), Terms(), "no contracted hours are known"),
        (worked(5, 5), Terms(100), "not enough data (2 weeks with time; 3 needed)"),
        (worked(), Terms(100), "not enough data (0 weeks with time; 3 needed)"),
    ],
)
def test_without_enough_to_go_by_no_day_is_invented(ledger: Ledger, terms: Terms, why: str) -> None:
    assert exhaustion(ledger, terms, at_completion=None, today=TODAY) == Exhaustion(why=why)


def test_hours_that_are_used_up_are_used_up_today() -> None:
    assert exhaustion(worked(5, 5, 5), Terms(15), at_completion=None, today=TODAY).p50 == TODAY


def test_a_monthly_allotment_that_outgrows_the_burn_is_never_used_up() -> None:
    start = date(2026, 10, 1)
    plenty = Terms(40, per="month", start=start, rollover=Rollover("all"))
    assert exhaustion(worked(5, 5, 5), plenty, at_completion=None, today=TODAY).p50 is None
    scarce = replace(plenty, hours=15)
    found = exhaustion(worked(5, 5, 5, 5), scarce, at_completion=None, today=TODAY)
    assert found.p50 is not None
    assert found.p50 > TODAY + timedelta(days=14)


@given(st.lists(st.integers(0, 20), min_size=3, max_size=12), st.integers(1, 400), st.none() | st.integers(0, 500))
def test_p80_never_comes_before_p50_and_the_same_question_has_the_same_answer(
    weeks: list[int], hours: int, end: int | None
) -> None:
    ledger = worked(*weeks)
    at = None if end is None else max(end * H, ledger.charged)
    found = exhaustion(ledger, Terms(hours), at_completion=at, today=TODAY)
    assert found == exhaustion(ledger, Terms(hours), at_completion=at, today=TODAY)
    assert found.p80 is None or (found.p50 is not None and TODAY <= found.p50 <= found.p80)
