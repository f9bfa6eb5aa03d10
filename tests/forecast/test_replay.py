"""Forecasts of launches and hours, back-tested on lives that they know nothing of beforehand."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from statistics import mean

import pytest
from forecast_desk import BEGIN, CALENDAR, PARTS, life, one

from mappings.practice import Court
from sync.core.dossier import Dossier
from sync.core.experience import Experience, finished_tasks, network
from sync.core.forecast import billable_hours, forecast, forecast_launch
from sync.core.hindsight import as_of
from sync.core.pace import ENOUGH
from sync.core.replay import Lived, latest, replay


@pytest.fixture(scope="module")
def year() -> tuple[Dossier, ...]:
    """A hundred onboardings, all launched."""
    return life(100)


@pytest.fixture(scope="module")
def lived(year: tuple[Dossier, ...]) -> Lived:
    return replay(year, CALENDAR)


def test_p80_covers_70_to_90_in_a_hundred_launches_and_p50_about_half(lived: Lived) -> None:
    said = lived.launches
    assert len(said) > 280
    assert 0.40 <= mean(one.actual <= one.said.p50 for one in said) <= 0.60
    assert 0.70 <= mean(one.actual <= one.said.p80 for one in said) <= 0.90
    error = mean(abs(one.actual - one.said.p50) for one in said)
    assert error < 0.6 * mean(abs(one.actual - one.estimate) for one in said)
    assert error < 0.6 * mean(abs(one.actual - one.mean_ratio) for one in said)


def test_hours_at_completion_are_covered_as_promised(lived: Lived) -> None:
    said = lived.hours
    assert len(said) > 280
    assert 0.40 <= mean(one.actual <= one.said.p50 for one in said) <= 0.60
    assert 0.70 <= mean(one.actual <= one.said.p80 for one in said) <= 0.90


def test_every_outcome_moves_the_level_that_the_next_forecast_is_read_at(lived: Lived) -> None:
    moved = sum(0.5 - (one.actual <= one.said.p50) for one in lived.launches)
    assert moved != 0
    assert lived.experience.launch_aims[0].level == pytest.approx(0.5 + 0.03 * moved)


def test_a_replay_gives_the_same_whatever_the_order_it_gets(year: tuple[Dossier, ...]) -> None:
    some = year[:10]
    assert replay(some[::-1], CALENDAR).launches == replay(some, CALENDAR).launches


def test_onboardings_that_come_later_change_no_forecast_of_before(year: tuple[Dossier, ...]) -> None:
    some, day = year[:14], sorted(known.actual_launch or date.max for known in year[:14])[8]
    until = [known for known in some if (known.actual_launch or date.max) <= day]
    whole = [each for each in replay(some, CALENDAR).launches if any(each.task == k.key for k in until)]
    kept = {(each.task, each.group) for each in whole}
    alone = [each for each in replay(until, CALENDAR).launches if (each.task, each.group) in kept]
    begun = min(known.kickoff or date.max for known in some if known not in until)
    same = [each.said for each in whole if each.day <= begun]
    assert same == [each.said for each in alone if each.day <= begun]


def test_only_what_launched_last_is_kept(year: tuple[Dossier, ...]) -> None:
    launches = sorted((known.actual_launch or date.max, known.key) for known in year)
    assert [known.key for known in latest(year, 10)] == [key for _, key in launches[-10:]]
    assert latest([as_of(year[0], BEGIN)]) == ()


def test_a_forecast_before_there_is_enough_says_so_and_nothing_else(year: tuple[Dossier, ...]) -> None:
    experience = replay(year[:1], CALENDAR).experience
    found = forecast(as_of(year[50], BEGIN + timedelta(days=210)), experience, BEGIN + timedelta(days=210), CALENDAR)
    assert not found.enough
    assert found.why_not == f"not enough data ({len(PARTS)} finished tasks; {ENOUGH} needed)"
    assert (found.p50, found.p80, found.in_time, found.critical, found.hours_p50) == (None, None, None, (), None)
    assert forecast_launch(as_of(year[50], BEGIN), Experience(), BEGIN, CALENDAR) is None


def test_an_onboarding_under_way_is_explained(year: tuple[Dossier, ...], lived: Lived) -> None:
    known = year[99]
    assert known.kickoff is not None
    today = CALENDAR.add(known.kickoff, 25)
    then = as_of(known, today)
    found = forecast(then, lived.experience, today, CALENDAR)
    assert found.p50 is not None
    assert found.p80 is not None
    assert today <= found.p50 <= found.p80
    assert found.critical[-1].item == "launch"
    assert [link.ends for link in found.critical] == sorted(link.ends for link in found.critical)
    open_items = {task.item for task in then.tasks if task.open}
    assert {link.item for link in found.critical} <= open_items
    assert found.causes
    assert all(cause.days > 0 for cause in found.causes)
    customers = {part.item for part in PARTS if part.audience == "customer"}
    assert all((cause.court is Court.CUSTOMER) == (cause.item in customers) for cause in found.causes)
    assert sum(found.lost.values()) >= sum(cause.days for cause in found.causes)
    assert found.hours_p50 is not None
    assert found.hours_p80 is not None
    assert billable_hours(then) < found.hours_p50 <= found.hours_p80
    assert forecast(then, lived.experience, today, CALENDAR) == found
    assert forecast_launch(then, lived.experience, today, CALENDAR) == found.p50


def test_a_target_far_off_is_met_and_one_of_tomorrow_is_not(year: tuple[Dossier, ...], lived: Lived) -> None:
    then, today = as_of(year[99], year[99].kickoff or BEGIN), year[99].kickoff or BEGIN

    def chance(target: date) -> float | None:
        tasks = tuple(replace(task, due_target=target) if task.item == "launch" else task for task in then.tasks)
        return forecast(replace(then, tasks=tasks), lived.experience, today, CALENDAR).in_time

    assert chance(CALENDAR.add(today, 400)) == 1.0
    assert chance(CALENDAR.add(today, 1)) == 0.0
    chances = [chance(CALENDAR.add(today, days)) or 0.0 for days in range(20, 120, 10)]
    assert chances == sorted(chances)


def test_a_customer_who_is_slow_so_far_is_forecast_later(lived: Lived) -> None:
    dice = random.Random(9)
    quick = one("006q", BEGIN, dice, mood=0.0, luck=0.0)
    day = max(task.done_on or BEGIN for task in quick.tasks if task.item in {"goals", "access"})
    then = as_of(quick, day)
    began = CALENDAR.between(BEGIN, day)
    late = [
        replace(task, done_on=CALENDAR.add(BEGIN, 2 * CALENDAR.between(BEGIN, task.done_on))) if task.done_on else task
        for task in then.tasks
    ]
    slow = replace(then, tasks=tuple(late))
    later = CALENDAR.add(BEGIN, 2 * began)
    on_time = forecast(then, lived.experience, day, CALENDAR).p50
    delayed = forecast(slow, lived.experience, later, CALENDAR).p50
    assert on_time is not None
    assert delayed is not None
    assert CALENDAR.between(later, delayed) > 1.1 * CALENDAR.between(day, on_time)


def test_a_launched_onboarding_is_told_as_a_fact(year: tuple[Dossier, ...], lived: Lived) -> None:
    found = forecast(year[0], lived.experience, date(2027, 6, 1), CALENDAR)
    assert found.launched == year[0].actual_launch
    assert found.p50 is None
    assert forecast_launch(year[0], lived.experience, date(2027, 6, 1), CALENDAR) == year[0].actual_launch


def test_what_only_waits_for_others_begins_early_when_they_end_early() -> None:
    known = one("006e", BEGIN, random.Random(2), mood=0.0, luck=0.0)
    early = tuple(
        replace(task, done_on=BEGIN) if task.item in {"handoff", "review", "people"} else task for task in known.tasks
    )
    begins = {node.item: node.floor for node in network(replace(known, tasks=early), BEGIN, CALENDAR).nodes}
    assert begins["kickoff"] is None
    assert begins["handoff"] == -1
    fixed = date(2026, 2, 2)
    put_off = tuple(replace(task, start_target=fixed) if task.item == "kickoff" else task for task in known.tasks)
    moved = {node.item: node.floor for node in network(replace(known, tasks=put_off), BEGIN, CALENDAR).nodes}
    assert moved["kickoff"] == CALENDAR.between(BEGIN, fixed) - 1


def test_a_cause_is_what_a_task_took_beyond_its_planned_days(lived: Lived) -> None:
    known = one("006c", BEGIN, random.Random(2), mood=0.0, luck=0.0)
    tasks = tuple(
        replace(task, done_on=CALENDAR.add(task.done_on, 10)) if task.item == "people" and task.done_on else task
        for task in known.tasks
    )
    day = CALENDAR.add(BEGIN, 15)
    late = as_of(replace(known, tasks=tasks), day)
    late = replace(
        late, tasks=tuple(next(t for t in tasks if t.item == "people") if t.item == "people" else t for t in late.tasks)
    )
    found = forecast(late, lived.experience, day, CALENDAR)
    (cause,) = [cause for cause in found.causes if cause.item == "people"]
    # Three days were planned; five and ten more were taken, the day of the kickoff among them.
    assert (cause.days, cause.open, cause.court) == (13, False, Court.CUSTOMER)


def test_hours_that_nobody_pays_for_are_not_forecast(year: tuple[Dossier, ...], lived: Lived) -> None:
    day = CALENDAR.add(year[99].kickoff or BEGIN, 20)
    then = as_of(year[99], day)
    free = replace(then, tasks=tuple(replace(task, billable=False) for task in then.tasks))
    found = forecast(free, lived.experience, day, CALENDAR)
    assert (found.hours_p50, found.hours_p80) == (0.0, 0.0)


def test_a_task_done_before_it_was_its_turn_took_no_days() -> None:
    known = one("006e", BEGIN, random.Random(2), mood=0.0, luck=0.0)
    early = tuple(replace(task, done_on=BEGIN) if task.item == "train" else task for task in known.tasks)
    tasks = {task.task: task.days for task in finished_tasks(replace(known, tasks=early), date(2026, 12, 1), CALENDAR)}
    assert tasks["train"] == 0
    assert tasks["configure"] == 8
