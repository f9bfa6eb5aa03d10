"""Issues that others made: epics found by a text, their children, and our identity written into them.

Given out by `connector.existing`, called through `connectors.existing`. Search finds the ids (it may lag, and compares
words, not texts); what is shown is read past the index. It never changes a field that people see but the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.base import Failed, Kind, Record, Ref, Update, WriteResult, Written
from connectors.errors import ConnectorError, Refused
from connectors.jira.client import JiraClient
from connectors.jira.fields import STATUS, IssueFields
from connectors.jira.identity import label_of, property_of
from connectors.jira.reader import IssueReader
from connectors.jira.settings import JiraSettings

_TOGETHER = 50
"""Values or plans that one search asks for."""
_PAGE = 5000
_CUSTOM = "customfield_"


class JiraExisting:
    """The project's issues, ours or not."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient, reader: IssueReader, fields: IssueFields) -> None:
        self._settings = settings
        self._client = client
        self._reader = reader
        self._fields = fields

    def lookup(self, field: str, values: Sequence[str]) -> Iterator[Record]:
        """Find plans by 50 texts a search, and read those found: two calls for 50, if a page holds them."""
        name = f"cf[{field.removeprefix(_CUSTOM)}]" if field.startswith(_CUSTOM) else field
        for chunk in _chunks(values):
            clauses = " OR ".join(f'{name} ~ "{_phrase(value)}"' for value in chunk)
            found = self._search(f'issuetype = "{self._settings.plan_type}" AND ({clauses})')
            for issue in self._reader.read(found, (Kind.PLAN,)):
                yield self._reader.record(Kind.PLAN, issue, container="")

    def contents(self, plans: Sequence[Ref]) -> Iterator[Record]:
        """Find the children of 50 plans a search, and read them."""
        for chunk in _chunks([plan.id for plan in plans]):
            found = self._search(f"parent in ({', '.join(chunk)})")
            for issue in self._reader.read(found, (Kind.TASK,), also=("parent",)):
                parent = issue["fields"].get("parent") or {}
                yield self._reader.record(Kind.TASK, issue, container=str(parent.get("id", "")))

    def take_over(self, records: Sequence[Update]) -> Iterator[WriteResult]:
        """Add our property and labels, a call each."""
        for record in records:
            try:
                self._client.put(f"issue/{record.ref.id}", self._body(record), record=record.ref.id)
            except ConnectorError as error:
                yield Failed(record, error)
            else:
                yield Written(record, record.ref)

    def price(self, records: Sequence[Update]) -> int:
        """Return the calls for these: one each."""
        return len(records)

    def _body(self, record: Update) -> dict[str, Any]:
        labels = (self._settings.label, label_of(record.write_key))
        given = {name: value for name, value in record.fields.items() if name not in {STATUS, "labels"}}
        return {
            "fields": self._fields.write(given, write_key=record.write_key),
            "update": {"labels": [{"add": label} for label in labels]},
            "properties": [property_of(record.write_key)],
        }

    def _search(self, condition: str) -> list[str]:
        """Return the ids of issues of the project that meet a condition."""
        body: dict[str, Any] = {
            "jql": f'project = "{self._settings.project}" AND {condition}',
            "maxResults": _PAGE,
            "fields": ["id"],
        }
        found: list[str] = []
        while True:
            try:
                answer = self._client.ask("search/jql", body)
            except Refused as error:
                raise Refused(
                    f"Jira cannot search for existing plans this way: {error.message} Correct `match` in the mapping.",
                    code="JIRA-MATCH-01",
                ) from None
            found += [str(issue["id"]) for issue in answer.need("issues")]
            token = answer.payload.get("nextPageToken")
            if not token or token == body.get("nextPageToken"):
                return found
            body["nextPageToken"] = token


def _phrase(value: str) -> str:
    """Return a text as a phrase inside a JQL string; quotes and backslashes match nothing in a search anyway."""
    words = " ".join(value.replace("\\", " ").replace('"', " ").split())
    return f'\\"{words}\\"'


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER))
