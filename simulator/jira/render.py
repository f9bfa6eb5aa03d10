"""Shows issues, people, statuses and the rest as the API's JSON, in the version and with the address the caller used.

Called by every handler that answers with data. One `Renderer` lives per version and address until the schema changes,
so that the parts that thousands of issues share (a status, a person) are built once. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from simulator.jira import adf
from simulator.jira.calls import stamp
from simulator.jira.durations import format_duration
from simulator.jira.issues import Change, Comment, Issue, Issues, Worklog
from simulator.jira.schema import Category, Field, IssueType, Option, Project, Schema, Status, Transition, User

Json = dict[str, Any]
FieldRenderer = Callable[[Issue], Any]
ISSUE_EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"
EMBEDDED = 20
"""How many worklogs and comments an issue's own fields embed."""

_SCHEMAS: dict[str, Json] = {
    "summary": {"type": "string"}, "text": {"type": "string"}, "richtext": {"type": "string"},
    "date": {"type": "date"}, "moment": {"type": "datetime"}, "number": {"type": "number"}, "user": {"type": "user"},
    "labels": {"type": "array", "items": "string"}, "option": {"type": "option"}, "priority": {"type": "priority"},
    "resolution": {"type": "resolution"}, "issuetype": {"type": "issuetype"}, "project": {"type": "project"},
    "status": {"type": "status"}, "statuscategory": {"type": "statusCategory"}, "parent": {"type": "issuelink"},
    "seconds": {"type": "number"}, "timetracking": {"type": "timetracking"},
    "subtasks": {"type": "array", "items": "issuelinks"}, "comment": {"type": "comments-page"},
    "worklog": {"type": "array", "items": "worklog"}, "key": {"type": "string"},
}  # fmt: skip
_CUSTOM_TYPES = {
    "text": "textfield", "richtext": "textarea", "date": "datepicker", "number": "float", "option": "select",
    "user": "userpicker", "labels": "labels",
}  # fmt: skip


def field_schema(known: Field) -> Json:
    """Return a field's JsonType."""
    shape = dict(_SCHEMAS[known.kind])
    if known.custom:
        number = int(known.id.removeprefix("customfield_"))
        kind = _CUSTOM_TYPES[known.kind]
        return {**shape, "custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{kind}", "customId": number}
    return {**shape, "system": known.id}


