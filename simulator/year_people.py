"""The people of a simulated year: three offices in three time zones, their holidays, and how fast they are.

Used by `simulator.year` and the modules beside it. A day is a day on the calendar of the office that lives it. Nothing
here touches a vendor, the one function aside that makes the people known to Jira.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from simulator.jira.calls import Problem as JiraProblem
from simulator.salesforce.problems import Problem as SalesforceProblem
from simulator.wire import Vendor

REFUSED = (LookupError, ValueError, JiraProblem, SalesforceProblem)
"""What a vendor says to a person who wants what cannot be; people shrug and go on."""


@dataclass(frozen=True, slots=True)
class Office:
    """Where a team sits. `evening` is the hour, in UTC, at which its working day is over, on the same date there."""

    name: str
    zone: ZoneInfo
    country: str
    evening: int
    manager: str
    engineer: str
    trainer: str

    def works(self, day: date) -> bool:
        """Tell whether people work on that day."""
        return day.weekday() < 5 and day not in _holidays(self.country, day.year)

    def stamp(self, day: date, at: time) -> str:
        """Return a local time as Jira's `started` wants it."""
        return datetime.combine(day, at, self.zone).strftime("%Y-%m-%dT%H:%M:%S.000%z")

    @property
    def team(self) -> tuple[str, str, str]:
        """Everybody who may work on a task."""
        return (self.manager, self.engineer, self.trainer)


OFFICES = (
    Office("Singapore", ZoneInfo("Asia/Singapore"), "SG", 10, "mei@example.com", "raj@example.com", "lin@example.com"),
    Office(
        "Amsterdam", ZoneInfo("Europe/Amsterdam"), "NL", 20, "ada@example.com", "ben@example.com", "cleo@example.com"
    ),
    Office("New York", ZoneInfo("America/New_York"), "US", 20, "kim@example.com", "joe@example.com", "zoe@example.com"),
)
EVENINGS = tuple(sorted({office.evening for office in OFFICES}))
"""The hours of a day, in UTC, at which something happens."""

NEWCOMERS: Mapping[str, str] = {
    email: f"712020:{email.partition('@')[0]}"
    for office in OFFICES
    if office.name != "Amsterdam"
    for email in office.team
}
"""Those whom the default world does not know yet, with the Jira accounts that they get."""

CUSTOMER = "customer@example.com"
SALES = ("Ada Owner", "Sam Seller")
SALES_DESK = "Olga Operations"
ADMIN = "eve@example.com"


def take_on(jira: Vendor) -> None:
    """Give everybody who is new an account at Jira, in the zone of their office."""
    for office in OFFICES:
        for email in office.team:
            if email in NEWCOMERS:
                person = {"email": email, "account_id": NEWCOMERS[email], "timezone": office.zone.key}
                jira.act("add_person", person)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one launch's people are: factors on the business days and hours that a plan gives a task."""

    team: float
    customer: float
    hours: float

    @classmethod
    def drawn(cls, dice: random.Random) -> Pace:
        """Draw a team around the plan's pace, and a customer who is quick, usual or slow."""
        customer = dice.choice((0.6, 0.9, 1.1, 1.6)) * dice.lognormvariate(0, 0.2)
        return cls(dice.lognormvariate(0, 0.2), customer, dice.lognormvariate(0, 0.2))


def business_days(first: date, last: date) -> int:
    """Count the days from Monday to Friday between two days, both of them in."""
    return sum(1 for day in days(first, last) if day.weekday() < 5)


def later(day: date, number: int) -> date:
    """Return the day so many days from Monday to Friday later."""
    while number > 0:
        day += timedelta(days=1)
        number -= day.weekday() < 5
    return day


def days(first: date, last: date) -> Iterator[date]:
    """Yield every day from one to another, both of them in."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))
