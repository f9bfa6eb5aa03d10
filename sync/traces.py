"""Traces for whoever collects them: OpenTelemetry spans of sweeps, batches and vendor calls, sent by OTLP over HTTP.

Made by `sync.wiring` where the configuration or OpenTelemetry's own variables ask for it (`sync.config`), and not
imported otherwise: it needs the extra `traces`. Vendors learn nothing of it: no header is added to any call. Nothing
global is set, so that no other instrumentation begins to speak because of us.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, Status, StatusCode

from connectors.base import Meter
from sync.engine.traced import Span

NAME = "closedwon"
PATH = "/v1/traces"
CLOSE_SECONDS = 2.0
"""What a collector gets for the last spans when the process ends; one that is away holds nobody up."""
_FAILED = 400
_UNNAMED = "unknown_service"


class _Noted:
    """One OpenTelemetry span, which takes our kinds of facts only."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def note(self, **facts: float | str) -> None:
        """Add facts under our own prefix."""
        for name, value in facts.items():
            self._span.set_attribute(f"{NAME}.{name}", value)


class Traces:
    """Spans on their way to a collector. `endpoint` is "" where OpenTelemetry's variables name it."""

    def __init__(self, endpoint: str = "", *, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + PATH if endpoint else None)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(NAME)

    @contextmanager
    def span(self, name: str) -> Iterator[Span]:
        """Begin a span; see `sync.engine.traced.Tracer`."""
        # The exception is not recorded: its text may quote a value.
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield _Noted(span)
            except Exception as error:
                code = str(getattr(error, "code", type(error).__name__))
                span.set_attribute("error.type", code)
                span.set_status(Status(StatusCode.ERROR, code))
                raise

    def called(self, connection: str, endpoint: str, status: int, seconds: float) -> None:
        """Take a vendor call that has just ended; it belongs to the span of the caller's context."""
        end = self._clock()
        span = self._tracer.start_span(endpoint, kind=SpanKind.CLIENT, start_time=end - int(seconds * 1e9))
        method, _, template = endpoint.partition(" ")
        span.set_attributes({f"{NAME}.connection": connection, "http.request.method": method, "url.template": template})
        if status:
            span.set_attribute("http.response.status_code", status)
        if not status or status >= _FAILED:
            span.set_attribute("error.type", str(status or "no answer"))
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def around(self, connection: str, meter: Meter) -> Meter:
        """Put a meter around a connection's own that tells of each call."""
        return _Traced(connection, meter, self)

    def close(self) -> None:
        """Send what is left, for as long as that may take at most."""
        last = threading.Thread(target=self._provider.shutdown, name="traces-end", daemon=True)
        last.start()
        last.join(CLOSE_SECONDS)


class _Traced:
    """A `Meter` that tells of every call."""

    def __init__(self, connection: str, inner: Meter, traces: Traces) -> None:
        self._connection = connection
        self._inner = inner
        self._traces = traces

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait as the connection's own meter does."""
        self._inner.before(endpoint, cost)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Tell of a call that has ended."""
        self._inner.after(endpoint, status, headers, seconds)
        self._traces.called(self._connection, endpoint, status, seconds)


def _resource() -> Resource:
    """Name ourselves, unless the environment gives this process a name of its own."""
    resource = Resource.create()
    named: Any = resource.attributes.get(SERVICE_NAME, _UNNAMED)
    return resource.merge(Resource({SERVICE_NAME: NAME})) if str(named).startswith(_UNNAMED) else resource
