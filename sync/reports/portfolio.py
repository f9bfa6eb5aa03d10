"""The weekly status of all onboardings, for whoever leads the people who bring them about.

Called by `sync.reports.catalog`. It is for our own people alone: it tells one customer of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sync.reports.listing import FORTNIGHT, Field, listed, written
from sync.reports.page import Figure, Figures, Look, Page
from sync.reports.views import InternalTask, InternalView

FOUR_WEEKS = 2 * FORTNIGHT
_RANK = {"red": 0, "amber": 1, "green": 2}


def _at_customer(view: InternalView) -> int:
    return sum(1 for task in view.tasks if task.open and task.court == "customer")


_ROW = (
    Field[InternalView]("Customer", lambda view: view.account, width=22),
    Field[InternalView]("Onboarding", lambda view: view.title, width=34),
    Field[InternalView]("Health", lambda view: view.health, Look.COLOR, 9),
    Field[InternalView]("Target launch", lambda view: view.target_launch, Look.DAY),
    Field[InternalView]("P50", lambda view: view.forecast_p50, Look.DAY),
    Field[InternalView]("P80", lambda view: view.forecast_p80, Look.DAY),
    Field[InternalView]("Done", lambda view: share_done(view.tasks), Look.SHARE, 8),
    Field[InternalView](
        "Overdue", lambda view: sum(1 for task in view.tasks if task.days_overdue is not None), Look.COUNT, 9
    ),
    Field[InternalView]("At the customer", _at_customer, Look.COUNT, 9),
    Field[InternalView]("Hours agreed", lambda view: view.hours_contracted, Look.HOURS, 10),
    Field[InternalView]("Used", lambda view: view.hours_charged, Look.HOURS, 9),
    Field[InternalView]("At completion", lambda view: view.hours_at_completion, Look.HOURS, 11),
)
_WHY = (
    Field[InternalView]("Onboarding", lambda view: view.title, width=34),
    Field[InternalView]("Health", lambda view: view.health, Look.COLOR, 9),
    Field[InternalView]("Why", lambda view: view.health_reason, width=60),
)


def of_all(views: Sequence[InternalView], day: date) -> Page:
    """Return the status of all onboardings that have something to do, or launched in the last four weeks."""
    shown = [view for view in views if _current(view, day)]
    shown.sort(key=lambda view: (_RANK[view.health], view.target_launch or date.max, view.account, view.key))
    colors = [Figure(color.capitalize(), sum(1 for v in shown if v.health == color), Look.COUNT) for color in _RANK]
    launched = sum(1 for view in shown if view.launched)
    soon = sum(1 for v in shown if not v.launched and v.target_launch and day <= v.target_launch <= day + FOUR_WEEKS)
    figures = (
        Figure("Onboardings", len(shown), Look.COUNT, _rest(len(views) - len(shown))),
        *colors,
        Figure("To launch within four weeks", soon, Look.COUNT),
        Figure("Launched within four weeks", launched, Look.COUNT),
    )
    return Page(
        "All onboardings: weekly status",
        f"Internal · as of {written(day)}",
        day,
        (
            Figures(figures),
            listed("Onboardings", _ROW, shown, "No onboarding is under way."),
            listed("Why", _WHY, [view for view in shown if view.health != "green"], "All are green."),
        ),
        "Internal: not for customers. Worst health first, then by target launch.",
    )


def share_done(tasks: Sequence[InternalTask]) -> float:
    """Return the share of tasks that are done; cancelled ones do not count."""
    live = [task for task in tasks if task.status != "Cancelled"]
    return sum(1 for task in live if not task.open) / len(live) if live else 0.0


def _current(view: InternalView, day: date) -> bool:
    if any(task.open for task in view.tasks):
        return True
    return view.launched is not None and view.launched > day - FOUR_WEEKS


def _rest(number: int) -> str:
    return f"and {number} that are finished" if number else ""
