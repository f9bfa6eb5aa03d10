"""One round of notices: what is due is decided, kept as begun, sent, and kept as sent.

Called by `sync.notices.office`. Marks live in the store's documents: of several processes one sends. A process that
dies between sending and noting it leaves the mark begun; after an hour the notice is sent again under the same subject,
since one told twice is better than one that was never told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mappings.calendar import BusinessCalendar
from sync.core.model import StoreApi
from sync.core.notices import Notice, NoticeKind, NoticeRules, Quality, Standing, due, find, quiet_until
from sync.notices.pauses import Pauses
from sync.notices.post import Post

KIND = "notice"
_BEGUN, _SENT = "begun", "sent"
_TOO_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When people are not disturbed, by the wall clock of their own zone; equal times mean never.

    `digest` is the time of day from which on the digest of overdue tasks comes.
    """

    begin: time
    end: time
    zone: ZoneInfo
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """By address, for those who live elsewhere."""
    digest: time = time(0)

    def day(self, to: str, now: datetime) -> date:
        """Return what day it is where somebody lives."""
        return now.astimezone(self._zone(to)).date()

    def until(self, to: str, now: datetime) -> datetime | None:
        """Return when somebody may be told, None for now."""
        return quiet_until(now, self._zone(to), self.begin, self.end)

    def too_early(self, to: str, now: datetime) -> bool:
        """Tell whether it is not yet the time of somebody's digest."""
        return now.astimezone(self._zone(to)).time() < self.digest

    def _zone(self, to: str) -> ZoneInfo:
        return self.zones.get(to, self.zone)


@dataclass
class Sent:
    """What a round did. `waiting`: their reader has quiet hours, or no digest yet; `failed`: no channel took them.

    `unread` has those for which no channel knows whom to reach; `refused` counts by channel what it did not take.
    """

    sent: list[Notice] = field(default_factory=list)
    held: list[Notice] = field(default_factory=list)
    waiting: list[Notice] = field(default_factory=list)
    failed: list[Notice] = field(default_factory=list)
    unread: list[Notice] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return everything for `--json`."""
        lists = {"sent": self.sent, "held": self.held, "waiting": self.waiting, "failed": self.failed}
        shown = {name: [_shown(notice) for notice in notices] for name, notices in lists.items()}
        return {**shown, "unread": [_shown(notice) for notice in self.unread], "refused": dict(self.refused)}


def _shown(notice: Notice) -> dict[str, Any]:
    names = ("kind", "to", "key", "subject", "lines", "why_held")
    return {name: getattr(notice, name) for name in names}


class Round:
    """Everything that a round needs; `run` it as often as wanted."""

    def __init__(
        self,
        *,
        store: StoreApi,
        post: Post,
        rules: NoticeRules,
        quiet: Quiet,
        calendar: BusinessCalendar,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._post = post
        self._rules = rules
        self._quiet = quiet
        self._calendar = calendar
        self._now = now

    def run(
        self,
        standings: Iterable[Standing],
        quality: Callable[[], Quality],
        *,
        told: AbstractSet[str] | None = None,
        dry: bool = False,
        patient: bool = True,
    ) -> Sent:
        """Send what is due; with `dry` only say what would be. A channel that fails stops no other.

        `quality` is asked after the last standing was taken, so that it may tell of them; `told` may be given by who
        asked for it already. A channel that failed lately is left alone while it is to be, unless not `patient`.
        """
        now = self._now()
        before = self.told() if told is None else told
        found = find(
            standings,
            rules=self._rules,
            calendar=self._calendar,
            today=self._quiet.day("", now),
            day_of=lambda to: self._quiet.day(to, now),
            told=before,
        )
        decided = due(found, quality(), rules=self._rules, told=before)
        done = Sent(held=[notice for notice in decided.held if self._post.wanted(notice.kind)])
        pauses = Pauses(self._store, now, patient=patient)
        for notice in decided.send:
            if self._post.wanted(notice.kind):
                self._see_to(notice, now, pauses, done, dry=dry)
        if not dry:
            pauses.keep()
        return done

    def told(self) -> frozenset[str]:
        """Return the marks of what was told, or is being told by a process that may still live."""
        now = self._now()
        return frozenset(
            kept.name
            for kept in self._store.kept(KIND)
            if kept.value.get("state") == _SENT or now - kept.at < _TOO_LONG
        )

    def _see_to(self, notice: Notice, now: datetime, pauses: Pauses, done: Sent, *, dry: bool) -> None:
        ways = self._post.ways(notice.kind, notice.to)
        if not ways:
            done.unread.append(notice)
        elif self._must_wait(notice, now):
            done.waiting.append(notice)
        elif dry:
            done.sent.append(notice)
        else:
            self._deliver(notice, ways, pauses, done)

    def _must_wait(self, notice: Notice, now: datetime) -> bool:
        if notice.kind is NoticeKind.UNPROVEN:
            return False
        early = notice.kind is NoticeKind.OVERDUE and self._quiet.too_early(notice.to, now)
        return early or self._quiet.until(notice.to, now) is not None

    def _deliver(self, notice: Notice, ways: tuple[str, ...], pauses: Pauses, done: Sent) -> None:
        """Send by all ways; what none took is tried again in a later round."""
        claim = notice.tells[-1]
        if not self._begin(notice.key, claim):
            return  # another process is at it
        body = "\n".join(notice.lines)
        taken = False
        for way in ways:
            if pauses.paused(way):
                done.refused[way] += 1
                continue
            took = self._post.send(way, to=notice.to, subject=notice.subject, body=body)
            pauses.note(way, took=took)
            if not took:
                done.refused[way] += 1
            taken = taken or took
        if not taken:
            self._store.forget(KIND, notice.key, claim)
            done.failed.append(notice)
            return
        for mark in notice.tells:
            self._store.keep(KIND, notice.key, mark, {"state": _SENT, "to": notice.to, "subject": notice.subject})
        done.sent.append(notice)

    def _begin(self, key: str, mark: str) -> bool:
        """Take a notice upon us; False where another process has it. One that was begun too long ago is taken over."""
        now = self._now()
        begun = {"state": _BEGUN, "at": now.isoformat()}
        if self._store.keep_once(KIND, key, mark, begun):
            return True
        before = next((kept for kept in self._store.kept(KIND, key) if kept.name == mark), None)
        if before is None or before.value.get("state") == _SENT or now - before.at < _TOO_LONG:
            return False
        return self._store.replace(KIND, key, mark, old=before.value, new=begun)
