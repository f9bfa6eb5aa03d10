"""What the CRM shows is counted from the tasks and nothing else: percentages, hours, health, launch day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Fields
from mappings.hours import Terms
from sync.core.allotment import balance_of
from sync.core.rollup import progress, roll_up

TODAY = date(2026, 11, 2)
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)


def task(status: str = "not_started", **fields: Any) -> Fields:
    return {"name": "Task", "status": status, "due_target": TOMORROW, "estimated_hours": 2, **fields}


def shown(
    *tasks: Fields, tracked: int = 0, contracted: float | None = 10.0, launch: str = "", target: date = TOMORROW
) -> dict[str, Any]:
    items = {f"t{number}": fields for number, fields in enumerate(tasks)}
    return roll_up(
        key="deal",
        title="Acme",
        plan={"target_launch": target, "launch_item": launch},
        tasks=items,
        counted_seconds=tracked,
        balance=balance_of([(TODAY, tracked)], Terms(contracted), TODAY),
        contracted_hours=contracted,
        today=TODAY,
    )


def test_percentages_count_live_tasks_only() -> None:
    values = shown(task("done"), task(), task("cancelled"), task("blocked"), task("in_progress"))
    assert (values["tasks_done"], values["tasks_total"], values["percent_complete"]) == (1, 4, 25)


def test_an_onboarding_without_live_tasks_is_at_nought_percent() -> None:
    assert shown(task("cancelled"))["percent_complete"] == 0
    assert shown()["percent_complete"] == 0


@pytest.mark.parametrize(
    ("tasks", "tracked", "status"),
    [
        ([task(), task()], 0, "not_started"),
        ([task(), task()], 60, "in_progress"),
        ([task("done"), task()], 0, "in_progress"),
        ([task("done"), task("cancelled")], 0, "launched"),
        ([task("cancelled")], 0, "not_started"),
    ],
)
def test_the_status_follows_the_tasks(tasks: list[Fields], tracked: int, status: str) -> None:
    assert shown(*tasks, tracked=tracked)["status"] == status


@pytest.mark.parametrize(
    ("tasks", "tracked", "health"),
    [
        ([task()], 0, "green"),
        ([task(due_target=YESTERDAY)], 0, "amber"),
        ([task("done", due_target=YESTERDAY)], 0, "green"),
        ([task(due_target=YESTERDAY), *[task()] * 9], 0, "green"),
        ([task(due_target=YESTERDAY), *[task()] * 8], 0, "amber"),
        ([task()], 36_000, "green"),
        ([task()], 36_036, "red"),
        ([task(due_target=None)], 0, "green"),
    ],
)
def test_health_is_red_beyond_the_hours_and_amber_when_a_tenth_is_overdue(
    tasks: list[Fields], tracked: int, health: str
) -> None:
    assert shown(*tasks, tracked=tracked)["health"] == health


def test_the_launch_milestone_says_when_the_launch_is_and_when_it_is_done() -> None:
    launch = task(milestone=True, due_target=YESTERDAY)
    assert (shown(launch, task(), launch="t0")["health"], shown(launch, task(), launch="t0")["status"]) == (
        "red",
        "not_started",
    )
    done = shown({**launch, "status": "done"}, task(), launch="t0")
    assert (done["health"], done["status"], done["target_launch"]) == ("green", "launched", YESTERDAY)


def test_a_plan_whose_launch_day_has_passed_is_red_until_all_is_done() -> None:
    assert shown(task(), target=YESTERDAY)["health"] == "red"
    assert shown(task("done"), target=YESTERDAY)["health"] == "green"


def test_hours_left_are_those_contracted_less_those_tracked_and_unknown_without_a_contract() -> None:
    assert shown(task(), tracked=5400)["hours_remaining"] == 8.5
    assert shown(task(), tracked=43_200)["hours_remaining"] == -2
    assert shown(task(), contracted=None)["hours_remaining"] is None
    assert shown(task(), task("cancelled"))["hours_estimated"] == 2


def test_the_next_milestone_is_the_first_open_one() -> None:
    values = shown(
        task("done", milestone=True, due_target=YESTERDAY, name="Kick-off"),
        task(milestone=True, due_target=TOMORROW + timedelta(days=9), name="Review"),
        task(milestone=True, due_target=TOMORROW, name="Design"),
        task(due_target=TODAY, name="No milestone"),
    )
    assert (values["next_milestone"], values["next_milestone_date"]) == ("Design", TOMORROW)


@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from(["not_started", "in_progress", "blocked", "done", "cancelled"]), max_size=12),
)
def test_every_live_task_is_counted_once(tracked: int, states: list[str]) -> None:
    counted = progress({}, {str(n): task(state) for n, state in enumerate(states)}, tracked, TODAY)
    assert counted.tracked_seconds == tracked
    assert counted.total == sum(state != "cancelled" for state in states)
    assert counted.done == states.count("done")
