"""Small worlds of hours for these tests: entries, tasks and terms with what a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.base import TimeEntry
from mappings.hours import HourRules, Terms
from sync.core.dossier import Logged
from sync.core.hours import Facts, Ledger, ledger

TODAY = date(2026, 11, 20)
KEY = "0065e00000AbCdEAAV"
TASKS = {"build": Facts("build", name="Build", role="engineer"), "sales": Facts("sales", billable=False)}


def entry(seconds: int = 3600, day: date | datetime = TODAY, *, author: str = "ada", number: int = 1) -> TimeEntry:
    at = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return TimeEntry(str(number), "10001", author, seconds, at, at)


def logged(
    seconds: int = 3600, day: date | datetime = TODAY, *, item: str = "build", key: str = KEY, **more: Any
) -> Logged:
    return Logged("tracker", entry(seconds, day, **more), key, item)


def book(*entries: Logged, rules: HourRules | None = None, terms: Terms | None = None, today: date = TODAY) -> Ledger:
    return ledger(entries, rules=rules or HourRules(), terms=terms, tasks=TASKS, today=today, key=KEY)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)
