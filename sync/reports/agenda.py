"""The agenda of a meeting: what changed since the last one, what was agreed, what waits, what comes.

Called by `sync.reports.catalog`. The last meeting is the one whose minutes were taken last, or a day that is asked for.
"""

from __future__ import annotations

from sync.reports.listing import Field, by_due, coming, listed, written
from sync.reports.page import Figure, Figures, Look, Page, Points
from sync.reports.views import Change, CustomerView, InternalTask, InternalView, SharedTask

_CHANGES = (
    Field[Change]("Task", lambda change: change.task, width=44),
    Field[Change]("What", lambda change: change.what),
    Field[Change]("From", lambda change: change.old),
    Field[Change]("To", lambda change: change.new),
    Field[Change]("On", lambda change: change.day, Look.DAY),
)
_SHARED = (
    Field[SharedTask]("Task", lambda task: task.name, width=44),
    Field[SharedTask]("Who", lambda task: task.side),
    Field[SharedTask]("Due", lambda task: task.due, Look.DAY),
    Field[SharedTask]("Status", lambda task: task.status),
)
_OURS = (
    Field[InternalTask]("Task", lambda task: task.name, width=44),
    Field[InternalTask]("Owner", lambda task: task.owner, width=24),
    Field[InternalTask]("Court", lambda task: task.court),
    Field[InternalTask]("Due", lambda task: task.due, Look.DAY),
    Field[InternalTask]("Business days overdue", lambda task: task.days_overdue, Look.COUNT),
)
_NO_CHANGE = "Nothing changed."


def for_customer(view: CustomerView) -> Page:
    """Return the agenda that a customer gets."""
    open_ = [task for task in view.tasks if task.open]
    launch = Figure("Launched" if view.launched else "Target launch", view.launched or view.target_launch, Look.DAY)
    name = view.account or "your company"
    return Page(
        f"Agenda: onboarding of {name}",
        f"Meeting of {written(view.meeting or view.day)}",
        view.day,
        (
            Figures((launch, Figure("Since the last meeting", len(view.changes), Look.COUNT, "changes"))),
            listed(_since(view), _CHANGES, view.changes, _NO_CHANGE),
            listed("Agreed on before, still open", _SHARED, by_due(task for task in open_ if task.agreed)),
            listed("Waiting for you", _SHARED, by_due(task for task in open_ if task.your_move)),
            listed(
                "Overdue or blocked",
                _SHARED,
                by_due(t for t in open_ if t.days_overdue is not None or t.status == "Blocked"),
            ),
            listed("The next two weeks", _SHARED, coming(view.tasks, view.day), "Nothing is due."),
            Points("To decide", (), empty="Nothing was put down beforehand."),
        ),
        f"For {name}.",
    )


def for_us(view: InternalView) -> Page:
    """Return the agenda with what our own people should know when they go there."""
    open_ = [task for task in view.tasks if task.open]
    figures = (
        Figure("Health", view.health, Look.COLOR, view.health_reason),
        Figure("Launched" if view.launched else "Target launch", view.launched or view.target_launch, Look.DAY),
        Figure("Forecast launch, P80", view.forecast_p80, Look.DAY, view.why_no_forecast),
        Figure("Hours left", view.hours_remaining, Look.HOURS),
    )
    return Page(
        f"Agenda: {view.account or view.title}",
        f"Internal · {view.title} · meeting of {written(view.meeting or view.day)}",
        view.day,
        (
            Figures(figures),
            listed(_since(view), _CHANGES, view.changes, _NO_CHANGE),
            listed("Agreed on before, still open", _OURS, by_due(task for task in open_ if task.agreed)),
            listed("In the customer's court", _OURS, by_due(task for task in open_ if task.court == "customer")),
            listed(
                "Overdue or blocked",
                _OURS,
                by_due(t for t in open_ if t.days_overdue is not None or t.status == "Blocked"),
            ),
            listed("The next two weeks", _OURS, coming(view.tasks, view.day), "Nothing is due."),
            Points("Held back", tuple(f"{each.code}, {each.place}: {each.message}" for each in view.held)),
        ),
        f"Internal: not for the customer. Deal {view.key}.",
    )


def _since(view: CustomerView | InternalView) -> str:
    return f"Since the last meeting, {written(view.since)}" if view.since else "Since the last meeting"
