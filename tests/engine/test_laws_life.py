"""The laws on whole random lives: both databases, both authorities, both layouts, with every vendor lagging."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_life import ACTIONS, AUTHORITIES, LAYOUTS, Edit, Life, lag, mapping_under
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from simulator.people import Crowd
from sync.demo.stage import Stage

SEED = int(os.environ.get("CLOSEDWON_SEED", "0"))
EXAMPLES = int(os.environ.get("CLOSEDWON_EXAMPLES", "3"))

numbers = st.integers(0, 40)
scripts = st.lists(
    st.tuples(st.sampled_from([*ACTIONS, "sweep", "sweep", "wait"]), numbers, numbers), min_size=4, max_size=25
)


def launch(database: str, layout: str, authority: str, template: str, folder: Path) -> Stage:
    return Stage(
        store=database,
        templates=[template],
        mapping=mapping_under(authority, folder),
        sheets={"layout": layout},
        engine={"settle_seconds": 5, "patience_seconds": 30},
    )


def begin(stage: Stage) -> Life:
    stage.sweep()
    deals = [stage.win(name=name, account=name, hours=100) for name in ("Acme", "Betatech")]
    life = Life(stage, deals)
    life.rest()
    lag(stage)
    return life


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("authority", AUTHORITIES)
def test_after_any_life_all_sides_agree_and_nothing_more_is_written(
    authority: str, layout: str, small_template: str, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    @seed(SEED + LAYOUTS.index(layout) + 2 * list(AUTHORITIES).index(authority))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if EXAMPLES > 20 else [])],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(script=scripts)
    def live(script: list[Edit]) -> None:
        with launch(new_database(), layout, authority, small_template, tmp_path) as stage:
            life = begin(stage)
            life.live(script)
            life.rest()
            life.check()

    live()


@pytest.mark.parametrize("day", range(2))
def test_after_a_crowds_day_all_sides_agree(day: int, small_template: str, tmp_path: Path, database: str) -> None:
    layout, authority = list(itertools.product(LAYOUTS, AUTHORITIES))[day]
    with launch(database, layout, authority, small_template, tmp_path) as stage:
        life = begin(stage)
        crowd = Crowd(stage.simulator.vendors, day)
        for _ in range(12):
            with stage.simulator.world.lock:
                crowd.step(4)
            stage.sleep(45)
            life.sweep()
        life.rest()
        life.check()
