"""What each report says: a month's books add up, a calendar moves what moved, evidence depends on facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from dossier_desk import changed, dossier_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reports_desk import KEY, MAPPINGS, TODAY, figure, look, secret, shared, table, worked

from sync.core.dossier import Task
from sync.reports.catalog import Audience, of_all, of_one
from sync.reports.insight import Insight
from sync.reports.month import books
from sync.reports.render import Format, render
from sync.reports.views import Acceptance, Asked

CUSTOMER, INTERNAL = Audience.CUSTOMER, Audience.INTERNAL
LAUNCHED = date(2026, 11, 18)
DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
MONTHS = [date(2026, number, 15) for number in range(1, 13)]


def seen(*tasks: Task, day: date = TODAY, **more: Any) -> Insight:
    return look(replace(dossier_of(*tasks, account="Acme"), **more), day)


@settings(deadline=None)
@given(
    entries=st.lists(st.tuples(DAYS, st.integers(-60, 40_000)), max_size=25),
    per=st.sampled_from(("term", "month", "quarter")),
    rollover=st.sampled_from(("none", "all", "hours 3", "periods 2")),
)
def test_every_months_books_add_up_and_follow_the_last_ones(
    entries: list[tuple[date, int]], per: str, rollover: str
) -> None:
    terms = {"terms_per": per, "terms_hours": 10.0, "terms_start": date(2026, 2, 10), "terms_rollover": rollover}
    known = worked(entries, contracted_hours=10.0, **(terms if per != "term" else {}))
    before = None
    for month in MONTHS:
        found = books(known, MAPPINGS.hours, month, date(2026, 12, 31))
        assert found.opening is not None
        assert found.granted is not None
        assert found.closing == found.opening + found.granted - found.lapsed - found.charged
        assert found.charged == sum(placed.charged for placed in found.entries)
        assert before is None or found.opening == before
        before = found.closing


def test_the_lines_of_a_statement_add_up_to_what_was_charged() -> None:
    entries = [(date(2026, 11, day), 1800 * day) for day in range(2, 12)]
    for audience in Audience:
        known = replace(worked(entries, contracted_hours=40.0), account="Acme")
        page = of_one("hours", audience, look(known), Asked(month=TODAY))
        heading, place = ("What they were used for", 1) if audience is CUSTOMER else ("Counted", 3)
        assert sum(row[place] for row in table(page, heading)) == figure(page, "Used in the month") > 0
        assert "the month is not over" in page.subtitle


def test_a_month_that_is_over_tells_no_later_hours() -> None:
    known = worked([(date(2026, 10, 31), 3600), (date(2026, 11, 1), 7200)], contracted_hours=40.0)
    page = of_one("hours", CUSTOMER, look(known), Asked(month=date(2026, 10, 3)))
    assert (figure(page, "Used in the month"), figure(page, "Left at the end")) == (1, 39)
    whole = of_all("hours", [look(known)], TODAY, Asked(month=date(2026, 10, 3)))
    assert [row[2:8] for row in table(whole, "Onboardings")] == [(40, None, 0, 1, 0, 39)]
    later = worked([], contracted_hours=40.0, kickoff=date(2026, 11, 2))
    none = of_all("hours", [look(later)], TODAY, Asked(month=date(2026, 10, 3)))
    assert table(none, "Onboardings") == []


def calendar(*tasks: Task, **more: Any) -> dict[str, Any]:
    page = of_one("calendar", CUSTOMER, seen(*tasks, **more), Asked())
    parsed = icalendar.Calendar.from_ical(render(page, Format.ICS))
    return {str(event["summary"]): event for event in parsed.walk("VEVENT")}


def test_a_calendar_has_milestones_as_days_and_trainings_as_sessions() -> None:
    milestone = shared("live", TODAY, TODAY, milestone=True)
    training = shared("train", date(2026, 11, 5), date(2026, 11, 10), role="trainer", estimated_hours=6.0)
    found = calendar(milestone, training, shared("other", TODAY, TODAY))
    assert sorted(found) == ["Live", "Train (1 of 2)", "Train (2 of 2)"]
    live = found["Live"]
    assert (live["dtstart"].dt, live["dtend"].dt) == (TODAY, TODAY + timedelta(days=1))
    sessions = [found[f"Train ({number} of 2)"] for number in (1, 2)]
    assert [each["dtstart"].dt.date() for each in sessions] == [date(2026, 11, 5), date(2026, 11, 6)]
    assert [each["duration"].dt for each in sessions] == [timedelta(hours=3)] * 2


def test_an_entry_keeps_its_uid_and_its_sequence_grows_when_it_moves() -> None:
    first = calendar(shared("live", TODAY, TODAY, milestone=True))["Live"]
    moved = shared("live", TODAY, TODAY + timedelta(days=7), milestone=True)
    history = (changed(LAUNCHED, "live", "due_target", "x", "y"), changed(LAUNCHED, "live", "owner", "x", "y"))
    then = calendar(moved, history=history)["Live"]
    assert (first["uid"], first["sequence"], then["sequence"]) == (then["uid"], 0, 1)
    assert then["dtstamp"].dt.date() == LAUNCHED
    gone = calendar(replace(moved, status="cancelled"))["Live"]
    assert gone["status"] == "CANCELLED"


def test_evidence_is_the_same_whenever_it_is_made_and_another_when_the_facts_are() -> None:
    known = secret(
        (shared("kickoff", LAUNCHED, LAUNCHED, milestone=True, status="done", done_on=LAUNCHED),), launched=True
    )
    asked = Asked(acceptance=Acceptance("Dana Field", TODAY))
    for audience in Audience:
        made = {
            day: of_one("evidence", audience, look(known, day), asked) for day in (TODAY, TODAY + timedelta(days=300))
        }
        first, later = made.values()
        for form in set(Format) - {Format.ICS}:
            assert render(first, form) == render(later, form)
        other = of_one("evidence", audience, look(known), Asked())
        assert other.blocks[-1] != first.blocks[-1]
        assert len(table(first, "Milestones")) == 2
    assert ("Deal", KEY) in table(first, "Facts")


def test_an_agenda_tells_what_changed_after_the_last_meeting_once() -> None:
    history = (
        changed(date(2026, 11, 2), "go", "status", "not_started", "in_progress"),
        changed(date(2026, 11, 3), "go", "status", "in_progress", "blocked"),
        changed(date(2026, 11, 4), "go", "status", "blocked", "done"),
        changed(date(2026, 11, 4), "back", "status", "not_started", "done"),
        changed(date(2026, 11, 5), "back", "status", "done", "not_started"),
        (
            datetime(2026, 11, 5, tzinfo=UTC),
            replace(
                changed(TODAY, "go", "due_target", "", "")[1],
                old="datetime.date(2026, 11, 6)",
                new="datetime.date(2026, 11, 9)",
            ),
        ),
    )
    asked = Asked(since=date(2026, 11, 2), meeting=TODAY)
    found = seen(shared("go", TODAY, TODAY, status="done"), shared("back", TODAY, TODAY), history=history)
    rows = table(of_one("agenda", CUSTOMER, found, asked), "Since the last meeting, 2 November 2026")
    assert rows == [
        ("Go", "Status", "In progress", "Done", date(2026, 11, 4)),
        ("Go", "Due", date(2026, 11, 6), date(2026, 11, 9), date(2026, 11, 5)),
    ]


@pytest.mark.parametrize("audience", list(Audience))
def test_an_agenda_names_what_was_agreed_before_and_is_still_open(audience: Audience) -> None:
    found = seen(
        shared("action_20261102_1", TODAY, TODAY, name="Send the list"),
        shared("action_20261102_2", TODAY, TODAY, name="Done long ago", status="done"),
    )
    page = of_one("agenda", audience, found, Asked(meeting=TODAY))
    assert [row[0] for row in table(page, "Agreed on before")] == ["Send the list"]
