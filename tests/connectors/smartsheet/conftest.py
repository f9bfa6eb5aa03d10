"""One Smartsheet account served over HTTP for the whole run, wiped before each test, and connectors to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from smartsheet_account import START, Account

from connectors.smartsheet import Layout, SmartsheetConnector
from simulator.clock import Clock
from simulator.server import App, Servers, World
from simulator.smartsheet import Smartsheet


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[World, Smartsheet, str]]:
    world = World(clock=Clock(START, frozen=True))
    vendor = Smartsheet(world)
    servers = Servers({"smartsheet": (App(vendor, world), 0)})
    servers.start()
    yield world, vendor, f"{servers.url('smartsheet')}/2.0"
    servers.stop()


@pytest.fixture
def account(served: tuple[World, Smartsheet, str]) -> Iterator[Account]:
    world, vendor, url = served
    world.faults.clear(seed=0)
    world.calls.clear()
    world.log.clear()
    world.clock.set(START)
    vendor.reset()
    account = Account(world, vendor, url)
    yield account
    for connector in account.made:
        connector.close()


@pytest.fixture
def sheets(account: Account) -> SmartsheetConnector:
    return account.connector()


@pytest.fixture
def portfolio(account: Account) -> SmartsheetConnector:
    return account.connector(layout=Layout.PORTFOLIO, portfolio_rows=10)
