"""Dossiers made by hand, for tests of what judges them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sync.core.dossier import Dossier, Task
from sync.core.model import Event


def task(item: str, start: date | None = None, due: date | None = None, **changes: Any) -> Task:
    """A task of ours that nobody has touched, due as its baseline says."""
    given = {
        "item": item,
        "name": item.capitalize(),
        "phase": "Build",
        "status": "not_started",
        "audience": "internal",
        "owner": "",
        "role": "",
        "milestone": False,
        "critical": False,
        "start_target": start,
        "due_target": due,
        "baseline_start": start,
        "baseline_due": due,
        "estimated_hours": 0.0,
        "tracked_seconds": 0,
        "depends_on": (),
    }
    return Task(**{**given, **changes})


def changed(day: date, item: str, field: str, old: str, new: str) -> tuple[datetime, Event]:
    """One line of the history."""
    at = datetime.combine(day, time(15), UTC)
    return at, Event("deal", item, field, repr(old), repr(new), "tracker", "changed")


def dossier_of(*tasks: Task, history: Sequence[tuple[datetime, Event]] = (), **plan: Any) -> Dossier:
    """An onboarding with these tasks; `plan` are the plan's own values."""
    return Dossier("deal", "Acme", "Acme", "t", "1", {}, plan, tasks, (), tuple(history), (), {}, {})