class Renderer:
    """Builds JSON for one API version and one address."""

    def __init__(self, schema: Schema, issues: Issues, base: str, version: str) -> None:
        self.schema = schema
        self.issues = issues
        self.api = f"{base}/rest/api/{version}"
        self.version = version
        self._site = base
        self._statuses = {status.id: self.status(status) for status in schema.statuses.values()}
        self._types = {kind.id: self.issue_type(kind) for kind in schema.types.values()}
        self._users = {user.account_id: self.user(user) for user in schema.users.values()}
        self._projects = {project.id: self.project_ref(project) for project in schema.projects.values()}
        self._fields: dict[str, FieldRenderer] = {f.id: self._renderer(f) for f in schema.fields.values()}
        self._selections: dict[tuple[tuple[str, ...], str], tuple[tuple[str, FieldRenderer], ...]] = {}

    # --- parts -------------------------------------------------------------------------------------------------------

    def category(self, category: Category) -> Json:
        """Show a status category."""
        return {
            "self": f"{self.api}/statuscategory/{category.id}",
            "id": category.id,
            "key": category.key,
            "colorName": category.colour,
            "name": category.name,
        }

    def status(self, status: Status) -> Json:
        """Show a status with its category."""
        return {
            "self": f"{self.api}/status/{status.id}",
            "description": "",
            "iconUrl": f"{self._site}/images/icons/statuses/generic.png",
            "name": status.name,
            "id": status.id,
            "statusCategory": self.category(status.category),
        }

    def issue_type(self, kind: IssueType) -> Json:
        """Show an issue type."""
        return {
            "self": f"{self.api}/issuetype/{kind.id}",
            "id": kind.id,
            "description": "",
            "iconUrl": f"{self._site}/images/icons/issuetypes/{kind.id}.png",
            "name": kind.name,
            "subtask": kind.level < 0,
            "hierarchyLevel": kind.level,
        }

    def user(self, user: User) -> Json:
        """Show a person; the address is shown, as it is to themselves and by their choice."""
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {
            "self": f"{self.api}/user?accountId={user.account_id}",
            "accountId": user.account_id,
            "emailAddress": user.email,
            "avatarUrls": {size: f"{self._site}/avatar/{user.account_id}/{size}.png" for size in sizes},
            "displayName": user.name,
            "active": user.active,
            "timeZone": user.timezone,
            "accountType": "atlassian",
        }

    def project_ref(self, project: Project) -> Json:
        """Show a project as an issue does."""
        return {
            "self": f"{self.api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "simplified": False,
        }

    def known_user(self, account: str) -> Json:
        """Show a person by account."""
        return self._users[account]

    def field(self, known: Field) -> Json:
        """Show a field as GET field lists it."""
        return {
            "id": known.id,
            "key": known.id,
            "name": known.name,
            "custom": known.custom,
            "orderable": known.settable,
            "navigable": known.navigable,
            "searchable": bool(known.clause_names),
            "clauseNames": known.clause_names,
            "schema": field_schema(known),
        }

    def option(self, option: Option, known: Field) -> Json:
        """Show one value of a select list, a priority or a resolution."""
        if known.kind == "option":
            return {"self": f"{self.api}/customFieldOption/{option.id}", "value": option.name, "id": option.id}
        return {"self": f"{self.api}/{known.kind}/{option.id}", "name": option.name, "id": option.id}

    def transition(self, arrow: Transition, screen: Json | None = None) -> Json:
        """Show a transition; `screen` is given when `expand=transitions.fields` asks for it."""
        shown = {
            "id": arrow.id,
            "name": arrow.name,
            "to": self._statuses[arrow.target],
            "hasScreen": bool(screen),
            "isGlobal": False,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "looped": arrow.source == arrow.target,
        }
        return shown if screen is None else {**shown, "fields": screen}

    def text(self, document: adf.Document | None) -> Any:
        """Show rich text as this version shows it."""
        return adf.to_text(document) if self.version == "2" and document is not None else document

    # --- parts of issues ---------------------------------------------------------------------------------------------

    def worklog(self, log: Worklog, *, properties: bool = False) -> Json:
        """Show one worklog."""
        shown = {
            "self": f"{self.api}/issue/{log.issue_id}/worklog/{log.id}",
            "author": self._users[log.author],
            "updateAuthor": self._users[log.update_author],
            "created": stamp(log.created),
            "updated": stamp(log.updated),
            "started": log.started,
            "timeSpent": format_duration(log.seconds),
            "timeSpentSeconds": log.seconds,
            "id": str(log.id),
            "issueId": str(log.issue_id),
        }
        if log.comment is not None:
            shown["comment"] = self.text(log.comment)
        if properties:
            shown["properties"] = [{"key": key, "value": value} for key, value in sorted(log.properties.items())]
        return shown

    def comment(self, issue: Issue, comment: Comment) -> Json:
        """Show one comment."""
        author = self._users[comment.author]
        return {
            "self": f"{self.api}/issue/{issue.id}/comment/{comment.id}",
            "id": str(comment.id),
            "author": author,
            "body": self.text(comment.body),
            "updateAuthor": author,
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
            "jsdPublic": True,
        }

    def change(self, change: Change, *, epoch: bool = False) -> Json:
        """Show one entry of a history; the bulk operation gives `created` as epoch milliseconds."""
        return {
            "id": str(change.id),
            "author": self._users[change.author],
            "created": change.created if epoch else stamp(change.created),
            "items": change_items(change),
        }

    # --- issues ------------------------------------------------------------------------------------------------------

    def issue(
        self,
        issue: Issue,
        fields: Sequence[str],
        default: str,
        expand: Iterable[str] = (),
        properties: Sequence[str] = (),
    ) -> Json:
        """Show one issue with the chosen fields; `default` is what no choice means: `*all`, `*navigable` or `id`."""
        chosen = self.select(fields, default)
        shown: Json = {
            "expand": ISSUE_EXPAND,
            "id": str(issue.id),
            "self": f"{self.api}/issue/{issue.id}",
            "key": issue.key,
            "fields": {name: render(issue) for name, render in chosen},
        }
        if properties:
            wanted = issue.properties if "*all" in properties else properties
            shown["properties"] = {key: issue.properties[key] for key in wanted if key in issue.properties}
        if "changelog" in expand:
            histories = [self.change(change) for change in reversed(issue.history[-100:])]
            total = len(issue.history)
            shown["changelog"] = {"startAt": 0, "maxResults": len(histories), "total": total, "histories": histories}
        if "names" in expand:
            shown["names"] = {name: self.schema.fields[name].name for name, _ in chosen}
        if "schema" in expand:
            shown["schema"] = {name: field_schema(self.schema.fields[name]) for name, _ in chosen}
        return shown

    def select(self, fields: Sequence[str], default: str) -> tuple[tuple[str, FieldRenderer], ...]:
        """Resolve a choice of fields: ids, `*all`, `*navigable`, `-id` to leave one out; unknown names are ignored."""
        key = (tuple(fields), default)
        if key not in self._selections:
            asked = [name for name in fields if not name.startswith("-")] or [default]
            dropped = {name[1:] for name in fields if name.startswith("-")}
            names: dict[str, None] = {}
            for name in asked:
                names.update(dict.fromkeys(self._named(name)))
            chosen = [(name, self._fields[name]) for name in names if name in self._fields and name not in dropped]
            self._selections[key] = tuple(pair for pair in chosen if pair[0] != "issuekey")
        return self._selections[key]

    def _named(self, name: str) -> list[str]:
        if name == "*all":
            return list(self._fields)
        if name == "*navigable":
            return [known.id for known in self.schema.fields.values() if known.navigable]
        return [name]

    def _renderer(self, known: Field) -> FieldRenderer:
        name, kind = known.id, known.kind
        special = self._special().get(name)
        if special is not None:
            return special
        if kind in {"option", "priority", "resolution"}:
            choices = {"priority": self.schema.priorities}.get(kind, known.options)
            shown = {option.id: self.option(option, known) for option in choices}
            return lambda issue: shown.get(issue.values.get(name, ""))
        if kind == "user":
            return lambda issue: self._users.get(issue.values.get(name, ""))
        if kind == "richtext":
            return lambda issue: self.text(issue.values.get(name))
        if kind == "labels":
            return lambda issue: list(issue.values.get(name, ()))
        return lambda issue: issue.values.get(name)

    def _special(self) -> dict[str, FieldRenderer]:
        """Return the fields that are not simply stored values."""
        resolutions = {o.id: self.option(o, self.schema.fields["resolution"]) for o in self.schema.resolutions}
        return {
            "issuetype": lambda issue: self._types[issue.type.id],
            "project": lambda issue: self._projects[issue.project.id],
            "status": lambda issue: self._statuses[issue.status.id],
            "statusCategory": lambda issue: self._statuses[issue.status.id]["statusCategory"],
            "statuscategorychangedate": lambda issue: stamp(issue.category_changed),
            "resolution": lambda issue: resolutions.get(issue.resolution or ""),
            "resolutiondate": lambda issue: None if issue.resolved is None else stamp(issue.resolved),
            "creator": lambda issue: self._users[issue.creator],
            "created": lambda issue: stamp(issue.created),
            "updated": lambda issue: stamp(issue.updated),
            "parent": self._parent,
            "subtasks": self._subtasks,
            "timetracking": timetracking,
            "timeoriginalestimate": lambda issue: issue.original_estimate,
            "timeestimate": lambda issue: issue.remaining_estimate,
            "timespent": lambda issue: issue.spent,
            "aggregatetimeoriginalestimate": lambda issue: self._sum(issue, "original_estimate"),
            "aggregatetimeestimate": lambda issue: self._sum(issue, "remaining_estimate"),
            "aggregatetimespent": lambda issue: self._sum(issue, "spent"),
            "comment": self._comments,
            "worklog": self._worklogs,
        }

    def _linked(self, issue: Issue) -> Json:
        """Show an issue as a parent or sub-task of another."""
        fields = {
            "summary": issue.summary,
            "status": self._statuses[issue.status.id],
            "issuetype": self._types[issue.type.id],
        }
        return {"id": str(issue.id), "key": issue.key, "self": f"{self.api}/issue/{issue.id}", "fields": fields}

    def _parent(self, issue: Issue) -> Json | None:
        return None if issue.parent is None else self._linked(self.issues.by_id[issue.parent])

    def _children(self, issue: Issue) -> list[Issue]:
        """Sub-tasks only: children of an epic neither show nor add up here."""
        children = (self.issues.by_id[child] for child in sorted(issue.children))
        return [child for child in children if child.type.level < 0]

    def _subtasks(self, issue: Issue) -> list[Json]:
        return [self._linked(child) for child in self._children(issue)]

    def _sum(self, issue: Issue, name: str) -> int | None:
        numbers = [getattr(part, name) for part in (issue, *self._children(issue))]
        known = [number for number in numbers if number is not None]
        return sum(known) if known else None

    def _comments(self, issue: Issue) -> Json:
        shown = [self.comment(issue, comment) for comment in list(issue.comments.values())[:EMBEDDED]]
        link = f"{self.api}/issue/{issue.id}/comment"
        return {"comments": shown, "self": link, "maxResults": EMBEDDED, "total": len(issue.comments), "startAt": 0}

    def _worklogs(self, issue: Issue) -> Json:
        shown = [self.worklog(log) for log in list(issue.worklogs.values())[:EMBEDDED]]
        return {"startAt": 0, "maxResults": EMBEDDED, "total": len(issue.worklogs), "worklogs": shown}


def change_items(change: Change) -> list[Json]:
    """Return a change's lines, as histories and webhooks show them."""
    return [
        {
            "field": item.field,
            "fieldtype": "custom" if item.custom else "jira",
            "fieldId": item.field_id,
            "from": item.old,
            "fromString": item.old_text,
            "to": item.new,
            "toString": item.new_text,
        }
        for item in change.items
    ]


def timetracking(issue: Issue) -> Json:
    """Return the estimates and the time spent, in text and in seconds; absent means none."""
    shown: Json = {}
    pairs = (
        ("originalEstimate", issue.original_estimate),
        ("remainingEstimate", issue.remaining_estimate),
        ("timeSpent", issue.spent),
    )
    for name, seconds in pairs:
        if seconds is not None:
            shown[name] = format_duration(seconds)
            shown[f"{name}Seconds"] = seconds
    return shown
