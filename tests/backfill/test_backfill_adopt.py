"""Plans that were made by hand or by another tool are recognised, taken over when asked for, and never doubled."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from backfill_matches import PLAN_MATCH, TASK_MATCH, epic, issue, mapping
from office import SINCE, Office


@pytest.fixture
def matching(office: Office) -> Office:
    office.configure(mapping=mapping(office.folder, PLAN_MATCH, TASK_MATCH))
    return office


def test_a_dry_run_shows_which_plans_are_there_already(matching: Office) -> None:
    sure, _ = matching.win("Acme"), matching.win("New")
    doubtful = matching.win("Beta")
    made = epic(matching, "acme: ACME", "prepare   acme ")
    epic(matching, "Beta: Beta")
    epic(matching, "Beta: Beta")
    assert matching.run("status").code == 0
    writes, content = matching.write_calls(), matching.content()
    told = matching.run("backfill", *SINCE, "--dry-run", "--adopt", "--json").json
    assert (matching.write_calls(), matching.content()) == (writes, content)  # not even what a connector learned
    assert told["matches"]["tracker"] == {"sure": 1, "ambiguous": 1, "none": 1}
    assert told["matches"]["sheets"] == {"none": 3}
    by_deal = {each["deal"]: each for each in told["matched"]}
    assert (by_deal[sure]["match"], by_deal[sure]["tasks"]) == ("sure", 1)
    assert by_deal[doubtful]["match"] == "ambiguous"
    assert told["held"] == {"ADOPT-01": 1}
    # Of Acme, Jira lacks one task of two and Smartsheet all; of the new deal both lack all.
    assert (told["connections"]["tracker"]["creates"], told["connections"]["sheets"]["creates"]) == (4, 6)
    assert not matching.simulator.jira.site.issues.by_id[int(made)].properties
    shown = matching.run("backfill", *SINCE, "--dry-run", "--adopt").out
    assert "Plans that are there already at tracker: 1 sure, 1 ambiguous, 1 none." in shown


def test_an_adopted_plan_is_bound_marked_and_completed_and_keeps_what_people_did(matching: Office) -> None:
    deal = matching.win("Acme")
    made = epic(matching, "Acme: Acme", "Prepare Acme", duedate="2027-03-01")
    told = matching.run("backfill", *SINCE, "--dry-run", "--adopt", "--json").json["connections"]
    done = matching.run("backfill", *SINCE, "--adopt", "--json")
    assert done.code == 0, done.err
    assert done.json["adopted"] == {"tracker": 2}
    assert done.json["created"] == {"tracker": told["tracker"]["creates"], "sheets": 3} == {"tracker": 1, "sheets": 3}
    assert matching.records() == (3, 1, 1)
    issues = matching.simulator.jira.site.issues.by_id
    assert issues[int(made)].properties["closedwon"]["key"] == f"{deal}:plan"
    [sheet] = matching.simulator.smartsheet.dump()["sheets"]
    assert "2027-03-01" in {
        row["cells"].get("Due") for row in sheet["rows"]
    }  # a person's date is an edit like any other
    verified = matching.run("verify", "--json")
    assert (verified.code, verified.json["onboardings"]) == (0, 1), verified.json
    again = matching.run("reconcile", "--all", "--json").json
    assert (again["writes"], again["looked"]) == (0, 1)


def test_what_is_there_is_held_back_unless_it_is_asked_for_by_whichever_command(matching: Office) -> None:
    deal = matching.win("Acme")
    epic(matching, "Acme: Acme", "Prepare Acme")
    matching.run("backfill", *SINCE).refused(8, "HELD-01")
    matching.run("reconcile", "--deal", deal).refused(8, "HELD-01")
    assert matching.records() == (2, 0, 0)
    [held] = matching.run("status", "--json").json["held"]
    assert (held["key"], held["code"]) == (deal, "ADOPT-01")
    assert "--adopt" in held["message"]
    assert matching.run("backfill", *SINCE, "--adopt").code == 0
    assert matching.records() == (3, 1, 1)
    assert matching.run("status", "--json").json["held"] == []


def test_an_unclear_match_is_held_back_and_never_a_second_plan(matching: Office) -> None:
    matching.win("Acme")
    first, second = matching.win("Same"), matching.win("Same")
    epic(matching, "Acme: Acme", "Prepare Acme", "prepare  ACME")
    epic(matching, "Same: Same")
    matching.run("backfill", *SINCE, "--adopt").refused(8, "3 onboardings are partly held back")
    assert matching.records() == (4, 0, 0)
    messages = {each["key"]: each["message"] for each in matching.run("status", "--json").json["held"]}
    assert "2 deals or tasks may be meant by it" in messages[first] == messages[second]


@pytest.mark.parametrize("words", [(), ("--limit", "1", "--where", "deal.amount > 5.0")])
def test_deals_of_one_title_are_told_apart_in_different_batches_too_whatever_else_chooses_among_them(
    matching: Office, words: tuple[str, ...]
) -> None:
    matching.configure(mapping="mapping.yaml", engine={"batch": 1})
    both = [matching.win("Same", fields={"Amount": amount}) for amount in (10, 1)]
    epic(matching, "Same: Same")
    told = matching.run("backfill", *SINCE, *words, "--dry-run", "--json").json["matches"]["tracker"]
    assert told == {"ambiguous": 1 if words else 2}
    matching.run("backfill", *SINCE, *words, "--adopt").refused(8, "HELD-01")
    assert matching.records() == (1, 0, 0)
    messages = {each["message"] for each in matching.run("status", "--json").json["held"]}
    assert len(messages) == 1
    assert f"2 deals or tasks may be meant by it ({', '.join(sorted(both))})" in messages.pop()


def test_what_one_deal_may_mean_no_other_takes_over_in_a_later_run_until_a_person_names_one(matching: Office) -> None:
    first = matching.win("Same", close_date="2026-01-31")
    made = epic(matching, "Same: Same")
    matching.run("backfill", *SINCE, "--until", "2026-01-31").refused(8, "HELD-01")
    second = matching.win("Same", close_date="2026-02-01")
    later = ("backfill", "--won-since", "2026-02-01", "--adopt")
    matching.run(*later).refused(8, "HELD-01")
    held = {each["key"]: each["message"] for each in matching.run("status", "--json").json["held"]}
    assert first in held[second]
    assert matching.records() == (1, 0, 0)
    assert matching.run("backfill", "--deal", first, "--adopt", "--json").json["adopted"] == {"tracker": 1}
    done = matching.run(*later, "--json")
    assert (done.code, done.json["planned"], done.json["adopted"]) == (0, 1, {}), done.err
    issues = matching.simulator.jira.site.issues.by_id
    assert issues[int(made)].properties["closedwon"]["key"] == f"{first}:plan"
    assert matching.records() == (6, 2, 2)
    with matching.store() as store:
        assert store.kept("match") == ()


def test_a_sheet_made_by_hand_gets_the_columns_and_keys_that_it_lacks(matching: Office) -> None:
    deal = matching.win("Acme")
    state = matching.simulator.smartsheet.state
    sheet = hand_made_sheet(matching, "Acme: Acme", ["Prepare Acme", "Something else"])
    done = matching.run("backfill", *SINCE, "--adopt", "--json")
    assert done.code == 0, done.err
    assert done.json["adopted"] == {"sheets": 2}
    assert len(state.sheets) == 1
    [shown] = matching.simulator.smartsheet.dump()["sheets"]
    keys = [row["cells"].get("Closedwon key") for row in shown["rows"]]
    assert sorted(filter(None, keys)) == [f"{deal}:finish", f"{deal}:prepare"]
    assert shown["name"] == f"Acme: Acme · {deal}:plan"
    assert [row["cells"]["Task"] for row in shown["rows"]] == ["Prepare Acme", "Something else", "Finish Acme"]
    assert {column.title for column in state.sheets[sheet].columns} >= {"Task", "Status", "Owner", "Closedwon key"}
    assert matching.run("verify").code == 0


def hand_made_sheet(office: Office, name: str, tasks: list[str]) -> int:
    """Have a person make a sheet with a list of tasks in it; returns its id."""
    import smartsheet  # noqa: PLC0415 - the person's own tool

    person = smartsheet.Smartsheet("simulator-token", api_base=office.simulator.urls["smartsheet"] + "/2.0")
    column = {"title": "Task", "type": "TEXT_NUMBER", "primary": True}
    made = person.Workspaces.create_sheet_in_workspace(
        1000000000000001, smartsheet.models.Sheet({"name": name, "columns": [column]})
    ).result
    rows = [
        smartsheet.models.Row({"toBottom": True, "cells": [{"columnId": made.columns[0].id, "value": task}]})
        for task in tasks
    ]
    person.Sheets.add_rows(made.id, rows)
    return int(made.id)


@pytest.mark.real_time
def test_killed_amid_the_marking_it_goes_on_and_marks_the_rest(matching: Office) -> None:
    matching.win("Acme")
    epic(matching, "Acme: Acme", "Prepare Acme", "Finish Acme")
    process = matching.start("backfill", *SINCE, "--adopt")
    matching.simulator.world.faults.add(
        "kill_before", vendor="jira", endpoint="PUT /rest/api/3/issue/{id}", skip=2, args={"pid": process.pid}
    )
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    done = matching.run("backfill", *SINCE, "--adopt", "--json")
    assert done.code == 0, done.err
    assert (done.json["adopted"], matching.records()) == ({"tracker": 3}, (3, 1, 1))
    assert matching.run("verify").code == 0


def test_a_plan_is_known_by_a_field_that_holds_the_deals_id(office: Office) -> None:
    match = {"tracker": {"field": "customfield_10050", "equals": "deal.key"}}
    office.configure(mapping=mapping(office.folder, match, {"tracker": TASK_MATCH["tracker"]}))
    deal = office.win("Acme")
    issue(office, "Epic", "Whatever", customfield_10050=deal)
    assert office.run("backfill", *SINCE, "--adopt", "--json").json["adopted"] == {"tracker": 1}
    assert office.records() == (3, 1, 1)


def test_many_deals_are_matched_in_a_few_calls(matching: Office) -> None:
    for number in range(30):
        matching.win(f"Customer {number}")
        epic(matching, f"Customer {number}: Customer {number}", f"Prepare Customer {number}")
    told = matching.run("backfill", *SINCE, "--dry-run", "--adopt", "--json").json
    assert told["matches"]["tracker"]["sure"] == 30
    calls = matching.simulator.world.calls
    assert sum(n for (_, e), n in calls.items() if e.endswith("/search/jql")) == 2


def test_adopting_without_a_match_is_refused_with_what_to_add(office: Office) -> None:
    office.run("backfill", *SINCE, "--adopt").refused(3, "ADOPT-02", "Add `match` to `plan` and `task`")


def test_a_match_where_nobody_can_look_is_refused(office: Office) -> None:
    office.configure(mapping=mapping(office.folder, PLAN_MATCH, TASK_MATCH), sheets={"layout": "portfolio"})
    office.run("status").refused(3, "WIRING-01", "existing plans are known at sheets", "Remove `match` there")


@pytest.mark.parametrize(
    ("plan", "task", "what"),
    [
        ({"tracker": {"field": "summary", "equals": "plan.titel"}}, {}, "a plan has no field 'titel'. Did you mean"),
        ({"tracke": {"field": "summary", "equals": "plan.title"}}, {}, "tracke"),
        ({}, {"tracker": {"field": "summary", "equals": "task.name"}}, "tasks are matched where plans are not"),
        ({"tracker": {"field": "summary", "equals": "deal.nmae"}}, {}, "a deal has no field 'nmae'"),
        ({"tracker": {"field": "summary"}}, {}, "'equals' is missing"),
    ],
)
def test_a_wrong_match_is_told_with_its_place(office: Office, plan: Any, task: Any, what: str) -> None:
    office.configure(mapping=mapping(office.folder, plan, task))
    ran = office.run("status")
    ran.refused(3, "mapping.yaml:", what)
