"""How the daemon is, told over HTTP: /healthz (shall it be restarted?), /readyz (does all work?), /metrics.

Served by `sync.daemon` on a port of this machine. It tells numbers, connections' names and codes, never a record.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sync.core.unattended import UnattendedStore
from sync.engine import Report
from sync.hooks import KIND as WEBHOOKS
from sync.usage import standings

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series beside each counter that nobody reads

_COUNTED = {
    "onboardings": "Onboardings that have a plan.",
    "dirty": "Onboardings that are to be looked at.",
    "held": "Records or fields held back for a person.",
    "waiting": "Records or fields that are tried again by themselves.",
    "open_intents": "Creates whose outcome is not known yet.",
}


class Patient(Protocol):
    """Whose health is told. Both answers are reasons by name; empty is well."""

    def ailments(self) -> dict[str, str]:
        """Say what only a restart can mend."""
        ...

    def troubles(self) -> dict[str, str]:
        """Say what does not work at present."""
        ...


class Metrics:
    """The daemon's figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "closedwon_calls", "Vendor calls.", ["connection", "endpoint", "status"], registry=self.registry
        )
        self._call_seconds = Histogram(
            "closedwon_call_seconds", "Seconds a vendor took to answer.", ["connection"], registry=self.registry
        )
        self._batch_seconds = Histogram(
            "closedwon_batch_seconds",
            "Seconds a batch took.",
            buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
            registry=self.registry,
        )
        self._writes = Counter(
            "closedwon_writes", "Records written at vendors.", ["connection", "kind"], registry=self.registry
        )
        self._failures = Counter("closedwon_failures", "Failures by code.", ["code"], registry=self.registry)

    def read(self, store: UnattendedStore, now: Callable[[], datetime]) -> None:
        """Tell also what the store knows, read from it whenever somebody asks."""
        self.registry.register(_StoreFigures(store, now))

    def hear(self, tallies: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Tell also what a receiver in this process heard, by connection and outcome."""
        self.registry.register(_Deliveries(tallies))

    def call(self, connection: str, endpoint: str, status: int, seconds: float) -> None:
        """Count a vendor call; status 0 had no answer."""
        self._calls.labels(connection, endpoint, str(status)).inc()
        self._call_seconds.labels(connection).observe(seconds)

    def batch(self, report: Report, seconds: float, crm: str) -> None:
        """Count what a batch did."""
        self._batch_seconds.observe(seconds)
        for kind, counted in (("created", report.created), ("updated", report.updated)):
            for connection, count in counted.items():
                self._writes.labels(connection, kind).inc(count)
        self._writes.labels(crm, "rollup").inc(report.rollups)
        self.failures(report)

    def failures(self, report: Report) -> None:
        """Count a report's failures."""
        for code, count in report.failures.items():
            self._failures.labels(code).inc(count)

    def failure(self, code: str) -> None:
        """Count a failure that is in no report."""
        self._failures.labels(code.partition(":")[0]).inc()

    def text(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self.registry)


class _StoreFigures(Collector):
    """What the store knows at the moment of asking."""

    def __init__(self, store: UnattendedStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Read the store's counts and the lag of the longest waiting onboarding that is due."""
        counts = self._store.counts()
        for name, help_text in _COUNTED.items():
            yield GaugeMetricFamily(f"closedwon_{name}", help_text, value=counts[name])
        oldest = self._store.horizon().oldest
        lag = 0.0 if oldest is None else (self._now() - oldest).total_seconds()
        yield GaugeMetricFamily(
            "closedwon_lag_seconds", "How long the oldest onboarding that is due has been waiting.", value=max(0.0, lag)
        )
        hooks = GaugeMetricFamily(
            "closedwon_webhooks", "Webhooks by the vendor's word.", labels=["connection", "state"]
        )
        for one in self._store.kept(WEBHOOKS, ""):
            for state, count in one.value["states"].items():
                hooks.add_metric([one.name, state], count)
        yield hooks
        left = GaugeMetricFamily("closedwon_allotment_left", "Calls left of the day.", labels=["connection"])
        for name, standing in standings(self._store, self._now()).items():
            if standing.left is not None:
                left.add_metric([name], standing.left)
        yield left


class _Deliveries(Collector):
    """What a receiver heard so far."""

    def __init__(self, tallies: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        """Tell each connection's deliveries by what became of them: `accepted`, or a code."""
        told = CounterMetricFamily(
            "closedwon_deliveries", "Deliveries to the receiver.", labels=["connection", "outcome"]
        )
        for (connection, outcome), count in self._tallies().items():
            told.add_metric([connection, outcome], count)
        yield told


class HealthServer:
    """Serves the three pages until closed; `port` tells which it got."""

    def __init__(self, patient: Patient, metrics: Metrics, *, host: str, port: int) -> None:
        class Handler(_Handler):
            pages = _pages(patient, metrics)

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


Page = Callable[[], tuple[int, str, bytes]]


def _pages(patient: Patient, metrics: Metrics) -> dict[str, Page]:
    def told(reasons: dict[str, str]) -> tuple[int, str, bytes]:
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        body = {"status": "trouble" if reasons else "ok", **({"reasons": reasons} if reasons else {})}
        return status, "application/json", json.dumps(body).encode()

    return {
        "/healthz": lambda: told(patient.ailments()),
        "/readyz": lambda: told({**patient.ailments(), **patient.troubles()}),
        "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_LATEST, metrics.text()),
    }


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Page]
    timeout = 10
    server_version = "closedwon"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with a page; an error of ours is 500 without a word."""
        page = self.pages.get(self.path.partition("?")[0])
        try:
            status, kind, body = page() if page else (HTTPStatus.NOT_FOUND, "text/plain", b"")
        except Exception:  # noqa: BLE001 - the store may be away, which the next page tells
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", b""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Write no log: whoever asks every few seconds is no news."""
