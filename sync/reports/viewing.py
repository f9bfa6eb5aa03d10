"""Fills what each reader may see of an onboarding, field by field: nothing is ever copied as a whole.

Called by `sync.reports.catalog`. Whatever a customer may not see ends here; see `sync.reports.views`.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, date, datetime, time

from connectors.base import Value
from mappings.hours import SECONDS_PER_HOUR
from mappings.practice import Court
from sync.core.dossier import Dossier, Task
from sync.core.hindsight import value_of
from sync.core.model import PLAN_ITEM, Event
from sync.core.statement import hours
from sync.reports.insight import Insight
from sync.reports.monthviews import internal_books, shared_books
from sync.reports.views import (
    Asked,
    Change,
    CustomerView,
    HeldBack,
    InternalTask,
    InternalView,
    SharedTask,
)

SHARED = frozenset({"customer", "both"})
"""The audiences whose tasks a customer sees."""

TRAINER = "trainer"
"""The templates' role of whoever trains: its tasks are the training schedule."""

ACTION = "action_"
"""Begins the items of tasks that a meeting agreed on."""

_BY_HAND, _BY_FORECAST = "from estimates and what finished took", "forecast, P50"
_NINE = time(9)
_MOST_SESSIONS = 20

_SIDES = {"customer": "You", "both": "Together"}
_TOLD = {"status": "Status", "due_target": "Due"}
_SPACE = uuid.UUID("6d1c3a3e-7a0e-5f57-9a53-0a1f0c9b7d11")
"""Ours alone: under it the identities of calendar entries are made."""


def customer_view(seen: Insight, asked: Asked) -> CustomerView:
    """Take out of an onboarding what its customer may see."""
    known, ledger = seen.known, seen.statement.ledger
    tasks = tuple(task for task in known.tasks if task.audience in SHARED)
    launch = known.launch_task
    return CustomerView(
        account=known.account,
        reference=reference(known.key),
        day=seen.day,
        kickoff=known.kickoff,
        target_launch=known.target_launch,
        launched=known.actual_launch,
        launch_name=launch.name if launch and launch.audience in SHARED else "",
        tasks=tuple(_shared_task(seen, task) for task in tasks),
        changes=_changes(known, tasks, asked.since, seen.day),
        since=asked.since,
        meeting=asked.meeting,
        hours_contracted=seen.statement.contracted,
        hours_charged=hours(ledger.charged) or 0.0,
        hours_remaining=hours(seen.statement.balance.remaining),
        books=shared_books(seen, asked.month, asked, tasks) if asked.month else None,
        acceptance=asked.acceptance,
    )


def internal_view(seen: Insight, asked: Asked) -> InternalView:
    """Take out of an onboarding what our own people see in reports."""
    known, ahead, books_ = seen.known, seen.judged.forecast, seen.statement
    launch, forecast = known.launch_task, seen.judged.hours_forecast
    return InternalView(
        key=known.key,
        title=known.title,
        account=known.account,
        template=f"{known.template} {known.template_version}".strip(),
        reference=reference(known.key),
        day=seen.day,
        kickoff=known.kickoff,
        closed_on=_day(known.deal.get("close_date")),
        amount=_number(known.deal.get("amount")),
        target_launch=known.target_launch,
        baseline_launch=launch.baseline_due if launch else _day(known.plan.get("target_launch")),
        launched=known.actual_launch,
        launch_name=launch.name if launch else "",
        health=str(seen.judged.health.color),
        health_reason=seen.judged.health.reason,
        findings=tuple((str(each.color), each.text) for each in seen.judged.health.findings),
        forecast_p50=ahead.p50,
        forecast_p80=ahead.p80,
        in_time=ahead.in_time,
        why_no_forecast=ahead.why_not,
        causes=tuple((cause.name, cause.days, str(cause.court)) for cause in ahead.causes),
        lost=tuple((str(court), seen.judged.courts.lost(court)) for court in Court),
        tasks=tuple(_internal_task(seen, task) for task in known.tasks),
        changes=_changes(known, known.tasks, asked.since, seen.day),
        since=asked.since,
        meeting=asked.meeting,
        hours_contracted=books_.contracted,
        hours_charged=hours(books_.ledger.charged) or 0.0,
        hours_remaining=hours(books_.balance.remaining),
        hours_at_completion=round(books_.at_completion, 2) if forecast is None else forecast,
        hours_basis=_BY_HAND if forecast is None else _BY_FORECAST,
        hours_used_up=books_.exhaustion.p50,
        entries_to_fix=len(books_.to_fix),
        books=internal_books(seen, asked.month, asked) if asked.month else None,
        held=tuple(HeldBack(each.code, _place(known, each.item, each.connection), each.message) for each in known.held),
        links=tuple(sorted(known.links.items())),
        acceptance=asked.acceptance,
    )


