"""A simulator with the Pub/Sub API open, and a stage on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cdc_rig import TEMPLATE, Org, new_clock

from simulator.app import Simulator
from sync.demo.stage import START, Stage
from sync.store import Store


@pytest.fixture
def org() -> Iterator[Org]:
    clock = new_clock()
    with Simulator(clock=clock, ports={"pubsub": 0}) as simulator:
        yield Org(simulator, clock)


@pytest.fixture
def template(tmp_path: Path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(TEMPLATE, encoding="utf-8")
    return str(path)


@pytest.fixture
def stage(template: str) -> Iterator[Stage]:
    with Stage(templates=[template], ports={"pubsub": 0}) as stage:
        yield stage


@pytest.fixture
def either_stage(template: str, database: str) -> Iterator[Stage]:
    """One on each kind of database, for what the store decides."""
    with Stage(templates=[template], store=database, ports={"pubsub": 0}) as stage:
        yield stage


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    with Store.open(database, clock=lambda: START) as store:
        yield store
