"""The judge of the simulated year sees what is wrong: each test spoils one thing of a world that is in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bench.year_judge import (
    counted_seconds,
    doubled,
    least_health,
    outlook_off,
    plans,
    rollups_off,
    seconds_by_issue,
    unplanned,
)
from sync.demo.stage import Stage

Dumps = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def lived() -> Iterator[Stage]:
    with Stage() as stage:
        stage.sweep()
        key = stage.win(name="Rollout", account="Acme", hours=40)
        stage.sweep()
        tasks = {b.item: b.ref.id for b in stage.plant.store.load([key])[key].bindings if b.connection == "tracker"}
        with stage.simulator.world.lock:
            jira = stage.simulator.jira
            jira.act("log_time", {"issue": tasks["handoff_call"], "seconds": 5400})
            jira.act("log_time", {"issue": tasks["plan"], "seconds": 601})
            jira.act("log_time", {"issue": tasks["kickoff_call"], "seconds": 25 * 3600})
            jira.act("close_task", {"issue": tasks["handoff_call"]})
            jira.act("close_task", {"issue": tasks["kickoff_done"]})
        for _ in range(2):
            stage.settle()
            stage.sweep()
        yield stage


@pytest.fixture
def dumps(lived: Stage) -> Dumps:
    with lived.simulator.world.lock:
        return {name: vendor.dump() for name, vendor in lived.simulator.vendors.items()}


def wrong(dumps: Dumps, lived: Stage) -> list[str]:
    found = plans(dumps["jira"], dumps["smartsheet"])
    return list(rollups_off(found, dumps["salesforce"], lived.clock.now().date()))


def crm(dumps: Dumps) -> dict[str, Any]:
    (row,) = dumps["salesforce"]["records"]["Onboarding__c"].values()
    return row


def test_a_world_in_order_is_found_in_order(dumps: Dumps, lived: Stage) -> None:
    found = plans(dumps["jira"], dumps["smartsheet"])
    (plan,) = found.values()
    assert wrong(dumps, lived) == []
    assert list(doubled(found, dumps["salesforce"])) == []
    assert unplanned(found, dumps["salesforce"]) == []
    assert plan.differing == []
    assert seconds_by_issue(dumps["jira"]).total() == 5400 + 601 + 25 * 3600
    today = lived.clock.now().date()
    assert counted_seconds(plan, today) == 6001
    assert counted_seconds(plan, today - timedelta(days=40)) == 0


@pytest.mark.parametrize(
    "field",
    [
        "Name",
        "Status__c",
        "Percent_Complete__c",
        "Tasks_Done__c",
        "Tasks_Total__c",
        "Hours_Contracted__c",
        "Hours_Estimated__c",
        "Hours_Tracked__c",
        "Hours_Remaining__c",
        "Target_Launch__c",
        "Next_Milestone__c",
        "Next_Milestone_Date__c",
        "Plan_Id__c",
        "Sheet_Id__c",
    ],
)
def test_any_value_of_the_crm_that_is_off_is_seen(field: str, dumps: Dumps, lived: Stage) -> None:
    row = crm(dumps)
    kept = row[field]
    row[field] = f"{kept}9" if isinstance(kept, str) else kept + 0.01
    try:
        (text,) = wrong(dumps, lived)
    finally:
        row[field] = kept  # a dump shows the org's own records
    assert field in text


@pytest.mark.parametrize(
    ("spoilt", "text"),
    [
        ({"Health_Reason__c": None}, "Health_Reason__c is empty"),
        ({"Forecast_Launch__c": "2027-03-02", "Forecast_Launch_P80__c": "2027-03-01"}, "do not fit together"),
        ({"Forecast_Launch__c": "2027-03-02"}, "do not fit together"),
        ({"Health__c": None}, "Health__c is None"),
    ],
)
def test_what_cannot_be_recomputed_must_at_least_make_sense(
    spoilt: dict[str, str | None], text: str, dumps: Dumps, lived: Stage
) -> None:
    row = crm(dumps)
    kept = {name: row[name] for name in spoilt}
    row.update(spoilt)
    try:
        (told,) = wrong(dumps, lived)
    finally:
        row.update(kept)
    assert text in told


@pytest.mark.parametrize(
    ("hours", "late", "days", "forecasts", "color"),
    [
        (30.0, 0.0, 0, {}, "Green"),
        (34.0, 0.0, 0, {}, "Amber"),
        (40.5, 0.0, 0, {}, "Red"),
        (0.0, 0.2, 0, {}, "Amber"),
        (0.0, 0.0, 9, {}, "Red"),
        (0.0, 0.0, 0, {"Hours_Forecast__c": 41.0}, "Amber"),
        (0.0, 0.0, 0, {"Hours_Forecast__c": 49.0}, "Red"),
        (0.0, 0.0, 0, {"Forecast_Launch__c": "2026-11-13", "Forecast_Launch_P80__c": "2026-11-13"}, "Amber"),
        (0.0, 0.0, 0, {"Forecast_Launch__c": "2026-11-30", "Forecast_Launch_P80__c": "2026-12-01"}, "Red"),
        (0.0, 0.0, 0, {"Forecast_Launch__c": "2026-11-10", "Forecast_Launch_P80__c": "2026-11-19"}, "Amber"),
    ],
)
def test_health_is_at_least_as_bad_as_the_published_rules_say(
    hours: float, late: float, days: int, forecasts: dict[str, Any], color: str
) -> None:
    expected = {"Hours_Contracted__c": 40.0, "Hours_Tracked__c": hours, "Status__c": "In Progress"}
    today = date(2026, 11, 10) + timedelta(days=days)
    assert least_health(forecasts, {**expected, "Target_Launch__c": "2026-11-10"}, late, today) == color


LAUNCHED = int(datetime(2026, 11, 10, 20, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("status", "shown", "resolved", "open_tasks", "text"),
    [
        ("In Progress", ("2026-11-12", "2026-11-14", 9.0), None, 3, ""),
        ("In Progress", (None, None, None), None, 3, ""),
        ("In Progress", ("2026-11-10", "2026-11-14", 9.0), None, 3, "which is over"),
        ("In Progress", ("2026-11-12", "2026-11-14", 7.5), None, 3, "with 8.0 worked"),
        ("In Progress", ("2026-11-12", "2026-11-14", None), None, 3, "Hours_Forecast__c is empty"),
        ("In Progress", ("2026-11-14", "2026-11-12", 9.0), None, 3, "do not fit together"),
        ("Launched", ("2026-11-11", "2026-11-11", 8.0), LAUNCHED, 0, ""),
        ("Launched", ("2026-11-09", "2026-11-09", 8.0), LAUNCHED, 0, "it launched on 2026-11-10"),
        ("Launched", ("2026-11-11", "2026-11-12", 8.0), LAUNCHED, 0, "it launched on 2026-11-10"),
        ("Launched", (None, None, 8.0), LAUNCHED, 0, "it launched on 2026-11-10"),
        ("Launched", ("2026-11-10", "2026-11-10", 8.5), LAUNCHED, 0, "0 tasks open"),
    ],
)
def test_what_has_come_true_is_what_the_forecasts_show(
    status: str, shown: tuple[Any, ...], resolved: int | None, open_tasks: int, text: str
) -> None:
    row = dict(zip(("Forecast_Launch__c", "Forecast_Launch_P80__c", "Hours_Forecast__c"), shown, strict=True))
    expected = {"Hours_Tracked__c": 8.0, "Status__c": status}
    today = date(2026, 11, 11)
    told = list(outlook_off(row, expected, resolved=resolved, open_tasks=open_tasks, today=today))
    assert [text in each for each in told] == ([True] if text else [])


def test_what_stands_twice_is_seen(dumps: Dumps) -> None:
    epic = dumps["jira"]["issues"][0]
    sheet = dumps["smartsheet"]["sheets"][0]
    dumps["jira"]["issues"].append({**epic, "id": "99"})
    dumps["smartsheet"]["sheets"].append({**sheet, "id": 99, "rows": sheet["rows"][:1]})
    texts = list(doubled(plans(dumps["jira"], dumps["smartsheet"]), dumps["salesforce"]))
    key = crm(dumps)["Deal_Key__c"]
    assert [f"{key} has 2 epics", f"{key} has 2 sheets"] == texts[:2]
    assert len(texts) == 3
    assert texts[2].endswith("at smartsheet")


def test_a_row_that_somebody_copied_is_no_doubling_and_stands_for_nothing_beside_its_original(dumps: Dumps) -> None:
    sheet = dumps["smartsheet"]["sheets"][0]
    copy = {**sheet["rows"][0], "id": 99, "created_by": "cleo@example.com"}
    copy["cells"] = {**copy["cells"], "Due": "2031-01-01"}
    sheet["rows"].insert(0, copy)
    (plan,) = plans(dumps["jira"], dumps["smartsheet"]).values()
    assert list(doubled({crm(dumps)["Deal_Key__c"]: plan}, dumps["salesforce"])) == []
    assert plan.differing == []


def test_a_plan_is_in_the_shared_sheet_where_its_own_rows_are(dumps: Dumps) -> None:
    sheets = dumps["smartsheet"]["sheets"]
    sheets[0]["name"] = "Closedwon portfolio 0001"
    copied = {**sheets[0]["rows"][0], "created_by": "cleo@example.com"}
    sheets.append({**sheets[0], "id": 99, "name": "Closedwon portfolio 0002", "rows": [copied]})
    (plan,) = plans(dumps["jira"], dumps["smartsheet"]).values()
    assert [sheet["name"] for sheet in plan.sheets] == ["Closedwon portfolio 0001"]


def test_a_won_deal_without_a_plan_is_seen(dumps: Dumps) -> None:
    (deal,) = dumps["salesforce"]["records"]["Opportunity"]
    assert unplanned({}, dumps["salesforce"]) == [deal]