def reference(key: str) -> str:
    """Return a short name of an onboarding which tells nothing of it: minutes that come back are known by it."""
    return hashlib.sha256(f"closedwon {key}".encode()).hexdigest()[:12]


def words(status: str) -> str:
    """Return a status as people read it."""
    return status.replace("_", " ").capitalize()


def _shared_task(seen: Insight, task: Task) -> SharedTask:
    clock = seen.judged.courts.clocks.get(task.item)
    revision, revised = _revisions(seen.known, task.item)
    return SharedTask(
        uid=_uid(seen.known.key, task.item),
        name=task.name,
        phase=task.phase,
        side=_SIDES[task.audience],
        status=words(task.status),
        milestone=task.milestone,
        training=task.role == TRAINER,
        agreed=task.item.startswith(ACTION),
        start=task.start_target,
        due=task.due_target,
        done_on=task.done_on,
        days_overdue=task.days_overdue(seen.mappings.calendar, seen.day),
        your_move=clock is not None and clock.now is Court.CUSTOMER,
        open=task.open,
        hours_planned=task.estimated_hours,
        sessions=_sessions(seen, task),
        revision=revision,
        revised=revised,
    )


def _internal_task(seen: Insight, task: Task) -> InternalTask:
    clock = seen.judged.courts.clocks.get(task.item)
    revision, revised = _revisions(seen.known, task.item)
    return InternalTask(
        uid=_uid(seen.known.key, task.item),
        name=task.name,
        phase=task.phase,
        audience=task.audience,
        status=words(task.status),
        owner=task.owner,
        role=task.role.replace("_", " "),
        court=str(clock.now or "") if clock else "",
        milestone=task.milestone,
        training=task.role == TRAINER,
        agreed=task.item.startswith(ACTION),
        critical=task.critical,
        start=task.start_target,
        due=task.due_target,
        baseline_due=task.baseline_due,
        done_on=task.done_on,
        days_overdue=task.days_overdue(seen.mappings.calendar, seen.day),
        open=task.open,
        hours_planned=task.estimated_hours,
        hours_tracked=round(task.tracked_seconds / SECONDS_PER_HOUR, 2),
        sessions=_sessions(seen, task),
        revision=revision,
        revised=revised,
    )


def _sessions(seen: Insight, task: Task) -> tuple[datetime, ...]:
    start, end = task.start_target or task.due_target, task.due_target or task.start_target
    if task.role != TRAINER or start is None or end is None:
        return ()
    calendar = seen.mappings.calendar
    days = [calendar.next_business_day(start)]
    while (following := calendar.add(days[-1], 1)) <= end and len(days) < _MOST_SESSIONS:
        days.append(following)
    return tuple(datetime.combine(day, _NINE, seen.mappings.hours.zone).astimezone(UTC) for day in days)


def _changes(known: Dossier, tasks: tuple[Task, ...], since: date | None, until: date) -> tuple[Change, ...]:
    """Return what changed of these tasks after a day; of several changes of one field the first old, the last new."""
    if since is None:
        return ()
    names = {task.item: task.name for task in tasks}
    found: dict[tuple[str, str], Change] = {}
    for at, event in known.history:
        if event.item in names and event.rule == "changed" and event.field in _TOLD and since < at.date() <= until:
            first = found.get((event.item, event.field))
            old = first.old if first else _told(event, event.old)
            change = Change(at.date(), names[event.item], _TOLD[event.field], old, _told(event, event.new))
            found[event.item, event.field] = change
    return tuple(sorted((each for each in found.values() if each.old != each.new), key=lambda c: (c.day, c.task)))


def _told(event: Event, text: str) -> str | date | None:
    value = value_of(text)
    if isinstance(value, date):
        return value
    return words(value) if event.field == "status" and isinstance(value, str) else None


def _uid(key: str, item: str) -> str:
    """Return what a calendar knows an entry by, whatever becomes of its task. It tells nothing of the deal."""
    return f"{uuid.uuid5(_SPACE, f'{key}:{item}')}@closedwon"


def _revisions(known: Dossier, item: str) -> tuple[int, datetime | None]:
    """Return how often a task's name, dates or status changed, and when last."""
    told = [
        at for at, event in known.history if event.item == item and event.rule == "changed" and event.field in _SEEN
    ]
    return len(told), max(told, default=None)


_SEEN = frozenset({"name", "start_target", "due_target", "status"})
"""What a calendar entry shows of a task."""


def _place(known: Dossier, item: str, connection: str) -> str:
    name = next(
        (task.name for task in known.tasks if task.item == item), "the plan" if item in {"", PLAN_ITEM} else item
    )
    return f"{name} at {connection}" if connection else name


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
