"""Several processes whose onboardings share portfolio sheets: none promises the same room twice or doubles a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync.config import load_config
from sync.demo.stage import Stage
from sync.wiring import Plant, assemble

TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 60
roles: {engineer: ada@example.com}
phases: [Work]
groups:
  - phase: Work
    tasks:
      - {key: prepare, name: Prepare, audience: both, role: engineer, start: kickoff, days: 2, hours: 2}
      - {key: finish, name: Finish, audience: both, role: engineer, start: kickoff, days: 5, hours: 3}
"""
ROWS = 7
"""Of a portfolio sheet here: three plans of two tasks, and one row that fits none."""


@pytest.fixture
def stage(tmp_path: Path, database: str) -> Iterator[Stage]:
    template = tmp_path / "small.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    sheets = {"layout": "portfolio", "portfolio_rows": ROWS}
    with Stage(store=database, templates=[str(template)], sheets=sheets, engine={"settle_seconds": 0}) as made:
        made.sleep((datetime.now(UTC) - made.clock.now()).total_seconds())
        made.sweep()
        yield made


def filled(stage: Stage) -> list[int]:
    """Return how many rows each portfolio sheet has; a name that exists twice fails."""
    sheets = list(stage.simulator.smartsheet.state.sheets.values())
    assert len({sheet.name for sheet in sheets}) == len(sheets), [sheet.name for sheet in sheets]
    return sorted(len(sheet.rows) for sheet in sheets)


def plants(stage: Stage, opened: ExitStack, count: int) -> list[Plant]:
    """Assemble as many processes would: with a store, notes and connectors of its own each."""
    made = [
        assemble(load_config(stage.config), now=stage.clock.now, sleep=stage.sleep, owner=f"worker {n}")
        for n in range(count)
    ]
    for plant in made:
        opened.callback(plant.close)
    return made


def test_processes_in_turn_fill_each_sheet_to_its_brim_and_no_further(stage: Stage) -> None:
    with ExitStack() as opened:
        workers = plants(stage, opened, 3)
        for n in range(9):
            key = stage.win(name=f"Deal {n}", account=f"Customer {n}")
            workers[n % 3].engine.store.request([key], 0)
            workers[n % 3].engine.drain([key])
    assert filled(stage) == [6, 6, 6]
    assert stage.prove().sound


def test_processes_at_once_neither_double_a_sheet_nor_overfill_one(stage: Stage) -> None:
    keys = [stage.win(name=f"Deal {n}", account=f"Customer {n}") for n in range(6)]
    stage.plant.store.request(keys, 0)
    with ExitStack() as opened, ThreadPoolExecutor(3) as pool:
        workers = plants(stage, opened, 3)
        reports = [pool.submit(w.engine.drain, keys[n::3]) for n, w in enumerate(workers)]
        assert sum(report.result().planned for report in reports) == 6
    assert filled(stage) == [6, 6]
    proof = stage.prove()
    assert proof.sound, proof.examples
