"""A firm's own records are read as they are: with dirt, in any of the usual forms, and with a reason for each task left out."""

from __future__ import annotations

from datetime import date

import pytest
from forecast_desk import CALENDAR

from sync.core.effort import BadHistory, Past, read_effort

SIP = "task,summary,project,subcategory,status,hours_estimated,hours_actual_task,developer,hours_actual_developer,estimated_on,started_on,completed_on"


def read(*rows: str, titles: str = SIP, **options: float) -> Past:
    return read_effort("\n".join([titles, *rows]).encode(), calendar=CALENDAR, **options)


def test_rows_of_one_task_are_one_task_with_the_hours_of_the_task() -> None:
    past = read(
        "7,Convert,P1,Bug,FINISHED,15,46.5,42,1,16-Aug-05,18-Aug-05,22-Aug-05",
        "7,Convert,P1,Bug,FINISHED,15,46.5,24,45.5,16-Aug-05,18-Aug-05,22-Aug-05",
    )
    (task,) = past.tasks
    assert (past.rows, task.task, task.hours, task.known.estimate, task.group) == (2, "7", 46.5, 15.0, "P1")
    assert (task.known.begins, task.completed) == (date(2005, 8, 18), date(2005, 8, 22))
    assert task.days == 3  # Thursday, Friday, Monday
    assert ("person", "42") in task.known.groups


def test_the_same_number_in_two_projects_is_two_tasks() -> None:
    row = "Bug,FINISHED,1,1,42,1,16-Aug-05,16-Aug-05,16-Aug-05"
    assert len(read(f"7,A,P1,{row}", f"7,B,P2,{row}").tasks) == 2


def test_without_a_total_of_the_task_its_rows_are_summed() -> None:
    titles = "Task;Estimate hours;Actual hours;Person;Group;Estimated on;Started on;Completed on"
    past = read(
        "A;4;1,5;ada;Setup;2026-01-02;2026-01-05;2026-01-05",
        "A;4;2;ben;Setup;2026-01-02;2026-01-05;2026-01-05",
        titles=titles,
    )
    (task,) = past.tasks
    assert (task.hours, task.days, task.known.days) == (3.5, 1, 1)
    assert ("person, kind, size", "ada", "Setup", "2") in task.known.groups


def test_each_task_that_is_left_out_is_counted_under_its_reason() -> None:
    past = read(
        "1,A,P,Bug,CANCELLED,1,1,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "2,B,P,Bug,CHRONICLE,1,1,42,1,16-Aug-05,16-Aug-05,",
        "3,C,P,Bug,FINISHED,0,1,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "4,D,P,Bug,FINISHED,1,0,42,0,16-Aug-05,16-Aug-05,16-Aug-05",
        "5,E,P,Bug,FINISHED,1,1,42,1,16-Aug-05,16-Aug-05,15-Aug-05",
        "6,F,P,Bug,FINISHED,x,1,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "7,G,P,Bug,FINISHED,1,-3,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "8,H,P,Bug,FINISHED,1,nan,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "9,I,P,Bug,FINISHED,1,1,42,1,,,16-Aug-05",
        ",J,P,Bug,FINISHED,1,1,42,1,16-Aug-05,16-Aug-05,16-Aug-05",
        "10,K,P,Bug,FINISHED",
        "11,L,P,Bug,FINISHED,1,1,42,1,16-Aug-05,,16-Aug-05",
    )
    assert [task.task for task in past.tasks] == ["11"]
    assert past.left_out == {
        "cancelled": 1,
        "completed before it started": 1,
        "impossible actual hours": 2,
        "no completion date": 2,
        "no estimate hours": 1,
        "no start date": 1,
        "no task number": 1,
        "zero actual hours": 1,
        "zero estimate hours": 1,
    }


@pytest.mark.parametrize(
    ("started", "completed", "begins"),
    [
        ("2026-03-02", "2026-03-14", date(2026, 3, 2)),
        ("2026-03-02T10:00:00", "2026-03-14T10:00:00", date(2026, 3, 2)),
        ("02.03.2026", "14.03.2026", date(2026, 3, 2)),
        ("25/03/2026", "26/03/2026", date(2026, 3, 25)),
        ("03/25/2026", "03/26/2026", date(2026, 3, 25)),
        ("2-Mar-2026", "14-Mar-2026", date(2026, 3, 2)),
    ],
)
def test_days_are_read_in_the_form_that_fits_most_of_a_column(started: str, completed: str, begins: date) -> None:
    titles = "task,estimate_hours,actual_hours,started_on,completed_on"
    (task,) = read(f"1,2,3,{started},{completed}", titles=titles).tasks
    assert task.known.begins == begins


def test_bytes_of_old_systems_are_read() -> None:
    row = "1,Gr\xf6\xdfe \x92,P,Bug,FINISHED,1,2,42,2,16-Aug-05,16-Aug-05,16-Aug-05"
    past = read_effort(f"{SIP}\r\n{row}\r\n".encode("latin-1"), calendar=CALENDAR)
    assert [task.hours for task in past.tasks] == [2.0]
    assert read_effort(f"{SIP}\n{row}".encode("utf-16"), calendar=CALENDAR).tasks == past.tasks


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a,b\n1,2\n", b"task,estimate\n1,2\n", bytes(range(256)) * 20])
def test_what_is_no_history_is_refused_with_what_it_lacks(data: bytes) -> None:
    with pytest.raises(BadHistory, match=r"lacks a column for .* Rename its titles to: task"):
        read_effort(data, calendar=CALENDAR)
