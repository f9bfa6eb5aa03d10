"""A month's hours as each reader may see them: for the customer by shared tasks, for us by task, person and bucket.

Called by `sync.reports.viewing`. Lines are named as the plan calls its tasks now, and what the customer may see by name
is what is shared now; the hours are those of the books.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from mappings.hours import SECONDS_PER_HOUR
from sync.core.dossier import Task
from sync.core.statement import hours
from sync.reports.insight import Insight
from sync.reports.month import Books, Line, books
from sync.reports.views import Asked, InternalBooks, MonthSums, SharedBooks, WorkLine


def shared_books(seen: Insight, month: date, asked: Asked, shared: Iterable[Task]) -> SharedBooks:
    """Return what the customer may see of a month; tasks that are not `shared` are one sum."""
    found = _books(seen, month, asked)
    names = {task.item: task.name for task in shared}
    rows, other = _by_task(found.lines, names)
    corrected, corrected_other = _by_task(found.changed, names)
    return SharedBooks(_sums(found), rows, other, corrected, corrected_other)


def internal_books(seen: Insight, month: date, asked: Asked) -> InternalBooks:
    """Return what our own people see of a month."""
    found = _books(seen, month, asked)
    by = found.issue.by if found.issue else ""
    return InternalBooks(_sums(found), _work(seen, found.lines), _work(seen, found.changed), by)


def _books(seen: Insight, month: date, asked: Asked) -> Books:
    return books(seen.known, seen.mappings.hours, month, seen.day, asked.issued.get(seen.known.key))


def _by_task(lines: Iterable[Line], names: dict[str, str]) -> tuple[tuple[tuple[str, float], ...], float]:
    sums: dict[str, int] = {}
    for each in lines:
        item = each.item if each.item in names else ""
        sums[item] = sums.get(item, 0) + each.charged
    return tuple((name, _hours(sums[item])) for item, name in names.items() if sums.get(item)), _hours(sums.get("", 0))


def _work(seen: Insight, lines: Iterable[Line]) -> tuple[WorkLine, ...]:
    sums: dict[tuple[str, str, str], list[float]] = {}
    for each in lines:
        bucket = each.bucket.replace("_", " ").capitalize()
        mine = sums.setdefault((seen.statement.name_of(each.item), each.author, bucket), [0, 0, 0.0])
        for place, amount in enumerate((each.seconds, each.charged, each.value)):
            mine[place] += amount
    return tuple(
        WorkLine(*names, _hours(seconds), _hours(charged), round(value, 2))
        for names, (seconds, charged, value) in sorted(sums.items())
    )


def _sums(found: Books) -> MonthSums:
    return MonthSums(
        start=found.start,
        end=found.end,
        over=found.over,
        opening=hours(found.opening),
        corrections=_hours(found.corrections),
        granted=hours(found.granted),
        lapsed=_hours(found.lapsed),
        charged=_hours(found.charged),
        closing=hours(found.closing),
        issued_on=found.issue.at.date() if found.issue else None,
        corrected=_hours(sum(each.charged for each in found.changed)),
    )


def _hours(seconds: float) -> float:
    return round(seconds / SECONDS_PER_HOUR, 2)
