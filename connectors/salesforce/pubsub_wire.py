"""The wire of Salesforce's Pub/Sub API: its messages made at run time, its channel, and what its refusals mean.

Used by `pubsub` only, and imported only where a connection listens: it needs grpcio and protobuf (the extra `cdc`).
There is no generated code, since protobuf makes classes of descriptors as well (docs/decisions/0016).
Source of names and numbers: github.com/forcedotcom/pub-sub-api, pubsub_api.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater
from connectors.salesforce.settings import CdcSettings, SalesforceSettings
from connectors.salesforce.token import Token

LATEST, EARLIEST, CUSTOM = 0, 1, 2
MOST_BYTES = 128 * 1024 * 1024
"""Of one answer: a hundred events of up to 1 MB."""
BAD_REPLAY = frozenset({"subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed"})
"""A replay id that is older than the 72 hours of retention, or of before a move of the org."""

_PACKAGE = "eventbus.v1"
_PREFIX = "sfdc.platform.eventbus.grpc."
_STRING, _BYTES, _INT32, _BOOL, _MESSAGE = 9, 12, 5, 8, 11
_FIELDS: Mapping[str, Mapping[str, tuple[int, int | str]]] = {
    "TopicRequest": {"topic_name": (1, _STRING)},
    "TopicInfo": {"topic_name": (1, _STRING), "can_subscribe": (4, _BOOL)},
    "SchemaRequest": {"schema_id": (1, _STRING)},
    "SchemaInfo": {"schema_json": (1, _STRING), "schema_id": (2, _STRING)},
    "ProducerEvent": {"id": (1, _STRING), "schema_id": (2, _STRING), "payload": (3, _BYTES)},
    "ConsumerEvent": {"event": (1, "ProducerEvent"), "replay_id": (2, _BYTES)},
    "FetchRequest": {
        "topic_name": (1, _STRING),
        "replay_preset": (2, _INT32),  # an enum: on the wire it is its number
        "replay_id": (3, _BYTES),
        "num_requested": (4, _INT32),
    },
    "FetchResponse": {
        "events": (1, "repeated ConsumerEvent"),
        "latest_replay_id": (2, _BYTES),
        "pending_num_requested": (4, _INT32),
    },
}
"""Of each message the fields that we use: number, and type or message. Others are kept unread, as protobuf does."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="closedwon_pubsub.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            if isinstance(kind, int):
                message.field.add(name=field, number=number, label=1, type=kind)
                continue
            repeated, _, of = kind.rpartition(" ")
            label = 3 if repeated else 1
            message.field.add(name=field, number=number, label=label, type=_MESSAGE, type_name=f".{_PACKAGE}.{of}")
    pool = descriptor_pool.DescriptorPool()  # our own, so that nobody else's description of the same can clash
    pool.Add(file)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{n}")) for n in _FIELDS}


_CLASSES = _classes()
FetchRequest, SchemaRequest, TopicRequest = (_CLASSES[n] for n in ("FetchRequest", "SchemaRequest", "TopicRequest"))


class Line:
    """One connection to the Pub/Sub API with a token; a context manager."""

    def __init__(self, cdc: CdcSettings, settings: SalesforceSettings, token: Token) -> None:
        org = token.identity.rstrip("/").split("/")[-2] if token.identity.count("/") > 1 else ""
        self._metadata = (("accesstoken", token.text), ("instanceurl", token.instance_url), ("tenantid", org))
        self._timeout = settings.read_timeout
        self._channel = _channel(cdc, settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def subscribe(self, requests: Any) -> Any:
        """Open a stream; returns gRPC's call, which iterates over the answers. Raises grpc.RpcError while it does."""
        method = self._channel.stream_stream(
            f"/{_PACKAGE}.PubSub/Subscribe",
            request_serializer=FetchRequest.SerializeToString,
            response_deserializer=_CLASSES["FetchResponse"].FromString,
        )
        return method(requests, metadata=self._metadata)

    def schema(self, schema_id: str) -> str:
        """Return an Avro schema's JSON; raises grpc.RpcError, and LookupError where Salesforce no longer has it."""
        try:
            return str(self._ask("GetSchema", SchemaRequest(schema_id=schema_id), "SchemaInfo").schema_json)
        except grpc.RpcError as error:
            if error.code() in _NOT_OURS:
                raise LookupError(schema_id) from None
            raise

    def may_subscribe(self, topic: str) -> bool:
        """Tell whether we may subscribe to a topic; raises grpc.RpcError."""
        return bool(self._ask("GetTopic", TopicRequest(topic_name=topic), "TopicInfo").can_subscribe)

    def _ask(self, name: str, request: Any, answer: str) -> Any:
        method = self._channel.unary_unary(
            f"/{_PACKAGE}.PubSub/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=_CLASSES[answer].FromString,
        )
        return method(request, metadata=self._metadata, timeout=self._timeout)


def _channel(cdc: CdcSettings, settings: SalesforceSettings) -> Any:
    """Open a channel that takes nothing from the environment and repeats nothing by itself."""
    parts = urlsplit(cdc.endpoint)
    target = parts.netloc if parts.port else f"{parts.netloc}:443"
    options: list[tuple[str, Any]] = [
        ("grpc.enable_retries", 0),
        ("grpc.max_receive_message_length", MOST_BYTES),
        ("grpc.enable_http_proxy", 1 if settings.proxy else 0),
    ]
    if settings.proxy:
        options.append(("grpc.http_proxy", settings.proxy))
    if parts.scheme == "http":  # this machine only, as the settings have it
        return grpc.insecure_channel(target, options)
    roots = Path(settings.ca_bundle).read_bytes() if settings.ca_bundle else None
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)


def code_of(error: Any) -> str:
    """Return Salesforce's own code of a refusal, without what all of them begin with; "" where it gives none."""
    trailers = dict(error.trailing_metadata() or ())
    return str(trailers.get("error-code", "")).removeprefix(_PREFIX)


def is_unauthenticated(error: Any) -> bool:
    """Tell whether a new token may mend this."""
    return bool(error.code() is grpc.StatusCode.UNAUTHENTICATED)


def explain(error: Any, topic: str) -> ConnectorError:
    """Turn gRPC's failure into the error that names the next step; its text is never quoted."""
    status = error.code()
    told = code_of(error)
    if status is grpc.StatusCode.UNAUTHENTICATED:
        return NotAuthorised(
            "The Pub/Sub API refuses a token that Salesforce has just given out. Check that the integration user has "
            "API Enabled, and that its session is not bound to one IP address.",
            code="SF-CDC-01",
        )
    if status in _NOT_OURS:
        return closed(topic)
    return TryLater(
        f"The stream of {topic} ended ({told or status.name}). It is opened again by itself; sweeps go on meanwhile.",
        code="SF-CDC-03",
        delay=0.5,
    )


def closed(topic: str) -> Refused:
    """Make the error for a topic that only an admin can open."""
    return Refused(
        f"Salesforce lets us not listen to {topic}. Select its object in Setup > Change Data Capture, and give the "
        "integration user View All for it.",
        code="SF-CDC-02",
    )


_NOT_OURS = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT})
