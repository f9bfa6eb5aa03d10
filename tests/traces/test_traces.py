"""Traces: the tree of spans of a real run as a collector gets it, and that nothing in it is anybody's business."""

from __future__ import annotations

import socket
import sys
import time
from collections import Counter
from typing import Any

import pytest
from otlp_collector import Collector, collecting, facts

from connectors.errors import NotAuthorised
from mappings.reading import Problems
from sync.config import load_config
from sync.demo.stage import Stage
from sync.engine import Engine
from sync.engine.traced import STEPS
from sync.traces import CLOSE_SECONDS, Traces
from sync.traces_config import TracesDoc, collector

DEAL = {"name": "Deal of the Century", "account": "Secretive Holdings", "hours": 1234.5}


def traced(stage_traces: str, **more: Any) -> Stage:
    return Stage(traces={"endpoint": stage_traces}, **more)


@pytest.fixture(scope="module")
def told() -> Collector:
    """All that a sweep and a batch with creates, roll-ups and logged time tell."""
    with collecting() as collector:
        with traced(collector.url) as stage:
            stage.sweep()
            stage.win(**DEAL)
            stage.sweep()
            stage.settle()
            stage.sweep()
        return collector


def test_a_sweep_has_a_span_with_a_child_for_each_vendor_call(told: Collector) -> None:
    sweep = told.named("sweep")[-1]
    assert not sweep.parent_span_id
    assert facts(sweep)["closedwon.connections"] == "crm,sheets,tracker"
    calls = Counter(facts(span)["closedwon.connection"] for span in told.children(sweep))
    assert calls == {"crm": 1, "tracker": 3, "sheets": 1}


def test_a_batch_has_its_steps_as_children_in_their_order(told: Collector) -> None:
    [batch] = [span for span in told.named("batch") if facts(span)["closedwon.created"]]
    assert not batch.parent_span_id
    assert [span.name for span in told.children(batch)] == list(STEPS.values())
    noted = facts(batch)
    assert noted["closedwon.onboardings"] == 1
    assert noted["closedwon.planned"] == 1
    assert noted["closedwon.rollups"] == 1


def test_calls_of_all_threads_belong_to_the_step_that_made_them(told: Collector) -> None:
    [batch] = [span for span in told.named("batch") if facts(span)["closedwon.created"]]
    steps = {span.name: span for span in told.children(batch)}
    made = {name: {facts(each).get("closedwon.connection") for each in told.children(steps[name])} for name in steps}
    assert made["observe"] == {"crm"}
    assert made["apply"] == {"tracker", "sheets"}
    assert made["plan"] == made["guard"] == made["commit"] == set()
    [inner] = [span for span in told.children(steps["roll up"]) if span.name == "apply"]
    assert {facts(each)["closedwon.connection"] for each in told.children(inner)} == {"crm"}


def test_no_vendor_call_is_an_orphan_and_each_tells_its_status(told: Collector) -> None:
    calls = [span for span in told.spans if "http.request.method" in facts(span)]
    ids = {span.span_id for span in told.spans}
    # Signing in, and what a connector finds out once, may come before any step.
    assert all(span.parent_span_id in ids for span in calls if span.parent_span_id)
    assert {facts(span)["http.response.status_code"] for span in calls} <= {200, 201, 204}
    assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in calls)


def test_no_value_no_id_and_no_secret_is_in_what_is_sent(told: Collector) -> None:
    sent = b"".join(told.bodies)
    secrets = ["simulator-secret", "simulator-token", "closedwon@example.com"]
    values = [DEAL["name"], DEAL["account"], "1234", "006W", "a0XW", "ONB-", "Closed Won", "SELECT"]
    assert b"batch" in sent
    assert [text for text in (*secrets, *map(str, values)) if text.encode() in sent] == []


def test_it_comes_under_our_name(told: Collector) -> None:
    assert told.services == {"closedwon"}


