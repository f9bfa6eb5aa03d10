"""Finds creates of unknown outcome without Jira's lagging search: by the issue numbers that they can only have got.

Used by `connector` (mark, find) and `creates` (which raises the mark). An issue number is never handed out twice and
only ever rises, so an issue created after number M was seen has one above M, and bulkfetch by key reads it at once.
See docs/decisions/0005-finding-creates-in-jira.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.base import Kind, Memory, Record, Wanted
from connectors.jira.client import JiraClient
from connectors.jira.identity import number_of, write_key_of
from connectors.jira.reader import IssueReader
from connectors.jira.settings import JiraSettings

_NOTE = "high_water"


class Lookup:
    """The highest issue number seen, and the scan above a mark."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient, reader: IssueReader, memory: Memory) -> None:
        self._project = settings.project
        self._client = client
        self._reader = reader
        self._memory = memory
        self._lock = threading.Lock()

    def mark(self) -> str:
        """Return a number that every later issue of the project exceeds; one call the first time, none afterwards."""
        known = self._memory.get(self._note)
        if known is None:
            # The search may lag, which only makes the mark lower and a later scan longer.
            params = {"jql": f'project = "{self._project}" ORDER BY created DESC', "maxResults": 1, "fields": "key"}
            found = self._client.get("search/jql", params).need("issues")
            self.saw(issue["key"] for issue in found)
        return self._memory.get(self._note) or "0"

    def saw(self, keys: Iterable[object]) -> None:
        """Raise the mark to the highest of these issue keys."""
        highest = max((number_of(key, self._project) for key in keys), default=0)
        with self._lock:
            known = self._memory.get(self._note)
            if known is None or highest > int(known):
                self._memory.put(self._note, str(highest))

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Yield every issue that carries one of the write keys, duplicates too."""
        by_key = {want.write_key: want for want in wanted}
        if not by_key:
            return
        kinds = sorted({want.kind for want in wanted})
        yield from self._matches(self._above(min(int(want.mark or 0) for want in wanted), kinds), by_key)

    def everything(self, plan_type: str) -> Iterator[Record]:
        """Yield every issue of the project that carries a write key, by its numbers from 1 on, past the index."""
        for issue in self._above(0, (Kind.PLAN, Kind.TASK), also=("issuetype", "parent")):
            if write_key_of(issue):
                fields = issue["fields"]
                kind = Kind.PLAN if fields["issuetype"]["name"].casefold() == plan_type.casefold() else Kind.TASK
                parent = fields.get("parent") if kind is Kind.TASK else None
                yield self._reader.record(kind, issue, container=str(parent["id"]) if parent else "")

    def _above(self, number: int, kinds: Sequence[Kind], *, also: tuple[str, ...] = ()) -> Iterator[Mapping[str, Any]]:
        """Yield all issues with a higher number, and raise the mark to the highest."""
        known, last_seen = int(self.mark()), number
        window = self._reader.window(kinds)
        # Numbers of deleted or hidden issues are gaps; the end is a whole empty window above all that we ever saw.
        while number < known or number - last_seen < window:
            keys = [f"{self._project}-{n}" for n in range(number + 1, number + window + 1)]
            number += window
            found = list(self._reader.read(keys, kinds, also=also))
            last_seen = max([last_seen, *(number_of(issue["key"], self._project) for issue in found)])
            yield from found
        self.saw([f"{self._project}-{last_seen}"])

    def _matches(self, found: Iterable[Mapping[str, Any]], by_key: Mapping[str, Wanted]) -> Iterator[Record]:
        for issue in found:
            want = by_key.get(write_key_of(issue))
            if want is not None:
                container = want.plan.id if want.plan and want.kind is Kind.TASK else ""
                yield self._reader.record(want.kind, issue, container=container)

    @property
    def _note(self) -> str:
        return f"{_NOTE}:{self._project}"
