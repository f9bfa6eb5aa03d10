"""The laws on random lives whose deals go on changing after their plans were made, by every policy for amendments."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_life import ACTIONS, SALES, Edit, Life, lag, mapping_under

from connectors.base import Fields
from sync.core.model import PLAN_ITEM
from sync.demo.stage import Stage

SEED = int(os.environ.get("CLOSEDWON_SEED", "0"))
LIVES = int(os.environ.get("CLOSEDWON_EXAMPLES", "2"))

PER_LINE = """
  - phase: Work
    for_each: lines
    tasks:
      - {key: build, name: "Build {{ line.label }}", role: engineer, start: kickoff + 2, days: 3, hours: 2.0 * line.quantity}
"""
POLICIES = {"review": "", "apply": "\namendments: {tasks_added: apply, tasks_dropped: apply, dates: apply}\n"}
UNDER = {"review": ("tracker first", "sheet_per_onboarding"), "apply": ("sheets first", "portfolio")}
LINES = [{"product": name, "quantity": 1, "price": 100} for name in ("CRM link", "CRM link", "ERP link")]
WORK = [name for name in ACTIONS if "deal" not in name and name not in {"win", "win again", "wait"}]

TOUCHED: list[Edit] = [*(("issue due", n, 30) for n in range(0, 14, 3)), *(("estimate", n, 2) for n in range(14))]
"""What people change that sales will change as well."""

RESOLD: list[Edit] = [
    *((name, deal, 5 + deal) for name in ("another close date", "another title") for deal in (0, 1)),
    *(("another quantity", deal, line) for deal in (0, 1) for line in (0, 1, 2)),
    ("wait", 0, 40),
    ("sweep", 0, 0),
]


def script(chance: random.Random, names: Sequence[str]) -> list[Edit]:
    """Return what somebody does by chance."""
    return [(chance.choice(names), chance.randrange(41), chance.randrange(41)) for _ in range(8)]


def differing(now: Mapping[str, Fields], then: Mapping[str, Fields]) -> dict[tuple[str, str], object]:
    """Return the values of tasks that are not what they were."""
    return {
        (item, name): value
        for item, fields in now.items()
        if item != PLAN_ITEM
        for name, value in fields.items()
        if item in then and then[item].get(name) != value
    }


def live(stage: Stage, work: Sequence[Edit], sale: Sequence[Edit]) -> None:
    """Have people work on two plans, then sales on their deals, and hold what is left against the laws."""
    stage.sweep()
    life = Life(stage, [stage.win(name=name, account=name, lines=LINES) for name in ("Acme", "Betatech")])
    life.rest()
    made = {key: one.base for key, one in life.known().items()}
    lag(stage)
    life.live(work)
    life.rest()
    worked = {key: differing(one.base, made[key]) for key, one in life.known().items()}
    assert all(worked.values())
    life.live(sale)
    life.rest()
    life.check()
    for key, one in life.known().items():
        assert {place: one.base[place[0]][place[1]] for place in worked[key]} == worked[key]


@pytest.mark.parametrize("policy", POLICIES)
def test_whatever_sales_does_to_a_deal_no_law_breaks_and_peoples_edits_survive(
    policy: str, small_template: str, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    authority, layout = UNDER[policy]
    template, mapping = Path(small_template), Path(mapping_under(authority, tmp_path))
    template.write_text(template.read_text(encoding="utf-8") + PER_LINE, encoding="utf-8")
    mapping.write_text(mapping.read_text(encoding="utf-8") + POLICIES[policy], encoding="utf-8")

    for seed in range(SEED, SEED + LIVES):
        chance = random.Random(f"{policy} {seed}")
        work, sale = [*TOUCHED, *script(chance, WORK)], [*RESOLD, *script(chance, [*SALES, "sweep"])]
        engine = {"settle_seconds": 5, "patience_seconds": 30}
        kept: dict[str, Any] = {"store": new_database(), "templates": [str(template)], "mapping": str(mapping)}
        with Stage(**kept, sheets={"layout": layout}, engine=engine) as stage:
            live(stage, work, sale)
