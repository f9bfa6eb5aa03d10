"""The configuration of change events: what may be said, what is refused, and what is loaded for whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import DictMemory, FreeMeter
from connectors.salesforce import SalesforceConnector, SalesforceSettings
from mappings.reading import Problems
from sync.config import load_config
from sync.demo.stage import Stage
from sync.wiring import real_now

ROOT = Path(__file__).parents[2]
ORG = {"url": "https://acme.my.salesforce.com", "client_id": "c", "client_secret": "s"}


def settings(**cdc: Any) -> SalesforceSettings:
    return SalesforceSettings.model_validate({**ORG, "cdc": cdc})


def test_nothing_said_takes_deals_and_their_lines() -> None:
    cdc = settings().cdc
    assert cdc is not None
    assert cdc.topics == ("/data/OpportunityChangeEvent", "/data/OpportunityLineItemChangeEvent")
    assert cdc.endpoint == "https://api.pubsub.salesforce.com:7443"


@pytest.mark.parametrize("topic", ["OpportunityChangeEvent", "/event/Won__e", "/data/", "/data/../x", ""])
def test_what_is_no_topic_of_changes_is_refused(topic: str) -> None:
    with pytest.raises(ValidationError, match="a topic looks like"):
        settings(topics=[topic])


@pytest.mark.parametrize("topic", ["/data/ChangeEvents", "/data/Onboarding__ChangeEvent", "/data/Closedwon__chn"])
def test_each_kind_of_topic_of_changes_may_be_named(topic: str) -> None:
    cdc = settings(topics=[topic, topic]).cdc
    assert cdc is not None
    assert cdc.topics == (topic,)


@pytest.mark.parametrize("endpoint", ["http://api.pubsub.salesforce.com:7443", "api.pubsub.salesforce.com", "https://"])
def test_the_token_is_sent_to_no_endpoint_without_tls_but_this_machine(endpoint: str) -> None:
    with pytest.raises(ValidationError, match="the token goes there"):
        settings(endpoint=endpoint)
    assert settings(endpoint="http://127.0.0.1:8704").cdc


def test_a_missing_extra_is_told_at_its_place_in_the_file(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stage(templates=[template], ports={"pubsub": 0}) as stage:
        monkeypatch.setitem(sys.modules, "grpc", None)
        with pytest.raises(Problems) as told:
            load_config(stage.config)
    assert "closedwon[cdc]" in str(told.value)
    assert "config.yaml:" in str(told.value)


def test_who_does_not_listen_has_no_streams() -> None:
    silent = SalesforceConnector(
        SalesforceSettings.model_validate(ORG),
        name="crm",
        fields={},
        memory=DictMemory(),
        meter=FreeMeter(),
        clock=real_now,
    )
    assert silent.streams() == ()


def test_who_asks_for_no_extra_loads_nothing_of_them() -> None:
    extras = ("grpc", "fastavro", "google.protobuf", "opentelemetry.sdk")
    told = f"import sync.cli.app, sys; print([name for name in {extras} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_doctor_checks_the_streams_of_a_connection_that_listens(template: str) -> None:
    with Stage(templates=[template], ports={"pubsub": 0}) as stage:
        codes = [finding.code for finding in stage.plant.connections["crm"].check()]
        assert codes.count("SF-CDC-00") == 2
        stage.simulator.salesforce.knobs["refuse_login"] = "frozen"
        stage.simulator.salesforce.auth.expire_all()
        stage.plant.close()
        stage.plant = stage.open()
        assert [finding.code for finding in stage.plant.connections["crm"].check()] == ["SF-LOGIN-01"]
