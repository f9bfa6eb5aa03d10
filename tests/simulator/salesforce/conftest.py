"""One served org per test file's worker, reset before each test, with the real SDK and plain HTTP to talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from salesforce_talk import Http, ToHttp
from simple_salesforce.api import Salesforce as Sdk

from simulator.clock import Clock
from simulator.salesforce import Salesforce
from simulator.server import App, Servers, World

START = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[World, Salesforce, str]]:
    world = World(clock=Clock(START, frozen=True), seed=7)
    vendor = Salesforce(world)
    servers = Servers({"salesforce": (App(vendor, world), 0)})
    servers.start()
    yield world, vendor, servers.url("salesforce")
    servers.stop()
    world.courier.stop()


@pytest.fixture
def world(served: tuple[World, Salesforce, str]) -> World:
    world, vendor, _ = served
    with world.lock:
        world.clock.set(START)
        world.faults.clear(seed=7)
        world.calls.clear()
        world.log.clear()
        vendor.reset()
    return world


@pytest.fixture
def vendor(world: World, served: tuple[World, Salesforce, str]) -> Salesforce:
    return served[1]


@pytest.fixture
def http(vendor: Salesforce, served: tuple[World, Salesforce, str]) -> Http:
    return Http(served[2]).sign_in()


@pytest.fixture
def sdk_session(vendor: Salesforce, served: tuple[World, Salesforce, str]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", ToHttp(served[2]))
    return session


@pytest.fixture
def sdk(sdk_session: requests.Session) -> Sdk:
    return Sdk(
        consumer_key="closedwon",
        consumer_secret="simulator-secret",
        domain="acme.my",
        version="67.0",
        session=sdk_session,
    )


@pytest.fixture
def win(vendor: Salesforce, world: World) -> Callable[..., str]:
    """Win a deal and return its id."""

    def make(name: str = "Acme rollout", **more: Any) -> str:
        lines = [
            {"product": "Onboarding", "quantity": 40, "price": 150},
            {"product": "Seats", "quantity": 3, "price": 99},
        ]
        deal = {"name": name, "account": "Acme", "close_date": "2026-11-20", "lines": lines, "hours": 40} | more
        with world.lock:
            return str(vendor.act("win_deal", deal)["id"])

    return make
