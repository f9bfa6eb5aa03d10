"""Creates issues, up to 50 a call, each with its write key in the same POST, and tells which of them exist.

Used by `connector.write`. It never creates a thing twice: an answer that leaves an issue's fate open is Unknown, and
the engine looks it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import requests

from connectors.base import Create, Failed, Kind, Ref, WriteResult, Written
from connectors.errors import ConnectorError, Unknown
from connectors.jira.client import JiraClient
from connectors.jira.failures import part_failure, refusal
from connectors.jira.fields import STATUS, IssueFields
from connectors.jira.identity import property_of, with_ours
from connectors.jira.lookup import Lookup
from connectors.jira.settings import JiraSettings

BATCH = 50
"""Issues per POST issue/bulk (Atlassian's OpenAPI v3)."""

_Ready: TypeAlias = Sequence[tuple[Create, dict[str, Any]]]
"""Creates with what is sent for them."""


class Creator:
    """Turns Creates into issues."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient, fields: IssueFields, lookup: Lookup) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._lookup = lookup

    def type_of(self, write: Create) -> str:
        """Return the name of the issue type that a Create makes."""
        given = write.fields.get("issuetype")
        return str(given or (self._settings.plan_type if write.kind is Kind.PLAN else self._settings.task_type))

    def create(self, writes: Sequence[Create]) -> Iterator[WriteResult]:
        """Create one batch of at most 50; one result for each, never raises a ConnectorError."""
        ready: list[tuple[Create, dict[str, Any]]] = []
        for write in writes:
            try:
                ready.append((write, self._body(write)))
            except ConnectorError as error:
                yield Failed(write, error)
        if ready:
            yield from self._send(ready)

    def _send(self, ready: _Ready) -> Iterator[WriteResult]:
        try:
            answer = self._client.post(
                "issue/bulk", {"issueUpdates": [body for _, body in ready]}, accept=(requests.codes.bad_request,)
            )
        except ConnectorError as error:
            yield from (Failed(write, error) for write, _ in ready)
            return
        payload = answer.payload if isinstance(answer.payload, dict) else {}
        if answer.status == requests.codes.bad_request and "issues" not in payload:
            yield from self._split(ready, payload)
            return
        yield from self._sort([write for write, _ in ready], payload)

    def _split(self, ready: _Ready, refused: Mapping[str, Any]) -> Iterator[WriteResult]:
        """Send the halves of a batch that was refused as a whole: nothing was done, and one record may be to blame."""
        if len(ready) == 1:
            yield Failed(ready[0][0], refusal(refused))
            return
        middle = len(ready) // 2
        yield from self._send(ready[:middle])
        yield from self._send(ready[middle:])

    def _sort(self, writes: Sequence[Create], payload: Mapping[str, Any]) -> Iterator[WriteResult]:
        """Give each write its part of the answer; created issues come in the order of those that did not fail."""
        errors = {int(error["failedElementNumber"]): error for error in payload.get("errors") or ()}
        made = payload.get("issues") or []
        rest = [write for number, write in enumerate(writes) if number not in errors]
        yield from (Failed(writes[number], part_failure(error)) for number, error in errors.items())
        if len(rest) != len(made):
            yield from (Failed(write, _unaccounted()) for write in rest)
            return
        self._lookup.saw(issue["key"] for issue in made)
        for write, issue in zip(rest, made, strict=True):
            yield Written(write, Ref(str(issue["id"]), _container(write)), url=self._settings.browse(str(issue["key"])))

    def _body(self, write: Create) -> dict[str, Any]:
        given = {name: value for name, value in write.fields.items() if name != STATUS and value not in (None, ())}
        fields = self._fields.write(given, write_key=write.write_key)
        fields.setdefault("issuetype", {"name": self.type_of(write)})
        fields.setdefault("labels", with_ours((), write_key=write.write_key, common=self._settings.label))
        if write.plan is not None:
            fields.setdefault("parent", {"id": write.plan.id})
        fields["project"] = {"key": self._settings.project}
        return {"fields": fields, "properties": [property_of(write.write_key)]}


def _container(write: Create) -> str:
    return write.plan.id if write.plan is not None and write.kind is Kind.TASK else ""


def _unaccounted() -> Unknown:
    return Unknown(
        "Jira's answer to a batch leaves open which issues it created. They are looked up and tried again by itself.",
        code="JIRA-CREATE-01",
    )
