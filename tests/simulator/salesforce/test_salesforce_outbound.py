"""Outbound messages: what is told, to whom, and for how long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

OUT = "{http://soap.sforce.com/2005/09/outbound}"
SF = "{urn:sobject.enterprise.soap.sforce.com}"
ACK = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Receiver:
    """A web service that takes messages and answers as told; with no answer left it acknowledges."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answers: list[tuple[int, str]] = []
        self.came = threading.Semaphore(0)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, text = receiver.answers.pop(0) if receiver.answers else (200, ACK.format("true"))
                receiver.bodies.append(body)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def notifications(self) -> list[Element]:
        return [note for body in self.bodies for note in fromstring(body).iter(f"{OUT}Notification")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def settled(world: World, vendor: Salesforce) -> Callable[[int], None]:
    """Wait until the courier has had that many answers (its thread is real; its time is not the world's)."""

    def wait(sent: int) -> None:
        waited = threading.Event()
        for _ in range(500):
            with world.lock:
                if world.courier.sent - start >= sent:
                    return
            waited.wait(0.01)
        raise AssertionError(f"the courier sent {world.courier.sent - start} of {sent}")

    start = world.courier.sent
    return wait


def subscribe(vendor: Salesforce, receiver: Receiver, **more: str) -> str:
    fields = ["StageName", "Amount", "IsWon", "NextStep", "CloseDate", "SystemModstamp"]
    args = {"object": "Opportunity", "url": receiver.url, "fields": fields, "when": "IsWon = true", **more}
    return str(vendor.act("add_outbound_message", args)["id"])


def test_a_won_deal_is_told_once_with_the_chosen_fields(
    vendor: Salesforce, receiver: Receiver, win: Callable[..., str], settled: Callable[[int], None]
) -> None:
    action = subscribe(vendor, receiver)
    deal = win("Müller & <Sons>")
    settled(1)
    root = fromstring(receiver.bodies[0])
    assert root.find(f".//{OUT}OrganizationId").text == vendor.org.id
    assert root.find(f".//{OUT}ActionId").text == action
    assert not root.find(f".//{OUT}SessionId").text
    (note,) = receiver.notifications()
    assert note.find(f"{OUT}Id").text.startswith("04l")
    record = note.find(f"{OUT}sObject")
    assert {child.tag.removeprefix(SF): child.text for child in record} == {
        "Id": deal,
        "StageName": "Closed Won",
        "Amount": "6297.0",
        "IsWon": "true",
        "CloseDate": "2026-11-20",
        "SystemModstamp": "2026-11-20T10:00:00.000Z",
    }
    assert vendor.outbound.waiting == 0


def test_what_the_condition_leaves_out_is_not_told(
    world: World, vendor: Salesforce, receiver: Receiver, win: Callable[..., str], settled: Callable[[int], None]
) -> None:
    deal = win()
    vendor.org.update("Opportunity", deal, {"NextStep": "before anybody listened"})
    subscribe(vendor, receiver)
    vendor.act("reopen_deal", {"id": deal})
    vendor.act("edit_deal", {"id": deal, "fields": {"StageName": "Closed Won"}})
    settled(1)
    assert len(receiver.bodies) == 1


def test_what_was_rolled_back_is_not_told(
    http: Http, vendor: Salesforce, receiver: Receiver, settled: Callable[[int], None]
) -> None:
    made = vendor.org.insert("Account", {"Name": "old"})
    subscribe(vendor, receiver, object="Account", when="")
    record = {"attributes": {"type": "Account"}}
    body = {"allOrNone": True, "records": [record | {"id": made, "Name": "new"}, record | {"id": "bad"}]}
    http("PATCH", "/composite/sobjects", json=body)
    vendor.act("create_record", {"object": "Account", "fields": {"Name": "other"}})
    settled(1)
    assert len(receiver.notifications()) == 1


def test_a_hundred_notifications_go_in_one_message(
    vendor: Salesforce, receiver: Receiver, settled: Callable[[int], None]
) -> None:
    subscribe(vendor, receiver, object="Account", when="")
    for number in range(150):
        vendor.org.insert("Account", {"Name": f"A{number}"})
    vendor.act("create_record", {"object": "Account", "fields": {"Name": "last"}})
    settled(2)
    sizes = [len(list(fromstring(body).iter(f"{OUT}Notification"))) for body in receiver.bodies]
    assert sizes == [100, 51]
    ids = [note.find(f"{OUT}Id").text for note in receiver.notifications()]
    assert len(set(ids)) == 151


@pytest.mark.parametrize("answer", [(500, ACK.format("true")), (200, "OK"), (200, ACK.format("false"))])
def test_a_message_comes_again_with_the_same_id_and_the_latest_values_until_acknowledged(
    answer: tuple[int, str],
    world: World,
    vendor: Salesforce,
    receiver: Receiver,
    win: Callable[..., str],
    settled: Callable[[int], None],
) -> None:
    receiver.answers = [answer, answer]
    subscribe(vendor, receiver)
    deal = win()
    settled(1)
    assert vendor.outbound.waiting == 1
    with world.lock:
        vendor.org.update("Opportunity", deal, {"NextStep": "later"})
        vendor.org.store.changes.clear()
        world.clock.advance(15)
    settled(2)
    with world.lock:
        world.clock.advance(29)
        world.clock.advance(1)
    settled(3)
    assert vendor.outbound.waiting == 0
    notes = receiver.notifications()
    assert len({note.find(f"{OUT}Id").text for note in notes}) == 1
    steps = [note.find(f".//{SF}NextStep") for note in notes]
    assert [step is None or step.text for step in steps] == [True, "later", "later"]


def test_a_message_is_dropped_after_a_day(
    world: World, vendor: Salesforce, receiver: Receiver, win: Callable[..., str], settled: Callable[[int], None]
) -> None:
    receiver.answers = [(500, "")] * 50
    subscribe(vendor, receiver)
    win()
    settled(1)
    attempts = 1
    while vendor.outbound.waiting:
        with world.lock:
            world.clock.advance(2 * 3600)
        attempts += 1
        if vendor.outbound.waiting:
            settled(min(attempts, world.courier.sent + 1))
    assert vendor.outbound.dropped == 1
    assert 10 <= attempts <= 14


def test_a_doubled_delivery_carries_one_id(
    world: World, vendor: Salesforce, receiver: Receiver, win: Callable[..., str], settled: Callable[[int], None]
) -> None:
    subscribe(vendor, receiver)
    world.courier.knobs["duplicates"] = 1.0
    try:
        win()
        settled(2)
    finally:
        world.courier.knobs["duplicates"] = 0.0
    assert len({note.find(f"{OUT}Id").text for note in receiver.notifications()}) == 1
    assert vendor.outbound.waiting == 0
