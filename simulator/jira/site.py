"""One Jira site: its schema, issues, index, worklog feeds, background tasks, webhooks and knobs, held together.

Built by `vendor.Jira`, given to every handler and to `people`. It answers no requests itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.jira.adf import Document
from simulator.jira.calls import BulkProblem, Call, Problem
from simulator.jira.index import Index
from simulator.jira.issues import Comment, Event, Issue, Issues
from simulator.jira.limits import Limits
from simulator.jira.render import Renderer, field_schema
from simulator.jira.schema import Schema, Transition, User
from simulator.jira.tasks import Tasks
from simulator.jira.transitions import leads_to_done
from simulator.jira.values import read_new
from simulator.jira.webhooks import Webhooks
from simulator.jira.worklogs import Worklogs
from simulator.server import World

NOT_FOUND = "Issue does not exist or you do not have permission to see it."

KNOBS: Mapping[str, Any] = {
    # How long search goes on showing what was; reads by id are always up to date.
    "search_lag_seconds": 0.0,
    # How probably an issue that was indexed in the last ten minutes is missing from an answer all the same.
    "search_flicker": 0.0,
    # Whether an invalid token makes an anonymous caller (200 and nothing, or 404) instead of a 401.
    "anonymous_read": True,
    # Whether JQL that names what nobody knows finds nothing (200) instead of being refused (400).
    "unknown_jql_is_empty": True,
    # Whether every transition to a done status has a screen that asks for a resolution.
    "resolution_required": False,
    # Permissions taken away from everybody, by the keys of mypermissions: CREATE_ISSUES, BROWSE_PROJECTS and so on.
    "denied_permissions": [],
    # Whether an issue's own `timespent` loses quick second writes, as it does at the real Jira.
    "timespent_race": False,
    # Whether bursts and writes to one issue are limited, and the steady calls per second of each operation, by method.
    "rate_limits": False,
    "rates": {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50},
    # How long bulk operations take.
    "bulk_task_seconds": 0.0,
    # Worklogs that one issue takes before it answers 413.
    "worklog_limit": 10_000,
    # Whether the worklogs of a deleted issue show up in worklog/deleted; unknown of the real Jira.
    "deleted_issues_in_worklog_feed": False,
    # Whether `self` links go through api.atlassian.com, as Atlassian is rolling out.
    "gateway_self_links": False,
}
"""Settings with their defaults; the control API may change them at run time."""


@dataclass(slots=True)
class Cursor:
    """Where a paged search goes on."""

    query: tuple[Any, ...]
    ids: list[int]
    at: int
    expires: int


class Site:
    """All state of a site."""

    def __init__(self, world: World, schema: Schema, knobs: dict[str, Any]) -> None:
        self.world = world
        self.schema = schema
        self.knobs = knobs
        self.issues = Issues(schema, self.now, self.hear)
        self.index = Index(world.seed)
        self.worklogs = Worklogs(self)
        self.tasks = Tasks(self)
        self.webhooks = Webhooks(self)
        self.limits = Limits(world.clock, knobs)
        self.base = "http://localhost"
        self.cursors: dict[str, Cursor] = {}
        self.ids = itertools.count(10001)
        self.owner = next(iter(schema.users.values()))
        self._renderers: dict[tuple[str, str, int], Renderer] = {}

    def now(self) -> int:
        """Return the virtual time in epoch milliseconds."""
        return self.world.clock.millis()

    def issue(self, ref: str) -> Issue:
        """Find an issue by id or key; raises Problem 404."""
        found = self.issues.get(ref)
        if found is None:
            raise Problem(404, NOT_FOUND)
        return found

    def sees(self, caller: User | None) -> bool:
        """Tell whether a caller sees the issues of this site: signed in, and not bereft of the permission to browse."""
        return caller is not None and "BROWSE_PROJECTS" not in self.knobs["denied_permissions"]

    def issue_of(self, call: Call) -> Issue:
        """Find the issue that a call's path names; raises 404 also where the caller may not see it."""
        if not self.sees(call.caller):
            raise Problem(404, NOT_FOUND)
        return self.issue(call.params[0])

    def writable_issue_of(self, call: Call) -> Issue:
        """Find an issue in order to write to it, which counts against the limits of writes to one issue."""
        found = self.issue_of(call)
        self.limits.write(found.id)
        return found

    def demand(self, permission: str, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        """Raise Problem with that status and text when an admin took the permission away."""
        if permission in self.knobs["denied_permissions"]:
            raise Problem(status, *messages, errors=errors)

    def demand_bulk(self) -> None:
        """Raise the bulk operations' own refusal when the permission for bulk changes was taken away."""
        if "BULK_CHANGE" in self.knobs["denied_permissions"]:
            raise BulkProblem(403, "You do not have permission to make bulk changes.")

    def open_transitions(self, issue: Issue) -> list[Transition]:
        """Return the arrows out of the issue's present status, as its workflow stands now."""
        if "TRANSITION_ISSUES" in self.knobs["denied_permissions"]:
            return []
        return [arrow for arrow in issue.type.workflow.transitions if arrow.source == issue.status.id]

    def has_screen(self, arrow: Transition) -> bool:
        """Tell whether a transition asks for a resolution."""
        return bool(self.knobs["resolution_required"]) and leads_to_done(self, arrow)

    def screen(self, arrow: Transition, render: Renderer) -> dict[str, Any]:
        """Return the fields of a transition's screen, as `expand=transitions.fields` shows them."""
        if not self.has_screen(arrow):
            return {}
        known = self.schema.fields["resolution"]
        return {
            "resolution": {
                "required": True,
                "schema": field_schema(known),
                "name": known.name,
                "key": known.id,
                "operations": ["set"],
                "allowedValues": [render.option(option, known) for option in self.schema.resolutions],
            }
        }

    def renderer(self, base: str, version: str) -> Renderer:
        """Return the renderer for an address and a version, made anew when the schema changed."""
        key = (base, version, self.schema.revision)
        if key not in self._renderers:
            if len(self._renderers) > 20:
                self._renderers.clear()
            self._renderers[key] = Renderer(self.schema, self.issues, base, version)
        return self._renderers[key]

    def create_issue(self, fields: Mapping[str, Any], *, who: str | None = None) -> Issue:
        """Create an issue as a person would in a page; `fields` as in REST v2. Raises Problem as REST would."""
        project, kind, values = read_new(self, "2", dict(fields), None)
        return self.issues.create(project, kind, values, who=who or self.owner.account_id)

    def add_comment(self, issue: Issue, body: Document, *, who: str) -> Comment:
        """Add a comment; the issue's `updated` moves."""
        made = Comment(next(self.ids), who, body, self.now(), self.now())
        issue.comments[made.id] = made
        self.issues.note(issue, [], who=who)
        self.hear(Event("comment_created", issue, who, extra=made))
        return made

    def delete_comment(self, issue: Issue, comment: Comment, *, who: str) -> None:
        """Remove a comment."""
        del issue.comments[comment.id]
        self.issues.note(issue, [], who=who)
        self.hear(Event("comment_deleted", issue, who, extra=comment))

    def hear(self, event: Event) -> None:
        """Let webhooks, the index and the feeds know of an event."""
        self.webhooks.heard(event)
        if not event.name.startswith("jira:issue"):
            return
        lag = int(float(self.knobs["search_lag_seconds"]) * 1000)
        self.index.note(event.issue, self.now(), lag, deleted=event.name == "jira:issue_deleted")
        if event.name == "jira:issue_deleted":
            self.worklogs.issue_deleted(event.issue)
