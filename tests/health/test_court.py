"""Whose move it is, since when, and who lost how many days."""

from __future__ import annotations

from datetime import date, timedelta

from dossier_desk import changed, dossier_of, task
from hypothesis import given
from hypothesis import strategies as st

from mappings.calendar import BusinessCalendar
from mappings.practice import Court, CourtRules
from sync.core.court import court_of, courts

CALENDAR = BusinessCalendar("US")
MON, TUE, WED, THU, FRI = (date(2026, 11, day) for day in (2, 3, 4, 5, 6))
NEXT_MON = date(2026, 11, 9)
RULES = CourtRules(
    statuses={"blocked": Court.CARRIER}, roles={"customer_it": Court.CUSTOMER}, domains=frozenset({"us.com"})
)


def test_status_comes_before_role_before_domain_before_audience() -> None:
    def asked(status: str = "", role: str = "", owner: str = "", audience: str = "internal") -> Court:
        return court_of(RULES, status=status, role=role, owner=owner, audience=audience)

    assert asked("blocked", "customer_it") is Court.CARRIER
    assert asked(role="customer_it", owner="a@us.com") is Court.CUSTOMER
    assert asked(owner="a@acme.com") is Court.CUSTOMER
    assert asked(owner="A@US.com") is Court.US
    assert asked(audience="customer") is Court.CUSTOMER
    assert asked() is Court.US


def test_days_beyond_those_given_are_lost_where_the_task_then_was() -> None:
    moved = changed(WED, "a", "owner", "a@us.com", "it@acme.com")
    known = dossier_of(task("a", MON, TUE, owner="it@acme.com"), history=[moved])
    clock = courts(known, RULES, CALENDAR, NEXT_MON).clocks["a"]
    assert [(each.court, each.days, each.lost) for each in clock.stretches] == [
        (Court.US, 2, 1),
        (Court.CUSTOMER, 3, 3),
    ]
    assert clock.now is Court.CUSTOMER


def test_a_task_that_waits_for_another_is_in_nobodys_court_and_costs_its_owner_no_day() -> None:
    first = task("a", MON, MON)
    second = task("b", TUE, TUE, depends_on=("a",), audience="customer")
    waiting = courts(dossier_of(first, second), RULES, CALENDAR, FRI).clocks["b"]
    assert (waiting.stretches, waiting.now) == ((), None)
    done = task("a", MON, MON, status="done", done_on=THU)
    history = [changed(THU, "a", "status", "not_started", "done")]
    late = courts(dossier_of(done, second, history=history), RULES, CALENDAR, FRI)
    assert late.clocks["a"].lost(Court.US) == 3
    assert late.clocks["b"].days(Court.CUSTOMER) == 1
    assert late.lost(Court.CUSTOMER) == 1
    assert late.lost(Court.US) == 3


def test_a_holiday_and_a_weekend_are_nobodys_days() -> None:
    before, after = date(2026, 11, 25), date(2026, 11, 30)  # Thanksgiving and a weekend lie between
    known = dossier_of(task("a", before, before, audience="customer"))
    assert courts(known, RULES, CALENDAR, after).lost(Court.CUSTOMER) == 2


def test_work_begun_early_counts_and_a_milestone_has_no_clock() -> None:
    history = [changed(MON, "a", "status", "not_started", "in_progress")]
    known = dossier_of(task("a", FRI, FRI, status="in_progress"), task("m", MON, MON, milestone=True), history=history)
    clocks = courts(known, RULES, CALENDAR, WED).clocks
    assert clocks["a"].days(Court.US) == 2
    assert "m" not in clocks


def test_what_is_done_and_opened_again_counts_only_while_it_was_open() -> None:
    history = [
        changed(TUE, "a", "status", "not_started", "done"),
        changed(THU, "a", "status", "done", "in_progress"),
    ]
    known = dossier_of(task("a", MON, MON, status="in_progress"), history=history)
    clock = courts(known, RULES, CALENDAR, FRI).clocks["a"]
    assert [(each.start, each.end, each.days) for each in clock.stretches] == [(MON, TUE, 1), (THU, FRI, 1)]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(
                [("owner", "x@acme.com"), ("owner", "x@us.com"), ("status", "done"), ("status", "blocked")]
            ),
        ),
        max_size=8,
    ),
    st.integers(0, 70),
)
def test_no_business_day_is_in_two_courts_and_none_is_lost_that_was_not_spent(
    edits: list[tuple[int, tuple[str, str]]], asked: int
) -> None:
    now = {"owner": "", "status": "not_started"}
    history = []
    for day, (name, new) in sorted(edits):
        history.append(changed(MON + timedelta(day), "a", name, now[name], new))
        now[name] = new
    known = dossier_of(task("a", MON, WED, **now), history=history)
    today = MON + timedelta(asked)
    clock = courts(known, RULES, CALENDAR, today).clocks["a"]
    spent = sum(clock.days(court) for court in Court)
    assert 0 <= spent <= max(0, CALENDAR.between(MON, max(today, MON + timedelta(60))))
    assert sum(clock.lost(court) for court in Court) == max(0, spent - CALENDAR.between(MON, WED))
    for first, second in zip(clock.stretches, clock.stretches[1:], strict=False):
        assert first.end <= second.start
