"""Month-end statements that were issued, kept in the store's documents: once each, and never changed.

Called by `closedwon report hours`. No vendor hears of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sync.core.model import StoreApi
from sync.reports.month import Issue, Line

KIND = "hours issued"


def keep_issue(store: StoreApi, key: str, month: date, issue: Issue) -> bool:
    """Keep a month's statement as issued; False where one was issued before, which stays as it was."""
    value = {
        **asdict(issue),
        "at": issue.at.isoformat(),
        "lines": [list(asdict(each).values()) for each in issue.lines],
    }
    return store.keep_once(KIND, key, f"{month:%Y-%m}", value)


def issues(store: StoreApi, day: date) -> Mapping[str, Mapping[date, Issue]]:
    """Return by onboarding and first day of the month what had been issued by the end of a day."""
    found: dict[str, dict[date, Issue]] = {}
    for each in store.kept(KIND):
        issue = _read(each.value)
        if issue.at.date() <= day:
            found.setdefault(each.key, {})[date.fromisoformat(f"{each.name}-01")] = issue
    return found


def _read(value: Mapping[str, Any]) -> Issue:
    lines = tuple(Line(*each) for each in value["lines"])
    return Issue(**{**value, "at": datetime.fromisoformat(value["at"]), "lines": lines})
