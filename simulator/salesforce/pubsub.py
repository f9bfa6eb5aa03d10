"""The Pub/Sub API: Subscribe, GetSchema and GetTopic over gRPC, served on a loopback port beside the REST API.

Started by `simulator.app` when it is given a port for it; needs grpcio, protobuf and fastavro. What is told stands on
the `bus`. It is as strict as the real one: sessions are checked at each call, at most 100 events are outstanding, a
replay id that is not good any more is refused, and a stream that wants nothing for a minute is ended.

Faults strike at `RPC Subscribe`, `RPC GetSchema`, `RPC GetTopic` and, before each answer of a stream, at
`RPC FetchResponse`: `unavailable` and `unauthenticated` as Salesforce says them, `drop_before` and `drop_after` as a
cut connection; `delay` holds an answer back for `seconds`; `truncate` cuts events in half.

Sources: Pub/Sub API guide, "Subscribe RPC Method", "Pull Subscription and Flow Control", "Handle Errors",
"Authentication"; pubsub_api.proto. The code for an unknown topic is not documented there: unsure.
"""

from __future__ import annotations

import errno
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fastavro
import grpc
import orjson

from simulator.faults import Rule
from simulator.salesforce import pubsub_messages as wire
from simulator.salesforce.bus import BadReplay, Published, replay_id
from simulator.salesforce.ids import canonical
from simulator.salesforce.vendor import Salesforce

MOST_REQUESTED = 100
UNWANTED_SECONDS = 60.0
"""How long a stream stays open that has no event outstanding."""
_STREAMS = 32
_LOOK = 0.02
"""Real seconds between looks at the bus: its clock may stand still or be moved by hand."""
_CODE = "sfdc.platform.eventbus.grpc."
_UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, "service.unavailable", "The Pub/Sub API service is unavailable.")
_UNKNOWN = (
    grpc.StatusCode.UNAUTHENTICATED,
    "service.auth.error",
    "An authentication exception occurred. Provide valid authentication via metadata headers.",
)
_CUT = frozenset({"drop_before", "drop_after"})


