"""Contracted hours period by period: granted, carried on, used, lapsed; and the books always balance."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.hours import Period, Rate, Rollover, Terms, add_months
from sync.core.allotment import Balance, balance_of

H = 3600
START = date(2026, 1, 31)


def used(*charges: tuple[date, float]) -> list[tuple[date, int]]:
    return [(day, round(hours * H)) for day, hours in charges]


def in_hours(balance: Balance) -> list[tuple[float, ...]]:
    return [tuple(s / H for s in (p.granted, p.carried, p.charged, p.lapsed, p.left)) for p in balance.periods]


def test_hours_for_the_whole_term_are_there_at_once() -> None:
    found = balance_of(used((date(2026, 3, 1), 4)), Terms(10), date(2026, 2, 1))
    assert (found.granted, found.available, found.remaining) == (10 * H, 10 * H, 6 * H)


def test_without_contracted_hours_nothing_can_remain() -> None:
    found = balance_of(used((START, 4)), Terms(), START)
    assert (found.granted, found.remaining, found.charged) == (None, None, 4 * H)


def test_a_period_begins_on_its_day_of_the_month_or_on_the_months_last() -> None:
    terms = Terms(1, per="month", start=START)
    assert [add_months(START, n) for n in (1, 2, 13)] == [date(2026, 2, 28), date(2026, 3, 31), date(2027, 2, 28)]
    assert list(terms.periods(date(2026, 3, 31))) == [
        Period(START, date(2026, 2, 27)),
        Period(date(2026, 2, 28), date(2026, 3, 30)),
        Period(date(2026, 3, 31), date(2026, 4, 29)),
    ]


@pytest.mark.parametrize(
    ("rollover", "periods", "remaining"),
    [
        # granted, carried in, charged, lapsed, left; 4 h used in January, 11 in February, none in March
        (Rollover("none"), [(10, 0, 4, 6, 0), (10, 0, 11, 0, -1), (10, -1, 0, 0, 9)], 9),
        (Rollover("all"), [(10, 0, 4, 0, 6), (10, 6, 11, 0, 5), (10, 5, 0, 0, 15)], 15),
        (Rollover("hours", 2), [(10, 0, 4, 4, 2), (10, 2, 11, 0, 1), (10, 1, 0, 0, 11)], 11),
        (Rollover("periods", 1), [(10, 0, 4, 0, 6), (10, 6, 11, 0, 5), (10, 5, 0, 0, 15)], 15),
    ],
)
def test_what_a_period_leaves_over_goes_on_or_lapses_as_agreed(
    rollover: Rollover, periods: list[tuple[int, ...]], remaining: int
) -> None:
    terms = Terms(10, per="month", start=date(2026, 1, 1), rollover=rollover)
    charges = used((date(2026, 1, 15), 4), (date(2026, 2, 28), 11))
    found = balance_of(charges, terms, date(2026, 3, 1))
    assert in_hours(found) == periods
    assert found.remaining == remaining * H


def test_hours_that_may_wait_one_period_lapse_after_it_and_the_oldest_are_used_first() -> None:
    terms = Terms(10, per="month", start=date(2026, 1, 1), rollover=Rollover("periods", 1))
    found = balance_of(used((date(2026, 2, 10), 4)), terms, date(2026, 4, 1))
    # In February 4 of January's 10 are used, the other 6 lapse at its end; March lets February's 10 lapse.
    assert in_hours(found) == [(10, 0, 0, 0, 10), (10, 10, 4, 6, 10), (10, 10, 0, 10, 10), (10, 10, 0, 0, 20)]


def test_an_allotment_with_an_end_has_a_total_and_one_without_has_none() -> None:
    year = Terms(10, per="month", start=date(2026, 1, 1), end=date(2026, 12, 31))
    assert year.total == 120
    assert Terms(10, per="month", start=date(2026, 1, 1)).total is None
    assert Terms(10, per="quarter", start=date(2026, 1, 1), end=date(2026, 12, 31)).total == 40
    assert balance_of([], year, date(2027, 6, 1)).granted == 120 * H


def test_before_its_term_a_contract_grants_nothing() -> None:
    terms = Terms(10, per="month", start=date(2026, 5, 1))
    assert balance_of([], terms, date(2026, 4, 30)).available == 0


def test_terms_are_remembered_to_the_letter() -> None:
    for terms in (
        Terms(10.0, "month", START, date(2027, 1, 30), Rollover("hours", 2.5), {"architect": Rate(1.5, 220.0)}),
        Terms(None, "quarter", START),
        Terms(40.0),
    ):
        assert Terms.of({"contracted_hours": terms.total, **terms.values()}) == terms


def test_a_plan_from_before_there_were_terms_has_its_contracted_hours() -> None:
    assert Terms.of({}, {"contracted_hours": 40}) == Terms(40.0)
    assert Terms.of({"contracted_hours": 30}, {"contracted_hours": 40}) == Terms(30.0)


days = st.dates(date(2025, 12, 1), date(2027, 2, 1))


@given(
    st.lists(st.tuples(days, st.integers(1, 30 * H)), max_size=25),
    st.builds(
        Terms,
        hours=st.sampled_from([0.0, 7.25, 10.0]),
        per=st.sampled_from(["term", "month", "quarter", "year"]),
        start=st.just(date(2026, 1, 31)),
        end=st.none() | st.dates(date(2026, 2, 1), date(2027, 6, 1)),
        rollover=st.sampled_from(
            [Rollover(), Rollover("all"), Rollover("hours", 3), Rollover("periods", 1), Rollover("periods", 3)]
        ),
    ),
    days,
)
def test_the_books_balance_in_every_period(charges: list[tuple[date, int]], terms: Terms, today: date) -> None:
    found = balance_of(charges, terms, today)
    assert found.charged == sum(seconds for _, seconds in charges)
    if not found.periods:
        assert today < date(2026, 1, 31)
        return
    assert sum(period.charged for period in found.periods) == found.charged
    assert found.remaining == found.periods[-1].left
    for before, after in zip(found.periods, found.periods[1:], strict=False):
        assert after.carried == before.left
        assert before.period.end + timedelta(days=1) == after.period.start
    assert all(period.lapsed >= 0 for period in found.periods)
    if terms.rollover.kind == "all":
        assert found.lapsed == 0
