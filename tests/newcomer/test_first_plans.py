"""What was exported becomes plans: the samples of this folder, through the real engine, on the simulator."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from connectors.base import DealQuery
from simulator.load import load_folder
from sync.backfill import backfill
from sync.core.planned import Plan
from sync.demo.stage import Stage

DATA = Path(__file__).parent / "data"
LONG_AGO = DealQuery(won_since=date(2026, 1, 1))


def previews(stage: Stage) -> dict[str, Plan]:
    deals = {record.ref.id: record for record in stage.plant.connections["crm"].deals(LONG_AGO)}
    return {plan.key: plan for plan in stage.plant.engine.preview(list(deals), deals=deals)}


@pytest.mark.parametrize(("sample", "plans", "held"), [("data_loader", 2, 1), ("report", 2, 0)])
def test_a_sample_export_becomes_plans_that_verify(sample: str, plans: int, held: int) -> None:
    with Stage() as stage:
        load_folder(stage.simulator.salesforce, DATA / sample)
        report = backfill(stage.plant.engine, LONG_AGO)
        assert (report.planned, report.held, report.waiting) == (plans, held, 0)
        proof = stage.prove()
        assert proof.sound, proof.examples


def test_a_deal_without_an_account_is_held_back_by_name_and_stops_nothing() -> None:
    with Stage() as stage:
        load_folder(stage.simulator.salesforce, DATA / "data_loader")
        plans = previews(stage)
        assert len(plans["0065e00000A1bCdAAJ"].steps) > 20
        (entry,) = plans["0065e00000a1bCFAAY"].quarantine
        assert "account" in entry.message
        assert not plans["0065e00000a1bCFAAY"].steps


def test_each_product_sold_twice_over_brings_its_own_tasks() -> None:
    with Stage() as stage:
        load_folder(stage.simulator.salesforce, DATA / "data_loader")
        items = {step.item for step in previews(stage)["0065e00000A1bCdAAJ"].steps}
        assert "integration_build.int_erp" in items


def test_the_hours_and_the_launch_of_a_plan_are_its_deals_own() -> None:
    with Stage() as stage:
        load_folder(stage.simulator.salesforce, DATA / "data_loader")
        plan = previews(stage)["0065e00000A1bCdAAJ"]
        assert plan.base["plan"]["target_launch"] == plan.base["launch"]["due_target"] == date(2027, 1, 29)
        assert plan.base["plan"]["contracted_hours"] == 140.0
