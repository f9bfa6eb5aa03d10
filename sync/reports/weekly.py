"""The weekly status of one onboarding: for its customer, and for our own people.

Called by `sync.reports.catalog`. Everything is as of a day; the week is the seven days that end with it.
"""

from __future__ import annotations

from sync.reports.listing import WEEK, Field, by_due, coming, count, done_since, left, listed, written
from sync.reports.page import Block, Figure, Figures, Look, Page, Points, Table, Words
from sync.reports.portfolio import share_done
from sync.reports.views import CustomerView, InternalTask, InternalView, SharedTask

_TASK = Field[SharedTask]("Task", lambda task: task.name, width=44)
_DUE = Field[SharedTask]("Due", lambda task: task.due, Look.DAY)
_WHO = Field[SharedTask]("Who", lambda task: task.side)
_STATUS = Field[SharedTask]("Status", lambda task: task.status)
_DONE = Field[SharedTask]("Done on", lambda task: task.done_on, Look.DAY)
_LATE = Field[SharedTask]("Business days overdue", lambda task: task.days_overdue, Look.COUNT)

_IN_TASK = Field[InternalTask]("Task", lambda task: task.name, width=44)
_IN_OWNER = Field[InternalTask]("Owner", lambda task: task.owner, width=24)
_IN_COURT = Field[InternalTask]("Court", lambda task: task.court)
_IN_DUE = Field[InternalTask]("Due", lambda task: task.due, Look.DAY)
_IN_BASELINE = Field[InternalTask]("Baseline", lambda task: task.baseline_due, Look.DAY)
_IN_LATE = Field[InternalTask]("Business days overdue", lambda task: task.days_overdue, Look.COUNT)
_IN_STATUS = Field[InternalTask]("Status", lambda task: task.status)
_IN_DONE = Field[InternalTask]("Done on", lambda task: task.done_on, Look.DAY)
_IN_CRITICAL = Field[InternalTask]("Critical", lambda task: "yes" if task.critical else "")
_IN_AUDIENCE = Field[InternalTask]("Seen by", lambda task: task.audience)


def for_customer(view: CustomerView) -> Page:
    """Return the status that a customer reads."""
    tasks, week = view.tasks, view.day - WEEK
    yours = [task for task in tasks if task.open and task.your_move]
    blocks: tuple[Block, ...] = (
        Figures(_customer_figures(view)),
        listed("Waiting for you", (_TASK, _DUE, _LATE), by_due(yours), "Nothing waits for you."),
        listed("Done in the last seven days", (_TASK, _WHO, _DONE), done_since(tasks, week), "Nothing was finished."),
        listed("The next two weeks", (_TASK, _WHO, _DUE, _STATUS), coming(tasks, view.day), "Nothing is due."),
        listed("Milestones", (_TASK, _DUE, _STATUS, _DONE), [task for task in tasks if task.milestone]),
    )
    name = view.account or "your company"
    return Page(
        f"Onboarding of {name}: weekly status",
        f"As of {written(view.day)}",
        view.day,
        blocks,
        f"For {name}. Days are business days of the project's calendar.",
    )


def for_us(view: InternalView) -> Page:
    """Return the status that our own people read."""
    tasks, week = view.tasks, view.day - WEEK
    late = sorted(
        (task for task in tasks if task.days_overdue is not None),
        key=lambda task: (-(task.days_overdue or 0), task.name),
    )
    blocked = [task for task in tasks if task.status == "Blocked"]
    done = done_since(tasks, week)
    blocks: tuple[Block, ...] = (
        Figures(_internal_figures(view)),
        Points("Why", tuple(f"{color}: {text}" for color, text in view.findings), empty="Nothing is late or short."),
        listed("Overdue", (_IN_TASK, _IN_OWNER, _IN_COURT, _IN_DUE, _IN_LATE, _IN_CRITICAL), late),
        listed("Blocked", (_IN_TASK, _IN_OWNER, _IN_COURT, _IN_DUE), blocked),
        listed("Done in the last seven days", (_IN_TASK, _IN_OWNER, _IN_DONE, _IN_AUDIENCE), done),
        listed("The next two weeks", (_IN_TASK, _IN_OWNER, _IN_DUE, _IN_STATUS, _IN_AUDIENCE), coming(tasks, view.day)),
        listed(
            "Milestones",
            (_IN_TASK, _IN_BASELINE, _IN_DUE, _IN_STATUS, _IN_DONE),
            [task for task in tasks if task.milestone],
        ),
        *_causes(view),
        *_held(view),
        listed("Where the plan is", _LINKS, view.links, "Nowhere yet."),
    )
    return Page(
        f"{view.account or view.title}: weekly status",
        f"Internal · {view.title} · as of {written(view.day)}",
        view.day,
        blocks,
        f"Internal: not for the customer. Deal {view.key}, template {view.template}.",
    )