class PubSub:
    """The gRPC server of one simulated org, on `port` (0 = any free one)."""

    def __init__(self, vendor: Salesforce, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._vendor = vendor
        self._world = vendor.world
        self._ended = threading.Event()
        # Without SO_REUSEPORT, a port that is taken is refused instead of shared.
        self._server = grpc.server(ThreadPoolExecutor(_STREAMS), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((self._handlers(),))
        try:
            self.port = int(self._server.add_insecure_port(f"{host}:{port}"))
        except RuntimeError:
            raise OSError(errno.EADDRINUSE, f"port {port} of {host} is taken") from None
        self.sent = 0
        """Events that were sent, on all streams."""
        self.url = f"http://{host}:{self.port}"

    def start(self) -> None:
        """Serve, in threads of its own; what was loaded before is no change that anybody is told of."""
        with self._world.lock:
            self._vendor.org.store.take_changes()
        self._server.start()

    def stop(self) -> None:
        """End all streams and stop serving."""
        self._ended.set()
        self._server.stop(grace=None).wait(timeout=5)

    def _handlers(self) -> Any:
        methods = {
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                self._subscribe, wire.FetchRequest.FromString, wire.FetchResponse.SerializeToString
            ),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                self._schema, wire.SchemaRequest.FromString, wire.SchemaInfo.SerializeToString
            ),
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                self._topic, wire.TopicRequest.FromString, wire.TopicInfo.SerializeToString
            ),
        }
        return grpc.method_handlers_generic_handler(wire.SERVICE, methods)

    # The three methods.

    def _schema(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._admit("GetSchema", context)
        with self._world.lock:
            schema = self._vendor.bus.schemas.get(request.schema_id)
        if schema is None:
            raise _refused(context, grpc.StatusCode.NOT_FOUND, "schema.notfound", "The schema does not exist.")
        return wire.SchemaInfo(schema_json=orjson.dumps(schema).decode(), schema_id=request.schema_id, rpc_id="sim")

    def _topic(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._admit("GetTopic", context)
        objects = self._objects(request.topic_name, context)
        with self._world.lock:
            org = self._vendor.org.id
        return wire.TopicInfo(
            topic_name=request.topic_name, tenant_guid=f"core/sim/{org}", can_subscribe=bool(objects), rpc_id="sim"
        )

    def _subscribe(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        self._admit("Subscribe", context)
        first = next(requests, None)
        if first is None:
            return
        self._objects(first.topic_name, context)
        asked = _Asked(first, self._world.clock.now().timestamp())
        place = self._start(first, context)
        reader = threading.Thread(target=asked.read, args=(requests,), daemon=True)
        reader.start()
        while context.is_active() and not asked.over and not self._ended.is_set():
            if asked.wrong[0]:
                raise _refused(context, grpc.StatusCode.INVALID_ARGUMENT, *asked.wrong)
            place, response = self._next(asked, place)
            if response is None:
                asked.more.wait(_LOOK)
                asked.more.clear()
                continue
            yield from self._send(response, context)

    # A stream.

    def _start(self, first: Any, context: grpc.ServicerContext) -> int:
        """Return the place after which a stream begins."""
        with self._world.lock:
            bus = self._vendor.bus
            if first.replay_preset == wire.LATEST:
                return bus.tip()
            if first.replay_preset == wire.EARLIEST:
                return bus.oldest()
            try:
                return bus.place_of(first.replay_id)
            except BadReplay as error:
                bad = error
        text = "The Replay ID validation failed. Ensure that the Replay ID is valid."
        raise _refused(context, grpc.StatusCode.INVALID_ARGUMENT, f"subscription.fetch.replayid.{bad.code}", text)

    def _next(self, asked: _Asked, place: int) -> tuple[int, Any]:
        """Return what is to be sent now, and the place after it; None when there is nothing."""
        with self._world.lock:
            self._world.clock.run_due()
            now, bus = self._world.clock.now().timestamp(), self._vendor.bus
            wanted = asked.outstanding
            found = bus.after(place, bus.objects(asked.topic) or (), wanted) if wanted else []
            if found:
                pending = asked.deliver(len(found), now)
                events = [_encode(event, bus.schemas[event.schema_id]) for event in found]
                return found[-1].number, wire.FetchResponse(
                    events=events, latest_replay_id=found[-1].replay_id, rpc_id="sim", pending_num_requested=pending
                )
            quiet = now - asked.told_at
            if not wanted and quiet >= UNWANTED_SECONDS:
                asked.over = True
            elif wanted and quiet >= float(self._vendor.knobs["cdc_keepalive_seconds"]):
                pending, place = asked.deliver(0, now), bus.tip()
                return place, wire.FetchResponse(
                    latest_replay_id=replay_id(place), rpc_id="sim", pending_num_requested=pending
                )
        return place, None

    def _send(self, response: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        rule = self._struck("FetchResponse")
        if rule is not None and rule.fault == "truncate":
            for each in response.events:
                each.event.payload = each.event.payload[: len(each.event.payload) // 2]
            rule = None
        if rule is None or rule.fault == "drop_after":
            self.sent += len(response.events)
            yield response
        self._strike(rule, context)
        if rule is not None and rule.fault == "delay":
            self.sent += len(response.events)
            yield response

    # What every call goes through.

    def _admit(self, method: str, context: grpc.ServicerContext) -> None:
        """Count a call, let a fault strike, and check its session."""
        self._strike(self._struck(method), context)
        given = dict(context.invocation_metadata())
        with self._world.lock:
            auth, org = self._vendor.auth, self._vendor.org.id
            known = auth.alive(str(given.get("accesstoken", "")))
        tenant = canonical(str(given.get("tenantid", "")).rpartition("/")[2])
        if not (known and tenant == org and str(given.get("instanceurl", "")).startswith("http")):
            raise _refused(context, *_UNKNOWN)

    def _struck(self, method: str) -> Rule | None:
        endpoint = f"RPC {method}"
        with self._world.lock:
            self._world.clock.run_due()
            self._world.calls[self._vendor.name, endpoint] += 1
            return self._world.faults.draw(self._vendor.name, endpoint)

    def _strike(self, rule: Rule | None, context: grpc.ServicerContext) -> None:
        if rule is None:
            return
        if rule.fault == "delay":
            time.sleep(float(rule.args.get("seconds", 1)))
        elif rule.fault in _CUT:
            context.abort(grpc.StatusCode.UNAVAILABLE, "RST_STREAM closed stream.")
        elif rule.fault == "unauthenticated":
            raise _refused(context, *_UNKNOWN)
        elif rule.fault == "unavailable":
            raise _refused(context, *_UNAVAILABLE)
        else:
            raise KeyError(rule.fault)

    def _objects(self, topic: str, context: grpc.ServicerContext) -> frozenset[str]:
        with self._world.lock:
            objects = self._vendor.bus.objects(topic)
        if objects is None:
            raise _refused(context, grpc.StatusCode.NOT_FOUND, "topic.notfound", f"The topic {topic} does not exist.")
        return objects


class _Asked:
    """What a subscriber has asked for and not been sent yet."""

    def __init__(self, first: Any, now: float) -> None:
        self.topic = str(first.topic_name)
        self.outstanding = 0
        self.told_at = now
        self.over = False
        self.wrong = ("", "")
        """Code and text of what makes its last request one that is refused."""
        self.more = threading.Event()
        self._lock = threading.Lock()
        self._add(first)

    def read(self, requests: Iterator[Any]) -> None:
        """Take further requests until there are none; run in a thread of its own."""
        try:
            for request in requests:
                self._add(request)
                self.more.set()
        except grpc.RpcError:
            pass  # the subscriber has gone
        self.over = True

    def deliver(self, count: int, now: float) -> int:
        """Note that so many events go out; return how many are outstanding then."""
        with self._lock:
            self.outstanding -= count
            self.told_at = now
            return self.outstanding

    def _add(self, request: Any) -> None:
        if request.num_requested <= 0:
            self.wrong = ("subscription.fetch.requested.events.invalid", "The number of events must be positive.")
        if request.topic_name not in {"", self.topic}:
            self.wrong = ("subscription.fetch.topic.name.mismatch", "The topic of a stream cannot change.")
        with self._lock:
            self.outstanding = min(MOST_REQUESTED, self.outstanding + request.num_requested)


def _encode(event: Published, schema: dict[str, Any]) -> Any:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), event.record)
    return wire.ConsumerEvent(
        event=wire.ProducerEvent(id=event.id, schema_id=event.schema_id, payload=buffer.getvalue()),
        replay_id=event.replay_id,
    )


def _refused(context: grpc.ServicerContext, status: grpc.StatusCode, code: str, text: str) -> Exception:
    """End a call as Salesforce does: its own code and the call's id stand in the trailers. It raises by itself."""
    context.set_trailing_metadata((("error-code", _CODE + code), ("rpc-id", "sim")))
    context.abort(status, f"{text} rpcId: sim")
    return AssertionError("abort always raises")
