"""What was told by which channel, and what is being told: the marks of notices, kept in the store's documents.

Used by `sync.notices.rounds`. Of several processes one begins a notice. What it is about to send by which channel is
kept before it is sent: where it died in between, that channel alone hears it a second time, told so, and never a third.
A mark of a store that did not tell channels apart counts as told by all; so does one for a channel added since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from sync.core.model import Document, StoreApi
from sync.core.notices import Notice

KIND = "notice"
_BEGUN, _SENT = "begun", "sent"
_TOO_LONG = timedelta(hours=1)


class Doubt(IntEnum):
    """Whether a channel may have had a notice from a process that died."""

    NONE = 0
    ONCE = 1
    TWICE = 2


@dataclass(frozen=True, slots=True)
class Told:
    """The marks of what was told by all, or is being told by a process that may still live; and what channels lack."""

    marks: frozenset[str] = frozenset()
    owed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By mark: the channels that have not taken it; the others have."""
    doubts: Mapping[str, tuple[str, Doubt]] = field(default_factory=dict)
    """By mark: the channel that it was being sent by, when whoever sent it died."""

    def has(self, channel: str, mark: str) -> bool:
        """Tell whether a channel has taken what a mark stands for."""
        return mark in self.marks or channel not in self.owed.get(mark, {channel})

    def doubt(self, channel: str, notice: Notice) -> Doubt:
        """Tell whether a channel may have had something of a notice already, or for sure a second try of all of it."""
        each = [self._doubt(channel, mark) for mark in notice.news if not self.has(channel, mark)]
        return Doubt.TWICE if each and min(each) is Doubt.TWICE else min(max(each, default=Doubt.NONE), Doubt.ONCE)

    def _doubt(self, channel: str, mark: str) -> Doubt:
        by, doubt = self.doubts.get(mark, ("", Doubt.NONE))
        return doubt if by == channel else Doubt.NONE


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks in a store, at a moment that `now` tells."""

    store: StoreApi
    now: Callable[[], datetime]

    def told(self) -> Told:
        """Return what was told."""
        now, marks = self.now(), set[str]()
        owed: dict[str, frozenset[str]] = {}
        doubts: dict[str, tuple[str, Doubt]] = {}
        kept = self.store.kept(KIND)
        for each in sorted((one for one in kept if _begun(one)), key=lambda one: one.at):
            if now - each.at < _TOO_LONG:
                marks.add(each.name)
                continue
            for mark in each.value.get("tells", ()):
                owed[mark] = frozenset(each.value["owed"])
                doubts[mark] = each.value["sending"], Doubt(each.value["doubt"])
        for each in kept:
            if not _begun(each):
                owed[each.name] = frozenset(each.value.get("owed", ()))
                doubts.pop(each.name, None)
        marks |= {mark for mark, channels in owed.items() if not channels}
        return Told(frozenset(marks), {mark: channels for mark, channels in owed.items() if channels}, doubts)

    def begin(self, notice: Notice, told: Told, owed: Iterable[str]) -> bool:
        """Take a notice upon us; False where another process has it, or went on with it since `told` was read.

        One that was begun too long ago is taken over.
        """
        now, claim = self.now(), notice.tells[-1]
        begun = self._being_sent(notice, owed)
        if self.store.keep_once(KIND, notice.key, claim, begun):
            return True
        before = next((kept for kept in self.store.kept(KIND, notice.key) if kept.name == claim), None)
        if before is None:
            return False
        lacking = frozenset(before.value.get("owed", ()))
        free = now - before.at >= _TOO_LONG if _begun(before) else lacking == told.owed.get(claim)
        return free and self.store.replace(KIND, notice.key, claim, old=before.value, new=begun)

    def sending(self, notice: Notice, owed: Iterable[str], channel: str, doubt: Doubt) -> None:
        """Keep that a notice is about to be sent by a channel, and whether that is the first time."""
        being_sent = self._being_sent(notice, owed, channel, Doubt.TWICE if doubt else Doubt.ONCE)
        self.store.keep(KIND, notice.key, notice.tells[-1], being_sent)

    def end(self, notice: Notice, told: Told, *, ways: Sequence[str], took: Iterable[str]) -> None:
        """Keep which of all `ways` have it now; what none has is as if it had never been begun."""
        taken = frozenset(took)
        for mark in notice.tells:
            before = told.owed.get(mark)
            if not taken and before is None:
                self.store.forget(KIND, notice.key, mark)
                continue
            owed = sorted((frozenset(ways) if before is None else before) - taken)
            kept = {"state": _SENT, "to": notice.to, "subject": notice.subject}
            self.store.keep(KIND, notice.key, mark, {**kept, "owed": owed} if owed else kept)

    def _being_sent(
        self, notice: Notice, owed: Iterable[str], channel: str = "", doubt: Doubt = Doubt.NONE
    ) -> dict[str, Any]:
        at = {"state": _BEGUN, "at": self.now().isoformat(), "tells": list(notice.tells)}
        return {**at, "owed": sorted(owed), "sending": channel, "doubt": int(doubt)}


def _begun(kept: Document) -> bool:
    return bool(kept.value.get("state") == _BEGUN)
