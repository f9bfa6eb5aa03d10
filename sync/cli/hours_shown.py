"""How statements of hours are written: as JSON, and as the rows of tables and files.

Used by `sync.cli.hours` and `sync.cli.hours_files`. Numbers stay numbers and days stay days: each form shows them its
own way.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeAlias

from sync.core.allotment import PeriodSum
from sync.core.hours import TO_FIX, Bucket, Placed
from sync.core.statement import WHAT_TO_DO, Statement, hours

Cell: TypeAlias = str | int | float | date | None

SUMMARY = (
    "Deal",
    "Title",
    "Contracted h",
    "Available h",
    "Counted h",
    "Charged h",
    "Remaining h",
    "h/week",
    "At completion h",
    "Used up P50",
    "Used up P80",
    "Non-billable h",
    "Out of period h",
    "Unattributed h",
    "Rejected h",
    "Entries to fix",
    "Note",
)
PERIODS = ("Deal", "From", "To", "Granted h", "Carried in h", "Charged h", "Lapsed h", "Left h")
ENTRIES = (
    "Deal",
    "Connection",
    "Entry",
    "Record",
    "Item",
    "Author",
    "Role",
    "Day",
    "Started",
    "Seconds",
    "Bucket",
    "Reason",
    "Charged seconds",
    "Value",
)
TO_DO = ("What to do",)


def summary_row(one: Statement) -> tuple[Cell, ...]:
    """Return an onboarding's line under SUMMARY."""
    seconds = one.ledger.seconds
    rest = (Bucket.NON_BILLABLE, Bucket.OUT_OF_PERIOD, Bucket.UNATTRIBUTED, Bucket.REJECTED)
    return (
        one.dossier.key,
        one.dossier.title,
        one.contracted,
        hours(one.balance.available),
        hours(one.ledger.counted),
        hours(one.ledger.charged),
        hours(one.balance.remaining),
        round(one.burn.hours_per_week, 2),
        round(one.at_completion, 2),
        one.exhaustion.p50,
        one.exhaustion.p80,
        *(hours(seconds[bucket]) for bucket in rest),
        len(one.to_fix),
        one.exhaustion.why,
    )


def period_row(key: str, each: PeriodSum) -> tuple[Cell, ...]:
    """Return a period's line under PERIODS; the open side of a term is empty."""
    start = None if each.period.start == date.min else each.period.start
    end = None if each.period.end == date.max else each.period.end
    amounts = (each.granted, each.carried, each.charged, each.lapsed, each.left)
    return (key, start, end, *map(hours, amounts))


def entry_row(key: str, placed: Placed) -> tuple[Cell, ...]:
    """Return an entry's line under ENTRIES."""
    entry = placed.logged.entry
    return (
        key,
        placed.logged.connection,
        entry.id,
        entry.record_id,
        placed.logged.item,
        placed.author,
        placed.role,
        placed.day,
        entry.started.isoformat(),
        placed.seconds,
        str(placed.bucket),
        placed.reason,
        placed.charged,
        round(placed.value, 2),
    )


def what_to_do(placed: Placed) -> str:
    """Say what a person does about an entry; "" for one that is in order."""
    return WHAT_TO_DO.get(placed.bucket, "")


def entry_json(placed: Placed) -> dict[str, Any]:
    """Return an entry for `--json`."""
    entry = placed.logged.entry
    shown = {
        "connection": placed.logged.connection,
        "id": entry.id,
        "record": entry.record_id,
        "item": placed.logged.item,
        "author": placed.author,
        "role": placed.role,
        "day": placed.day,
        "started": entry.started,
        "seconds": placed.seconds,
        "bucket": str(placed.bucket),
        "reason": placed.reason,
        "charged_seconds": placed.charged,
    }
    return shown | ({"what_to_do": what_to_do(placed)} if placed.bucket in TO_FIX else {})


def statement_json(one: Statement, *, entries: bool) -> dict[str, Any]:
    """Return a statement for `--json`; with all its entries, or those to fix alone."""
    shown: dict[str, Any] = {
        "key": one.dossier.key,
        "title": one.dossier.title,
        "account": one.dossier.account,
        "contracted": one.contracted,
        "available": hours(one.balance.available),
        "lapsed": hours(one.balance.lapsed),
        "counted": hours(one.ledger.counted),
        "charged": hours(one.ledger.charged),
        "remaining": hours(one.balance.remaining),
        "value": one.ledger.value,
        "seconds": _seconds(one.ledger.seconds),
        "burn": {"hours_per_week": round(one.burn.hours_per_week, 2), "weeks": one.burn.weeks},
        "at_completion": round(one.at_completion, 2),
        "exhaustion": {"p50": one.exhaustion.p50, "p80": one.exhaustion.p80, "why": one.exhaustion.why},
        "periods": [dict(zip(_PERIOD, period_row("", each)[1:], strict=True)) for each in one.balance.periods],
        "tasks": {item: _seconds(sums) for item, sums in one.ledger.sums(lambda p: p.logged.item).items()},
        "people": {who: _seconds(sums) for who, sums in one.ledger.sums(lambda p: p.author).items()},
        "to_fix": [entry_json(placed) for placed in one.to_fix],
    }
    return shown | ({"entries": [entry_json(placed) for placed in one.ledger.entries]} if entries else {})


_PERIOD = ("start", "end", "granted", "carried", "charged", "lapsed", "left")


def _seconds(sums: Any) -> dict[str, int]:
    return {str(bucket): seconds for bucket, seconds in sums.items()}


def text_of(cell: Cell | datetime) -> str:
    """Return a cell as a terminal shows it."""
    if cell is None:
        return "–"
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
