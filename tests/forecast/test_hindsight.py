"""An onboarding as of a day holds nothing that happened later."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest
from forecast_desk import BEGIN, CALENDAR, at, one

from sync.core.dossier import Dossier
from sync.core.hindsight import as_of, value_of
from sync.core.model import Event


@pytest.fixture(scope="module")
def life() -> Dossier:
    return one("006", BEGIN, random.Random(4), mood=0.3, luck=0.4)


def test_statuses_days_and_hours_are_those_of_the_day(life: Dossier) -> None:
    for task in life.tasks:
        assert task.done_on is not None
        then = as_of(life, task.done_on)
        before = as_of(life, task.done_on - timedelta(days=1))
        for seen, open_ in ((then, False), (before, True)):
            found = next(each for each in seen.tasks if each.item == task.item)
            assert found.open is open_
            assert found.done_on == (None if open_ else task.done_on)
            assert found.tracked_seconds == (0 if open_ else task.tracked_seconds)


def test_it_ends_at_what_is_known_now_and_begins_with_nothing_done(life: Dossier) -> None:
    assert as_of(life, date.max) == life
    first = as_of(life, BEGIN - timedelta(days=1))
    assert all(task.open and task.done_on is None and not task.tracked_seconds for task in first.tasks)
    assert first.history == first.logged == ()
    assert first.actual_launch is None


def test_a_day_that_people_moved_is_where_it_was(life: Dossier) -> None:
    old, new = life.tasks[3].due_target, date(2027, 1, 4)
    moved = Event(life.key, life.tasks[3].item, "due_target", repr(old), repr(new), "sheets", "changed")
    tasks = tuple(replace(task, due_target=new) if task is life.tasks[3] else task for task in life.tasks)
    day = BEGIN + timedelta(days=5)
    told = tuple(sorted([*life.history, (at(day), moved)], key=lambda each: each[0]))
    known = replace(life, tasks=tasks, history=told)
    assert as_of(known, day).tasks[3].due_target == new
    assert as_of(known, day - timedelta(days=1)).tasks[3].due_target == old


def test_a_task_that_was_reopened_was_done_before(life: Dossier) -> None:
    item, day = life.tasks[0].item, CALENDAR.add(BEGIN, 40)
    reopened = Event(life.key, item, "status", "'done'", "'in_progress'", "tracker", "changed")
    tasks = (replace(life.tasks[0], status="in_progress", done_on=None), *life.tasks[1:])
    known = replace(life, tasks=tasks, history=(*life.history, (at(day), reopened)))
    before = as_of(known, day - timedelta(days=1)).tasks[0]
    assert (before.status, before.done_on) == ("done", life.tasks[0].done_on)
    assert as_of(known, day).tasks[0].done_on is None


@pytest.mark.parametrize("value", ["done", "it's", 3.5, 7, True, None, date(2026, 2, 28)])
def test_a_value_of_the_history_is_read_back(value: object) -> None:
    assert value_of(repr(value)) == value


def test_a_text_that_is_no_value_is_none() -> None:
    assert value_of("datetime.datetime(2026, 1, 1)") is None
    assert value_of("") is None
    assert value_of("[1, 2]") is None
