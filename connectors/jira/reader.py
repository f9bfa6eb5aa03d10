"""Reads issues past the search index, many per call, and shows them as Records.

Used by `connector` (fetch) and `lookup` (find). Bulkfetch is read-your-write, follows moved keys, and leaves out what
is deleted or hidden. Its limit is 1,000 issues where every asked field is named and holds one value, else 100
(Atlassian's OpenAPI v3, POST issue/bulkfetch, September 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from connectors.base import Kind, Record, Ref
from connectors.errors import Refused
from connectors.jira.client import JiraClient
from connectors.jira.fields import IssueFields
from connectors.jira.identity import PROPERTY, write_key_of
from connectors.jira.settings import JiraSettings

_LEAN, _RICH = 1000, 100


class IssueReader:
    """Bulkfetch, and issues as Records."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient, fields: IssueFields) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._lean = _LEAN

    def window(self, kinds: Iterable[Kind]) -> int:
        """Return how many issues of these kinds one call may ask for."""
        return _RICH if self._fields.asked(kinds)[1] else self._lean

    def read(
        self, ids: Iterable[str], kinds: Sequence[Kind], *, also: tuple[str, ...] = ()
    ) -> Iterator[Mapping[str, Any]]:
        """Stream the raw issues of these ids or keys, with `also` these fields; absent ones are deleted or hidden."""
        wanted = dict.fromkeys(ids)
        if not wanted:
            return  # which costs no call, not even for the site's fields
        names = sorted({*self._fields.asked(kinds)[0], *also})
        rest = iter(wanted)
        while chunk := list(islice(rest, self.window(kinds))):
            yield from self._fetch(chunk, names)

    def containers(self, ids: Iterable[str]) -> dict[str, str]:
        """Return the ids of the issues' parents; one without a parent, or deleted, or hidden, is absent."""
        found: dict[str, str] = {}
        rest = iter(dict.fromkeys(ids))
        while chunk := list(islice(rest, self._lean)):
            for issue in self._fetch(chunk, ["parent"]):
                parent = issue["fields"].get("parent")
                if parent:
                    found[str(issue["id"])] = str(parent["id"])
        return found

    def _fetch(self, ids: list[str], names: list[str]) -> Iterator[Mapping[str, Any]]:
        body = {"issueIdsOrKeys": ids, "fields": names, "properties": [PROPERTY]}
        try:
            answer = self._client.ask("issue/bulkfetch", body)
        except Refused:
            if len(ids) <= _RICH:
                raise
            # The site does not grant the higher limit to this shape of request: the lower one is always granted.
            self._lean = _RICH
            for start in range(0, len(ids), _RICH):
                yield from self._fetch(ids[start : start + _RICH], names)
            return
        yield from answer.need("issues")
        yield from self._again(answer.payload, names)

    def _again(self, payload: Mapping[str, Any], names: list[str]) -> Iterator[Mapping[str, Any]]:
        """Read one by one what Jira put off (`issueErrors`: a retriable error, or too large an answer)."""
        for error in payload.get("issueErrors") or ():
            path = f"issue/{error['id']}"
            params = {"fields": ",".join(names), "properties": PROPERTY}
            yield self._client.get(path, params, record=str(error["id"])).payload

    def record(self, kind: Kind, issue: Mapping[str, Any], *, container: str) -> Record:
        """Show a raw issue as a Record; `container` is the plan's id for a task."""
        raw = issue["fields"]
        return Record(
            kind=kind,
            ref=Ref(str(issue["id"]), container),
            fields=self._fields.read(kind, raw),
            write_key=write_key_of(issue),
            version=str(raw.get("updated", "")),
            url=self._settings.browse(str(issue["key"])),
        )
