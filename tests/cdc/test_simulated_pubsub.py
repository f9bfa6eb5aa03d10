"""The simulated Pub/Sub API refuses what the real one refuses, and says what it says in its form."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import fastavro
import grpc
import orjson
import pytest
from cdc_rig import ALL, DEALS, Org, Subscriber

from simulator.app import Simulator
from simulator.salesforce import pubsub_messages as wire


@pytest.fixture
def connect(org: Org) -> Iterator[Callable[..., Subscriber]]:
    made: list[Subscriber] = []

    def new(**metadata: str) -> Subscriber:
        made.append(Subscriber(org.simulator, **metadata))
        return made[-1]

    yield new
    for each in made:
        each.close()


@pytest.fixture
def subscriber(connect: Callable[..., Subscriber]) -> Subscriber:
    return connect()


def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as told:
        list(call)
    error: Any = told.value
    return error.code(), dict(error.trailing_metadata() or ()).get("error-code", "")


def read(subscriber: Subscriber, event: Any) -> dict[str, Any]:
    schema = subscriber.ask("GetSchema", wire.SchemaRequest(schema_id=event.event.schema_id), wire.SchemaInfo)
    parsed = fastavro.parse_schema(orjson.loads(schema.schema_json))
    return fastavro.schemaless_reader(io.BytesIO(event.event.payload), parsed, None)


@pytest.mark.parametrize("wrong", [{"accesstoken": "no"}, {"tenantid": "00D000000000001"}, {"instanceurl": ""}])
def test_a_call_without_whole_proof_is_unauthenticated(
    connect: Callable[..., Subscriber], wrong: dict[str, str]
) -> None:
    code, told = refusal(connect(**wrong).subscribe())
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert told == "sfdc.platform.eventbus.grpc.service.auth.error"


def test_a_number_of_events_must_be_positive(subscriber: Subscriber) -> None:
    code, told = refusal(subscriber.subscribe(count=0))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert told.endswith("requested.events.invalid")


def test_the_topic_of_a_stream_cannot_change(subscriber: Subscriber) -> None:
    call = subscriber.subscribe(ALL)
    subscriber.requests.put(wire.FetchRequest(topic_name=DEALS, num_requested=1))
    assert refusal(call)[0] is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("replay_id", "code"), [(b"x", "validation.failed"), (b"\xff" * 10, "validation.failed"), (bytes(10), "corrupted")]
)
def test_a_replay_id_that_is_not_good_is_refused(subscriber: Subscriber, replay_id: bytes, code: str) -> None:
    status, told = refusal(subscriber.subscribe(replay_preset=wire.CUSTOM, replay_id=replay_id))
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert told == f"sfdc.platform.eventbus.grpc.subscription.fetch.replayid.{code}"


def test_a_topic_tells_whether_it_may_be_subscribed_to(org: Org, subscriber: Subscriber) -> None:
    def topic(name: str) -> Any:
        return subscriber.ask("GetTopic", wire.TopicRequest(topic_name=name), wire.TopicInfo)

    assert topic(DEALS).can_subscribe
    assert not topic("/data/AccountChangeEvent").can_subscribe
    with pytest.raises(grpc.RpcError):
        topic("/data/NoSuchChangeEvent")


def test_an_update_tells_only_what_changed_and_marks_it_by_bitmaps(org: Org, subscriber: Subscriber) -> None:
    deal = org.win(fields={"NextStep": "call"})
    call = subscriber.subscribe(DEALS, replay_preset=wire.EARLIEST)
    org.edit(deal, NextStep=None, Description="new")
    answers: list[Any] = []
    while len(answers) < 2:  # in one answer or in two
        answers += next(call).events
    told = read(subscriber, answers[1])
    header = told.pop("ChangeEventHeader")
    names = ["ChangeEventHeader", *told]
    assert (header["entityName"], header["recordIds"], header["changeType"]) == ("Opportunity", [deal], "UPDATE")
    assert marked(header["nulledFields"], names) == ["NextStep"]
    assert set(marked(header["changedFields"], names)) == {"NextStep", "Description"}
    assert {name for name, value in told.items() if value is not None} == {"Description"}


def marked(bitmaps: list[str], names: list[str]) -> list[str]:
    bits = int(bitmaps[0], 16)
    return [name for place, name in enumerate(names) if bits >> place & 1]


def test_the_origin_of_a_change_names_the_api_and_a_client_that_tells_its_name(
    org: Org, subscriber: Subscriber
) -> None:
    org.win()
    call = subscriber.subscribe(DEALS, replay_preset=wire.EARLIEST)
    origin = read(subscriber, next(call).events[0])["ChangeEventHeader"]["changeOrigin"]
    assert origin == "com/salesforce/api/soap/68.0;client=SfdcInternalAPI/"


def test_a_quiet_stream_gives_a_sign_of_life(org: Org, subscriber: Subscriber) -> None:
    org.knob("cdc_keepalive_seconds", 0)
    answer = next(subscriber.subscribe())
    assert not answer.events
    assert answer.latest_replay_id
    assert answer.pending_num_requested == 100


def test_a_stream_that_wants_nothing_for_a_minute_is_ended(org: Org, subscriber: Subscriber) -> None:
    org.win()
    call = subscriber.subscribe(DEALS, count=1, replay_preset=wire.EARLIEST)
    assert len(next(call).events) == 1
    org.pass_time(61)
    assert list(call) == []


def test_an_object_that_is_not_selected_is_not_told_of(org: Org, subscriber: Subscriber) -> None:
    org.knob("cdc_objects", ["OpportunityLineItem"])
    deal = org.win()
    line = org.line(deal)
    call = subscriber.subscribe(ALL, replay_preset=wire.EARLIEST)
    assert [read(subscriber, event)["ChangeEventHeader"]["recordIds"] for event in next(call).events] == [[line]]


def test_what_was_rolled_back_or_moved_a_stamp_alone_is_not_told(org: Org) -> None:
    deal = org.win()
    before = len(org.vendor.bus._events)
    with pytest.raises(KeyError):
        org.act("edit_deal", id=deal)
    org.edit(deal, NextStep=None)
    assert len(org.vendor.bus._events) == before


def test_without_a_port_for_it_there_is_no_pubsub_and_nothing_is_kept_for_it() -> None:
    with Simulator() as simulator:
        simulator.salesforce.act("win_deal", {"name": "D", "account": "A", "close_date": "2026-11-02"})
        assert "pubsub" not in simulator.urls
        assert simulator.salesforce.bus._events == []


def test_a_port_that_is_taken_is_told_as_such(org: Org) -> None:
    taken = int(org.simulator.urls["pubsub"].rpartition(":")[2])
    with pytest.raises(OSError, match="taken"):
        Simulator(ports={"pubsub": taken})
