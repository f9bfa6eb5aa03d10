"""Reads a firm's own records of estimated and actual work: a CSV file, tolerant of dirt, counting what it leaves out.

Called by `closedwon forecast --backtest --history FILE` with the file's bytes. It opens nothing. Titles are matched
without regard to case, spaces and punctuation; docs/forecast.md lists them. Several rows of one task are one task, and
its hours are the task's total where a column has it, else the sum of the rows.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from mappings.calendar import BusinessCalendar
from sync.core.pace import Finished, Known, task_groups

TITLES: Mapping[str, tuple[str, ...]] = {
    "task": ("task", "task id", "id", "issue", "key", "task number"),
    "name": ("name", "summary", "title", "task name"),
    "person": ("person", "developer", "assignee", "owner", "who"),
    "kind": ("kind", "group", "subcategory", "category", "phase", "type"),
    "project": ("project", "project code", "customer", "account"),
    "status": ("status", "state"),
    "estimate": ("estimate hours", "hours estimated", "hours estimate", "estimated hours", "estimate"),
    "total": ("hours actual task", "actual hours task", "hours actual", "task hours"),
    "hours": ("actual hours", "hours actual developer", "developer hours actual", "hours"),
    "estimated_on": ("estimated on", "estimate on", "created on", "created"),
    "started_on": ("started on", "started", "start"),
    "completed_on": ("completed on", "completed", "done on", "finished on", "resolved"),
}
NEEDED = (("task",), ("estimate",), ("hours", "total"), ("started_on", "estimated_on"), ("completed_on",))
MOST_HOURS = 100_000.0
_DAYS = ("started_on", "completed_on", "estimated_on")
_DAY_FORMS = ("%Y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y")
_DATE_LENGTH_ISO = 10
_CELL_LIMIT = 10_000_000


class BadHistory(ValueError):
    """The file cannot be read as a table of tasks at all; the message says what to do."""


class _Unfit(ValueError):
    """A task cannot be learned from; the text is the reason, the same for all of its kind."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a file tells: its finished tasks, and how many were left out for which reason."""

    tasks: tuple[Finished, ...]
    rows: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Tasks by reason."""


def read_effort(data: bytes, *, calendar: BusinessCalendar, hours_per_day: float = 8.0) -> Past:
    """Read a file of past work; raises BadHistory where it is no such table."""
    places, rows = _table(_text(data))
    forms = {name: _form([row[places[name]] for row in rows]) for name in _DAYS if name in places}
    groups: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for cells in rows:
        row = {name: cells[place].strip() for name, place in places.items()}
        groups.setdefault((row.get("project", ""), row["task"]), []).append(row)
    left_out: Counter[str] = Counter()
    tasks = []
    for (project, number), group in groups.items():
        try:
            tasks.append(_task(number, project, group, forms, calendar, hours_per_day))
        except _Unfit as unfit:
            left_out[str(unfit)] += 1
    return Past(tuple(tasks), len(rows), dict(sorted(left_out.items())))


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _table(text: str) -> tuple[dict[str, int], list[list[str]]]:
    """Return where each of our columns stands, and the rows, all of one length."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(_CELL_LIMIT)
    try:
        lines = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cells)]
    except csv.Error as error:
        raise BadHistory(f"The history is no CSV file: {error}. Save it as CSV with a line of titles.") from None
    titles = [_plain(title) for title in lines[0]] if lines else []
    places: dict[str, int] = {}
    for name, known in TITLES.items():
        if found := [
            titles.index(title) for title in known if title in titles and titles.index(title) not in places.values()
        ]:
            places[name] = found[0]
    lacking = [" or ".join(choice) for choice in NEEDED if not set(choice) & set(places)]
    if lacking:
        has = ", ".join(lines[0]) if lines else "nothing"
        raise BadHistory(
            f"The history lacks a column for {', '.join(lacking)}. It has: {has}. Rename its titles to: task,"
            " estimate_hours, actual_hours, person, group, estimated_on, started_on, completed_on."
        )
    width = len(titles)
    return places, [[*cells, *[""] * (width - len(cells))] for cells in lines[1:]]


def _plain(title: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", title.casefold()).split())


def _form(cells: Sequence[str]) -> str:
    """Return the form that reads most of a column's days; the first of equals."""
    seen = Counter(cell.strip() for cell in cells if cell.strip())
    return max(_DAY_FORMS, key=lambda form: sum(count for cell, count in seen.items() if _day(cell, form)))


@lru_cache(maxsize=8192)
def _day(cell: str, form: str) -> date | None:
    try:
        return datetime.strptime(cell[:_DATE_LENGTH_ISO] if form == "%Y-%m-%d" else cell, form).date()  # noqa: DTZ007
    except ValueError:
        return None


def _task(
    number: str,
    project: str,
    rows: Sequence[Mapping[str, str]],
    forms: Mapping[str, str],
    calendar: BusinessCalendar,
    hours_per_day: float,
) -> Finished:
    first = rows[0]
    if not number:
        raise _Unfit("no task number")
    if "cancel" in first.get("status", "").casefold():
        raise _Unfit("cancelled")
    days = {name: _day(first.get(name, ""), form) for name, form in forms.items()}
    completed, begins = days.get("completed_on"), days.get("started_on") or days.get("estimated_on")
    if completed is None:
        raise _Unfit("no completion date")
    if begins is None:
        raise _Unfit("no start date")
    if completed < begins:
        raise _Unfit("completed before it started")
    estimate, hours = _hours(first["estimate"], "estimate"), _actual(rows)
    known = Known(
        estimate=estimate,
        days=max(1, math.ceil(estimate / hours_per_day)),
        begins=begins,
        groups=task_groups(
            name=first.get("name") or number,
            person=first.get("person", ""),
            kind=first.get("kind", ""),
            estimate=estimate,
        ),
    )
    worked = max(1, calendar.between(begins, completed) + calendar.is_business_day(begins))
    return Finished(number, known, hours, worked, completed, project)


def _actual(rows: Sequence[Mapping[str, str]]) -> float:
    if rows[0].get("total"):
        return _hours(rows[0]["total"], "actual")
    return sum(_hours(row.get("hours", ""), "actual") for row in rows)


def _hours(cell: str, what: str) -> float:
    text = cell.replace(",", ".") if "." not in cell else cell.replace(",", "")
    try:
        value = float(text)
    except ValueError:
        raise _Unfit(f"no {what} hours") from None
    if value == 0:
        raise _Unfit(f"zero {what} hours")
    if not 0 < value <= MOST_HOURS:
        raise _Unfit(f"impossible {what} hours")
    return value
