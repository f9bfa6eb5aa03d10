"""What the CRM shows is counted from the tasks and entries and nothing else: percentages, hours, milestones, launch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dossier_desk import changed, dossier_of, task
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import TimeEntry
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from sync.core.dossier import Logged, Task
from sync.core.judgement import Basis, judge
from sync.core.rollup import progress, roll_up

TODAY = date(2026, 11, 2)
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=3)
MAPPINGS = load_mappings(DEFAULT_MAPPINGS)


def a(status: str = "not_started", due: date | None = TOMORROW, **more: Any) -> Task:
    return task("", TODAY, due, **{"status": status, "name": "Task", "estimated_hours": 2.0, **more})


def shown(
    *tasks: Task,
    tracked: int = 0,
    contracted: float | None = 10.0,
    launch: str = "",
    target: date = TOMORROW,
    **changes: Any,
) -> dict[str, Any]:
    named = [replace(each, item=f"t{number}") for number, each in enumerate(tasks)]
    plan: dict[str, Any] = {"target_launch": target, "launch_item": launch, "contracted_hours": contracted}
    known = replace(dossier_of(*named, **plan), **changes)
    if tracked:
        at = datetime(2026, 11, 1, 9, tzinfo=UTC)
        entry = TimeEntry("1", "R-1", "ada", tracked, at, at)
        known = replace(known, logged=(Logged("tracker", entry, known.key, "plan"),))
    return roll_up(judge(known, Basis(MAPPINGS, TODAY)))


def test_percentages_count_live_tasks_only() -> None:
    values = shown(a("done"), a(), a("cancelled"), a("blocked"), a("in_progress"))
    assert (values["tasks_done"], values["tasks_total"], values["percent_complete"]) == (1, 4, 25)


def test_an_onboarding_without_live_tasks_is_at_nought_percent() -> None:
    assert shown(a("cancelled"))["percent_complete"] == 0
    assert shown()["percent_complete"] == 0


@pytest.mark.parametrize(
    ("tasks", "tracked", "status"),
    [
        ([a(), a()], 0, "not_started"),
        ([a(), a()], 60, "in_progress"),
        ([a("done"), a()], 0, "in_progress"),
        ([a("done"), a("cancelled")], 0, "launched"),
        ([a("cancelled")], 0, "not_started"),
    ],
)
def test_the_status_follows_the_tasks(tasks: list[Task], tracked: int, status: str) -> None:
    assert shown(*tasks, tracked=tracked)["status"] == status


@pytest.mark.parametrize(
    ("tasks", "tracked", "health", "reason"),
    [
        ([a()], 0, "green", "Nothing is late or short."),
        ([a(due=YESTERDAY)], 0, "red", "1 of 1 open tasks are overdue"),
        ([a("done", YESTERDAY)], 0, "green", "Nothing is late or short."),
        ([a(due=YESTERDAY), *[a()] * 9], 0, "amber", "1 of 10 open tasks are overdue"),
        ([a(due=YESTERDAY), *[a()] * 10], 0, "green", "Nothing is late or short."),
        ([a()], 36_000, "amber", "10 of 10 contracted hours are used (100%)"),
        ([a()], 36_036, "red", "10.01 of 10 contracted hours are used (100%)"),
        ([a(due=None)], 0, "green", "Nothing is late or short."),
    ],
)
def test_health_and_its_reason_are_those_of_the_published_rules(
    tasks: list[Task], tracked: int, health: str, reason: str
) -> None:
    values = shown(*tasks, tracked=tracked)
    assert (values["health"], values["health_reason"]) == (health, reason)


def test_the_launch_milestone_says_when_the_launch_is_and_when_it_is_done() -> None:
    launch = a(due=YESTERDAY, milestone=True)
    late = shown(launch, a(), launch="t0")
    assert (late["health"], late["status"]) == ("red", "not_started")
    values = shown(replace(launch, status="done", done_on=YESTERDAY), a(), launch="t0")
    assert (values["health"], values["status"], values["target_launch"]) == ("green", "launched", YESTERDAY)
    assert (values["forecast_launch"], values["forecast_launch_p80"]) == (YESTERDAY, YESTERDAY)


def test_a_launch_that_nobody_saw_is_one_all_the_same_and_its_day_is_not_invented() -> None:
    values = shown(a("done", YESTERDAY, milestone=True), a(), launch="t0")
    assert (values["status"], values["health"], values["forecast_launch"]) == ("launched", "green", None)


def test_a_plan_whose_launch_day_has_passed_is_red_until_all_is_done() -> None:
    assert shown(a(), target=YESTERDAY)["health"] == "red"
    assert shown(a("done"), target=YESTERDAY)["health"] == "green"


def test_hours_left_are_those_contracted_less_those_tracked_and_unknown_without_a_contract() -> None:
    assert shown(a(), tracked=5400)["hours_remaining"] == 8.5
    assert shown(a(), tracked=43_200)["hours_remaining"] == -2
    assert shown(a(), contracted=None)["hours_remaining"] is None
    assert shown(a(), a("cancelled"))["hours_estimated"] == 2


def test_hours_at_completion_are_forecast_only_by_what_was_learned_and_after_the_launch_by_what_is_left() -> None:
    assert shown(a(), tracked=5400)["hours_forecast"] is None
    launched = shown(a("done", milestone=True, estimated_hours=0.0), a(), launch="t0", tracked=5400)
    assert launched["hours_forecast"] == 3.5
    assert shown(a("done"), tracked=5400)["hours_forecast"] == 1.5


def test_the_next_milestone_is_the_first_open_one() -> None:
    values = shown(
        a("done", YESTERDAY, milestone=True, name="Kick-off"),
        a(due=TOMORROW + timedelta(days=9), milestone=True, name="Review"),
        a(milestone=True, name="Design"),
        a(due=TODAY, name="No milestone"),
    )
    assert (values["next_milestone"], values["next_milestone_date"]) == ("Design", TOMORROW)


def test_days_lost_are_told_by_court_for_whoever_maps_them() -> None:
    late = task("", date(2026, 10, 26), date(2026, 10, 27), audience="customer")
    values = shown(late, history=(changed(date(2026, 10, 26), "t0", "status", "not_started", "in_progress"),))
    assert (values["days_lost_customer"], values["days_lost_us"], values["days_lost_carrier"]) == (4, 0, 0)


def test_every_field_of_the_usual_mapping_has_a_value_of_ours() -> None:
    links = {"plan_id", "plan_url", "sheet_id", "sheet_url"}
    assert {rule.name for rule in MAPPINGS.onboarding.rules} - links <= shown(a()).keys()


@given(
    st.integers(0, 86_400),
    st.lists(st.sampled_from(["not_started", "in_progress", "blocked", "done", "cancelled"]), max_size=12),
)
def test_every_live_task_is_counted_once(tracked: int, states: list[str]) -> None:
    counted = progress(dossier_of(*(task(f"t{n}", status=state) for n, state in enumerate(states))))
    assert counted.total == sum(state != "cancelled" for state in states)
    assert counted.done == states.count("done")
    assert shown(*(a(state) for state in states), tracked=tracked)["hours_tracked"] == round(tracked / 3600, 2)
