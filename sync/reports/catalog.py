"""The reports there are, and who may have which: the one place where a view is made and handed to a report.

Called by `closedwon report` and by the examples. A report for customers takes a `CustomerView` and nothing else; mypy
holds every entry of `FOR_CUSTOMERS` to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from sync.reports import agenda, dates, evidence, minutes, monthly, portfolio, weekly
from sync.reports.insight import Insight
from sync.reports.page import Page
from sync.reports.viewing import customer_view, internal_view
from sync.reports.views import Asked, CustomerView, InternalView


class Audience(StrEnum):
    """Who reads a report."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


ForCustomer: TypeAlias = Callable[[CustomerView], Page]
ForUs: TypeAlias = Callable[[InternalView], Page]
OfAll: TypeAlias = Callable[[list[InternalView], date], Page]

FOR_CUSTOMERS: Mapping[str, ForCustomer] = MappingProxyType(
    {
        "weekly": weekly.for_customer,
        "agenda": agenda.for_customer,
        "calendar": dates.for_customer,
        "evidence": evidence.for_customer,
        "hours": monthly.for_customer,
        "minutes": minutes.for_customer,
    }
)
FOR_US: Mapping[str, ForUs] = MappingProxyType(
    {
        "weekly": weekly.for_us,
        "agenda": agenda.for_us,
        "calendar": dates.for_us,
        "evidence": evidence.for_us,
        "hours": monthly.for_us,
        "minutes": minutes.for_us,
    }
)
OF_ALL: Mapping[str, OfAll] = MappingProxyType({"weekly": portfolio.of_all, "hours": monthly.of_all})


def of_one(report: str, audience: Audience, seen: Insight, asked: Asked) -> Page:
    """Return a report of one onboarding for a reader."""
    if audience is Audience.CUSTOMER:
        return FOR_CUSTOMERS[report](customer_view(seen, asked))
    return FOR_US[report](internal_view(seen, asked))


def of_all(report: str, seen: Iterable[Insight], day: date, asked: Asked) -> Page:
    """Return a report of all onboardings; for our own people alone."""
    return OF_ALL[report]([internal_view(each, asked) for each in seen], day)