def test_the_vendors_learn_nothing_of_it() -> None:
    with collecting() as collector, traced(collector.url) as stage:
        seen: list[str] = []
        handle = stage.simulator.jira.handle

        def look(request: Any) -> Any:
            seen.extend(request.headers)
            return handle(request)

        stage.simulator.jira.handle = look  # type: ignore[method-assign]
        stage.sweep()
    assert "authorization" in seen
    assert not {"traceparent", "tracestate", "baggage", "b3"} & set(seen)


def test_a_failure_is_marked_by_its_code_and_not_by_its_text() -> None:
    with collecting() as collector:
        with traced(collector.url) as stage:
            with stage.simulator.world.lock:
                stage.simulator.salesforce.knobs["refuse_login"] = "Ms Private is frozen"
            with pytest.raises(NotAuthorised):
                stage.sweep()
        [sweep] = collector.named("sweep")
        assert facts(sweep)["error.type"] == "SF-LOGIN-01"
        assert not sweep.events
        assert b"Private" not in b"".join(collector.bodies)


def test_a_vendor_that_does_not_answer_is_a_failed_call() -> None:
    with collecting() as collector:
        with traced(collector.url) as stage:
            stage.simulator.world.faults.add("drop_before", vendor="smartsheet", times=None)
            stage.sweep()
        failed = [facts(span) for span in collector.spans if facts(span).get("error.type") == "no answer"]
        assert failed
        assert {each["closedwon.connection"] for each in failed} == {"sheets"}


def test_a_collector_that_is_away_disturbs_nothing_and_holds_nobody_up() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        with traced(f"http://127.0.0.1:{taken.getsockname()[1]}") as stage:
            stage.win(name="D", account="A")
            assert not stage.sweep().failures
            began = time.monotonic()
            assert stage.plant.traces is not None
            stage.plant.traces.close()
            assert time.monotonic() - began < CLOSE_SECONDS + 5


def test_who_does_not_ask_for_traces_has_the_plain_engine() -> None:
    with Stage() as stage:
        assert stage.plant.traces is None
        assert type(stage.plant.engine) is Engine


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("said", "environment", "where"),
    [
        ("", {}, None),
        ("", COLLECTOR, ""),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, ""),
        ("http://here:4318", {}, "http://here:4318"),
        ("http://here:4318", COLLECTOR, "http://here:4318"),
        ("http://here:4318", {"OTEL_SDK_DISABLED": "true"}, None),
        ("", COLLECTOR | {"OTEL_SDK_DISABLED": "TRUE"}, None),
        ("", COLLECTOR | {"OTEL_TRACES_EXPORTER": "none"}, None),
        ("", COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
        ("", COLLECTOR | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ""),
    ],
)
def test_the_configuration_and_the_standard_variables_say_where_traces_go(
    said: str, environment: dict[str, str], where: str | None
) -> None:
    assert collector(TracesDoc(endpoint=said), environment) == where


def test_the_standard_variables_are_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as away:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", away.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=acme")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "closedwon-eu")
        traces = Traces()
        with traces.span("batch") as span:
            span.note(onboardings=3)
        traces.close()
        assert [each.name for each in away.spans] == ["batch"]
        assert away.services == {"closedwon-eu"}
        assert away.headers[0]["x-tenant"] == "acme"


def test_variables_for_everybody_switch_nothing_on_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
    assert collector(TracesDoc(), COLLECTOR) is None


def test_a_missing_extra_that_the_configuration_asks_for_is_told_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with traced("http://127.0.0.1:4318") as stage:
        monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)
        with pytest.raises(Problems) as told:
            load_config(stage.config)
    assert "closedwon[traces]" in str(told.value)
    assert "config.yaml:" in str(told.value)


@pytest.mark.parametrize("address", ["collector:4318", "ftp://collector", "http://user:password@collector:4318"])
def test_an_address_that_is_none_or_holds_a_password_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        TracesDoc(endpoint=address)
