"""The issues themselves and every change that can happen to one: created, edited, moved along, moved away, deleted.

Called by `site` and, through it, by handlers and people. It takes values that `values` has already checked, keeps
history and `updated`, and tells one listener of each change. It never reads requests and never answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.jira import adf
from simulator.jira.durations import format_duration
from simulator.jira.schema import DONE, IssueType, Project, Schema, Status, Transition


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a change."""

    field_id: str
    field: str
    custom: bool
    old: str | None
    old_text: str | None
    new: str | None
    new_text: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of an issue's history."""

    id: int
    author: str
    created: int
    items: tuple[Item, ...]


@dataclass(slots=True)
class Comment:
    """One comment; `body` is a document."""

    id: int
    author: str
    body: adf.Document
    created: int
    updated: int


@dataclass(slots=True)
class Worklog:
    """One piece of logged time."""

    id: int
    issue_id: int
    author: str
    update_author: str
    seconds: int
    started: str
    started_ms: int
    created: int
    updated: int
    comment: adf.Document | None = None
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Issue:
    """One issue. `values` holds settable fields by id in their stored form; absent means empty."""

    id: int
    key: str
    project: Project
    type: IssueType
    status: Status
    values: dict[str, Any]
    creator: str
    created: int
    updated: int
    parent: int | None = None
    resolution: str | None = None
    resolved: int | None = None
    category_changed: int = 0
    original_estimate: int | None = None
    remaining_estimate: int | None = None
    spent: int | None = None
    last_worklog_write: int = 0
    old_keys: list[str] = field(default_factory=list)
    children: set[int] = field(default_factory=set)
    history: list[Change] = field(default_factory=list)
    worklogs: dict[int, Worklog] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The title."""
        return str(self.values["summary"])


@dataclass(frozen=True, slots=True)
class Event:
    """What the listener hears: `name` as webhooks spell it."""

    name: str
    issue: Issue
    who: str
    change: Change | None = None
    extra: Any = None
    bulk: bool = False


class Issues:
    """All issues of the site by id and by every key they ever had."""

    def __init__(self, schema: Schema, now: Callable[[], int], listener: Callable[[Event], None]) -> None:
        self.schema = schema
        self.by_id: dict[int, Issue] = {}
        self.ids_by_key: dict[str, int] = {}
        self.deleted: set[int] = set()
        self._now = now
        self._listener = listener
        self._ids = itertools.count(10001)
        self._changes = itertools.count(10001)

    def get(self, ref: str) -> Issue | None:
        """Find by id or by any key, present or former, without regard to case."""
        if ref.isdecimal():
            return self.by_id.get(int(ref))
        found = self.ids_by_key.get(ref.upper())
        return None if found is None else self.by_id.get(found)

    def create(self, project: Project, kind: IssueType, values: Mapping[str, Any], *, who: str) -> Issue:
        """Add an issue in its workflow's first status; `values` must be checked already."""
        project.last_number += 1
        now = self._now()
        status = self.schema.statuses[kind.workflow.initial]
        key = f"{project.key}-{project.last_number}"
        issue = Issue(next(self._ids), key, project, kind, status, {}, who, now, now, category_changed=now)
        issue.values = {"reporter": who, "priority": "3"}
        for name, value in values.items():
            self._set(issue, name, value)
        self.by_id[issue.id] = issue
        self.ids_by_key[key] = issue.id
        self._listener(Event("jira:issue_created", issue, who))
        return issue

    def edit(self, issue: Issue, values: Mapping[str, Any], *, who: str, bulk: bool = False) -> bool:
        """Set these values; an edit that changes nothing leaves no trace. Returns whether it changed anything."""
        items = [item for name, value in values.items() for item in self._edited(issue, name, value)]
        if not items:
            return False
        self.note(issue, items, who=who, bulk=bulk)
        return True

    def follow(
        self, issue: Issue, arrow: Transition, *, who: str, values: Mapping[str, Any] | None = None, bulk: bool = False
    ) -> None:
        """Carry a transition out, with what its screen sets; the resolution follows into and out of a done status."""
        source, target = issue.status, self.schema.statuses[arrow.target]
        items = [Item("status", "status", False, source.id, source.name, target.id, target.name)]
        entered = dict(values or {})
        resolution = entered.pop("resolution", "10000") if target.category.key == DONE else None
        issue.status = target
        if source.category is not target.category:
            issue.category_changed = self._now()
        if resolution != issue.resolution:
            items.append(self._item("resolution", issue.resolution, resolution))
            issue.resolution = resolution
            issue.resolved = None if resolution is None else self._now()
        items += [item for name, value in entered.items() for item in self._edited(issue, name, value)]
        self.note(issue, items, who=who, bulk=bulk)

    def move(self, issue: Issue, project: Project, *, who: str) -> None:
        """Move to another project: the id stays, the key is new, the former key goes on resolving."""
        old_key, old_project = issue.key, issue.project
        project.last_number += 1
        issue.key, issue.project = f"{project.key}-{project.last_number}", project
        issue.old_keys.append(old_key)
        self.ids_by_key[issue.key] = issue.id
        items = [
            Item("project", "project", False, old_project.id, old_project.name, project.id, project.name),
            Item("issuekey", "Key", False, None, old_key, None, issue.key),
        ]
        self.note(issue, items, who=who)

    def delete(self, issue: Issue, *, who: str, bulk: bool = False) -> None:
        """Remove it, its sub-tasks with it; children of an epic lose their parent."""
        for child_id in sorted(issue.children):
            child = self.by_id[child_id]
            if child.type.level < 0:
                self.delete(child, who=who, bulk=bulk)
            else:
                self.edit(child, {"parent": None}, who=who, bulk=bulk)
        if issue.parent is not None and issue.parent in self.by_id:
            self.by_id[issue.parent].children.discard(issue.id)
        del self.by_id[issue.id]
        self.deleted.add(issue.id)
        self._listener(Event("jira:issue_deleted", issue, who, bulk=bulk))

    def note(self, issue: Issue, items: list[Item], *, who: str, bulk: bool = False) -> None:
        """Write history (unless only `updated` moves), and tell the listener."""
        issue.updated = self._now()
        change = Change(next(self._changes), who, issue.updated, tuple(items)) if items else None
        if change is not None:
            issue.history.append(change)
        self._listener(Event("jira:issue_updated", issue, who, change, bulk=bulk))

    def _edited(self, issue: Issue, name: str, value: Any) -> list[Item]:
        if name == "timetracking":
            pairs = (
                ("timeoriginalestimate", issue.original_estimate, value.original),
                ("timeestimate", issue.remaining_estimate, value.remaining),
            )
            items = [self._item(part, old, new) for part, old, new in pairs if old != new]
        else:
            old = self._value(issue, name)
            items = [self._item(name, old, value)] if old != value else []
        self._set(issue, name, value)
        return items

    def _value(self, issue: Issue, name: str) -> Any:
        if name == "parent":
            return issue.parent
        return issue.type.id if name == "issuetype" else issue.values.get(name, () if name == "labels" else None)

    def _set(self, issue: Issue, name: str, value: Any) -> None:
        if name == "timetracking":
            issue.original_estimate, issue.remaining_estimate = value.original, value.remaining
        elif name == "parent":
            if issue.parent is not None and issue.parent in self.by_id:
                self.by_id[issue.parent].children.discard(issue.id)
            issue.parent = value
            if value is not None:
                self.by_id[value].children.add(issue.id)
        elif name == "issuetype":
            issue.type = self.schema.types[value]
        elif value is None or value == ():
            issue.values.pop(name, None)
        else:
            issue.values[name] = value

    def _item(self, name: str, old: Any, new: Any) -> Item:
        known = self.schema.fields[name]
        label = known.name if known.custom or name == "parent" else name
        return Item(name, label, known.custom, *self._shown(name, old), *self._shown(name, new))

    def _shown(self, name: str, value: Any) -> tuple[str | None, str | None]:
        """Return the raw and the readable form that a history line shows."""
        kind = self.schema.fields[name].kind
        if value is None or value == ():
            return None, None
        if kind == "user":
            return value, self.schema.users[value].name
        if kind == "parent":
            found = self.by_id.get(value)
            return str(value), found.key if found else None
        if kind == "labels":
            return None, " ".join(value)
        if kind == "richtext":
            return None, adf.to_text(value)
        if kind == "seconds":
            return str(value), format_duration(value)
        if kind == "issuetype":
            return value, self.schema.types[value].name
        choices = {"priority": self.schema.priorities, "resolution": self.schema.resolutions}.get(
            kind, self.schema.fields[name].options
        )
        for option in choices:
            if option.id == value:
                return option.id, option.name
        return (str(value) if kind == "date" else None), str(value)
