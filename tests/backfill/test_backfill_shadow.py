"""Beside another tool: what is there is compared with what Closedwon would have made, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from backfill_matches import PLAN_MATCH, TASK_MATCH, epic, mapping
from office import SINCE, Office


@pytest.fixture
def beside(office: Office) -> Office:
    office.configure(mapping=mapping(office.folder, PLAN_MATCH, TASK_MATCH))
    return office


def row(told: dict[str, Any], kind: str, field: str) -> dict[str, Any]:
    [found] = [each for each in told["fields"] if (each["kind"], each["field"]) == (kind, field)]
    return dict(found)


def test_a_shadow_tells_differences_by_field_and_kind_and_writes_nothing(beside: Office) -> None:
    deal = beside.win("Acme")
    beside.win("New")
    epic(beside, "Acme: Acme", "prepare acme", "Water the plants", duedate="2027-03-01")
    assert beside.run("status").code == 0
    writes, store = beside.write_calls(), beside.content()
    ran = beside.run("backfill", *SINCE, "--shadow", "--json")
    ran.refused(7, "SHADOW-01")
    told = ran.json
    assert told["matches"] == {"tracker": {"sure": 1, "none": 1}, "sheets": {"none": 2}}
    due = row(told, "task", "duedate")
    assert (due["compared"], due["differing"]) == (1, 1)
    assert due["examples"][0]["at"] == f"{deal}:prepare"
    assert due["examples"][0]["theirs"] == "2027-03-01"
    assert row(told, "task", "summary")["differing"] == 1  # told apart by their capitals alone, so the same task
    assert row(told, "task", "status")["differing"] == 0
    lacking = {(each["kind"], each["connection"]): each["count"] for each in told["lacking"]}
    assert lacking == {
        ("plan", "tracker"): 1, ("task", "tracker"): 3, ("plan", "sheets"): 2, ("task", "sheets"): 4,
        ("onboarding", "crm"): 2,
    }  # fmt: skip
    assert told["others"] == {"tracker": 1}
    assert (beside.write_calls(), beside.content()) == (writes, store)
    shown = beside.run("backfill", *SINCE, "--shadow").out
    assert "task duedate at tracker: 1 of 1 differ" in shown
    assert "Lacking: 2 of kind onboarding at crm" in shown


def test_what_closedwon_made_itself_differs_in_nothing(beside: Office) -> None:
    beside.win("Acme")
    assert beside.run("backfill", *SINCE).code == 0
    ran = beside.run("backfill", *SINCE, "--shadow", "--json")
    differing = [each for each in ran.json["fields"] if each["differing"]]
    assert (ran.code, differing, ran.json["lacking"]) == (0, [], []), ran.json
    assert row(ran.json, "onboarding", "Tasks_Total__c")["compared"] == 1


def test_roll_ups_that_another_tool_keeps_are_compared_with_logged_time(beside: Office) -> None:
    deal = beside.win("Acme")
    assert beside.run("backfill", *SINCE).code == 0
    issue = max(beside.simulator.jira.site.issues.by_id)
    beside.act("jira", "log_time", issue=issue, seconds=7200, who="ada@example.com")
    beside.simulator.world.clock.advance(120)  # Jira's feed leaves out the last minute
    told = beside.run("backfill", *SINCE, "--shadow", "--json").json
    hours = row(told, "onboarding", "Hours_Tracked__c")
    assert (hours["compared"], hours["differing"]) == (1, 1)
    assert hours["examples"] == [{"at": deal, "ours": "2", "theirs": "0"}]


def test_a_shadow_is_said_alone(beside: Office) -> None:
    beside.run("backfill", *SINCE, "--shadow", "--adopt").refused(2, "USAGE-02", "say it alone")
