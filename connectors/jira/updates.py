"""Changes issues: one PUT for the fields, transitions for the status, one issue at a time and within Jira's pace.

Used by `connector.write`. Values are absolute, so a PUT of unknown outcome is simply made again; Jira knows no
precondition to send along, which is why the engine reads before it writes and compares afterwards.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from connectors.base import Failed, Fields, Update, Value, WriteResult, Written
from connectors.errors import ConnectorError
from connectors.jira.client import JiraClient
from connectors.jira.fields import CATEGORY, STATUS, IssueFields
from connectors.jira.settings import JiraSettings
from connectors.jira.walking import Walker
from connectors.jira.workflow import standing_of

_LIMITS = ((18, 2.0), (90, 30.0))
"""Stay below Jira's 20 writes to one issue in 2 seconds and 100 in 30, which people's edits count towards as well."""

_LONGEST = max(within for _, within in _LIMITS)


class IssuePace:
    """Holds each issue to its own pace and to one writer of ours at a time."""

    def __init__(self, *, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._times: dict[str, deque[float]] = {}

    @contextmanager
    def alone(self, issue_id: str) -> Iterator[None]:
        """Hold the issue; a second writer waits."""
        with self._guard:
            lock, holders = self._locks.get(issue_id, (threading.Lock(), 0))
            self._locks[issue_id] = (lock, holders + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, holders = self._locks.pop(issue_id)
                if holders > 1:
                    self._locks[issue_id] = (lock, holders - 1)

    def wait(self, issue_id: str) -> None:
        """Wait until one more write is within the issue's pace."""
        now = self._clock().timestamp()
        with self._guard:
            self._forget(now - _LONGEST)
            times = self._times.pop(issue_id, deque(maxlen=max(count for count, _ in _LIMITS)))
            self._times[issue_id] = times
            free = (times[-count] + within for count, within in _LIMITS if len(times) >= count)
            pause = max(0.0, *(moment - now for moment in free), 0.0)
            times.append(now + pause)
        if pause > 0:
            self._sleep(pause)

    def _forget(self, before: float) -> None:
        """Drop issues without a recent write; the oldest are first, since each write moves its issue to the end."""
        while self._times and (oldest := next(iter(self._times))) and self._times[oldest][-1] < before:
            del self._times[oldest]


class Updater:
    """Turns Updates into edits and transitions, and gives new issues their status."""

    def __init__(
        self,
        settings: JiraSettings,
        *,
        client: JiraClient,
        fields: IssueFields,
        walker: Walker,
        pace: IssuePace,
    ) -> None:
        self._settings = settings
        self._client = client
        self._fields = fields
        self._walker = walker
        self._pace = pace
        self._initial: dict[str, str] = {}
        """The status that new issues of a type get, as seen in this process."""

    def update(self, write: Update) -> WriteResult:
        """Carry one Update out; never raises a ConnectorError."""
        try:
            with self._pace.alone(write.ref.id):
                return self._update(write)
        except ConnectorError as error:
            return Failed(write, error)

    def begin(self, made: Written, kind: str) -> None:
        """Bring a new issue of that type into the status which its Create asks for.

        Never raises a ConnectorError: the issue exists, whatever becomes of its status; the next reconcile sees the
        difference, asks for it as an Update, and reports what stands in the way.
        """
        target = made.write.fields.get(STATUS)
        if target is None or str(target).casefold() == self._initial.get(kind, "").casefold():
            return
        with suppress(ConnectorError), self._pace.alone(made.ref.id):
            start = self._walker.look(made.ref.id)
            self._initial.setdefault(kind, start.status.name)
            self._walker.walk(start, str(target))

    def _update(self, write: Update) -> Written:
        edits = {name: value for name, value in write.fields.items() if name != STATUS}
        target = write.fields.get(STATUS)
        raw = self._put(write, edits) if edits else None
        stored: dict[str, Value] = {}
        if raw is not None:
            stored = self._fields.read_only(edits, raw["fields"])
        version = str(raw["fields"].get("updated", "")) if raw is not None else ""
        if target is not None:
            start = standing_of(raw) if raw is not None else self._walker.look(write.ref.id)
            status = self._walker.walk(start, str(target))
            stored |= {STATUS: status.name, CATEGORY: status.category}
            version = version if status == start.status else ""
        return Written(write, write.ref, stored, version, self._settings.browse(str(raw["key"])) if raw else "")

    def _put(self, write: Update, edits: Fields) -> Mapping[str, Any]:
        body = {"fields": self._fields.write(edits, write_key=write.write_key)}
        self._pace.wait(write.ref.id)
        answer = self._client.put(f"issue/{write.ref.id}", body, {"returnIssue": "true"}, record=write.ref.id)
        answer.need("fields")
        issue: Mapping[str, Any] = answer.payload
        return issue
