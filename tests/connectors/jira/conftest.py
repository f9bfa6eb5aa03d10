"""A Jira Cloud site of our own on loopback, on frozen virtual time; Atlassian's OpenAPI judges all that passes it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jira_bench import Bench

from simulator.clock import Clock
from simulator.jira import Jira
from simulator.server import App, Servers, World


def _contract() -> Any:
    """Load the judge by its file: tests/ on the path would hide the packages behind the folders of their tests."""
    spec = importlib.util.spec_from_file_location("openapi_jira", Path(__file__).parents[2] / "openapi_jira.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    if sys.modules[spec.name] is module:
        spec.loader.exec_module(module)
    return sys.modules[spec.name].JiraContract()


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
def bench(served: tuple[App, str]) -> Iterator[Bench]:
    app, url = served
    app.world = World(clock=Clock(datetime(2026, 11, 20, 9, 0, tzinfo=UTC), frozen=True), seed=1)
    jira = Jira(app.world)
    app.vendor = jira
    contract = _contract()
    contract.watch(jira)
    made = Bench(app.world, jira, url)
    yield made
    for connector in made.opened:
        connector.close()
    app.world.courier.stop()
    contract.verify()
