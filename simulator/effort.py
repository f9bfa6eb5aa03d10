"""Fills the simulated Jira from a firm's record of past work: projects are epics, tasks issues, rows worklogs.

Called by `closedwon simulator --load-history`, by benches and by tests. Everything is done as people do it, through the
vendor's `act`, so history, search index and worklog feeds follow. Hours become seconds exactly; where a file's hours
are no whole seconds, they are rounded and counted. A row without hours makes no worklog; its task is still an issue.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from simulator.exports import Unloadable
from simulator.jira import Jira

TITLES: Mapping[str, tuple[str, ...]] = {
    "task": ("task", "taskid", "id", "issue", "key"),
    "name": ("summary", "name", "title"),
    "project": ("project", "projectcode", "customer"),
    "person": ("person", "developer", "assignee", "owner"),
    "hours": ("hoursactualdeveloper", "actualhours", "developerhoursactual", "hours"),
    "estimate": ("hoursestimated", "estimatehours", "hoursestimate", "estimatedhours"),
    "started": ("startedon", "started"),
    "estimated": ("estimatedon", "createdon"),
    "completed": ("completedon", "completed"),
}
NEEDED = ("task", "person", "hours")
SECONDS_PER_HOUR = 3600
_LONGEST = 250
_FORMS = ("%Y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%d.%m.%Y")
_MORNING = time(9, tzinfo=UTC)


@dataclass
class Worked:
    """What came in. `seconds` are all of the file's; `rounded` counts rows whose hours were no whole seconds."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: int = 0
    issues: dict[tuple[str, str], str] = field(default_factory=dict)
    """The issue's id by project and task."""
    epics: dict[str, str] = field(default_factory=dict)
    """The epic's key by project."""

    def as_json(self) -> dict[str, Any]:
        """Return the counts for `--json`."""
        return {**self.counts, "seconds": self.seconds}

    def sentence(self) -> str:
        """Return the counts in words."""
        parts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.counts.items())
        return f"Loaded into Jira: {parts or 'nothing'}; {self.seconds} seconds."


def load_history(jira: Jira, path: Path) -> Worked:
    """Load a file of past work into the Jira site; raises Unloadable when it cannot be read at all."""
    worked = Worked()
    people: dict[str, str] = {}
    for number, row in enumerate(_rows(path)):
        worked.counts["rows"] += 1
        who = row["person"] or "nobody"
        if who not in people:
            people[who] = _hire(jira, who)
            worked.counts["people"] += 1
        issue = _issue(jira, worked, row, people[who])
        seconds = _seconds(row["hours"], worked)
        if seconds > 0:
            started = _started(row, number)
            jira.act("log_time", {"issue": issue, "seconds": seconds, "who": people[who], "started": started})
            worked.counts["worklogs"] += 1
            worked.seconds += seconds
    return worked


def _issue(jira: Jira, worked: Worked, row: Mapping[str, str], who: str) -> str:
    """Return the issue of a row's task; made with its project's epic where it is not there, closed where done."""
    place = (row["project"], row["task"])
    if place in worked.issues:
        return worked.issues[place]
    project = {"key": jira.site.schema.projects[min(jira.site.schema.projects)].key}
    if row["project"] not in worked.epics:
        epic = {"project": project, "issuetype": {"name": "Epic"}, "summary": row["project"] or "All work"}
        worked.epics[row["project"]] = str(jira.act("create_issue", {"fields": epic})["key"])
        worked.counts["epics"] += 1
    fields: dict[str, Any] = {
        "project": project,
        "issuetype": {"name": "Task"},
        "summary": (" ".join(row["name"].split()) or f"Task {row['task']}")[:_LONGEST],
        "parent": {"key": worked.epics[row["project"]]},
    }
    if minutes := _minutes(row["estimate"]):
        fields["timetracking"] = {"originalEstimate": f"{minutes}m"}
    made = jira.act("create_issue", {"fields": fields, "who": who})
    worked.issues[place] = str(made["id"])
    worked.counts["issues"] += 1
    if _day(row["completed"]):
        jira.act("close_task", {"issue": made["key"], "who": who})
    return worked.issues[place]


def _hire(jira: Jira, who: str) -> str:
    local = re.sub(r"[^a-z0-9.]+", "-", who.casefold()).strip("-.") or "somebody"
    email = f"{local}.{len(jira.site.schema.users)}@history.example"
    return str(jira.act("add_person", {"email": email, "name": who})["account_id"])


def _minutes(text: str) -> int:
    return round(_hours(text) * 60)


def _seconds(text: str, worked: Worked) -> int:
    exact = _hours(text) * SECONDS_PER_HOUR
    if not exact:
        worked.counts["without_hours"] += 1
        return 0
    whole = round(exact)
    worked.counts["rounded"] += whole != exact
    return whole


def _hours(text: str) -> Decimal:
    """Read hours; 0 for what is none."""
    try:
        hours = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return Decimal(0)
    return hours if hours.is_finite() and hours > 0 else Decimal(0)


def _started(row: Mapping[str, str], number: int) -> str:
    """Return a moment of work between a task's start and completion, as Jira writes it; row by row another."""
    begin = _day(row["started"]) or _day(row["estimated"]) or _day(row["completed"]) or date(2000, 1, 3)
    end = max(begin, _day(row["completed"]) or begin)
    day = begin + timedelta(days=number % ((end - begin).days + 1))
    return f"{datetime.combine(day, _MORNING):%Y-%m-%dT%H:%M:%S}.000+0000"


def _day(text: str) -> date | None:
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    return None


def _rows(path: Path) -> Iterable[Mapping[str, str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unloadable(f"{path}: {error.strerror}. Check the path.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    reader = csv.reader(io.StringIO(text, newline=""))
    titles = [re.sub(r"[\W_]+", "", title).casefold() for title in next(reader, [])]
    places = {name: titles.index(found) for name, known in TITLES.items() if (found := _first(known, titles))}
    if lacking := [name for name in NEEDED if name not in places]:
        raise Unloadable(f"{path} has no column for {', '.join(lacking)}. docs/simulator.md lists the titles.")
    for cells in reader:
        row = {
            name: cells[places[name]].strip() if places.get(name, len(cells)) < len(cells) else "" for name in TITLES
        }
        if row["task"]:
            yield row


def _first(known: Iterable[str], titles: list[str]) -> str:
    return next((title for title in known if title in titles), "")
