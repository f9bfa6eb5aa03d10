"""One round of notices: what is due is decided, kept as begun, sent, and kept as sent.

Called by `sync.notices.office`. Each channel is told by itself: what one did not take is tried again there alone. A
process that dies between sending and noting it leaves the notice begun; after an hour that channel is told once more
under the same subject, since one told twice is better than one that was never told (`sync.notices.marks`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from mappings.calendar import BusinessCalendar
from sync.core.model import StoreApi
from sync.core.notices import Notice, NoticeKind, NoticeRules, Quality, Standing, due, find, quiet_until
from sync.notices.marks import Doubt, Marks, Told
from sync.notices.pauses import Pauses
from sync.notices.post import Post

AGAIN = "You may have had this before: whatever was sending it ended before it could note that it did."


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


@dataclass(frozen=True, slots=True)
class Owed:
    """A notice that some channels took, and these not yet."""

    notice: Notice
    channels: tuple[str, ...]


@dataclass
class Sent:
    """What a round did. `waiting`: their reader has quiet hours, or no digest yet; `failed`: no channel took them yet.

    `owed` has those that only some channels took, `unread` those for which no channel knows whom to reach; `refused`
    counts by channel what it did not take.
    """

    sent: list[Notice] = field(default_factory=list)
    held: list[Notice] = field(default_factory=list)
    waiting: list[Notice] = field(default_factory=list)
    failed: list[Notice] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    unread: list[Notice] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return everything for `--json`."""
        lists = {"sent": self.sent, "held": self.held, "waiting": self.waiting, "failed": self.failed}
        shown = {name: [_shown(notice) for notice in notices] for name, notices in lists.items()}
        owed = [{**_shown(each.notice), "channels": list(each.channels)} for each in self.owed]
        unread = [_shown(notice) for notice in self.unread]
        return {**shown, "owed": owed, "unread": unread, "refused": dict(self.refused)}


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
        self._marks = Marks(store, now)
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
        told: Told | None = None,
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
            told=before.marks,
        )
        decided = due(found, quality(), rules=self._rules, told=before.marks)
        done = Sent(held=[notice for notice in decided.held if self._lacking(notice, before) != ()])
        pauses = Pauses(self._store, now, patient=patient)
        for notice in decided.send:
            self._see_to(notice, before, pauses, done, dry=dry)
        if not dry:
            pauses.keep()
        return done

    def told(self) -> Told:
        """Return what was told, or is being told by a process that may still live."""
        return self._marks.told()

    def _lacking(self, notice: Notice, told: Told) -> tuple[str, ...] | None:
        """Name the channels that are yet to take a notice; None where it goes by some, but none reaches its reader."""
        if not self._post.wanted(notice.kind):
            return ()
        ways = self._post.ways(notice.kind, notice.to)
        return tuple(way for way in ways if notice.lacked(partial(told.has, way))) if ways else None

    def _see_to(self, notice: Notice, told: Told, pauses: Pauses, done: Sent, *, dry: bool) -> None:
        ways = self._lacking(notice, told)
        if ways is None:
            done.unread.append(notice)
        elif not ways:
            return
        elif self._must_wait(notice, self._now()):
            done.waiting.append(notice)
        elif dry:
            done.sent.append(notice)
        else:
            self._deliver(notice, told, ways, pauses, done)

    def _must_wait(self, notice: Notice, now: datetime) -> bool:
        if notice.kind is NoticeKind.UNPROVEN:
            return False
        early = notice.kind is NoticeKind.OVERDUE and self._quiet.too_early(notice.to, now)
        return early or self._quiet.until(notice.to, now) is not None

    def _deliver(self, notice: Notice, told: Told, ways: tuple[str, ...], pauses: Pauses, done: Sent) -> None:
        """Send by all ways that are open; what one did not take is tried again there, in a later round."""
        every = self._post.ways(notice.kind, notice.to)
        took: list[str] = []
        if any(not pauses.paused(way) for way in ways):
            if not self._marks.begin(notice, told, ways):
                return  # another process is at it
            for way in ways:
                if self._take(notice, told, way, pauses, [each for each in ways if each not in took]):
                    took.append(way)
            self._marks.end(notice, told, ways=every, took=took)
        left = tuple(way for way in ways if way not in took)
        done.refused.update(left)
        if took:
            done.sent.append(notice)
        if left and (took or ways != every):
            done.owed.append(Owed(notice, left))
        elif left:
            done.failed.append(notice)

    def _take(self, notice: Notice, told: Told, way: str, pauses: Pauses, owed: list[str]) -> bool:
        """Send by one way unless it is to be left alone; tell whether it has the notice now."""
        if pauses.paused(way):
            return False
        doubt = told.doubt(way, notice)
        if doubt is Doubt.TWICE:
            return True  # it was tried twice and may have come both times: a third would be one too many
        self._marks.sending(notice, owed, way, doubt)
        lines = (AGAIN, "", *notice.lines) if doubt else notice.lines
        taken = self._post.send(way, to=notice.to, subject=notice.subject, body="\n".join(lines))
        pauses.note(way, took=taken)
        return taken
