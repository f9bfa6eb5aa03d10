"""What the shared transport repeats and what it never does, how long it waits, and that no failure keeps a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
from peer import answer, cut, half
from wire import NOW, SECRET, Wire, free_port

from connectors.errors import ConnectorError, NotAuthorised, Refused, Stale, TryLater, Unknown
from connectors.http import LONGEST_PAUSE, retry_after

# --- retries


@pytest.mark.parametrize(
    ("script", "safe", "error", "sent"),
    [
        (cut, True, TryLater, 4),
        (cut, False, Unknown, 1),
        (half, True, TryLater, 4),
        (half, False, Unknown, 1),
        (answer(200, b"<html>"), True, TryLater, 4),
        (answer(200, b"<html>"), False, Unknown, 1),
        (answer(200, b'{"cut": '), True, TryLater, 4),
        (answer(200, b'{"cut": '), False, Unknown, 1),
    ],
)
def test_what_may_have_landed_is_repeated_only_where_that_is_safe(peers, script, safe, error, sent):
    wire = Wire(peers(script))
    with pytest.raises(ConnectorError) as caught:
        wire.call("POST", safe=safe)
    assert type(caught.value) is error
    assert len(wire.peer.seen) == sent


@pytest.mark.parametrize("safe", [True, False])
def test_what_was_never_sent_is_repeated_always(peer, safe):
    wire = Wire(peer, hosts=frozenset({"127.0.0.1"}))
    with pytest.raises(TryLater) as caught:
        wire.call("POST", safe=safe, url=f"http://127.0.0.1:{free_port()}")
    assert caught.value.code == "HTTP-CONNECT-01"
    assert wire.meter.told == [("POST /thing", 0)] * 4


@pytest.mark.parametrize(("script", "pause"), [(cut, 0.5), (half, 0.5), (answer(200, b"<html>"), 1.0)])
def test_a_safe_call_that_breaks_once_succeeds(peers, script, pause):
    wire = Wire(peers(script, answer(200, b'{"well": true}')))
    assert wire.call() == {"well": True}
    assert wire.slept == [pause]


@pytest.mark.parametrize(
    ("error", "safe", "tries"),
    [
        (TryLater("Later.", code="X-1", delay=1), True, 4),
        (TryLater("Later.", code="X-1", delay=1), False, 4),
        (Unknown("Who knows.", code="X-2"), True, 4),
        (Unknown("Who knows.", code="X-2"), False, 1),
        (Refused("No.", code="X-3"), True, 1),
        (Refused("No.", code="X-3"), False, 1),
        (Stale("Moved on.", code="X-4"), True, 1),
        (NotAuthorised("Who are you?", code="X-5"), True, 1),
        (LookupError("an SDK's"), True, 1),
        (LookupError("an SDK's"), False, 1),
    ],
)
def test_each_error_is_tried_as_often_as_it_allows(peer, error, safe, tries):
    wire = Wire(peer)
    tried = []

    def send() -> None:
        tried.append(1)
        raise error

    with pytest.raises(ConnectorError) as caught:
        wire.caller.call(send, safe=safe)
    assert len(tried) == tries
    assert caught.value.code == getattr(error, "code", "SDK-01")


def test_a_defect_of_our_own_is_shown_as_it_is_and_never_repeated(peer):
    wire = Wire(peer)
    with pytest.raises(ZeroDivisionError):
        wire.caller.call(lambda: 1 // 0, safe=True)
    assert wire.slept == []


def test_pauses_grow_and_never_fall_below_what_was_asked(peer):
    wire = Wire(peer, attempts=5)
    for delay, pauses in ((0.0, [0.5, 1, 2, 4]), (1.5, [1.5, 1.5, 2, 4]), (60.0, [60, 60, 60, 60])):
        wire.slept.clear()
        with pytest.raises(TryLater):
            wire.caller.call(_later(delay), safe=True)
        assert wire.slept == pauses


@pytest.mark.parametrize("delay", [60.1, 3600.0, float("inf")])
def test_a_pause_beyond_patience_is_not_slept_through(peer, delay):
    wire = Wire(peer)
    with pytest.raises(TryLater) as caught:
        wire.caller.call(_later(delay), safe=True)
    assert (caught.value.delay, wire.slept) == (delay, [])


def _later(delay: float) -> Callable[[], None]:
    def send() -> None:
        raise TryLater("Later.", code="X-1", delay=delay)

    return send


# --- Retry-After


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("7.5", 7.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("1e3", 1000.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime((NOW + timedelta(seconds=90)).astimezone(timezone(timedelta(hours=2)))), 90.0),
        ("Fri, 20 Nov 2026 09:01:30 -0000", 90.0),
        ("Friday, 20-Nov-26 09:01:30 GMT", 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("999999999999", LONGEST_PAUSE),
        ("Fri, 20 Nov 2099 09:00:00 GMT", LONGEST_PAUSE),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("7 seconds", None),
        ("2026-11-20T09:01:30Z", None),
        ("Fri, 99 Nov 2026 09:01:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text, seconds):
    assert retry_after({"retry-AFTER": text}, now=NOW) == seconds


def test_no_retry_after_is_none():
    assert retry_after({"Date": "Fri, 20 Nov 2026 09:01:30 GMT"}, now=NOW) is None


# --- secrets


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("script", [cut, half, answer(200, b"<html>"), answer(302, Location="http://evil.example")])
@pytest.mark.parametrize("safe", [True, False])
def test_an_error_has_no_past_that_holds_the_request(peers, script, safe):
    wire = Wire(peers(script))
    with pytest.raises(ConnectorError) as caught:
        wire.call("POST", safe=safe, data=f"assertion={SECRET}")
    assert list(_chain(caught.value)) == [caught.value]
    assert SECRET in wire.peer.seen[-1].headers["authorization"], "it was sent, each time"
    assert wire.peer.seen[-1].body == f"assertion={SECRET}".encode()


def test_an_error_still_says_what_kind_of_failure_it_was(peers):
    with pytest.raises(Unknown) as caught:
        Wire(peers(cut)).call("POST")
    assert caught.value.__notes__ == ["caused by requests.exceptions.ConnectionError"]


def test_an_error_is_never_its_own_cause(peer):
    mine = Refused("No.", code="X-3")

    def send() -> None:
        raise mine from ValueError(SECRET)

    with pytest.raises(Refused) as caught:
        Wire(peer).caller.call(send, safe=True)
    assert caught.value is mine
    assert (mine.__cause__, mine.__context__) == (None, None)


def test_neither_an_answer_nor_an_exception_keeps_credentials_or_bodies(peers):
    wire = Wire(peers(answer(), cut))
    headers = {"Authorization": SECRET, "Cookie": SECRET, "Proxy-Authorization": SECRET}
    response = wire.session.post(f"{wire.peer.url}/thing", data=SECRET, headers=headers)
    with pytest.raises(requests.ConnectionError) as caught:
        wire.session.post(f"{wire.peer.url}/thing", data=SECRET, headers=headers)
    for request in (response.request, caught.value.request):
        assert SECRET not in f"{request.headers} {request.body}"
    assert all(seen.body == SECRET.encode() for seen in wire.peer.seen)
