"""The calendar of an onboarding: its milestones as whole days, its trainings as sessions.

Called by `sync.reports.catalog`; written as .ics it is what people subscribe or import. A training's hours are cut into
sessions of at most four hours, one a working day from nine o'clock on, unless it has fewer days than that takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time

from sync.reports.listing import Field, listed, written
from sync.reports.page import Dated, Look, Page
from sync.reports.views import CustomerView, InternalTask, InternalView, SharedTask

LONGEST = 4.0
"""Hours of a session, where there are days enough."""

AT_LEAST = 1.0
"""Hours of a training of which no estimate is known."""


def for_customer(view: CustomerView) -> Page:
    """Return the dates that a customer puts into the calendar."""
    name = view.account or "your company"
    return _page(f"Onboarding of {name}", view, view.tasks, f"For {name}.")


def for_us(view: InternalView) -> Page:
    """Return the dates that our own people put into theirs."""
    footer = f"Internal: not for the customer. Deal {view.key}."
    return _page(view.title, view, view.tasks, footer, prefix=f"{view.account}: " if view.account else "")


def _page(
    title: str,
    view: CustomerView | InternalView,
    tasks: Sequence[SharedTask] | Sequence[InternalTask],
    footer: str,
    prefix: str = "",
) -> Page:
    day, made = view.day, view.kickoff or view.day
    milestones = [task for task in tasks if task.milestone and task.due]
    trainings = [task for task in tasks if task.training and task.sessions and not task.milestone]
    dates = (
        *(_whole_day(task, made, prefix) for task in milestones),
        *(session for task in trainings for session in _sessions(task, made, prefix)),
    )
    sessions = [each for each in dates if each.begins and not each.cancelled]
    return Page(
        f"{title}: dates",
        f"{'Internal · as' if isinstance(view, InternalView) else 'As'} of {written(day)}",
        day,
        (
            listed("Milestones", _MILESTONES, sorted(milestones, key=lambda task: (task.due or day, task.name))),
            listed("Training", _TRAININGS, sorted(sessions, key=lambda each: (each.start, each.name))),
        ),
        f"{footer} Sessions' hours are proposals until you agree on them.",
        dates=dates,
    )


_MILESTONES = (
    Field[SharedTask | InternalTask]("Milestone", lambda task: task.name, width=44),
    Field[SharedTask | InternalTask]("Day", lambda task: task.due, Look.DAY),
    Field[SharedTask | InternalTask]("Status", lambda task: task.status),
)
_TRAININGS = (
    Field[Dated]("Session", lambda each: each.name, width=44),
    Field[Dated]("Day", lambda each: each.start, Look.DAY),
    Field[Dated]("Hours", lambda each: each.minutes / 60, Look.HOURS),
)


def _whole_day(task: SharedTask | InternalTask, made: date, prefix: str) -> Dated:
    assert task.due is not None
    return Dated(
        uid=task.uid,
        name=prefix + task.name,
        start=task.due,
        end=task.due,
        revision=task.revision,
        revised=_revised(task, made),
        note=f"Milestone of the phase {task.phase}. {task.status}." if task.phase else task.status,
        cancelled=task.status == "Cancelled",
    )


def _sessions(task: SharedTask | InternalTask, made: date, prefix: str) -> Iterator[Dated]:
    hours = task.hours_planned or AT_LEAST
    number = min(len(task.sessions), math.ceil(hours / LONGEST))
    for place, begins in enumerate(task.sessions[:number], start=1):
        yield Dated(
            uid=f"{place}-{task.uid}",
            name=f"{prefix}{task.name}" + (f" ({place} of {number})" if number > 1 else ""),
            start=begins.date(),
            end=begins.date(),
            revision=task.revision,
            revised=_revised(task, made),
            note=f"Training. {task.status}. The hour is a proposal.",
            cancelled=task.status == "Cancelled",
            begins=begins,
            minutes=round(60 * hours / number),
        )


def _revised(task: SharedTask | InternalTask, made: date) -> datetime:
    """Return when an entry last changed; one that never did is as old as its plan, so that no clock is asked."""
    return task.revised or datetime.combine(made, time(), UTC)
