"""Jira Cloud as a connection: plans are epics, tasks are issues under them, time entries are worklogs.

Built through the entry point `closedwon.connectors`, called by `sync`. It puts the parts of this package together and
keeps `connectors.base`'s contract; every rule of Jira's is in the part that it concerns.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pydantic import BaseModel

from connectors.base import (
    Capability,
    Changes,
    Create,
    DealQuery,
    Deals,
    Failed,
    Fields,
    Finding,
    Kind,
    Memory,
    Meter,
    PlanRefs,
    Record,
    Schema,
    TimeChanges,
    TimeEntry,
    Update,
    Wanted,
    Write,
    WriteResult,
    Written,
)
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.jira.check import Doctor
from connectors.jira.client import JiraClient
from connectors.jira.creates import BATCH, Creator
from connectors.jira.events import JiraEvents
from connectors.jira.existing import JiraExisting
from connectors.jira.feeds import Feeds
from connectors.jira.fields import STATUS, IssueFields
from connectors.jira.lookup import Lookup
from connectors.jira.project import Project
from connectors.jira.reader import IssueReader
from connectors.jira.settings import JiraSettings
from connectors.jira.updates import IssuePace, Updater
from connectors.jira.walking import Walker
from connectors.jira.workflow import Workflows


@dataclass(frozen=True, slots=True)
class _Job:
    """Writes that are carried out together, never raising a ConnectorError."""

    writes: tuple[Write, ...]
    run: Callable[[], list[WriteResult]]


class JiraConnector:
    """One project of one Jira Cloud site. Safe to use from several threads for different records."""

    Settings: ClassVar[type[BaseModel]] = JiraSettings
    capabilities = frozenset({Capability.TASKS, Capability.TIME})

    def __init__(
        self,
        settings: JiraSettings,
        *,
        name: str,
        fields: Mapping[Kind, tuple[str, ...]],
        columns: Sequence[Any] = (),
        memory: Memory,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        del columns  # sheets only
        self.name = name
        self._settings = settings
        self._client = JiraClient(settings, meter=meter, clock=clock, sleep=sleep)
        self._fields = IssueFields(fields, client=self._client, memory=memory, label=settings.label)
        self._reader = IssueReader(settings, client=self._client, fields=self._fields)
        self._lookup = Lookup(settings, client=self._client, reader=self._reader, memory=memory)
        self._feeds = Feeds(settings, client=self._client)
        self._creator = Creator(settings, client=self._client, fields=self._fields, lookup=self._lookup)
        workflows = Workflows(memory, filled=frozenset({"resolution"} if settings.resolution else ()))
        pace = IssuePace(clock=clock, sleep=sleep)
        walker = Walker(settings, client=self._client, workflows=workflows, pace=pace.wait)
        self._project = Project(settings, client=self._client, fields=self._fields)
        self._doctor = Doctor(
            settings,
            client=self._client,
            fields=self._fields,
            project=self._project,
            walker=walker,
            workflows=workflows,
        )
        self._updater = Updater(settings, client=self._client, fields=self._fields, walker=walker, pace=pace)
        self._clock = clock

    def deals(self, query: DealQuery) -> Deals:
        """Jira holds no deals."""
        raise NotImplementedError

    def changes(self, cursor: str) -> Changes:
        """Say which issues of ours may have changed: 1 call while they fit a page."""
        return self._feeds.changes(cursor)

    def time_changes(self, cursor: str) -> TimeChanges:
        """Say which time entries of the site changed: 2 calls when there are none, entries read 1,000 a call."""
        return self._feeds.time_changes(cursor)

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Read all time entries of the site, or these, 1,000 a call; by id also those of the last minute."""
        return self._feeds.time_entries(ids)

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Say under which epic or issue these issues lie, up to 1,000 a call."""
        return self._reader.containers(ids)

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Read plans and tasks of all these together, up to 1,000 a call, past the search index."""
        homes: dict[str, tuple[Kind, str]] = {}
        for refs in plans:
            if refs.plan.id:
                homes[refs.plan.id] = (Kind.PLAN, "")
            homes |= {task.id: (Kind.TASK, refs.plan.id or task.container) for task in refs.tasks}
        for issue in self._reader.read(homes, (Kind.PLAN, Kind.TASK)):
            kind, container = homes[str(issue["id"])]
            yield self._reader.record(kind, issue, container=container)

    def mark(self) -> str:
        """Return an issue number that every later issue exceeds: 1 call the first time, none afterwards."""
        return self._lookup.mark()

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look through the issue numbers above the marks, without the search index; duplicates are all returned."""
        return self._lookup.find(wanted)

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Create up to 50 issues a call; change each issue with a PUT and, for its status, transitions."""
        creates = [write for write in writes if isinstance(write, Create)]
        jobs: list[_Job] = [self._creating(creates[i : i + BATCH]) for i in range(0, len(creates), BATCH)]
        for write in writes:
            if isinstance(write, Update):
                jobs.append(self._updating(write))
            elif not isinstance(write, Create):
                yield Failed(write, _no_upserts())
        yield from self._run(jobs)

    def price(self, writes: Sequence[Write]) -> int:
        """Return about how many calls: creates by 50, a PUT for fields, one step for a status (ways may be longer)."""
        kinds = Counter(write.kind for write in writes if isinstance(write, Create))
        bulk = sum(-(-count // BATCH) for count in kinds.values())
        updates = [set(write.fields) for write in writes if isinstance(write, Update)]
        return bulk + sum((STATUS in names) + bool(names - {STATUS}) for names in updates)

    def inventory(self) -> Iterator[Record]:
        """Read the whole project by issue numbers, so that no lagging index hides a double."""
        return self._lookup.everything(self._settings.plan_type)

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        """Return the values as Jira stores them: trimmed, cut to length, estimates in whole minutes."""
        del kind
        return self._fields.tidy(fields)

    def describe(self) -> Schema:
        """Read the project's issue types, their create screens and statuses: 3 calls and 1 for each kind."""
        return self._project.schema()

    def check(self) -> Iterable[Finding]:
        """Check sign-in, permissions, types, screens, workflow and time tracking."""
        return self._doctor.check()

    def existing(self) -> JiraExisting:
        """Return what finds and takes over issues that others made."""
        return JiraExisting(self._settings, client=self._client, reader=self._reader, fields=self._fields)

    def events(self) -> JiraEvents | None:
        """Return what hears Jira's webhooks, where the settings name their path and secret."""
        settings = self._settings
        if settings.hook_path is None or settings.hook_secret is None:
            return None
        path, secret = settings.hook_path, settings.hook_secret
        return JiraEvents(settings, path=path, secret=secret, name=self.name, client=self._client, clock=self._clock)

    def close(self) -> None:
        """Close the session."""
        self._client.close()

    def _creating(self, batch: Sequence[Create]) -> _Job:
        def run() -> list[WriteResult]:
            results = list(self._creator.create(batch))
            for result in results:
                if isinstance(result, Written) and isinstance(result.write, Create):
                    self._updater.begin(result, self._creator.type_of(result.write))
            return results

        return _Job(tuple(batch), run)

    def _updating(self, write: Update) -> _Job:
        return _Job((write,), lambda: [self._updater.update(write)])

    def _run(self, jobs: Sequence[_Job]) -> Iterator[WriteResult]:
        """Run jobs, side by side where the settings allow, and yield results as each ends.

        A failure that concerns the whole connection is the answer to all that were not begun.
        """
        ended: list[ConnectorError] = []

        def run(job: _Job) -> list[WriteResult]:
            if ended:
                return [Failed(write, ended[0]) for write in job.writes]
            results = job.run()
            ended.extend(result.error for result in results if isinstance(result, Failed) and self._ends(result.error))
            return results

        if self._settings.parallel == 1 or len(jobs) < 2:  # noqa: PLR2004 - a pool for one is a detour
            for job in jobs:
                yield from run(job)
            return
        pool = ThreadPoolExecutor(self._settings.parallel, thread_name_prefix=self.name)
        try:
            for future in as_completed([pool.submit(copy_context().run, run, job) for job in jobs]):
                yield from future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _ends(self, error: ConnectorError) -> bool:
        if isinstance(error, TryLater) and error.scope == "connection":
            return error.code == "HTTP-CONNECT-01" or error.delay > self._settings.patience
        return isinstance(error, NotAuthorised)


def _no_upserts() -> Refused:
    return Refused("Jira has no unique keys of ours to upsert by. Map onboardings to the CRM.", code="JIRA-UPSERT-01")
