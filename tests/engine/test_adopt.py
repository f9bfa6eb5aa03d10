"""A store that was lost: what exists at the vendors is adopted, never made twice, and nobody's edits are undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from engine_life import LAYOUTS, write_calls

from sync.core.model import PLAN_ITEM, Priority
from sync.demo.stage import Stage
from sync.engine import Report
from sync.wiring import Plant

DEALS = ("Acme", "Betatech")
TASKS = 4
RECORDS = len(DEALS) * (TASKS + 1)


@pytest.fixture(params=LAYOUTS)
def stage(request: pytest.FixtureRequest, new_database: Callable[[], str], small_template: str) -> Iterator[Stage]:
    engine = {"settle_seconds": 5, "patience_seconds": 30}
    with Stage(
        store=new_database(), templates=[small_template], sheets={"layout": request.param}, engine=engine
    ) as made:
        made.simulator.jira.knobs["search_lag_seconds"] = 30
        made.sweep()
        for name in DEALS:
            made.win(name=name, account=name, hours=40)
        for _ in range(3):
            made.settle()
            made.sweep()
        yield made


@pytest.fixture
def lose(stage: Stage, new_database: Callable[[], str]) -> Callable[[], Plant]:
    """Lose the store: from here on the stage's engine works with an empty one."""

    def empty() -> Plant:
        stage.plant.close()
        text = stage.config.read_text(encoding="utf-8")
        stage.config.write_text(text.replace(stage.store, new_database()), encoding="utf-8")
        stage.plant = stage.open()
        return stage.plant

    return empty


def deals(stage: Stage) -> list[str]:
    return [str(row["Id"]) for row in stage.simulator.salesforce.org.rows("Opportunity")]


def look_at_all(stage: Stage) -> Report:
    stage.plant.store.request(deals(stage), Priority.RECONCILE)
    return stage.plant.engine.drain()


def act(stage: Stage, vendor: str, action: str, **args: object) -> None:
    with stage.simulator.world.lock:
        stage.simulator.vendors[vendor].act(action, args)


def test_a_lost_store_makes_nothing_twice(stage: Stage, lose: Callable[[], Plant]) -> None:
    lose()
    report = look_at_all(stage)
    assert report.created.total() == 0
    assert report.adopted == {"tracker": RECORDS, "sheets": RECORDS}
    stage.settle()
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == len(DEALS)
    assert look_at_all(stage).writes == 0


def test_edits_made_while_nobody_looked_survive(stage: Stage, lose: Callable[[], Plant]) -> None:
    key = deals(stage)[0]
    before = stage.plant.store.load([key])[key]
    bound = {name: before.bound(name) for name in ("tracker", "sheets")}
    row = bound["sheets"]["task_1"].ref
    plant = lose()
    act(stage, "jira", "close_task", issue=bound["tracker"]["task_0"].ref.id, who="ada@example.com")
    act(stage, "smartsheet", "set_cell", sheet=int(row.container), row=int(row.id), column="Due", value="2027-03-01")
    act(stage, "jira", "log_time", issue=bound["tracker"]["task_2"].ref.id, seconds=5400, who="ada@example.com")
    stage.sweep()
    look_at_all(stage)
    stage.settle()
    stage.sweep()
    after = plant.store.load([key])[key]
    assert after.base["task_0"]["status"] == "done"
    assert str(after.base["task_1"]["due_target"]) == "2027-03-01"
    assert after.tracked == {"task_2": 5400}
    assert stage.prove().sound


def test_a_plan_that_the_crm_names_and_nobody_finds_waits_for_a_person(stage: Stage, lose: Callable[[], Plant]) -> None:
    key = deals(stage)[0]
    epic = stage.plant.store.load([key])[key].bound("tracker")[PLAN_ITEM].ref.id
    lose()
    act(stage, "jira", "delete_issue", issue=epic, who="ada@example.com")
    before = 0
    for again in range(3):
        report = look_at_all(stage)
        assert report.created.total() == 0
        assert write_calls(stage) == before or not again  # the first look writes the other deal's roll-up anew
        before = write_calls(stage)
        assert [(q.key, q.code, q.connection) for q in stage.plant.store.quarantined()] == [
            (key, "ADOPT-01", "tracker")
        ]
        stage.settle()


def test_a_link_that_a_person_empties_has_a_new_plan_made(stage: Stage, lose: Callable[[], Plant]) -> None:
    key = deals(stage)[0]
    epic = stage.plant.store.load([key])[key].bound("tracker")[PLAN_ITEM].ref.id
    lose()
    act(stage, "jira", "delete_issue", issue=epic, who="ada@example.com")
    look_at_all(stage)
    record = next(r for r in stage.simulator.salesforce.org.rows("Onboarding__c") if r["Deal_Key__c"] == key)
    act(stage, "salesforce", "edit_record", object="Onboarding__c", id=record["Id"], fields={"Plan_Id__c": None})
    report = look_at_all(stage)
    assert report.created["tracker"] >= 1
    assert stage.plant.store.quarantined() == ()
    sheets = stage.plant.store.load([key])[key].bound("sheets")
    assert len(sheets) == TASKS + 1
    assert report.created["sheets"] == 0


def test_a_plan_of_which_a_part_was_never_made_is_completed(stage: Stage, lose: Callable[[], Plant]) -> None:
    key = deals(stage)[0]
    row = stage.plant.store.load([key])[key].bound("sheets")["task_3"].ref
    lose()
    act(stage, "smartsheet", "delete_row", sheet=int(row.container), row=int(row.id))
    report = look_at_all(stage)
    assert +report.created == {"sheets": 1}
    stage.settle()
    stage.sweep()
    assert stage.prove().sound
