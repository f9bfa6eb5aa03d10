"""A calendar file moves what has moved since the last one and cancels what is gone, and the same store gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import icalendar
import pytest
from dossier_desk import dossier_of
from notices_desk import Clock
from reports_desk import TODAY, look, shared

from sync.core.dossier import Task
from sync.reports.catalog import Audience, of_one
from sync.reports.issued import issue
from sync.reports.render import Format, render
from sync.reports.views import Asked
from sync.store import Store

TRAINING = shared("train", TODAY + timedelta(days=1), TODAY + timedelta(days=7), role="trainer", estimated_hours=8.0)
LIVE = shared("live", TODAY + timedelta(days=9), TODAY + timedelta(days=9), milestone=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: str, clock: Clock) -> Iterator[Store]:
    with Store.open(database, clock=clock) as opened:
        yield opened


def file(store: Store, clock: Clock, *tasks: Task, day: date = TODAY) -> bytes:
    page = of_one("calendar", Audience.CUSTOMER, look(dossier_of(*tasks, account="Acme")), Asked())
    dates = issue(store, "deal", Audience.CUSTOMER, page.dates, day=day, now=clock())
    clock.advance(hours=1)
    return render(replace(page, dates=dates), Format.ICS)


def events(content: bytes) -> dict[str, tuple[Any, ...]]:
    parsed = icalendar.Calendar.from_ical(content)
    assert parsed["method"] == "PUBLISH"
    return {
        str(each["summary"]): (each["sequence"], str(each["status"]), each["dtstart"].dt, each["dtstamp"].dt)
        for each in parsed.walk("VEVENT")
    }


def test_a_session_that_is_gone_is_cancelled_one_that_moved_is_raised_and_the_same_store_gives_the_same_bytes(
    store: Store, clock: Clock
) -> None:
    first = file(store, clock, TRAINING, LIVE)
    assert file(store, clock, TRAINING, LIVE) == first
    before = events(first)
    assert [each[:2] for each in before.values()] == [(0, "CONFIRMED")] * 3
    at = clock()
    less = file(store, clock, replace(TRAINING, estimated_hours=3.0), LIVE)  # one session: no history tells of that
    then = events(less)
    assert then["Live"] == before["Live"]
    assert then["Train"] == (1, "CONFIRMED", before["Train (1 of 2)"][2], at)
    assert then["Train (2 of 2)"] == (1, "CANCELLED", before["Train (2 of 2)"][2], at)
    uids = [[str(each["uid"]) for each in icalendar.Calendar.from_ical(one).walk("VEVENT")] for one in (first, less)]
    assert uids[0] == uids[1]
    assert file(store, clock, replace(TRAINING, estimated_hours=3.0), LIVE) == less
    again = events(file(store, clock, TRAINING, LIVE))
    assert {name: each[:2] for name, each in again.items()} == {
        "Live": (0, "CONFIRMED"),
        "Train (1 of 2)": (2, "CONFIRMED"),
        "Train (2 of 2)": (2, "CONFIRMED"),
    }


def test_what_is_gone_is_told_until_its_day_has_passed_and_what_passed_is_not_taken_back(
    store: Store, clock: Clock
) -> None:
    file(store, clock, TRAINING, LIVE)
    assert sorted(events(file(store, clock, LIVE))) == ["Live", "Train (1 of 2)", "Train (2 of 2)"]
    passed = TODAY + timedelta(days=8)
    assert sorted(events(file(store, clock, LIVE, day=passed))) == ["Live"]
    assert events(file(store, clock, day=passed))["Live"][:2] == (1, "CANCELLED")
    assert events(file(store, clock, TRAINING, day=passed))["Train (1 of 2)"][:2] == (2, "CONFIRMED")
