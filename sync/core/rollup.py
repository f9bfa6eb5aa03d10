"""Rolls an onboarding's tasks up into the few values that the CRM shows. Pure arithmetic on canonical task fields.

Called by `sync.core.rollup_step`. Hours are hours, percentages run from 0 to 100, days are dates. It never rounds what
is counted, only what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from connectors.base import Fields, Value
from mappings.hours import SECONDS_PER_HOUR
from sync.core.allotment import Balance

_AMBER_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """What was counted."""

    done: int
    total: int
    overdue: int
    estimated_hours: float
    tracked_seconds: int
    launched: bool
    target_launch: date | None
    next_milestone: tuple[date, str] | None


def progress(plan: Fields, tasks: Mapping[str, Fields], counted_seconds: int, today: date) -> Progress:
    """Count one onboarding's tasks; `counted_seconds` are those that the hours ledger counts for the contract.

    The launch is the plan's launch milestone, wherever people have moved it; hypercare and reviews come after it.
    A plan without one is launched when all is done.
    """
    live = [fields for fields in tasks.values() if fields.get("status") != "cancelled"]
    launch = tasks.get(str(plan.get("launch_item") or ""), {})
    open_ = [fields for fields in live if fields.get("status") != "done"]
    milestones = sorted(
        (day, str(fields.get("name") or "")) for fields in open_ if fields.get("milestone") and (day := _due(fields))
    )
    return Progress(
        done=len(live) - len(open_),
        total=len(live),
        overdue=sum(1 for fields in open_ if (day := _due(fields)) and day < today),
        estimated_hours=sum(_number(fields.get("estimated_hours")) for fields in live),
        tracked_seconds=counted_seconds,
        launched=launch.get("status") == "done" if launch else bool(live) and not open_,
        target_launch=_due(launch) or _day(plan.get("target_launch")),
        next_milestone=milestones[0] if milestones else None,
    )


def roll_up(
    *,
    key: str,
    title: str,
    plan: Fields,
    tasks: Mapping[str, Fields],
    counted_seconds: int,
    balance: Balance,
    contracted_hours: float | None,
    today: date,
) -> dict[str, Value]:
    """Return the canonical roll-up values of one onboarding; see `Onboarding__c` in docs for their meaning.

    `contracted_hours` are those of the whole term; None where they are unknown, or without end: then what was granted
    by now is shown.
    """
    counted = progress(plan, tasks, counted_seconds, today)
    tracked_hours = round(counted.tracked_seconds / SECONDS_PER_HOUR, 2)
    milestone_day, milestone = counted.next_milestone or (None, None)
    return {
        "name": title[:80],
        "deal": key,
        "status": _status(counted),
        "health": _health(counted, balance, today),
        "percent_complete": round(100 * counted.done / counted.total, 2) if counted.total else 0,
        "tasks_done": counted.done,
        "tasks_total": counted.total,
        "hours_contracted": _hours(balance.granted) if contracted_hours is None else contracted_hours,
        "hours_estimated": round(counted.estimated_hours, 2),
        "hours_tracked": tracked_hours,
        "hours_remaining": _hours(balance.remaining),
        "target_launch": counted.target_launch,
        "next_milestone": milestone,
        "next_milestone_date": milestone_day,
    }


def _status(counted: Progress) -> str:
    if counted.launched:
        return "launched"
    return "in_progress" if counted.done or counted.tracked_seconds else "not_started"


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / SECONDS_PER_HOUR, 2)


def _health(counted: Progress, balance: Balance, today: date) -> str:
    """Red: launch day passed or hours used up. Amber: a tenth of the open tasks overdue. Green: neither."""
    late = counted.target_launch is not None and counted.target_launch < today and not counted.launched
    over = balance.remaining is not None and balance.remaining < 0
    if late or over:
        return "red"
    open_tasks = counted.total - counted.done
    return "amber" if open_tasks and counted.overdue / open_tasks > _AMBER_SHARE else "green"


def _due(fields: Fields) -> date | None:
    return _day(fields.get("due_target"))


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
