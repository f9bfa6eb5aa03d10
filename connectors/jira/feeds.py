"""What changed since a cursor: one search for issues, two feeds for time entries.

Used by `connector.changes` and `connector.time_changes`. Cursors are the server's own times, never ours, and each look
reaches back a little, since Jira's index lags and its feeds leave out the last minute. What an overlap shows again is
told apart by the process's memory of what it reported; a new process reports it twice, which is allowed.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.base import Changes, TimeChanges, TimeEntry
from connectors.errors import Refused, TryLater
from connectors.jira.client import Answer, JiraClient
from connectors.jira.settings import JiraSettings
from connectors.jira.shapes import read_moment

_PAGE = 5000
"""Issues asked for per page of a search (the vendor may give fewer)."""

_LISTED = 1000
"""Time entries per POST worklog/list (Atlassian's OpenAPI v3)."""

_FEED_OVERLAP = 120_000
"""Milliseconds that a feed is read again: more than the minute which it leaves out."""


class Reported:
    """What was reported up to a cursor, for as long as this process lives.

    The cursor carries a digest of the set. Only the very set that was reported before that cursor may silence a thing:
    an engine that fell back to an older cursor is told everything again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: dict[str, frozenset[tuple[str, int]]] = {}

    def under(self, digest: str) -> frozenset[tuple[str, int]]:
        """Return what was reported up to the cursor with this digest; empty when we do not know."""
        with self._lock:
            return self._sets.get(digest, frozenset())

    def keep(self, stamps: Iterable[tuple[str, int]]) -> str:
        """Remember a set, of which the last four are kept, and return its digest."""
        kept = frozenset(stamps)
        text = "\n".join(f"{name} {stamp}" for name, stamp in sorted(kept))
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        with self._lock:
            self._sets.pop(digest, None)
            self._sets[digest] = kept
            while len(self._sets) > 4:  # noqa: PLR2004 - an engine is never further back in one process
                self._sets.pop(next(iter(self._sets)))
        return digest


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Server times in epoch milliseconds, one per feed, and the digest of what was reported."""

    times: tuple[int, ...]
    digest: str = ""

    @classmethod
    def parse(cls, text: str, count: int) -> _Cursor:
        """Read a cursor of ours; "" or one that we did not write starts at 0."""
        times, _, digest = text.partition(".")
        parts = times.split(":")
        if len(parts) != count or not all(part.isdecimal() for part in parts):
            return cls((0,) * count)
        return cls(tuple(int(part) for part in parts), digest)

    def __str__(self) -> str:
        return f"{':'.join(map(str, self.times))}.{self.digest}"


class Feeds:
    """The change feeds of one project and its site's time entries."""

    def __init__(self, settings: JiraSettings, *, client: JiraClient) -> None:
        self._settings = settings
        self._client = client
        self._issues = Reported()
        self._entries = Reported()

    def changes(self, text: str) -> Changes:
        """Return ids of issues of ours that were changed since the cursor; one call while they fit a page."""
        scope = f'project = "{self._settings.project}" AND labels = "{self._settings.label}"'
        if not text:
            return self._from_now(scope)
        cursor = _Cursor.parse(text, 1)
        since = max(0, cursor.times[0] - self._settings.overlap_seconds * 1000)
        known = self._issues.under(cursor.digest)
        # Unquoted milliseconds: a quoted date would be read in the account's time zone, to the minute.
        jql = f"{scope} AND updated >= {since} ORDER BY updated ASC"
        now = None
        seen: set[tuple[str, int]] = set()
        for page, millis in self._pages(jql):
            now = millis if now is None else now
            seen.update((str(issue["id"]), _stamp(issue["fields"]["updated"])) for issue in page)
        newest = max((stamp for _, stamp in seen), default=cursor.times[0])
        following = _Cursor((newest if now is None else now,), self._issues.keep(seen))
        return Changes(str(following), frozenset(name for name, _ in seen - known))

    def _from_now(self, scope: str) -> Changes:
        params = {"jql": f"{scope} ORDER BY updated DESC", "maxResults": 1, "fields": "updated"}
        answer = self._client.get("search/jql", params)
        newest = max((_stamp(issue["fields"]["updated"]) for issue in answer.need("issues")), default=0)
        return Changes(str(_Cursor((answer.millis or newest,), self._issues.keep(()))))

    def _pages(self, jql: str) -> Iterator[tuple[list[Mapping[str, Any]], int | None]]:
        """Yield pages with the server's time; the first page's time is what the next cursor may rely on."""
        token: str | None = None
        tokens: set[str] = set()
        while True:
            answer = self._page(jql, token)
            yield answer.need("issues"), answer.millis
            token = answer.payload.get("nextPageToken")
            if token is None:
                return
            if token in tokens:
                raise _start_over("Jira's search goes round in circles.")
            tokens.add(token)

    def _page(self, jql: str, token: str | None) -> Answer:
        params = {"jql": jql, "maxResults": _PAGE, "fields": "updated"}
        if token is None:
            return self._client.get("search/jql", params)
        try:
            return self._client.get("search/jql", {**params, "nextPageToken": token})
        except Refused:
            raise _start_over("Jira no longer knows the page of a search that we stand at.") from None

    def time_changes(self, text: str) -> TimeChanges:
        """Return time entries added, changed and removed, site-wide; two calls when there are none."""
        cursor = _Cursor.parse(text, 2)
        known = self._entries.under(cursor.digest)
        updated, updated_until = self._feed("worklog/updated", cursor.times[0])
        deleted, deleted_until = self._feed("worklog/deleted", cursor.times[1])
        fresh = [name for name, stamp in updated.items() if (name, stamp) not in known]
        removed = tuple(name for name, stamp in deleted.items() if (f"-{name}", stamp) not in known)
        seen = [*updated.items(), *((f"-{name}", stamp) for name, stamp in deleted.items())]
        following = _Cursor((updated_until, deleted_until), self._entries.keep(seen))
        return TimeChanges(str(following), tuple(self._entries_of(fresh)), removed)

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Read all time entries of the site, or these; unlike `time_changes` it remembers nothing."""
        if ids is None:
            ids = [*self._feed("worklog/updated", 0)[0]]
        yield from self._entries_of([name for name in ids if name.isdecimal()])

    def _feed(self, path: str, reached: int) -> tuple[dict[str, int], int]:
        """Read a feed to its end: newest stamp by id, and how far it reached by the server's word."""
        found: dict[str, int] = {}
        since = max(0, reached - _FEED_OVERLAP)
        while True:
            answer = self._client.get(path, {"since": since})
            found.update({str(v["worklogId"]): int(v["updatedTime"]) for v in answer.need("values")})
            payload = answer.payload
            until = int(payload.get("until") or since)
            if payload.get("lastPage", True):
                return found, max(until, reached)
            # One millisecond back, so that entries of the page's last moment are not lost; but always onwards.
            since = max(until - 1, since + 1)

    def _entries_of(self, ids: Sequence[str]) -> Iterator[TimeEntry]:
        for start in range(0, len(ids), _LISTED):
            chunk = [int(name) for name in ids[start : start + _LISTED]]
            for raw in self._client.ask("worklog/list", {"ids": chunk}).items():
                yield _entry(raw)


def _start_over(why: str) -> TryLater:
    scope = "endpoint:GET /rest/api/3/search/jql"
    return TryLater(f"{why} It starts over by itself.", code="JIRA-SEARCH-01", delay=60.0, scope=scope)


def _entry(raw: Mapping[str, Any]) -> TimeEntry:
    started, updated = read_moment(raw["started"]), read_moment(raw["updated"])
    assert started is not None
    assert updated is not None
    return TimeEntry(
        id=str(raw["id"]),
        record_id=str(raw["issueId"]),
        author=str((raw.get("author") or {}).get("accountId", "")),
        seconds=int(raw["timeSpentSeconds"]),
        started=started,
        updated=updated,
    )


def _stamp(text: str) -> int:
    moment = read_moment(text)
    return int(moment.timestamp() * 1000) if moment else 0
