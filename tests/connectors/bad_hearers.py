"""Connectors that each break one thing in hearing events; `test_conformance_red` says what must notice."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from pocket_connector import PocketConnector
from pocket_hooks import SIGNATURE, Registration

from connectors.conformance import SENTENCES, hearing
from connectors.events import Accepted, Event, Hook, Reply, check_signature


class NamesWhatNobodyEdited(PocketConnector):
    def event(self, body: bytes) -> Event:
        event = super().event(body)
        return replace(event, ids=(*event.ids, "T99"))


class CountsEventsItself(PocketConnector):
    """Takes its own count for the event's identity, so that a repeat is news."""

    numbers = itertools.count()

    def event(self, body: bytes) -> Event:
        return replace(super().event(body), id=str(next(self.numbers)))


class TakesAllEventsOfARecordForOne(PocketConnector):
    def event(self, body: bytes) -> Event:
        event = super().event(body)
        return replace(event, id=event.ids[0])


class NeverThanks(PocketConnector):
    def reply(self, body: bytes) -> Reply:
        return Reply(body=body if body.startswith(b"word") else b"")


class SaysNoWordBack(PocketConnector):
    def word(self, given: str) -> bytes:
        return b"hello" if super().word(given) else b""


class BelievesAnySignature(PocketConnector):
    """Looks whether there is a signature, and not what it signs."""

    def prove(self, headers: Mapping[str, str], body: bytes) -> None:
        if not headers.get(SIGNATURE, "").startswith("sha256="):
            super().prove(headers, body)


class BelievesWhatIsNotSigned(PocketConnector):
    def prove(self, headers: Mapping[str, str], body: bytes) -> None:
        if SIGNATURE in headers:
            super().prove(headers, body)


class BelievesWhatBeginsAsBefore(PocketConnector):
    """Checks the signature of what it knows by its beginning, as a cache with too short a key does."""

    def prove(self, headers: Mapping[str, str], body: bytes) -> None:
        kept: dict[str, bytes] = self.__dict__.setdefault("kept", {})
        check_signature(self.secret.encode(), kept.get(body[:10], body), headers.get(SIGNATURE, ""))
        kept[body[:10]] = body


class TripsOverGarbage(PocketConnector):
    def accept(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        orjson.loads(body or b"{}")
        return super().accept(headers, body)


class TripsOverAnOddValue(PocketConnector):
    def event(self, body: bytes) -> Event:
        told: Any = super().event(body) and orjson.loads(body)
        return Event(told["id"].strip(), (str(told["record"]),))


class RegistersEachTime(PocketConnector):
    def watched(self, url: str) -> dict[str, Registration]:
        return {}


class TellsAllHooksAsWell(PocketConnector):
    def hooks(self, url: str, targets: Sequence[str]) -> tuple[Hook, ...]:
        return tuple(replace(hook, active=bool(hook.id)) for hook in super().hooks(url, targets))


class RegistersWhenAskedToRenew(PocketConnector):
    def renew(self, url: str, ids: Collection[str] | None = None) -> Iterator[Hook]:
        there = [one.target for one in self.ours(url)] if ids is None else []
        for target in there:
            yield self.hook(self.hooks_there.register(url, target, self.secret), url)


class RemovesEverybodys(PocketConnector):
    def removable(self, url: str) -> list[Registration]:
        return self.everybodys()


BROKEN_BY: dict[type[PocketConnector], set[str]] = {
    NamesWhatNobodyEdited: {"what_the_vendor_sends_names_what_was_changed"},
    CountsEventsItself: {"a_delivery_that_comes_again_is_the_same_event_and_another_is_another"},
    TakesAllEventsOfARecordForOne: {"a_delivery_that_comes_again_is_the_same_event_and_another_is_another"},
    NeverThanks: {"a_vendor_that_was_answered_has_nothing_more_to_say"},
    SaysNoWordBack: {one.name for one in SENTENCES if one.check.__module__ == hearing.__name__},
    BelievesAnySignature: {"what_was_changed_on_its_way_is_refused", "what_somebody_else_signed_is_refused"},
    BelievesWhatIsNotSigned: {"what_somebody_else_signed_is_refused"},
    BelievesWhatBeginsAsBefore: {"what_was_changed_on_its_way_is_refused"},
    TripsOverGarbage: {"what_nobody_can_read_is_refused_and_raises_nothing_else"},
    TripsOverAnOddValue: {"what_was_made_up_raises_nothing_but_a_refusal"},
    RegistersEachTime: {"installing_twice_registers_once"},
    TellsAllHooksAsWell: {"what_is_registered_is_told_as_it_is"},
    RegistersWhenAskedToRenew: {"renewing_puts_right_what_is_there_and_registers_nothing"},
    RemovesEverybodys: {"removing_takes_ours_back_and_nobody_elses"},
}
