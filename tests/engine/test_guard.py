"""The brakes: they engage, write nothing, outlive the process, and let one batch pass when a person releases them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from engine_life import LAYOUTS, write_calls

from connectors.errors import ConnectorError, NotAuthorised
from sync.core.guard import Limits, Tally, Unsafe, check_safe
from sync.core.model import PLAN_ITEM, Priority
from sync.demo.stage import Stage
from sync.engine import Report

DEALS = ("Acme", "Betatech", "Cancity")
TASKS = 4
FLOOR = 5


ONE_LAYOUT = pytest.mark.parametrize("stage", ["portfolio"], indirect=True)
"""For what no layout has a say in."""


@pytest.fixture(params=LAYOUTS)
def stage(request: pytest.FixtureRequest, small_template: str) -> Iterator[Stage]:
    """Three plans of four tasks, and brakes that count from six records on."""
    engine = {"brakes": {"floor": FLOOR}, "settle_seconds": 5, "patience_seconds": 30}
    with Stage(templates=[small_template], sheets={"layout": request.param}, engine=engine) as made:
        made.sweep()
        for name in DEALS:
            made.win(name=name, account=name)
        for _ in range(3):
            made.settle()
            made.sweep()
        yield made


def look_at_all(stage: Stage) -> Report:
    stage.plant.store.request(stage.plant.store.keys(), Priority.RECONCILE)
    return stage.plant.engine.drain()


def issues(stage: Stage) -> list[str]:
    bound = stage.plant.store.bindings_of("tracker")
    return [binding.ref.id for binding in bound if binding.item != PLAN_ITEM]


def act(stage: Stage, vendor: str, action: str, **args: object) -> None:
    with stage.simulator.world.lock:
        stage.simulator.vendors[vendor].act(action, args)


def change_all(stage: Stage) -> None:
    for issue in issues(stage):
        act(stage, "jira", "close_task", issue=issue, who="ada@example.com")


def unshare_all(stage: Stage) -> None:
    for sheet in list(stage.simulator.smartsheet.state.sheets):
        act(stage, "smartsheet", "unshare", sheet=sheet)


def test_a_change_of_too_many_records_stops_before_anything_is_written(stage: Stage) -> None:
    change_all(stage)
    before = write_calls(stage)
    with pytest.raises(Unsafe, match="would change") as caught:
        look_at_all(stage)
    assert caught.value.code == "BRAKE-SHARE-01"
    assert write_calls(stage) == before


def test_an_engaged_brake_outlives_the_process(stage: Stage) -> None:
    change_all(stage)
    with pytest.raises(Unsafe):
        look_at_all(stage)
    before = write_calls(stage)
    another = stage.open()
    with pytest.raises(Unsafe) as caught:
        another.engine.drain()
    another.close()
    assert caught.value.code == "BRAKE-ENGAGED-01"
    assert write_calls(stage) == before


def test_a_released_brake_lets_exactly_one_batch_pass(stage: Stage) -> None:
    change_all(stage)
    with pytest.raises(Unsafe):
        look_at_all(stage)
    assert "would change" in stage.plant.engine.release_brake()
    report = stage.plant.engine.drain()
    assert report.updated["sheets"] == len(DEALS) * TASKS
    for issue in issues(stage):
        act(stage, "jira", "set_status", issue=issue, status="To Do", who="ada@example.com")
    before = write_calls(stage)
    with pytest.raises(Unsafe):
        look_at_all(stage)
    assert write_calls(stage) == before


def test_releasing_what_is_not_engaged_gives_no_credit(stage: Stage) -> None:
    assert stage.plant.engine.release_brake() == ""
    change_all(stage)
    with pytest.raises(Unsafe):
        look_at_all(stage)


def test_an_emptied_side_stops_everything_and_marks_nothing_missing(stage: Stage) -> None:
    unshare_all(stage)
    with pytest.raises(Unsafe) as caught:
        look_at_all(stage)
    assert caught.value.code == "BRAKE-EMPTY-01"
    assert stage.plant.store.counts()["missing"] == 0


def test_a_vendors_single_false_word_that_a_sheet_is_not_there_stops_nothing(stage: Stage) -> None:
    stage.simulator.world.faults.add("not_found", vendor="smartsheet", endpoint="GET /2.0/sheets/{id}", times=1)
    for issue in issues(stage)[:2]:
        act(stage, "jira", "close_task", issue=issue, who="ada@example.com")
    look_at_all(stage)
    assert stage.simulator.world.faults.hits
    look_at_all(stage)
    assert stage.plant.engine.release_brake() == ""
    assert stage.plant.store.counts()["missing"] == 0
    assert stage.prove().sound


def test_many_missing_records_stop_everything(stage: Stage) -> None:
    before = write_calls(stage)
    for issue in issues(stage)[: FLOOR + 1]:
        act(stage, "jira", "delete_issue", issue=issue, who="ada@example.com")
    with pytest.raises(Unsafe) as caught:
        look_at_all(stage)
    assert caught.value.code == "BRAKE-MISSING-01"
    assert write_calls(stage) == before
    assert stage.plant.store.counts()["missing"] == 0


def test_what_was_hidden_and_is_shown_again_needs_no_release_of_a_person_twice(stage: Stage) -> None:
    unshare_all(stage)
    with pytest.raises(Unsafe):
        look_at_all(stage)
    for sheet in stage.simulator.smartsheet.state.sheets.values():
        sheet.access = "OWNER"
    stage.plant.engine.release_brake()
    assert look_at_all(stage).writes == 0
    assert stage.plant.store.quarantined() == ()
    assert stage.prove().sound


@ONE_LAYOUT
@pytest.mark.parametrize("vendor", ["jira", "smartsheet", "salesforce"])
def test_an_expired_token_is_no_deletion(stage: Stage, vendor: str) -> None:
    if vendor == "salesforce":
        stage.simulator.salesforce.knobs["refuse_login"] = "inactive user"
        stage.simulator.salesforce.auth.expire_all()
    elif vendor == "smartsheet":
        stage.simulator.smartsheet.knobs["token_expired"] = True
    else:
        act(stage, "jira", "expire_token")
    with pytest.raises(NotAuthorised):
        look_at_all(stage)
    counts = stage.plant.store.counts()
    assert (counts["missing"], counts["held"], counts["dirty"]) == (0, 0, len(DEALS))


@ONE_LAYOUT
@pytest.mark.parametrize(
    ("vendor", "endpoint", "fault", "args"),
    [
        ("jira", "POST */issue/bulkfetch", "empty_json", {}),
        ("jira", "POST */issue/bulkfetch", "status", {"status": 200, "body": {"issues": []}}),
        ("jira", "POST */issue/bulkfetch", "html", {"status": 200}),
        ("smartsheet", "GET /2.0/sheets/{id}", "captive_portal", {}),
        ("smartsheet", "GET /2.0/sheets/{id}", "status", {"status": 200, "body": {}}),
        ("salesforce", "GET */query*", "status", {"status": 200, "body": {}}),
        ("salesforce", "GET */query*", "html", {"status": 200}),
    ],
)
def test_an_empty_answer_deletes_nothing_and_writes_nothing(
    stage: Stage, vendor: str, endpoint: str, fault: str, args: dict[str, object]
) -> None:
    stage.simulator.world.faults.add(fault, vendor=vendor, endpoint=endpoint, times=None, args=args)
    before = write_calls(stage)
    with suppress(Unsafe, ConnectorError):
        look_at_all(stage)
    assert write_calls(stage) == before
    assert stage.simulator.world.faults.hits
    assert {q.code for q in stage.plant.store.quarantined()} <= {"MISSING-01", "PLAN-GONE-01"}
    stage.simulator.world.faults.clear()
    stage.plant.engine.release_brake()
    stage.settle()
    assert look_at_all(stage).writes == 0
    assert stage.prove().sound
    assert stage.plant.store.counts()["missing"] == 0
    assert stage.plant.store.quarantined() == ()


def test_a_deal_that_is_not_shown_is_held_back_and_its_plan_goes_on(stage: Stage) -> None:
    key = stage.plant.store.keys()[0]
    act(stage, "salesforce", "reopen_deal", id=key)
    stage.settle()
    stage.sweep()
    assert {(q.key, q.code) for q in stage.plant.store.quarantined()} == {(key, "DEAL-GONE-01")}
    act(stage, "salesforce", "edit_deal", id=key, fields={"StageName": "Closed Won"})
    stage.settle()
    stage.sweep()
    assert stage.plant.store.quarantined() == ()


@pytest.mark.parametrize(
    ("tally", "code"),
    [
        (Tally("sheets", 100, 0, 0, 0), "BRAKE-EMPTY-01"),
        (Tally("sheets", 99, 0, 0, 0), ""),
        (Tally("sheets", 1000, 700, 201, 0), "BRAKE-MISSING-01"),
        (Tally("sheets", 1000, 700, 200, 0), ""),
        (Tally("sheets", 100, 1, 100, 0), ""),
        (Tally("sheets", 1000, 1000, 0, 501), "BRAKE-SHARE-01"),
        (Tally("sheets", 1000, 1000, 0, 500), ""),
        (Tally("sheets", 40, 40, 0, 40), ""),
    ],
)
def test_where_each_brake_begins(tally: Tally, code: str) -> None:
    tallies = [Tally("tracker", 1000, 1000, 0, 0), tally]
    if not code:
        check_safe(tallies, Limits())
        return
    with pytest.raises(Unsafe, match="closedwon release") as caught:
        check_safe(tallies, Limits())
    assert caught.value.code == code
