"""Logged time: written, changed, removed, moved, and the two site-wide feeds with their one-minute blind spot.

Called by `api_worklogs`, `people` and `site`. It keeps each issue's time spent and remaining estimate the way Jira
does, including, when `timespent_race` is on, the way Jira gets it wrong.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.jira import adf
from simulator.jira.calls import Problem
from simulator.jira.issues import Event, Issue, Item, Worklog

if TYPE_CHECKING:
    from simulator.jira.site import Site

FEED_PAGE = 1000
BLIND_MS = 60_000
RACE_MS = 1_000
"""Two writes to one issue closer together than this lose one's share of `timespent` while `timespent_race` is on."""


@dataclass(frozen=True, slots=True)
class Adjust:
    """What happens to the remaining estimate: `auto`, `leave`, `new` (set to seconds), `manual` (change by seconds)."""

    mode: str = "auto"
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One page of a feed."""

    entries: tuple[tuple[int, int], ...]
    """Time of change and worklog id, oldest first."""
    until: int
    last: bool


class Feed:
    """Worklog ids by their last change."""

    def __init__(self) -> None:
        self._order: list[tuple[int, int]] = []
        self._current: dict[int, int] = {}

    def put(self, worklog_id: int, moment: int) -> None:
        """Note a change; an earlier one of the same worklog is no longer shown."""
        self._current[worklog_id] = moment
        entry = (moment, worklog_id)
        if not self._order or entry > self._order[-1]:
            self._order.append(entry)
        else:
            insort(self._order, entry)

    def drop(self, worklog_id: int) -> None:
        """Forget a worklog."""
        self._current.pop(worklog_id, None)

    def page(self, since: int, now: int) -> FeedPage:
        """Return up to 1000 changes at or after `since`, none of the last minute.

        Changes of one millisecond stay on one page, or a reader that goes on from `until` could not get past them.
        """
        start = bisect_left(self._order, (since, 0))
        end = bisect_left(self._order, (now - BLIND_MS + 1, 0))
        found = [entry for entry in self._order[start:end] if self._current.get(entry[1]) == entry[0]]
        cut = FEED_PAGE
        while cut < len(found) and found[cut][0] == found[cut - 1][0]:
            cut += 1
        shown = tuple(found[:cut])
        return FeedPage(shown, shown[-1][0] if shown else since, last=cut >= len(found))


class Worklogs:
    """All logged time of the site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._ids = itertools.count(20001)
        self.by_id: dict[int, Worklog] = {}
        self.updated = Feed()
        self.deleted = Feed()

    def add(
        self,
        issue: Issue,
        *,
        who: str,
        seconds: int,
        started: tuple[str, int],
        comment: adf.Document | None = None,
        adjust: Adjust | None = None,
    ) -> Worklog:
        """Log time; `started` is Jira's text with its epoch milliseconds. Raises 413 at the issue's limit."""
        if len(issue.worklogs) >= int(self._site.knobs["worklog_limit"]):
            raise Problem(413, "The maximum number of worklogs for this issue has been reached.")
        now = self._site.now()
        log = Worklog(next(self._ids), issue.id, who, who, seconds, *started, now, now, comment)
        self._keep(issue, log)
        self._book(issue, seconds, adjust or Adjust(), who=who)
        self._tell("worklog_created", issue, log, who)
        return log

    def change(
        self,
        log: Worklog,
        *,
        who: str,
        seconds: int | None = None,
        started: tuple[str, int] | None = None,
        comment: adf.Document | None = None,
        adjust: Adjust | None = None,
    ) -> None:
        """Change what is given and leave the rest."""
        issue = self._site.issues.by_id[log.issue_id]
        difference = 0 if seconds is None else seconds - log.seconds
        log.seconds += difference
        if started is not None:
            log.started, log.started_ms = started
        if comment is not None:
            log.comment = comment
        log.updated, log.update_author = self._site.now(), who
        self.updated.put(log.id, log.updated)
        self._book(issue, difference, adjust or Adjust(), who=who)
        self._tell("worklog_updated", issue, log, who)

    def remove(self, log: Worklog, *, who: str, adjust: Adjust | None = None) -> None:
        """Remove logged time; the remaining estimate grows by it unless told otherwise."""
        issue = self._site.issues.by_id[log.issue_id]
        del issue.worklogs[log.id]
        self._forget(log)
        self._book(issue, -log.seconds, adjust or Adjust(), who=who)
        self._tell("worklog_deleted", issue, log, who)

    def move(self, log: Worklog, target: Issue, *, who: str, adjust: Adjust | None = None) -> None:
        """Move logged time to another issue; it keeps its id."""
        source = self._site.issues.by_id[log.issue_id]
        del source.worklogs[log.id]
        self._book(source, -log.seconds, adjust or Adjust(), who=who)
        log.issue_id, log.updated = target.id, self._site.now()
        self._keep(target, log)
        self._book(target, log.seconds, adjust or Adjust(), who=who)

    def issue_deleted(self, issue: Issue) -> None:
        """Drop a deleted issue's worklogs; whether the feed tells of them is unknown of the real Jira, hence a knob."""
        for log in issue.worklogs.values():
            self.by_id.pop(log.id, None)
            self.updated.drop(log.id)
            if self._site.knobs["deleted_issues_in_worklog_feed"]:
                self.deleted.put(log.id, self._site.now())

    def _keep(self, issue: Issue, log: Worklog) -> None:
        self.by_id[log.id] = log
        issue.worklogs[log.id] = log
        self.updated.put(log.id, log.updated)

    def _forget(self, log: Worklog) -> None:
        del self.by_id[log.id]
        self.updated.drop(log.id)
        self.deleted.put(log.id, self._site.now())

    def _book(self, issue: Issue, seconds: int, adjust: Adjust, *, who: str) -> None:
        """Bring the issue's own sums along; with the race on, a quick second write is lost to `timespent`."""
        now = self._site.now()
        raced = self._site.knobs["timespent_race"] and now - issue.last_worklog_write < RACE_MS
        issue.last_worklog_write = now
        items: list[Item] = []
        if seconds and not raced:
            spent = max((issue.spent or 0) + seconds, 0)
            items.append(_item("timespent", issue.spent, spent))
            issue.spent = spent
        remaining = _remaining(issue.remaining_estimate, seconds, adjust)
        if remaining != issue.remaining_estimate:
            items.append(_item("timeestimate", issue.remaining_estimate, remaining))
            issue.remaining_estimate = remaining
        self._site.issues.note(issue, items, who=who)

    def _tell(self, name: str, issue: Issue, log: Worklog, who: str) -> None:
        self._site.hear(Event(name, issue, who, extra=log))


def _remaining(current: int | None, seconds: int, adjust: Adjust) -> int | None:
    if adjust.mode == "leave":
        return current
    if adjust.mode == "new":
        return adjust.seconds
    if adjust.mode == "manual":
        return max((current or 0) + adjust.seconds, 0)
    return None if current is None else max(current - seconds, 0)


def _item(name: str, old: int | None, new: int | None) -> Item:
    texts = [None if value is None else str(value) for value in (old, new)]
    return Item(name, name, custom=False, old=texts[0], old_text=texts[0], new=texts[1], new_text=texts[1])
