"""Sentences on events: what the vendor sends is believed, what others send is not, and registrations are kept in order.

Asked of connectors that have a method `events` which gives something; the others are not asked. Those on registrations
are not asked where a person sets them up by hand (`Events.steps`).
"""

# ruff: noqa: D103 - the name of a sentence is what it says, as with tests

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from connectors.base import Capability, Kind, Ref
from connectors.conformance.bench import CLOSED, Bench, equal, expect, raises
from connectors.conformance.sending import Delivery, Sending
from connectors.conformance.suite import NotAsked, sentence
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.events import Accepted, Event, Events, Hearing, Reply

DAY = 24 * 3600.0
DEEP = 5_000
EARLIER = "an-earlier-path-0123456789"
BODIES = (
    *(b"", b" ", b"\x00\xff\xfe\x80", b"\xef\xbb\xbf", b"null", b"[]", b"{}", b'"text"', b"-1", b"1e999", b"NaN"),
    *(b"[" * DEEP, b'{"a":' * DEEP, b"<a>" * DEEP + b"</a>" * DEEP, b"{" + b'"a":0,' * DEEP + b'"a":0}'),
    *(b"<!doctype html><title>502</title>", b'<?xml version="1.0" encoding="no-such"?><a/>'),
    b'<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>',
)
VALUES: tuple[object, ...] = (None, [], {}, [None], [[]], {"id": None}, "text", "", -1, 2**63, 1.5, True)
TYPES = ("", "application/json", "text/xml", "text/plain; charset=no-such", "multipart/form-data", "\xff")
ODD_HEADERS = ("", "=", "sha256=", "sha256=00", "md5=00", "none=\xff", "x" * 10_000)


@dataclass
class _Office:
    """Where the vendor's deliveries arrive: what came, what became of it, and what was raised that must not be."""

    bench: Bench
    events: Events
    sending: Sending
    ref: Ref
    """What a person is going to edit."""
    targets: Sequence[str]
    address: str = ""
    came: list[tuple[Delivery, Accepted]] = field(default_factory=list)
    refused: list[ConnectorError] = field(default_factory=list)
    raised: list[Exception] = field(default_factory=list)
    answers_late: bool = False
    """Whether everything is taken, and answered as if it was not."""

    @property
    def url(self) -> str:
        """What is registered."""
        return f"{self.address}/{self.events.path.get_secret_value()}"

    def answer(self, delivery: Delivery) -> Reply:
        """Take a delivery as the receiver does."""
        try:
            accepted = self.events.accept(delivery.headers, delivery.body)
        except ConnectorError as error:
            self.refused.append(error)
            return Reply(503 if isinstance(error, TryLater) else 403)
        except Exception as error:  # noqa: BLE001 - it is the finding, told by whoever closes the office
            self.raised.append(error)
            return Reply(500)
        self.came.append((delivery, accepted))
        return Reply(503) if self.answers_late else accepted.reply

    def edited(self) -> list[tuple[Delivery, Accepted]]:
        """Have a person edit, and return what the vendor sent for it."""
        self.came.clear()
        self.bench.rig.person_edits(self.ref)
        self.sending.deliver()
        expect(not self.refused, f"what the vendor sent was refused: {self.refused[:1]!r}")
        return list(self.came)

    def genuine(self) -> list[Delivery]:
        """Return what the vendor sends for an edit, which must be believed."""
        found = [delivery for delivery, accepted in self.edited() if accepted.events]
        expect(found, "an edit became no event")
        return found


@contextmanager
def _office(bench: Bench, *, install: bool = True) -> Iterator[_Office]:
    """Open an office for a record that is there, and have the vendor send to it."""
    events = bench.connector.events() if isinstance(bench.connector, Hearing) else None
    if events is None:
        raise NotAsked("the connector does not hear events")
    ref, targets = _something(bench)
    office = _Office(bench, events, bench.rig.sending(), ref, targets)
    with office.sending.listening(office.answer) as address:
        office.address = address
        if install:
            office.sending.by_hand(office.url)
            hooks = list(events.install(office.url, targets))
            expect(all(hook.sound for hook in hooks), f"a registration is not well at once: {hooks!r}")
            office.sending.deliver()
        yield office
    expect(not office.raised, f"at a delivery of the vendor's {office.raised[:1]!r} was raised")


