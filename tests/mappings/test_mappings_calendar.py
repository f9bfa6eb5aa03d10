from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.calendar import BusinessCalendar

PLAIN = BusinessCalendar()
AMERICAN = BusinessCalendar("US", days_off=frozenset({date(2026, 11, 27)}))
GULF = BusinessCalendar(weekend=frozenset({4, 5}))

days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
counts = st.integers(-120, 120)
calendars = st.sampled_from([PLAIN, AMERICAN, GULF, BusinessCalendar("DE", "BY")])


@given(calendars, days, counts)
def test_adding_business_days_lands_on_a_business_day(calendar, day, count):
    assert calendar.is_business_day(calendar.add(day, count))


@given(calendars, days, counts)
def test_adding_is_stepping_from_one_business_day_to_the_next(calendar, day, count):
    forward = count >= 0
    step = calendar.next_business_day if forward else calendar.previous_business_day
    stepped = step(day)
    for _ in range(abs(count)):
        stepped = step(stepped + timedelta(days=1 if forward else -1))
    assert calendar.add(day, count) == stepped


@given(calendars, days, st.integers(0, 60), st.integers(0, 60))
def test_adding_in_two_steps_is_adding_at_once(calendar, day, first, second):
    assert calendar.add(calendar.add(day, first), second) == calendar.add(day, first + second)


@given(calendars, days, counts)
def test_between_counts_what_add_added(calendar, day, count):
    start = calendar.next_business_day(day)
    assert calendar.between(start, calendar.add(start, count)) == count


@given(calendars, days, st.integers(0, 60))
def test_going_back_undoes_going_on(calendar, day, count):
    start = calendar.next_business_day(day)
    assert calendar.add(calendar.add(start, count), -count) == start


@given(calendars, days)
def test_the_next_business_day_skips_no_business_day(calendar, day):
    found = calendar.next_business_day(day)
    skipped = [day + timedelta(days=n) for n in range((found - day).days)]
    assert not any(calendar.is_business_day(d) for d in skipped)


def test_a_public_holiday_is_not_worked():
    assert not AMERICAN.is_business_day(date(2026, 7, 3))  # Independence Day, observed: the 4th is a Saturday
    assert PLAIN.is_business_day(date(2026, 7, 3))


def test_a_company_s_own_day_off_is_not_worked():
    assert AMERICAN.add(date(2026, 11, 25), 1) == date(2026, 11, 30)  # Thanksgiving, then the day off, then a weekend


def test_a_state_s_holiday_counts_in_that_state_only():
    epiphany = date(2026, 1, 6)
    assert not BusinessCalendar("DE", "BY").is_business_day(epiphany)
    assert BusinessCalendar("DE", "BE").is_business_day(epiphany)


def test_a_weekend_can_be_friday_and_saturday():
    assert GULF.next_business_day(date(2026, 3, 6)) == date(2026, 3, 8)


def test_a_day_off_counts_as_its_neighbour_in_the_direction_of_travel():
    saturday = date(2026, 3, 7)
    assert [PLAIN.add(saturday, n).day for n in (-1, 0, 1)] == [5, 9, 10]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"country": "XX"}, "no holidays are known for country 'XX'"),
        ({"country": "US", "subdivision": "ZZ"}, "no subdivision 'ZZ'"),
        ({"subdivision": "NY"}, "without a country"),
        ({"weekend": frozenset(range(7))}, "at least one day"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_in_words(arguments, words):
    with pytest.raises(ValueError, match=words):
        BusinessCalendar(**arguments)
