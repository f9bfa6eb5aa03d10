"""No internal field reaches a customer's file: of any report, in any format, whatever the plan is like."""

from __future__ import annotations

import dataclasses
import re
import typing
from datetime import timedelta
from types import UnionType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports_desk import ASKED, MARK, ODD, TODAY, internal, look, secret, shared, text_of

from sync.core.dossier import Task
from sync.reports.catalog import FOR_CUSTOMERS, FOR_US, Audience, of_one
from sync.reports.render import Format, render
from sync.reports.views import CustomerView

STATUSES = ("not_started", "in_progress", "blocked", "done", "cancelled")
HIDDEN = ("internal", "", "team", "Customer", "BOTH")
"""Whatever is not exactly shared is hidden."""

_DAYS = st.integers(-60, 60).map(lambda days: TODAY + timedelta(days=days))


@st.composite
def _tasks(draw: st.DrawFn) -> tuple[Task, ...]:
    found = []
    for number in range(draw(st.integers(2, 5))):
        due = draw(_DAYS)
        status = draw(st.sampled_from(STATUSES))
        done = due if status == "done" else None
        more = {"status": status, "done_on": done, "milestone": draw(st.booleans())}
        more |= {"role": draw(st.sampled_from(("trainer", f"{MARK}_role")))}
        start = due - timedelta(days=draw(st.integers(0, 20)))
        if draw(st.booleans()):
            found.append(internal(number, start, due, **more, audience=draw(st.sampled_from(HIDDEN))))
        else:
            found.append(
                shared(f"shared_{number}", start, due, **more, audience=draw(st.sampled_from(["customer", "both"])))
            )
    agreed = dataclasses.replace(internal(7, TODAY, TODAY), item="action_20261102_1")
    return (
        *found,
        agreed,
        internal(8, TODAY - timedelta(days=30), TODAY - timedelta(days=20)),
        internal(9, TODAY, TODAY),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tasks=_tasks(), launched=st.booleans(), hidden=st.booleans())
def test_no_mark_of_anything_internal_is_in_any_file_for_a_customer(
    tasks: tuple[Task, ...], launched: bool, hidden: bool
) -> None:
    seen = look(secret(tasks, launched=launched, hidden_launch=hidden))
    for report in FOR_CUSTOMERS:
        if report == "evidence" and not launched:
            continue
        page = of_one(report, Audience.CUSTOMER, seen, ASKED)
        for form in Format:
            told = text_of(render(page, form)).lower()
            # A total may end in the same digits: it is of more than one task.
            assert [odd for odd in ODD if re.search(rf"(?<![\d.]){re.escape(odd)}(?!\d)", told)] == [], (report, form)
            assert MARK not in told, (report, form)


@pytest.mark.parametrize("report", sorted(FOR_US))
@pytest.mark.parametrize("form", sorted(Format))
def test_the_marks_would_be_found_if_they_were_there(report: str, form: Format) -> None:
    agreed = dataclasses.replace(internal(7, TODAY, TODAY), item="action_20261102_1")
    tasks = (internal(0, TODAY, TODAY, milestone=True, role="trainer"), agreed, shared("go", TODAY, TODAY))
    page = of_one(report, Audience.INTERNAL, look(secret(tasks, launched=True)), ASKED)
    assert MARK in text_of(render(page, form)).lower() or (form is Format.ICS and not page.dates)


ALLOWED = {
    "CustomerView": (
        "account reference day kickoff target_launch launched launch_name tasks changes since meeting hours_contracted "
        "hours_charged hours_remaining books acceptance"
    ),
    "SharedTask": (
        "uid name phase side status milestone training agreed start due done_on days_overdue your_move open hours_planned "
        "sessions revision revised"
    ),
    "Change": "day task what old new",
    "SharedBooks": "sums by_task other corrected corrected_other",
    "MonthSums": "start end over opening corrections granted lapsed charged closing issued_on corrected",
    "Acceptance": "by on",
}


def test_the_customers_allow_list_is_these_fields_and_no_other() -> None:
    """Who adds a field for customers says so here as well."""
    assert {name: " ".join(fields) for name, fields in _fields(CustomerView).items()} == ALLOWED


def test_every_report_for_customers_is_made_from_the_customers_view_alone() -> None:
    for make in FOR_CUSTOMERS.values():
        hints = typing.get_type_hints(make)
        hints.pop("return")
        assert list(hints.values()) == [CustomerView]


def _fields(kind: type) -> dict[str, tuple[str, ...]]:
    """Return by class the fields of a dataclass and of all that it is made of."""
    hints = typing.get_type_hints(kind)
    found = {kind.__name__: tuple(field.name for field in dataclasses.fields(kind))}
    for inner in (part for hint in hints.values() for part in _parts(hint)):
        if dataclasses.is_dataclass(inner):
            found |= _fields(typing.cast("type", inner))
    return found


def _parts(hint: object) -> list[object]:
    inner = typing.get_args(hint)
    if isinstance(hint, UnionType) or inner:
        return [part for each in inner for part in _parts(each)]
    return [hint]


def test_an_onboarding_of_a_customer_without_a_name_tells_no_title() -> None:
    known = dataclasses.replace(secret(()), account="")
    page = of_one("weekly", Audience.CUSTOMER, look(known), ASKED)
    assert "Onboarding of your company" in page.title
