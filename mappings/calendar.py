"""Business days: weekends, public holidays of a country, and a company's own days off.

Used by `mappings.templates` to date tasks and by `sync.core` to forecast. Pure arithmetic: never asks what day it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate

import holidays
from holidays.registry import EntityLoader

SATURDAY, SUNDAY = 5, 6
WEEK = 7
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Which days are worked. `country` is an ISO code ("" = no public holidays), `subdivision` its state or province.

    `weekend` holds weekdays as Monday = 0. Raises ValueError, in words for the operator, for a country that the
    `holidays` package does not know or a weekend that leaves no day to work.
    """

    country: str = ""
    subdivision: str = ""
    days_off: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})

    def __post_init__(self) -> None:
        if len(self.weekend) >= WEEK:
            raise ValueError("the weekend covers the whole week: leave at least one day to work")
        _check_place(self.country, self.subdivision)

    def is_business_day(self, day: date) -> bool:
        """Tell whether people work on this day."""
        return (
            day.weekday() not in self.weekend
            and day not in self.days_off
            and day not in _public_holidays(self.country, self.subdivision, day.year)
        )

    def next_business_day(self, day: date) -> date:
        """Return the day itself if it is worked, else the first one after it that is."""
        while not self.is_business_day(day):
            day += DAY
        return day

    def previous_business_day(self, day: date) -> date:
        """Return the day itself if it is worked, else the last one before it that is."""
        while not self.is_business_day(day):
            day -= DAY
        return day

    def add(self, day: date, count: int) -> date:
        """Go `count` business days on (back when negative). A day off first counts as its neighbour in that direction.

        So `add(saturday, 0)` is Monday, `add(saturday, 1)` Tuesday and `add(saturday, -1)` Thursday.
        """
        day = self.previous_business_day(day) if count < 0 else self.next_business_day(day)
        if not count:
            return day
        year = day.year
        days = _business_days(self, year)
        at = _worked(self, year)[_day_of_year(day)] - 1 + count
        while at < 0:
            year -= 1
            days = _business_days(self, year)
            at += len(days)
        while at >= len(days):
            at -= len(days)
            year += 1
            days = _business_days(self, year)
        return days[at]

    def between(self, start: date, end: date) -> int:
        """Count the business days after `start` up to and with `end`; negative when `end` comes first."""
        if end < start:
            return -self.between(end, start)
        whole = sum(_worked(self, year)[-1] for year in range(start.year, end.year))
        return whole + _worked(self, end.year)[_day_of_year(end)] - _worked(self, start.year)[_day_of_year(start)]


def _check_place(country: str, subdivision: str) -> None:
    if not country:
        if subdivision:
            raise ValueError(f"subdivision {subdivision!r} stands without a country: add `country`")
        return
    if country not in EntityLoader.get_country_codes():
        raise ValueError(f"no holidays are known for country {country!r}: use an ISO code such as US, GB, NL or DE")
    if not subdivision:
        return  # what follows loads all countries of the world, which an idle daemon need not keep in memory
    supported = holidays.list_supported_countries()
    if subdivision not in supported[country]:
        known = ", ".join(supported[country]) or "none"
        raise ValueError(f"country {country} has no subdivision {subdivision!r}: use one of {known}")


def _day_of_year(day: date) -> int:
    return day.toordinal() - date(day.year, 1, 1).toordinal()


@lru_cache(maxsize=1024)
def _worked(calendar: BusinessCalendar, year: int) -> tuple[int, ...]:
    """Count a year's business days up to and with each of its days: forecasts ask thousands of times a second."""
    first = date(year, 1, 1)
    days = range((date(year, 12, 31) - first).days + 1)
    return tuple(accumulate(int(calendar.is_business_day(first + timedelta(days=day))) for day in days))


@lru_cache(maxsize=1024)
def _business_days(calendar: BusinessCalendar, year: int) -> tuple[date, ...]:
    """List a year's business days: a plan's dates are asked for by the hundred thousand."""
    days = map(date.fromordinal, range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
    return tuple(filter(calendar.is_business_day, days))


@lru_cache(maxsize=1024)
def _public_holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    if not country:
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
