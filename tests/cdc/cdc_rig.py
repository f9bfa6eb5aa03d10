"""A stage whose Salesforce captures changes, a client that listens to them, and people who make them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

import grpc

from connectors.base import FreeMeter
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.pubsub import ChangeStream
from connectors.salesforce.settings import SalesforceSettings
from connectors.streams import Heard
from simulator.clock import Clock
from simulator.salesforce import pubsub_messages as wire
from sync.demo.stage import START, Stage
from sync.receiver import Hands

DEALS = "/data/OpportunityChangeEvent"
LINES = "/data/OpportunityLineItemChangeEvent"
ALL = "/data/ChangeEvents"
TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
roles: {engineer: ada@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: prepare, name: "Prepare {{ deal.account }}", audience: both, role: engineer, start: kickoff, days: 2, hours: 2}
"""


def until(true: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait for another thread's or process's doing."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


class Org:
    """The simulated org of a running simulator, and what people do in it."""

    def __init__(self, simulator: Any, clock: Clock) -> None:
        self.simulator = simulator
        self.vendor = simulator.salesforce
        self.clock = clock

    def act(self, action: str, **args: Any) -> dict[str, Any]:
        with self.simulator.world.lock:
            return self.vendor.act(action, args)

    def win(self, name: str = "Deal", **more: Any) -> str:
        made = self.act("win_deal", name=name, account=f"{name} Inc", close_date="2026-11-02", **more)
        return str(made["id"])

    def edit(self, deal: str, **fields: Any) -> None:
        self.act("edit_deal", id=deal, fields=fields)

    def line(self, deal: str, product: str = "Setup") -> str:
        return str(self.act("add_line", id=deal, product=product, quantity=1, price=100)["id"])

    def lines_of(self, deal: str) -> list[str]:
        with self.simulator.world.lock:
            return [row["Id"] for row in self.vendor.org.children("OpportunityLineItem", "OpportunityId", deal)]

    def fault(self, name: str, endpoint: str, **parts: Any) -> None:
        with self.simulator.world.lock:
            self.simulator.world.faults.add(name, vendor="salesforce", endpoint=endpoint, **parts)

    def heal(self) -> None:
        with self.simulator.world.lock:
            self.simulator.world.faults.clear()

    def pass_time(self, seconds: float) -> None:
        with self.simulator.world.lock:
            self.clock.advance(seconds)

    def let_it_speak(self, ear: Ear) -> None:
        """Let five minutes pass, in which Salesforce gives a sign of life; again, if it was not listening yet."""
        heard = len(ear.heard)
        for _ in range(20):
            self.pass_time(300)
            with suppress(AssertionError):
                until(lambda: len(ear.heard) > heard, 1)
                return
        raise AssertionError("no sign of life came")

    def knob(self, name: str, value: Any) -> None:
        with self.simulator.world.lock:
            self.vendor.knobs[name] = value

    def calls(self, endpoint: str) -> int:
        return int(self.simulator.world.calls["salesforce", endpoint])

    @property
    def sent(self) -> int:
        return int(self.simulator._pubsub.sent)


class Ear:
    """A thread that listens to one topic and keeps what it hears; `going` says when it takes the next."""

    def __init__(self, stream: ChangeStream, place: str = "") -> None:
        self.stream = stream
        self.heard: list[Heard] = []
        self.error: Exception | None = None
        self.going = threading.Event()
        self.going.set()
        self._place = place
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.going.set()
        self.stream.close()
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()

    @property
    def ids(self) -> list[str]:
        return [each for heard in self.heard for event in heard.events for each in event.ids]

    @property
    def events(self) -> list[str]:
        return [event.id for heard in self.heard for event in heard.events]

    @property
    def missed(self) -> list[str]:
        return [heard.missed for heard in self.heard if heard.missed]

    @property
    def place(self) -> str:
        return self.heard[-1].place

    def hears(self, count: int) -> None:
        until(lambda: len(self.ids) >= count)

    def _run(self) -> None:
        try:
            for heard in self.stream.hear(self._place):
                self.heard.append(heard)
                self.going.wait()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error


def stream_of(simulator: Any, clock: Clock, topic: str, **cdc: Any) -> ChangeStream:
    """A real client on a running simulator."""
    settings = SalesforceSettings.model_validate(
        {
            "url": simulator.urls["salesforce"],
            "client_id": "closedwon",
            "client_secret": "simulator-secret",
            "cdc": {"endpoint": simulator.urls["pubsub"], **cdc},
        }
    )
    client = SalesforceClient(settings, meter=FreeMeter(), clock=clock.now, sleep=lambda _seconds: None)
    assert settings.cdc is not None
    return ChangeStream(topic, settings.cdc, client=client, clock=clock.now)


class Subscriber:
    """A client of our own making on bare gRPC, which may ask for what no decent one would."""

    def __init__(self, simulator: Any, **metadata: str) -> None:
        self.channel = grpc.insecure_channel(simulator.urls["pubsub"].removeprefix("http://"))
        token = _token(simulator)
        org = simulator.salesforce.org.id
        known = {"accesstoken": token, "instanceurl": simulator.urls["salesforce"], "tenantid": org}
        self.metadata = tuple((known | metadata).items())
        self.requests: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask(self, method: str, request: Any, answer: Any) -> Any:
        call = self.channel.unary_unary(
            f"/{wire.SERVICE}/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return call(request, metadata=self.metadata, timeout=20)

    def subscribe(self, topic: str = ALL, count: int = 100, **start: Any) -> Any:
        self.requests.put(wire.FetchRequest(topic_name=topic, num_requested=count, **start))
        call = self.channel.stream_stream(
            f"/{wire.SERVICE}/Subscribe",
            request_serializer=wire.FetchRequest.SerializeToString,
            response_deserializer=wire.FetchResponse.FromString,
        )
        return call(iter(self.requests.get, None), metadata=self.metadata, timeout=30)

    def close(self) -> None:
        self.requests.put(None)
        self.channel.close()


def _token(simulator: Any) -> str:
    with simulator.world.lock:
        auth = simulator.salesforce.auth
        auth.tokens["test-token"] = simulator.world.clock.now().timestamp() + 7200
    return "test-token"


@contextmanager
def hands_of(stage: Stage) -> Iterator[Hands]:
    """Run a worker until the block ends."""
    hands = Hands(stage.plant.engine, stage.plant.store, now=stage.clock.now)
    hands.start()
    try:
        yield hands
    finally:
        assert hands.stop(20)


def new_clock() -> Clock:
    return Clock(START, frozen=True)
