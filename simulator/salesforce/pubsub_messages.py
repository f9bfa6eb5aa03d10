"""The messages of Salesforce's Pub/Sub API, made at run time: no generated code, and no compiler to make it.

Used by `pubsub` only, so that protobuf is needed by nobody else. Names and numbers are the interface's own; source:
github.com/forcedotcom/pub-sub-api, pubsub_api.proto.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "eventbus.v1.PubSub"
LATEST, EARLIEST, CUSTOM = 0, 1, 2

_STRING, _BYTES, _INT32, _BOOL = 9, 12, 5, 8
_MESSAGES: dict[str, tuple[tuple[str, int, int | str], ...]] = {
    "TopicRequest": (("topic_name", 1, _STRING),),
    "TopicInfo": (
        ("topic_name", 1, _STRING),
        ("tenant_guid", 2, _STRING),
        ("can_publish", 3, _BOOL),
        ("can_subscribe", 4, _BOOL),
        ("schema_id", 5, _STRING),
        ("rpc_id", 6, _STRING),
    ),
    "SchemaRequest": (("schema_id", 1, _STRING),),
    "SchemaInfo": (("schema_json", 1, _STRING), ("schema_id", 2, _STRING), ("rpc_id", 3, _STRING)),
    "ProducerEvent": (("id", 1, _STRING), ("schema_id", 2, _STRING), ("payload", 3, _BYTES)),
    "ConsumerEvent": (("event", 1, "ProducerEvent"), ("replay_id", 2, _BYTES)),
    "FetchRequest": (
        ("topic_name", 1, _STRING),
        ("replay_preset", 2, _INT32),  # an enum, which has the wire form of a number
        ("replay_id", 3, _BYTES),
        ("num_requested", 4, _INT32),
        ("auth_refresh", 5, _STRING),
    ),
    "FetchResponse": (
        ("events", 1, "*ConsumerEvent"),
        ("latest_replay_id", 2, _BYTES),
        ("rpc_id", 3, _STRING),
        ("pending_num_requested", 4, _INT32),
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="simulated_pubsub.proto", package="eventbus.v1", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            of = kind if isinstance(kind, str) else ""
            more = {"type": 11, "type_name": f".eventbus.v1.{of.removeprefix('*')}"} if of else {"type": kind}
            message.field.add(name=field, number=number, label=3 if of.startswith("*") else 1, **more)
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """Return the class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"eventbus.v1.{name}"))


TopicRequest, TopicInfo = message("TopicRequest"), message("TopicInfo")
SchemaRequest, SchemaInfo = message("SchemaRequest"), message("SchemaInfo")
ProducerEvent, ConsumerEvent = message("ProducerEvent"), message("ConsumerEvent")
FetchRequest, FetchResponse = message("FetchRequest"), message("FetchResponse")
