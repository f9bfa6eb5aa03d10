"""Everything that is known of one onboarding, for whoever explains it: health, forecast, scope, reports, notices.

Built by `sync.engine.dossiers` from what the store remembers; read by the pure modules of `sync.core` and by
`sync.reports`. It decides nothing and holds no vendor's word: names, dates and hours as all sides agreed on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from connectors.base import Fields, TimeEntry, Value
from mappings.calendar import BusinessCalendar
from sync.core.model import PLAN_ITEM, Event, Onboarding, Quarantine

DONE, CANCELLED = "done", "cancelled"

UNPLANNED = "unplanned"
"""The item of time on records that lie in a plan and are no task of ours, and the kind of document that names them."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A time entry and where it belongs: `key` and `item` are "" for one on a record that is bound to nothing."""

    connection: str
    entry: TimeEntry
    key: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task or milestone as all sides agree. Hours are hours, `tracked_seconds` the sum of its time entries.

    `baseline_start` and `baseline_due` are the targets that the plan began with, `done_on` the day when it was last
    seen to become done (None while it is not, or when that was before this store began).
    """

    item: str
    name: str
    phase: str
    status: str
    audience: str
    owner: str
    role: str
    milestone: bool
    critical: bool
    start_target: date | None
    due_target: date | None
    baseline_start: date | None
    baseline_due: date | None
    estimated_hours: float
    tracked_seconds: int
    depends_on: tuple[str, ...]
    done_on: date | None = None
    urls: tuple[str, ...] = ()
    billable: bool = True
    court: str = ""
    """Whose move the template says it is, whoever owns it; "" where it says nothing."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to do it."""
        return self.status not in {DONE, CANCELLED}

    def days_overdue(self, calendar: BusinessCalendar, today: date) -> int | None:
        """Return the business days by which its target due date has passed, None while it has not or once it is closed.

        0 on days off right after the due date. Health, notices and reports all say overdue by this.
        """
        due = self.due_target
        return calendar.between(due, today) if self.open and due is not None and due < today else None


@dataclass(frozen=True, slots=True)
class Dossier:
    """One onboarding. `deal` and `plan` are canonical fields, `tasks` in the plan's order, `history` oldest first."""

    key: str
    title: str
    account: str
    template: str
    template_version: str
    deal: Fields
    plan: Fields
    tasks: tuple[Task, ...]
    logged: tuple[Logged, ...]
    history: tuple[tuple[datetime, Event], ...]
    held: tuple[Quarantine, ...]
    rollup: Fields
    links: Mapping[str, str]
    """Addresses of the plan, by connection."""

    @property
    def kickoff(self) -> date | None:
        """The day on which the plan begins."""
        return _day(self.plan.get("kickoff"))

    @property
    def launch_task(self) -> Task | None:
        """The milestone that is the launch, if the plan has one."""
        item = self.plan.get("launch_item")
        return next((task for task in self.tasks if task.item == item), None)

    @property
    def target_launch(self) -> date | None:
        """The day on which the launch is meant to be, wherever people have moved it."""
        task = self.launch_task
        return (task.due_target if task else None) or _day(self.plan.get("target_launch"))

    @property
    def launched(self) -> bool:
        """Whether it has launched, also where nobody saw on which day. Hypercare and reviews come after it."""
        launch = self.launch_task
        if launch is not None:
            return launch.status == DONE
        live = [task for task in self.tasks if task.status != CANCELLED]
        return bool(live) and not any(task.open for task in live)

    @property
    def actual_launch(self) -> date | None:
        """The day on which the launch was seen to be done."""
        task = self.launch_task
        if task is not None:
            return task.done_on if task.status == DONE else None
        live = [task for task in self.tasks if task.status != CANCELLED]
        days = [task.done_on for task in live]
        return max((day for day in days if day), default=None) if live and not any(t.open for t in live) else None


def dossier(
    onboarding: Onboarding, *, history: Sequence[tuple[datetime, Event]] = (), logged: Sequence[Logged] = ()
) -> Dossier:
    """Arrange what is remembered of one onboarding; `history` oldest first."""
    plan = onboarding.base.get(PLAN_ITEM, {})
    done = _done(history)
    urls: dict[str, list[str]] = {}
    for binding in onboarding.bindings:
        if binding.url:
            urls.setdefault(binding.item, []).append(binding.url)
    return Dossier(
        key=onboarding.key,
        title=_text(plan.get("title")) or onboarding.key,
        account=_text(plan.get("account")),
        template=onboarding.template,
        template_version=onboarding.template_version,
        deal=onboarding.deal,
        plan=plan,
        tasks=tuple(
            _task(item, fields, onboarding.tracked.get(item, 0), done.get(item), tuple(urls.get(item, ())))
            for item, fields in onboarding.base.items()
            if item != PLAN_ITEM
        ),
        logged=tuple(logged),
        history=tuple(history),
        held=onboarding.held,
        rollup=onboarding.rollup,
        links={b.connection: b.url for b in onboarding.bindings if b.item == PLAN_ITEM and b.url},
    )


def _task(item: str, fields: Fields, tracked: int, done: date | None, urls: tuple[str, ...]) -> Task:
    status = _text(fields.get("status"))
    depends_on = fields.get("depends_on")
    return Task(
        item=item,
        name=_text(fields.get("name")),
        phase=_text(fields.get("phase")),
        status=status,
        audience=_text(fields.get("audience")) or "both",
        owner=_text(fields.get("owner")),
        role=_text(fields.get("role")),
        milestone=bool(fields.get("milestone")),
        critical=bool(fields.get("critical")),
        start_target=_day(fields.get("start_target")),
        due_target=_day(fields.get("due_target")),
        baseline_start=_day(fields.get("start_baseline")),
        baseline_due=_day(fields.get("due_baseline")),
        estimated_hours=_number(fields.get("estimated_hours")),
        tracked_seconds=tracked,
        depends_on=tuple(str(key) for key in depends_on) if isinstance(depends_on, tuple | list) else (),
        done_on=done if status == DONE else None,
        urls=urls,
        billable=fields.get("billable") is not False,
        court=_text(fields.get("court")),
    )


def _done(history: Sequence[tuple[datetime, Event]]) -> dict[str, date]:
    """Find by item the day on which its status last became done."""
    days: dict[str, date] = {}
    for at, event in history:
        if event.field == "status" and event.rule == "changed" and event.new == repr(DONE):
            days[event.item] = at.date()
    return days


def _day(value: Value) -> date | None:
    return value if isinstance(value, date) else None


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
