"""Law 7: killed with SIGKILL before or after any vendor call, and run again, nothing is doubled and nothing lost."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest
from forked import processes
from killed_victim import work

from sync.demo.stage import Stage

LEASE = 60
DEALS = ("Acme", "Betatech", "Cancity")
LAYOUTS = ("sheet_per_onboarding", "portfolio")


def won(database: str, layout: str, template: str) -> Stage:
    engine = {"lease_seconds": LEASE, "settle_seconds": 5, "patience_seconds": 0}
    stage = Stage(store=database, templates=[template], sheets={"layout": layout}, engine=engine)
    stage.__enter__()
    stage.simulator.jira.knobs["search_lag_seconds"] = 45
    stage.simulator.smartsheet.knobs["list_lag_seconds"] = 45
    stage.sweep()
    for name in DEALS:
        stage.win(name=name, account=name)
    stage.sleep(600)
    return stage


def run_child(stage: Stage, fault: str, at: int) -> int:
    """Run the victim; the simulator kills it at its call number `at` (0 = never). Returns its exit code."""
    forks = processes()
    ours, theirs = forks.Pipe()
    child = forks.Process(target=work, args=(str(stage.config), stage.clock.now(), theirs))
    child.start()
    if at:
        stage.simulator.world.faults.add(fault, skip=at - 1, args={"pid": child.pid})
    ours.send("go")
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode


def resume(stage: Stage) -> None:
    """Run again, as a schedule would: after the dead worker's lease, until nothing is left to do, and once more."""
    for number in range(4):
        stage.sleep(LEASE + 60)
        stage.sweep()
        left = stage.plant.store.counts()
        if number and not (left["dirty"] or left["open_intents"]):
            break
    assert stage.plant.store.counts()["dirty"] == 0


def check(stage: Stage) -> None:
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == len(DEALS)
    assert stage.plant.store.counts()["open_intents"] == 0
    assert len(stage.simulator.jira.site.issues.by_id) == len(DEALS) * 5
    again = stage.sweep()
    assert again.writes == 0


def kill_at_every_call(database_of: Callable[[], str], fault: str, layout: str, template: str) -> int:
    at, killed = 0, 0
    while True:
        at += 1
        stage = won(database_of(), layout, template)
        try:
            code = run_child(stage, fault, at)
            resume(stage)
            check(stage)
        finally:
            stage.__exit__(None, None, None)
        if code == 0:
            return killed
        assert code == -signal.SIGKILL, f"the victim ended with {code} at call {at}"
        killed += 1


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
def test_law_7_killed_at_any_call_nothing_is_doubled_or_lost(
    fault: str, layout: str, small_template: str, new_database: Callable[[], str]
) -> None:
    assert kill_at_every_call(new_database, fault, layout, small_template) >= 10
