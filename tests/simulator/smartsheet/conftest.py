"""One served Smartsheet account for all tests here, as new for each of them, with a frozen clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from simulated_smartsheet import Account

from simulator.clock import Clock
from simulator.server import App, Servers, World
from simulator.smartsheet import TOKEN, Smartsheet

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def served_smartsheet() -> Iterator[Account]:
    world = World(clock=Clock(START, frozen=True), seed=7)
    vendor = Smartsheet(world)
    servers = Servers({"smartsheet": (App(vendor, world), 0)})
    servers.start()
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {TOKEN}"
    yield Account(vendor, world, servers.url("smartsheet") + "/2.0", session)
    session.close()
    servers.stop()
    world.courier.stop()


@pytest.fixture
def account(served_smartsheet: Account) -> Account:
    world = served_smartsheet.world
    with world.lock:
        world.clock.set(START)
        world.faults.clear(7)
        world.calls.clear()
        world.courier.knobs.update(dict.fromkeys(world.courier.knobs, 0.0))
        served_smartsheet.vendor.reset()
    return served_smartsheet
