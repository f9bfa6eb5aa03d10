"""Webhooks that an admin registers: which events they want, what is sent, signed how, and retried when.

Fed by `site` with every event, managed through `api_webhooks`, delivered by the world's courier (which may lose, double
and reorder). A body is a hint: it is made when the event happens and may be stale when it arrives.
Source: Atlassian's page on webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from simulator.courier import Answer, Delivery
from simulator.jira import jql
from simulator.jira.index import Document
from simulator.jira.issues import Change, Event
from simulator.jira.matching import Asker, Unknown, compile_query
from simulator.jira.render import change_items

if TYPE_CHECKING:
    from simulator.jira.site import Site

EVENTS = frozenset({
    "jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created", "comment_updated",
    "comment_deleted", "worklog_created", "worklog_updated", "worklog_deleted",
})  # fmt: skip
RETRIES = 5
_RETRIED = frozenset({0, 408, 409, 425, 429})
_GIVE_UP_MS = 30 * 60_000
"""A receiver that has failed for this long gets one attempt per event and no more."""


@dataclass(slots=True)
class Webhook:
    """One registration; `secret` is never shown again."""

    id: int
    name: str
    url: str
    events: tuple[str, ...]
    owner: str
    updated: int
    jql: str = ""
    secret: str = ""
    exclude_body: bool = False
    enabled: bool = True
    failing_since: int | None = None
    deliveries: list[str] = field(default_factory=list)
    """Identifiers of what was sent, for tests and the state dump."""


def signature(secret: str, body: bytes) -> str:
    """Return the value of X-Hub-Signature."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """All registrations of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._dice = random.Random(site.world.seed)
        self.by_id: dict[int, Webhook] = {}

    def heard(self, event: Event) -> None:
        """Send an event to every webhook that wants it."""
        for hook in self.by_id.values():
            if hook.enabled and event.name in hook.events and self._wants(hook, event):
                body = b"" if hook.exclude_body else orjson.dumps(self._body(event))
                identifier = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
                self._send(hook, body, identifier, attempt=0)

    def _wants(self, hook: Webhook, event: Event) -> bool:
        """Ask the filter of an issue's event; one that no longer means anything lets nothing through."""
        if not hook.jql:
            return True
        site = self._site
        asker = Asker(site.schema, site.issues, site.now(), site.schema.users[hook.owner])
        try:
            return compile_query(asker, jql.parse(hook.jql))(Document.of(event.issue, site.now()))
        except (jql.JqlError, Unknown):
            return False

    def _send(self, hook: Webhook, body: bytes, identifier: str, attempt: int) -> None:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": identifier,
            "X-Atlassian-Webhook-Flow": "Secondary" if event_is_bulky(body) else "Primary",
        }
        if attempt:
            headers["X-Atlassian-Webhook-Retry"] = str(attempt)
        if hook.secret:
            headers["X-Hub-Signature"] = signature(hook.secret, body)
        if not attempt:
            hook.deliveries.append(identifier)

        def done(answer: Answer) -> None:
            self._done(hook, body, identifier, attempt, answer.status)

        self._site.world.courier.send(Delivery(hook.url, headers, body, done))

    def _done(self, hook: Webhook, body: bytes, identifier: str, attempt: int, status: int) -> None:
        """Retry 5 to 15 minutes later, five times at most, what may succeed then; any other refusal is final."""
        if status not in _RETRIED and status < 500:
            hook.failing_since = None
            return
        now = self._site.now()
        hook.failing_since = hook.failing_since or now
        given_up = now - hook.failing_since > _GIVE_UP_MS and attempt == 0
        if attempt < RETRIES and not given_up and hook.id in self.by_id:
            delay = self._dice.uniform(5, 15) * 60
            self._site.world.clock.call_in(delay, lambda: self._send(hook, body, identifier, attempt + 1))

    def _body(self, event: Event) -> dict[str, Any]:
        render = self._site.renderer(self._site.base, "2")
        shown: dict[str, Any] = {"timestamp": self._site.now(), "webhookEvent": event.name}
        if event.name.startswith("worklog_"):
            return {**shown, "worklog": render.worklog(event.extra)}
        if event.name.startswith("comment_"):
            issue = render.issue(event.issue, ("summary", "issuetype", "project", "status"), "id")
            return {**shown, "comment": render.comment(event.issue, event.extra), "issue": issue}
        user = {key: value for key, value in render.known_user(event.who).items() if key != "emailAddress"}
        shown |= {"issue_event_type_name": _kind(event), "user": user, "issue": render.issue(event.issue, (), "*all")}
        if event.change is not None:
            shown["changelog"] = {"id": str(event.change.id), "items": change_items(event.change)}
        if event.bulk:
            shown["bulkOperationMetaData"] = {"bulkNotificationEnabled": False}
        return shown


def event_is_bulky(body: bytes) -> bool:
    """Tell whether a body stems from a bulk operation; those travel in the slower flow."""
    return b'"bulkOperationMetaData"' in body


def _kind(event: Event) -> str:
    fixed = {"jira:issue_created": "issue_created", "jira:issue_deleted": "issue_deleted"}
    return fixed.get(event.name) or _kind_of_change(event.change)


def _kind_of_change(change: Change | None) -> str:
    names = {item.field_id for item in change.items} if change else set()
    if "status" in names:
        return "issue_generic"
    if "issuekey" in names:
        return "issue_moved"
    if "timespent" in names:
        return "issue_work_logged"
    return "issue_assigned" if names == {"assignee"} else "issue_updated"