def _something(bench: Bench) -> tuple[Ref, Sequence[str]]:
    """Return a record that a person can edit, and what is registered for it."""
    if Capability.TASKS in bench.connector.capabilities:
        first, _ = bench.made(Kind.TASK, 2)
        return Ref(first.ref.id, bench.home(first).id), (bench.home(first).id,)
    return Ref(bench.rig.win_deal(CLOSED)), ()


def _registering(office: _Office) -> None:
    if office.events.steps(office.url):
        raise NotAsked("a person registers by hand")


# --- what is believed


@sentence()
def what_the_vendor_sends_names_what_was_changed(bench: Bench) -> None:
    with _office(bench) as office:
        named = {one for _, accepted in office.edited() for event in accepted.events for one in event.ids}
        right = {office.ref.id, office.ref.container} - {""}
        expect(named & right, f"an edit of {office.ref} was sent, and {sorted(named)} was named")
        equal(named - right, set(), "records that nobody edited and that were named")


@sentence()
def a_delivery_that_comes_again_is_the_same_event_and_another_is_another(bench: Bench) -> None:
    with _office(bench) as office:
        office.answers_late = True
        first = office.edited()
        for delivery, accepted in first:
            equal(office.events.accept(delivery.headers, delivery.body).events, accepted.events, "events of a repeat")
        office.came.clear()
        office.answers_late = False
        bench.rig.advance(DAY / 24)
        office.sending.deliver()
        equal(_ids(office.came) - _ids(first), set(), "ids of events that the vendor sent again")
        expect(not (_ids(office.edited()) & _ids(first)), "another edit has the id of an event that was before")


def _ids(came: Sequence[tuple[Delivery, Accepted]]) -> set[str]:
    events: list[Event] = [event for _, accepted in came for event in accepted.events]
    return {event.id for event in events}


@sentence()
def a_vendor_that_was_answered_has_nothing_more_to_say(bench: Bench) -> None:
    with _office(bench) as office:
        expect(office.edited(), "an edit was not sent")
        office.came.clear()
        bench.rig.advance(DAY / 24)
        office.sending.deliver()
        equal(len(office.came), 0, "deliveries that came again though they had been answered")


# --- what is not


@sentence()
def what_was_changed_on_its_way_is_refused(bench: Bench) -> None:
    with _office(bench) as office:
        for genuine in office.genuine():
            for altered in office.sending.altered(genuine):
                _refused(office, altered, NotAuthorised)


@sentence()
def what_somebody_else_signed_is_refused(bench: Bench) -> None:
    with _office(bench) as office:
        for genuine in office.genuine():
            for forged in office.sending.forged(genuine):
                _refused(office, forged, NotAuthorised)


@sentence()
def what_nobody_can_read_is_refused_and_raises_nothing_else(bench: Bench) -> None:
    with _office(bench) as office:
        genuine = office.genuine()
        for body in BODIES:
            for delivery in office.sending.sealed(body):
                _refused(office, delivery, NotAuthorised, Refused)
            for known in genuine:
                _refused(office, Delivery(known.headers, body), NotAuthorised, Refused)
            _refused(office, Delivery({}, body), NotAuthorised, Refused)


@sentence()
def what_was_made_up_raises_nothing_but_a_refusal(bench: Bench) -> None:
    """Headers that no vendor sends, and values that are none, signed by the vendor itself."""
    with _office(bench) as office:
        for known in office.genuine():
            for kind in TYPES:
                _harmless(office, Delivery({**known.headers, "content-type": kind}, known.body))
            for name in known.headers:
                for value in ODD_HEADERS:
                    _harmless(office, Delivery({**known.headers, name: value}, known.body))
            for body in _mutants(known.body):
                for delivery in office.sending.sealed(body):
                    _harmless(office, delivery)


