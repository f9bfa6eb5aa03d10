"""Jira's webhooks: proves and reads what comes, and registers the one admin webhook that our project needs.

Built by `connector`, called by `sync.receiver` and `closedwon webhooks`. It keeps nothing, and calls Jira to register
only. Source of all facts: developer.atlassian.com/cloud/jira/platform/webhooks (read 2026). Admin webhooks, not dynamic
ones: those are closed to API tokens, know no worklog events and end after 30 days.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import SecretStr

from connectors.events import (
    TIME_ENTRY,
    Accepted,
    Event,
    Hook,
    Reply,
    check_moment,
    check_signature,
    event_id,
    same_but_path,
    unreadable,
)
from connectors.jira.client import Answer, JiraClient
from connectors.jira.settings import JiraSettings

ADMIN = "/rest/webhooks/1.0/webhook"
EVENTS = (
    "jira:issue_updated",
    "jira:issue_deleted",
    "worklog_created",
    "worklog_updated",
    "worklog_deleted",
)
"""Not `jira:issue_created`: new issues are ours, or nobody's business here."""
OLDEST = timedelta(days=1)
"""Jira tries five times, 5 to 15 minutes apart; what is older was sent by somebody else."""
_SECTION = "issue-related-events-section"


class JiraEvents:
    """The events of one Jira connection."""

    media_types = frozenset({"application/json"})

    def __init__(
        self,
        settings: JiraSettings,
        *,
        path: SecretStr,
        secret: SecretStr,
        name: str,
        client: JiraClient,
        clock: Callable[[], datetime],
    ) -> None:
        self.path = path
        self._secret = secret
        self._name = name
        self._settings = settings
        self._client = client
        self._clock = clock

    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Check the signature and read which issue changed; see the contract."""
        check_signature(self._secret, body, headers.get("x-hub-signature", ""))
        try:
            told = orjson.loads(body)
            moment = datetime.fromtimestamp(int(told["timestamp"]) / 1000, UTC)
            issues = self._issues(told)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
            raise unreadable("Jira sent an event that is none") from None
        check_moment(moment, self._clock(), past=OLDEST)
        # The identifier is no part of what is signed, and stays the same when Jira sends an event again.
        identifier = event_id(headers.get("x-atlassian-webhook-identifier", ""), body)
        return Accepted(Reply(), (Event(identifier, issues),) if issues else ())

    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        """List our webhooks: 1 call. One for the whole project is enough."""
        del targets
        return tuple(self._hook(raw, url) for raw in self._ours(url)) or (Hook("", "", "none", active=False),)

    def install(self, url: str, targets: Sequence[str]) -> Iterator[Hook]:
        """Register one webhook for the project, or set the one that is there: 2 calls."""
        del targets  # one webhook watches the whole project
        renewed = tuple(self.renew(url))
        yield from renewed
        if not renewed:
            yield self._registered(self._client.post(ADMIN, self._registration(url)), url)

    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        """Set address, events, filter and secret of our webhook anew, and enable it."""
        for raw in self._ours(url):
            if ids is not None and _id(raw) not in ids:
                continue
            yield self._registered(self._client.put(f"{ADMIN}/{_id(raw)}", self._registration(url)), url)

    def remove(self, url: str) -> Iterator[Hook]:
        """Delete our webhooks."""
        for raw in self._ours(url):
            self._client.delete(f"{ADMIN}/{_id(raw)}")
            yield self._hook({**raw, "enabled": False}, url)

    def steps(self, url: str) -> str:
        """Nothing is to be done by hand."""
        del url
        return ""

    def _issues(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the id of the issue that an event is about; none where we made the change ourselves.

        A worklog's event names its issue by id only. We write no worklogs, so none of them is an echo. One that was
        removed can no longer be read by its id, so that only its issue is named.
        """
        if "worklog" in told:
            issue = (str(told["worklog"]["issueId"]),)
            if told["webhookEvent"] == "worklog_deleted":
                return issue
            return (*issue, f"{TIME_ENTRY}{told['worklog']['id']}")
        account = (told.get("user") or {}).get("accountId")
        if "issue" not in told or (account and account == self._client.account):
            return ()
        return (str(told["issue"]["id"]),)

    def _ours(self, url: str) -> list[Mapping[str, Any]]:
        return [raw for raw in self._client.get(ADMIN).items() if same_but_path(url, str(raw.get("url", "")))]

    def _registration(self, url: str) -> dict[str, Any]:
        return {
            "name": f"Closedwon ({self._name})",
            "url": url,
            "events": list(EVENTS),
            "filters": {_SECTION: f'project = "{self._settings.project}"'},
            "excludeBody": False,
            "enabled": True,
            "secret": self._secret.get_secret_value(),
        }

    def _registered(self, answer: Answer, url: str) -> Hook:
        answer.need("self")
        return self._hook(answer.payload, url)

    def _hook(self, raw: Mapping[str, Any], url: str) -> Hook:
        # Atlassian tells of no case in which Jira itself switches an admin webhook off: somebody wanted it so.
        signed, active = bool(raw.get("isSigned")), bool(raw.get("enabled"))
        state = ("enabled" if active else "disabled") if signed else "unsigned"
        return Hook(_id(raw), "", state, active=active and signed, here=raw.get("url") == url)


def _id(raw: Mapping[str, Any]) -> str:
    """Return a registration's id, which Jira tells as the end of its address only."""
    return str(raw["self"]).rpartition("/")[2]
