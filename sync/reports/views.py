"""What each reader may see of an onboarding: two allow-lists, as types.

A report for a customer is made from a `CustomerView` and from nothing else. That type has no place for an owner, a
rate, an amount, a health reason, a forecast, a note, an Id, an address or a task that is ours alone: what is not there
cannot be shown by mistake. Both are filled by `sync.reports.viewing`, field by field, and read by the reports.
docs/decisions/0023 says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sync.reports.month import Issue


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for beside its day: since when changes are told, which month, who accepted the launch."""

    since: date | None = None
    month: date | None = None
    issued: Mapping[str, Mapping[date, Issue]] = field(default_factory=dict)
    """Statements that were issued, by onboarding and first day of the month."""
    meeting: date | None = None
    acceptance: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The customer's word that it is live: who gave it, and on which day."""

    by: str
    on: date


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: a task's status or due date. Values are words or days."""

    day: date
    task: str
    what: str
    old: str | date | None
    new: str | date | None


@dataclass(frozen=True, slots=True)
class SharedTask:
    """A task that the customer sees as well. `days_overdue` as of health; `your_move`: it waits for the customer.

    `sessions` of a training are nine o'clock of each working day from its start to its due day, in UTC.
    """

    uid: str
    name: str
    phase: str
    side: str
    status: str
    milestone: bool
    training: bool
    agreed: bool
    start: date | None
    due: date | None
    done_on: date | None
    days_overdue: int | None
    your_move: bool
    open: bool
    hours_planned: float
    sessions: tuple[datetime, ...]
    revision: int
    revised: datetime | None


@dataclass(frozen=True, slots=True)
class MonthSums:
    """A contract's books of a month, in hours; None: nothing is agreed. `over`: the month had ended when it was asked.

    `closing = opening + corrections + granted - lapsed - charged`. `corrections` are those of earlier months since they
    were issued, `corrected` what was used more in this one since it was, on `issued_on`.
    """

    start: date
    end: date
    over: bool
    opening: float | None
    corrections: float
    granted: float | None
    lapsed: float
    charged: float
    closing: float | None
    issued_on: date | None
    corrected: float


@dataclass(frozen=True, slots=True)
class SharedBooks:
    """A month's hours for the customer: by shared task, and all other work for the contract in one sum.

    So are the corrections since it was issued.
    """

    sums: MonthSums
    by_task: tuple[tuple[str, float], ...]
    other: float
    corrected: tuple[tuple[str, float], ...]
    corrected_other: float


@dataclass(frozen=True, slots=True)
class CustomerView:
    """All that a customer may see of an onboarding. `launched` is the day on which the launch was seen to be done."""

    account: str
    reference: str
    day: date
    kickoff: date | None
    target_launch: date | None
    launched: date | None
    launch_name: str
    tasks: tuple[SharedTask, ...]
    changes: tuple[Change, ...]
    since: date | None
    meeting: date | None
    hours_contracted: float | None
    hours_charged: float
    hours_remaining: float | None
    books: SharedBooks | None
    acceptance: Acceptance | None


@dataclass(frozen=True, slots=True)
class InternalTask:
    """A task for our own people. `court` is whose move it is, "" for nobody's; hours are hours."""

    uid: str
    name: str
    phase: str
    audience: str
    status: str
    owner: str
    role: str
    court: str
    milestone: bool
    training: bool
    agreed: bool
    critical: bool
    start: date | None
    due: date | None
    baseline_due: date | None
    done_on: date | None
    days_overdue: int | None
    open: bool
    hours_planned: float
    hours_tracked: float
    sessions: tuple[datetime, ...]
    revision: int
    revised: datetime | None


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A month's hours of one person on one task in one bucket; `charged` is what the contract pays for them."""

    task: str
    person: str
    bucket: str
    hours: float
    charged: float
    value: float


@dataclass(frozen=True, slots=True)
class InternalBooks:
    """A month's hours for our own people; `corrected` what has changed since it was issued, `issued_by` whom."""

    sums: MonthSums
    lines: tuple[WorkLine, ...]
    corrected: tuple[WorkLine, ...]
    issued_by: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Something that waits for a person."""

    code: str
    place: str
    message: str


@dataclass(frozen=True, slots=True)
class InternalView:
    """All that our own people see of an onboarding in reports. Prices of products and kick-off notes are not in it."""

    key: str
    title: str
    account: str
    template: str
    reference: str
    day: date
    kickoff: date | None
    closed_on: date | None
    amount: float | None
    target_launch: date | None
    baseline_launch: date | None
    launched: date | None
    launch_name: str
    health: str
    health_reason: str
    findings: tuple[tuple[str, str], ...]
    forecast_p50: date | None
    forecast_p80: date | None
    in_time: float | None
    why_no_forecast: str
    causes: tuple[tuple[str, int, str], ...]
    lost: tuple[tuple[str, int], ...]
    tasks: tuple[InternalTask, ...]
    changes: tuple[Change, ...]
    since: date | None
    meeting: date | None
    hours_contracted: float | None
    hours_charged: float
    hours_remaining: float | None
    hours_at_completion: float
    hours_basis: str
    hours_used_up: date | None
    entries_to_fix: int
    books: InternalBooks | None
    held: tuple[HeldBack, ...]
    links: tuple[tuple[str, str], ...]
    acceptance: Acceptance | None
