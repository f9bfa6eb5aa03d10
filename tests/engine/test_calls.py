"""Vendors meter calls, so calls are counted: against the floors of a first backfill, and for a sweep with no news."""

from __future__ import annotations

from math import ceil

import pytest

from connectors.base import DealQuery
from sync.backfill import backfill
from sync.core.model import Priority
from sync.demo.stage import START, Stage
from sync.engine import Report

TASKS = 25
SPARE = 1.05
LAYOUTS = ("sheet_per_onboarding", "portfolio")


def floors(deals: int, layout: str) -> dict[str, int]:
    """What no client can beat, DESIGN: epics first, since tasks need their parent."""
    rows = deals * TASKS
    sheets = 2 * deals if layout == "sheet_per_onboarding" else ceil(rows / 20_000) + ceil(rows / 500)
    return {
        "salesforce": ceil(deals / 2000) + ceil(deals / 200),
        "jira": ceil(deals / 50) + ceil(rows / 50),
        "smartsheet": sheets,
    }


def fill(stage: Stage, deals: int) -> None:
    org = stage.simulator.salesforce.org
    with stage.simulator.world.lock:
        account = org.insert("Account", {"Name": "Acme"})
        for number in range(deals):
            fields = {"Name": f"Deal {number}", "AccountId": account, "StageName": "Closed Won"}
            org.insert("Opportunity", fields | {"CloseDate": START.date().isoformat()})


def spent(stage: Stage) -> dict[str, int]:
    """API calls so far; the token endpoint is no API call."""
    world = stage.simulator.world
    return {name: world.count(name, but=["POST /services/oauth2/token"]) for name in stage.simulator.vendors}


def idle_sweep(stage: Stage) -> int:
    """One sweep with no news, all lags over and the last news read."""
    for _ in range(2):
        stage.settle()
        stage.sleep(600)
        stage.sweep()
    stage.sleep(600)
    before = sum(spent(stage).values())
    report = stage.sweep()
    assert report.looked == 0
    return sum(spent(stage).values()) - before


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_backfill_of_200_deals_costs_at_most_a_twentieth_more_than_the_floors(
    layout: str, plain_template: str
) -> None:
    with Stage(templates=[plain_template], sheets={"layout": layout}) as stage:
        fill(stage, 200)
        report = backfill(stage.plant.engine, DealQuery(won_since=START.date()))
        assert (report.planned, report.held, report.waiting) == (200, 0, 0)
        calls = spent(stage)
        assert {n: c for n, c in calls.items() if c > floors(200, layout)[n] * SPARE} == {}, calls

        stage.settle()
        stage.plant.store.request(stage.plant.store.keys(), Priority.RECONCILE)
        second = Report()
        stage.plant.engine.sweep(second)
        second.add(stage.plant.engine.drain())
        assert second.looked == 200
        assert second.writes == 0

        assert idle_sweep(stage) <= 5
        proof = stage.prove()
        assert proof.sound, proof.examples
        assert proof.compared == 200 * (2 * TASKS + 1)


@pytest.mark.slow
def test_an_idle_sweep_of_2000_onboardings_costs_five_calls(small_template: str) -> None:
    with Stage(templates=[small_template], sheets={"layout": "portfolio"}) as stage:
        fill(stage, 2000)
        assert backfill(stage.plant.engine, DealQuery(won_since=START.date())).planned == 2000
        assert idle_sweep(stage) <= 5