def _customer_figures(view: CustomerView) -> tuple[Figure, ...]:
    done = sum(1 for task in view.tasks if not task.open and task.status == "Done")
    total = sum(1 for task in view.tasks if task.open or task.status == "Done")
    ahead = [task for task in by_due(view.tasks) if task.milestone and task.open and task.due]
    figures = [
        Figure("Launched", view.launched, Look.DAY)
        if view.launched
        else Figure("Target launch", view.target_launch, Look.DAY),
        Figure("Tasks done", f"{done} of {total}", note="tasks that you share with us"),
    ]
    if ahead:
        figures.append(Figure("Next milestone", ahead[0].due, Look.DAY, ahead[0].name))
    if view.hours_contracted is not None:
        used = f"{view.hours_charged:g} of {view.hours_contracted:g}"
        figures.append(Figure("Hours used", used, note=left(view.hours_remaining)))
    return tuple(figures)


def _internal_figures(view: InternalView) -> tuple[Figure, ...]:
    chance = "" if view.in_time is None else f"in time with a chance of {view.in_time:.0%}"
    figures = [
        Figure("Health", view.health, Look.COLOR),
        Figure("Target launch", view.target_launch, Look.DAY, _baseline(view)),
        Figure("Launched", view.launched, Look.DAY)
        if view.launched
        else Figure("Forecast launch, P50", view.forecast_p50, Look.DAY, view.why_no_forecast or chance),
    ]
    if not view.launched and view.forecast_p80:
        figures.append(Figure("Forecast launch, P80", view.forecast_p80, Look.DAY))
    figures += [
        Figure("Done", share_done(view.tasks), Look.SHARE, count(len(view.tasks), "task")),
        Figure("Hours used", view.hours_charged, Look.HOURS, _agreed(view)),
        Figure("Hours at completion", view.hours_at_completion, Look.HOURS, view.hours_basis),
    ]
    if view.entries_to_fix:
        figures.append(Figure("Time entries to fix", view.entries_to_fix, Look.COUNT, "closedwon hours lists them"))
    return tuple(figures)


def _baseline(view: InternalView) -> str:
    if view.baseline_launch is None or view.baseline_launch == view.target_launch:
        return ""
    return f"moved from {written(view.baseline_launch)}"


def _agreed(view: InternalView) -> str:
    if view.hours_contracted is None:
        return "no contracted hours are known"
    return ", ".join(filter(None, (f"of {view.hours_contracted:g} contracted", left(view.hours_remaining))))


_LOST = (
    Field[tuple[str, int]]("Court", lambda each: each[0]),
    Field[tuple[str, int]]("Days lost", lambda each: each[1], Look.COUNT),
)
_CAUSES = (
    Field[tuple[str, int, str]]("Task", lambda each: each[0], width=44),
    Field[tuple[str, int, str]]("Days", lambda each: each[1], Look.COUNT),
    Field[tuple[str, int, str]]("Court", lambda each: each[2]),
)


_LINKS = (
    Field[tuple[str, str]]("Connection", lambda link: link[0]),
    Field[tuple[str, str]]("Address", lambda link: link[1], Look.LINK, 50),
)


def _causes(view: InternalView) -> tuple[Table, ...]:
    lost = [each for each in view.lost if each[1]]
    blocks = [listed("Business days lost, by court", _LOST, lost)] if lost else []
    return (*blocks, listed("What holds the launch up", _CAUSES, view.causes)) if view.causes else tuple(blocks)


def _held(view: InternalView) -> tuple[Words, ...]:
    lines = tuple(f"{each.code}, {each.place}: {each.message}" for each in view.held)
    return (Words("Held back", lines),) if lines else ()