def _mutants(body: bytes) -> Iterator[bytes]:
    """Return a JSON object with one value replaced at a time, and with one left out; nothing for other bodies."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    for name in told:
        yield orjson.dumps({key: value for key, value in told.items() if key != name})
        for value in VALUES:
            yield orjson.dumps({**told, name: value})


def _refused(office: _Office, delivery: Delivery, *kinds: type[Exception]) -> None:
    raises(lambda: office.events.accept(delivery.headers, delivery.body), *kinds)


def _harmless(office: _Office, delivery: Delivery) -> None:
    try:
        office.events.accept(delivery.headers, delivery.body)
    except ConnectorError:
        return
    except Exception as error:  # noqa: BLE001 - told with what was sent
        begins = delivery.body[:80]
        expect(condition=False, why=f"{delivery.headers!r} {begins!r} raised {type(error).__name__}: {error}")


# --- registrations


@sentence()
def installing_twice_registers_once(bench: Bench) -> None:
    with _office(bench) as office:
        _registering(office)
        before = list(office.sending.addresses())
        expect(before, "nothing is registered at the vendor")
        again = list(office.events.install(office.url, office.targets))
        expect(again and all(hook.sound for hook in again), f"what is registered already is told as {again!r}")
        equal(list(office.sending.addresses()), before, "addresses registered after a second time")


@sentence()
def what_is_registered_is_told_as_it_is(bench: Bench) -> None:
    with _office(bench, install=False) as office:
        _registering(office)
        none = office.events.hooks(office.url, office.targets)
        expect(none and not any(hook.id or hook.active for hook in none), f"what is not registered is told as {none!r}")
        list(office.events.install(office.url, office.targets))
        well = office.events.hooks(office.url, office.targets)
        expect(well and all(hook.id and hook.sound for hook in well), f"what is well is told as {well!r}")
        moved = office.events.hooks(f"{office.address}/{EARLIER}", office.targets)
        expect(not any(hook.here for hook in moved), f"what calls another path is told as {moved!r}")
        office.sending.switch_off()
        off = office.events.hooks(office.url, office.targets)
        expect(off and not any(hook.sound for hook in off), f"what a person switched off is told as {off!r}")
        expect(
            not any(hook.dropped for hook in off), f"what a person switched off is told as the vendor's doing: {off!r}"
        )


@sentence()
def renewing_puts_right_what_is_there_and_registers_nothing(bench: Bench) -> None:
    with _office(bench, install=False) as office:
        _registering(office)
        equal(list(office.events.renew(office.url)), [], "what was renewed where nothing was")
        list(office.events.install(f"{office.address}/{EARLIER}", office.targets))
        earlier = list(office.sending.addresses())
        equal(list(office.events.renew(office.url, ())), [], "what was renewed of nothing")
        equal(list(office.sending.addresses()), earlier, "addresses after nothing was to be renewed")
        renewed = list(office.events.renew(office.url))
        expect(renewed and all(hook.sound for hook in renewed), f"what was renewed is told as {renewed!r}")
        equal(list(office.sending.addresses()), [office.url] * len(earlier), "addresses after a renewal")
        expect(office.edited(), "nothing comes after a renewal")


@sentence()
def removing_takes_ours_back_and_nobody_elses(bench: Bench) -> None:
    with _office(bench) as office:
        _registering(office)
        other = f"{office.address}/another/program/{EARLIER}"
        office.sending.other_registers(other, next(iter(office.targets), ""))
        removed = list(office.events.remove(office.url))
        expect(removed and not any(hook.active for hook in removed), f"what was removed is told as {removed!r}")
        equal(list(office.sending.addresses()), [other], "addresses that are still registered")
        equal(list(office.events.remove(office.url)), [], "what was removed where nothing was")
