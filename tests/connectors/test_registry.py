"""Connectors are found by entry point: ours, and those of third parties under names of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from connectors import asking, base, describing, host, records, writes
from connectors.jira import JiraConnector, JiraSettings
from connectors.registry import GROUP, UnknownConnector, installed, load
from connectors.salesforce import SalesforceConnector, SalesforceSettings
from connectors.smartsheet import SmartsheetConnector, SmartsheetSettings

OURS = {"salesforce": SalesforceConnector, "jira": JiraConnector, "smartsheet": SmartsheetConnector}
SECRET = "planted-secret"


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An installed distribution of somebody else's, with a connector of its own and one that cannot be imported."""
    module = "acme_closedwon_asana"
    (tmp_path / f"{module}.py").write_text("class AsanaConnector:\n    Settings = dict\n", encoding="utf-8")
    info = tmp_path / "acme_closedwon_asana-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-closedwon-asana\nVersion: 1.0\n", encoding="utf-8"
    )
    points = f"[{GROUP}]\nasana = {module}:AsanaConnector\nbroken = acme_is_not_there:Connector\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    installed.cache_clear()  # a process looks once, and this one has looked
    yield module
    installed.cache_clear()
    sys.modules.pop(module, None)


def test_ours_are_installed_and_loaded_by_their_names():
    assert installed().keys() >= OURS.keys()
    assert {name: load(name) for name in OURS} == OURS


def test_each_of_ours_brings_a_model_of_its_settings():
    assert all(issubclass(load(name).Settings, BaseModel) for name in OURS)


def test_a_third_partys_connector_is_found_beside_ours(third_party):
    assert installed().keys() >= {"asana", *OURS}
    found: Any = load("asana")
    assert (found.__name__, found.__module__) == ("AsanaConnector", third_party)


def test_one_that_cannot_be_imported_stops_no_other(third_party):
    assert load("asana").Settings is dict
    with pytest.raises(ModuleNotFoundError):
        load("broken")


@pytest.mark.parametrize("part", [asking, describing, host, records, writes], ids=lambda part: part.__name__)
def test_every_word_of_the_contract_is_imported_from_base(part):
    own = {name for name, one in vars(part).items() if getattr(one, "__module__", "") == part.__name__}
    assert own
    assert own <= set(base.__all__)
    assert all(getattr(base, name) is getattr(part, name) for name in own)


def test_an_unknown_name_is_answered_with_those_that_are_known():
    with pytest.raises(
        UnknownConnector, match=r"No connector 'asana'.*jira, salesforce, smartsheet.*install"
    ) as caught:
        load("asana")
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        (SalesforceSettings, {"client_id": "closedwon", "client_secret": SECRET}),
        (
            SalesforceSettings,
            {"url": "https://a.example", "client_id": "closedwon", "private_key": SECRET, "nme": SECRET},
        ),
        (
            JiraSettings,
            {"url": "https://a.example", "email": "a@b.example", "token": {"value": SECRET}, "project": "ONB"},
        ),
        (
            JiraSettings,
            {"url": f"https://user:{SECRET}@a.example", "email": "a@b.example", "token": "t", "project": "ONB"},
        ),
        (SmartsheetSettings, {"token": SECRET, "workspace": "none"}),
        (SmartsheetSettings, {"token": SECRET, "workspace": "1", "key_column": "Deal"}),
        (SmartsheetSettings, {"tokn": SECRET, "workspace": "1"}),
    ],
)
def test_no_complaint_about_settings_repeats_a_value(settings: type[BaseModel], given: dict[str, Any]):
    with pytest.raises(ValidationError) as caught:
        settings.model_validate(given)
    assert SECRET not in f"{caught.value} {caught.value!r}"


@pytest.mark.parametrize(
    ("settings", "given"),
    [
        (SalesforceSettings, {"url": "https://a.example", "client_id": "closedwon", "client_secret": SECRET}),
        (JiraSettings, {"url": "https://a.example", "email": "a@b.example", "token": SECRET, "project": "ONB"}),
        (SmartsheetSettings, {"token": SECRET, "workspace": "1"}),
    ],
)
def test_settings_never_show_their_secrets(settings: type[BaseModel], given: dict[str, Any]):
    given |= {"proxy": f"http://user:{SECRET}@proxy.example:3128"}
    made = settings.model_validate(given)
    assert SECRET not in f"{made} {made!r} {made.http() if callable(made.http) else made.http!r}"
