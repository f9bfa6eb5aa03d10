"""One round of notices: what is due is decided, kept as begun, sent, and kept as sent.

Called by the daemon on its schedule and by `closedwon notices`. Marks live in the store's documents: of several
processes one sends. A process that dies between sending and noting it leaves the mark begun; after an hour the notice
is sent again under the same subject, since one told twice is better than one that was never told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from mappings.calendar import BusinessCalendar
from sync.core.model import StoreApi
from sync.core.notices import Notice, NoticeKind, NoticeRules, Quality, Standing, due, quiet_until
from sync.notices.post import Post

KIND = "notice"
_BEGUN, _SENT = "begun", "sent"
_TOO_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Quiet:
    """When people are not disturbed, by the wall clock of their own zone; equal times mean never."""

    begin: time
    end: time
    zone: ZoneInfo
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """By address, for those who live elsewhere."""

    def until(self, to: str, now: datetime) -> datetime | None:
        """Return when somebody may be told, None for now."""
        return quiet_until(now, self.zones.get(to, self.zone), self.begin, self.end)


@dataclass
class Sent:
    """What a round did. `waiting` are those whose reader has quiet hours, `failed` those that no channel took."""

    sent: list[Notice] = field(default_factory=list)
    held: list[Notice] = field(default_factory=list)
    waiting: list[Notice] = field(default_factory=list)
    failed: list[Notice] = field(default_factory=list)


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

    def run(self, standings: Iterable[Standing], quality: Quality, *, dry: bool = False) -> Sent:
        """Send what is due; with `dry` only say what would be. A channel that fails stops no other."""
        now = self._now()
        decided = due(
            standings,
            quality,
            rules=self._rules,
            calendar=self._calendar,
            today=now.astimezone(self._quiet.zone).date(),
            told=self._told(now),
        )
        done = Sent(held=list(decided.held))
        for notice in decided.send:
            ways = self._post.ways(notice.kind, notice.to)
            if not ways:
                continue
            if notice.kind is not NoticeKind.UNPROVEN and self._quiet.until(notice.to, now):
                done.waiting.append(notice)
            elif dry or self._deliver(notice, ways):
                done.sent.append(notice)
            else:
                done.failed.append(notice)
        return done

    def _told(self, now: datetime) -> frozenset[str]:
        """Return the marks of what was told, or is being told by a process that may still live."""
        return frozenset(
            kept.name
            for kept in self._store.kept(KIND)
            if kept.value.get("state") == _SENT or now - kept.at < _TOO_LONG
        )

    def _deliver(self, notice: Notice, ways: tuple[str, ...]) -> bool:
        """Send by all ways; what none took is tried again in the next round."""
        claim = notice.tells[-1]
        if not self._begin(notice.key, claim):
            return True  # another process is at it
        body = "\n".join(notice.lines)
        taken = [self._post.send(way, to=notice.to, subject=notice.subject, body=body) for way in ways]
        if not any(taken):
            self._store.forget(KIND, notice.key, claim)
            return False
        for mark in notice.tells:
            self._store.keep(KIND, notice.key, mark, {"state": _SENT, "to": notice.to, "subject": notice.subject})
        return True

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
