"""Rolls a judged onboarding up into the few values that the CRM shows; docs/rollups.md says what each one means.

Called by `sync.core.rollup_step`. Pure arithmetic: hours are hours, percentages run from 0 to 100, days are dates. It
never rounds what is counted, only what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connectors.base import Value
from mappings.hours import SECONDS_PER_HOUR
from mappings.practice import Court
from sync.core.dossier import CANCELLED, Dossier
from sync.core.judgement import Judgement


@dataclass(frozen=True, slots=True)
class Progress:
    """What was counted of an onboarding's tasks; cancelled ones are not there any more."""

    done: int
    total: int
    estimated_hours: float
    next_milestone: tuple[date, str] | None

    @property
    def percent(self) -> float:
        """The share of tasks that are done, in percent."""
        return round(100 * self.done / self.total, 2) if self.total else 0


def progress(known: Dossier) -> Progress:
    """Count one onboarding's tasks, milestones among them."""
    live = [task for task in known.tasks if task.status != CANCELLED]
    open_ = [task for task in live if task.open]
    milestones = ((task.due_target, task.name) for task in open_ if task.milestone and task.due_target)
    return Progress(
        done=len(live) - len(open_),
        total=len(live),
        estimated_hours=sum(task.estimated_hours for task in live),
        next_milestone=min(milestones, default=None),
    )


def roll_up(judged: Judgement) -> dict[str, Value]:
    """Return the canonical roll-up values of one onboarding, those that the usual mapping leaves out included."""
    known, ahead = judged.known, judged.forecast
    counted = progress(known)
    milestone_day, milestone = counted.next_milestone or (None, None)
    return {
        "name": known.title[:80],
        "deal": known.key,
        "status": _status(judged, counted),
        "health": str(judged.health.color),
        "health_reason": judged.health.reason,
        "percent_complete": counted.percent,
        "tasks_done": counted.done,
        "tasks_total": counted.total,
        "hours_contracted": judged.contracted_hours,
        "hours_estimated": round(counted.estimated_hours, 2),
        "hours_tracked": _hours(judged.ledger.counted),
        "hours_remaining": _hours(judged.balance.remaining),
        "hours_forecast": judged.hours_forecast,
        "target_launch": known.target_launch,
        "forecast_launch": known.actual_launch if known.launched else ahead.p50,
        "forecast_launch_p80": known.actual_launch if known.launched else ahead.p80,
        "next_milestone": milestone,
        "next_milestone_date": milestone_day,
        **{f"days_lost_{court}": judged.courts.lost(court) for court in Court},
    }


def _status(judged: Judgement, counted: Progress) -> str:
    if judged.known.launched:
        return "launched"
    return "in_progress" if counted.done or judged.ledger.counted else "not_started"


def _hours(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / SECONDS_PER_HOUR, 2)
