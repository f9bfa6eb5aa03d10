"""The minutes of a meeting, to be filled in: who was there, what was decided, which actions were agreed on.

Called by `sync.reports.catalog`. What people fill in is read back by `sync.reports.taking`, which relies on the two
lines at the top and on the table of actions, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sync.reports.listing import Field, by_due, listed, written
from sync.reports.page import Column, Look, Page, Points, Table, Words
from sync.reports.views import CustomerView, InternalTask, InternalView, SharedTask

ACTIONS = "Actions"
COLUMNS = ("No", "Action", "Who", "Due", "For")
MEETING, REFERENCE = "Meeting: ", "Reference: "
_LINES = 8
_HINT = (
    "One line an action, each with a number of its own; add lines as you need them. Who is an e-mail address or empty, "
    "Due a day as 2026-11-27 or empty, For is us, customer or both."
)
_OPEN = (
    Field[SharedTask | InternalTask]("Task", lambda task: task.name, width=44),
    Field[SharedTask | InternalTask]("Due", lambda task: task.due, Look.DAY),
    Field[SharedTask | InternalTask]("Status", lambda task: task.status),
)


def for_customer(view: CustomerView) -> Page:
    """Return minutes that may go to the customer."""
    name = view.account or "your company"
    open_ = [task for task in view.tasks if task.agreed and task.open]
    return _page(f"Minutes: onboarding of {name}", view.meeting or view.day, view.reference, open_, f"For {name}.")


def for_us(view: InternalView) -> Page:
    """Return minutes for our own people."""
    open_ = [task for task in view.tasks if task.agreed and task.open]
    footer = (
        f"Internal: not for the customer. Deal {view.key}. `closedwon report minutes --take` makes the actions tasks."
    )
    return _page(
        f"Minutes: {view.account or view.title}",
        view.meeting or view.day,
        view.reference,
        open_,
        footer,
        "Internal · meeting",
    )


def _page(
    title: str,
    meeting: date,
    reference: str,
    open_: Sequence[SharedTask | InternalTask],
    footer: str,
    subtitle: str = "Meeting",
) -> Page:
    columns = (Column("No", width=5), Column("Action", width=60), *(Column(name) for name in COLUMNS[2:]))
    return Page(
        title,
        f"{subtitle} of {written(meeting)}",
        meeting,
        (
            Words("", (f"{MEETING}{meeting.isoformat()}", f"{REFERENCE}{reference}")),
            Points("Present", ("…",)),
            listed("Agreed on before, still open", _OPEN, by_due(open_)),
            Points("Decisions", ("…",)),
            Words("How to fill in the actions", (_HINT,)),
            Table(ACTIONS, columns, tuple((number, "", "", "", "") for number in range(1, _LINES + 1))),
        ),
        footer,
    )
