"""A Jira site over real HTTP with a frozen clock, fresh for each test; Atlassian's OpenAPI judges all that passes it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jira_site import Site, task

from simulator.clock import Clock
from simulator.jira import Jira
from simulator.server import App, Servers, World


def _load_contract() -> Any:
    """Load tests/openapi_jira.py by its file: tests/ on the path would hide the package `simulator` behind tests/simulator."""
    spec = importlib.util.spec_from_file_location("openapi_jira", Path(__file__).parents[2] / "openapi_jira.py")
    if "openapi_jira" in sys.modules:
        return sys.modules["openapi_jira"].JiraContract
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["openapi_jira"] = module
    spec.loader.exec_module(module)
    return module.JiraContract


JiraContract = _load_contract()


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[App, str]]:
    """One server for all tests; each test hangs a site of its own into it."""
    world = World()
    app = App(Jira(world), world)
    servers = Servers({"jira": (app, 0)})
    servers.start()
    yield app, servers.url("jira")
    servers.stop()


@pytest.fixture
def site(served: tuple[App, str]) -> Iterator[Site]:
    app, url = served
    app.world = World(clock=Clock(datetime(2026, 11, 2, 9, 0, tzinfo=UTC), frozen=True), seed=7)
    jira = Jira(app.world)
    app.vendor = jira
    contract = JiraContract()
    contract.watch(jira)
    yield Site(jira, app.world, url)
    app.world.courier.stop()
    contract.verify()


@pytest.fixture
def new(site: Site) -> Any:
    """Create a task (or another type) and return its id."""

    def create(summary: str = "Kick-off call", **fields: Any) -> str:
        answer = site.post("issue", task(summary, **fields))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return create
