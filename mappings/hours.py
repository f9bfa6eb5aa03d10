"""Hours as they were agreed: which time counts, and how many hours a contract grants, when and on what terms.

Built by `mappings.load` (rules, from the mapping file) and by `mappings.templates` (terms, from a template and a deal);
applied by `sync.core.hours` and `sync.core.allotment`. Plain data and calendar arithmetic: it never asks what day it is
and never sees a time entry.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from connectors.base import Fields, Value
from mappings.conditions import Condition, NotEvaluated, Scope

SECONDS_PER_HOUR = 3600

TERM = "term"
MONTHS: Mapping[str, int] = {"month": 1, "quarter": 3, "year": 12}
"""How many months a period of each allotment has; `term` is the whole term at once."""

COUNTED, UNATTRIBUTED = "counted", "unattributed"

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HourRules:
    """What the mapping file's `hours` section says of time entries. Days are days in `zone`.

    `people` gives an e-mail by connection and native id, `roles` the one role that a person fills in this company.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    non_billable_authors: frozenset[str] = frozenset()
    """E-mails in lower case, or a connection's own ids."""
    non_billable_when: Condition | None = None
    on_plan: str = COUNTED
    """Where time goes that is logged on the plan itself: an epic."""
    unplanned: str = UNATTRIBUTED
    """Where time goes that is logged on a record which lies in the plan and is no task of ours."""
    longest_hours: float = 24.0
    future_days: int = 1
    without_rate: str = COUNTED
    """`counted` or `rejected`: time of a role without a rate, where the contract has rates."""
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rollover:
    """What becomes of the hours that a period leaves over: `none`, `all`, `hours` (so many), `periods` (so long)."""

    kind: str = "none"
    amount: float = 0.0

    def __str__(self) -> str:
        return self.kind if self.kind in {"none", "all"} else f"{self.kind} {self.amount:g}"

    @classmethod
    def parse(cls, text: str) -> Rollover:
        """Read what `str` wrote."""
        kind, _, amount = text.partition(" ")
        return cls(kind or "none", float(amount or 0))


@dataclass(frozen=True, slots=True)
class Rate:
    """What an hour of a role takes from the contracted hours (`weight`) and what it is worth (`price`, 0: not said)."""

    weight: float = 1.0
    price: float = 0.0


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both inclusive, for which hours are granted at once."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What one onboarding's contract grants. `hours` are per period; None: nothing is agreed.

    `start` and `end` are the term's first and last day; None leaves that side open.
    """

    hours: float | None = None
    per: str = TERM
    start: date | None = None
    end: date | None = None
    rollover: Rollover = field(default_factory=Rollover)
    rates: Mapping[str, Rate] = field(default_factory=dict)

    @property
    def total(self) -> float | None:
        """All hours of the whole term; None where nothing is agreed or a term without end grants ever more."""
        if self.hours is None or self.per == TERM:
            return self.hours
        if self.end is None:
            return None
        return self.hours * sum(1 for _ in self.periods(self.end))

    def covers(self, day: date) -> bool:
        """Tell whether a day lies in the term."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)

    def periods(self, until: date) -> Iterator[Period]:
        """Yield the periods that have begun by a day; the whole term is one, and begins at once."""
        if self.per == TERM or self.start is None:
            yield Period(self.start or date.min, self.end or date.max)
            return
        number, begin = 0, self.start
        while begin <= until and (self.end is None or begin <= self.end):
            number += 1
            following = add_months(self.start, number * MONTHS[self.per])
            last = following - _DAY
            yield Period(begin, last if self.end is None else min(last, self.end))
            begin = following

    def values(self) -> dict[str, Value]:
        """Return what a plan remembers of its terms, as canonical plan fields; what says nothing is left out."""
        said: dict[str, Value] = {
            "terms_hours": self.hours if self.per != TERM else None,
            "terms_per": self.per if self.per != TERM else None,
            "terms_start": self.start,
            "terms_end": self.end,
            "terms_rollover": str(self.rollover) if self.rollover != Rollover() else None,
            "terms_rates": tuple(f"{role} {r.weight:g} {r.price:g}" for role, r in sorted(self.rates.items())) or None,
        }
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def of(cls, plan: Fields, deal: Fields | None = None) -> Terms:
        """Return the terms that a plan remembers; one made before there were terms has its hours alone."""
        total = _number(plan.get("contracted_hours"))
        if total is None and deal is not None:
            total = _number(deal.get("contracted_hours"))
        per = str(plan.get("terms_per") or TERM)
        return cls(
            hours=total if per == TERM else _number(plan.get("terms_hours")),
            per=per,
            start=_day(plan.get("terms_start")),
            end=_day(plan.get("terms_end")),
            rollover=Rollover.parse(str(plan.get("terms_rollover") or "")),
            rates=dict(map(_rate, _texts(plan.get("terms_rates")))),
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """A template's `contracted` block: from where a deal's terms are taken.

    `starts` is `kickoff`, `close`, `deal.<date field>` or "" for a term without a beginning; `ends` is
    `deal.<date field>` or "", `months` 0 for no end.
    """

    hours: Condition | float
    per: str = TERM
    starts: str = ""
    ends: str = ""
    months: int = 0
    rollover: Rollover = field(default_factory=Rollover)
    rates: Mapping[str, Rate] = field(default_factory=dict)

    def terms(self, deal: Fields, scope: Scope, *, close: date, kickoff: date) -> Terms:
        """Return a deal's terms; raises NotEvaluated when the deal lacks something that they are made of."""
        days = {"": None, "kickoff": kickoff, "close": close}
        start = days[self.starts] if self.starts in days else _deal_day(deal, self.starts)
        end = _deal_day(deal, self.ends) if self.ends else None
        if self.months and start is not None:
            end = add_months(start, self.months) - _DAY
        if start and end and end < start:
            raise NotEvaluated(f"the contract ends on {end}, before it starts on {start}: correct the deal's dates")
        return Terms(self._hours(scope), self.per, start, end, self.rollover, self.rates)

    def _hours(self, scope: Scope) -> float | None:
        if not isinstance(self.hours, Condition):
            return self.hours
        return None if self.hours.value(scope) is None else self.hours.number(scope)


def add_months(day: date, months: int) -> date:
    """Go so many months on; a day that the month does not have becomes its last (31 January + 1 = 28 February)."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _deal_day(deal: Fields, name: str) -> date:
    value = deal.get(name.removeprefix("deal."))
    if not isinstance(value, date):
        raise NotEvaluated(f"the contract's term needs the date `{name}`: fill it in on the deal")
    return value


def _rate(text: str) -> tuple[str, Rate]:
    role, weight, price = text.split()
    return role, Rate(float(weight), float(price))


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple | list) else ()


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None
