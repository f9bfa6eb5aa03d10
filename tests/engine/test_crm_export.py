"""A real CRM export, which nobody here wrote, becomes plans: within the call floors, proven equal, killed and resumed."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from datetime import date, datetime
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from connectors.base import DealQuery
from simulator.load import load_folder
from sync.backfill import backfill
from sync.config import load_config
from sync.demo.stage import Stage
from sync.wiring import assemble

ROOT = Path(__file__).parent.parent.parent
EXPORT = ROOT.parent / "shared" / "data" / "crm"
COLUMNS = ROOT / "docs" / "examples" / "crm-columns.yaml"
WON = 4238
SINCE = DealQuery(won_since=date(2016, 1, 1))
SPARE = 1.05

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXPORT.is_dir(), reason="the CRM export is not beside this checkout"),
    pytest.mark.xdist_group("crm_export"),
]
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(
    ["sync.demo.stage", *(f"connectors.{name}.connector" for name in ("salesforce", "jira", "smartsheet"))]
)


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(sheets={"layout": "portfolio"}, engine={"lease_seconds": 60, "patience_seconds": 600}) as opened:
        loaded = load_folder(opened.simulator.salesforce, EXPORT, COLUMNS)
        assert loaded.counts["opportunities"] > WON
        yield opened


def prove(stage: Stage) -> None:
    proof = stage.prove()
    assert (proof.onboardings, proof.unequal, proof.duplicates, proof.lacking) == (WON, 0, 0, 0), proof.examples
    assert proof.sound


def victim(config: str, now: datetime, go: Connection) -> None:
    go.recv()
    plant = assemble(load_config(Path(config)), now=lambda: now, sleep=lambda _: None, owner="victim")
    backfill(plant.engine, SINCE)


def test_all_won_deals_become_plans_within_the_call_floors_and_verify_finds_nothing(stage: Stage) -> None:
    report = backfill(stage.plant.engine, SINCE)
    assert (report.planned, report.held, report.waiting) == (WON, 0, 0)
    issues, rows = report.created["tracker"] - WON, report.created["sheets"] - WON
    world = stage.simulator.world
    assert world.count("salesforce", but=["POST /services/oauth2/token"]) <= SPARE * (
        ceil(WON / 2000) + ceil(WON / 200)
    )
    assert world.count("jira") <= SPARE * (ceil(WON / 50) + ceil(issues / 50))
    assert world.count("smartsheet") <= SPARE * (ceil(rows / 20_000) + ceil(rows / 500))
    prove(stage)


def test_killed_half_way_and_resumed_it_ends_the_same(stage: Stage) -> None:
    ours, theirs = SPAWN.Pipe()
    child = SPAWN.Process(target=victim, args=(str(stage.config), stage.clock.now(), theirs))
    child.start()
    stage.simulator.world.faults.add("kill_after", skip=1000, args={"pid": child.pid})
    ours.send("go")
    child.join(900)
    assert child.exitcode == -signal.SIGKILL
    half = stage.plant.store.counts()
    assert 0 < half["onboardings"] < WON
    assert half["open_intents"] > 0

    stage.sleep(61)  # the dead worker's lease runs out
    report = backfill(stage.plant.engine, SINCE)
    assert report.adopted.total() > 0
    assert (report.held, report.waiting) == (0, 0)
    prove(stage)
    assert stage.plant.store.counts()["open_intents"] == 0
    again = backfill(stage.plant.engine, SINCE)
    assert (again.looked, again.writes) == (0, 0)
