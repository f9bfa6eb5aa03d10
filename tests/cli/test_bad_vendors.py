"""Vendors that refuse, hide, fail or answer nonsense: one message that says what to do, the right code, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest
from cli_desk import Desk

SINCE = ("--won-since", "2020-01-01")
EXPIRED = {
    "salesforce": ("session_expired", {"forever": True}, "GET *query*", "SF-SESSION-01", "Check the integration user"),
    "salesforce sign-in": ("oauth", {"error": "invalid_client"}, "*token*", "SF-LOGIN-", "client"),
    "jira": ("token_expired", {}, "*", "JIRA-AUTH-0", "API token"),
    "smartsheet": ("token_expired", {}, "*", "SS-TOKEN-01", "Make a new"),
}


def add_fault(desk: Desk, fault: str, vendor: str, endpoint: str = "*", **args: Any) -> None:
    desk.simulator.world.faults.add(fault, vendor=vendor.partition(" ")[0], endpoint=endpoint, times=None, args=args)


def recovers(desk: Desk, before: tuple[int, int, int]) -> None:
    """Nothing was lost or doubled: once the vendor is well again, the same command does all of it."""
    desk.simulator.world.faults.clear()
    assert desk.run("reconcile", "--all").code == 0
    assert desk.run("verify").code == 0
    assert desk.records() == before


def planned(desk: Desk) -> tuple[int, int, int]:
    desk.win("Acme")
    assert desk.run("backfill", *SINCE).code == 0
    return desk.records()


@pytest.mark.parametrize("vendor", EXPIRED)
def test_an_expired_token_is_named_with_its_repair(desk: Desk, vendor: str) -> None:
    fault, args, endpoint, code, repair = EXPIRED[vendor]
    before = planned(desk)
    add_fault(desk, fault, vendor, endpoint, **args)
    for command in ("reconcile", "verify"):
        desk.run(command).refused(5, code, repair)
    error = desk.run("plan", "--json").json["error"]
    assert (error["code"].startswith(code), error["exit"]) == (True, 5)
    recovers(desk, before)


@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("vendor", ["salesforce", "jira", "smartsheet"])
def test_a_page_in_place_of_an_answer_is_unfinished_business(desk: Desk, vendor: str, status: int) -> None:
    before = planned(desk)
    add_fault(desk, "html", vendor, status=status)
    for command in ("plan", "reconcile"):
        ran = desk.run(command)
        ran.refused(6, vendor.title(), "tried again by itself", "nothing is lost")
        assert "<html" not in ran.err
    recovers(desk, before)


@pytest.mark.parametrize("connection", ["crm", "tracker", "sheets"])
def test_a_vendor_that_cannot_be_reached_is_unfinished_business(desk: Desk, connection: str) -> None:
    desk.win("Acme")
    nowhere = {"url": "http://127.0.0.1:1" + ("/2.0" if connection == "sheets" else "")}
    desk.configure(engine={"patience_seconds": 0}, **{connection: nowhere})
    ran = desk.run("verify")
    ran.refused(6, "HTTP-CONNECT-01", "cannot be reached", "Check the network and the connection's url")
    assert desk.run("doctor").code == 7
    desk.run("backfill", *SINCE).refused(6, "cannot be reached", "nothing is lost")
    desk.configure()
    assert desk.run("backfill", *SINCE).code == 0
    assert desk.run("verify").code == 0
    assert desk.records() == (3, 1, 1)


def test_a_missing_permission_in_jira_stops_and_leads_to_the_doctor(desk: Desk) -> None:
    desk.win("Acme")
    desk.simulator.jira.knobs["denied_permissions"] = ["CREATE_ISSUES"]
    desk.run("backfill", *SINCE).refused(8, "`closedwon status`")
    assert {each["code"] for each in desk.run("status", "--json").json["held"]} == {"JIRA-PROJECT-01"}
    doctor = desk.run("doctor", "--json")
    assert doctor.code == 7
    (found,) = [each for each in doctor.json["findings"] if each["level"] == "error"]
    assert (found["code"], "Create Issues" in found["message"] + found["repair"]) == ("JIRA-DOCTOR-02", True)
    desk.simulator.jira.knobs["denied_permissions"] = []
    assert desk.run("reconcile", "--all").code == 0
    assert desk.records() == (3, 1, 1)


def test_a_missing_permission_in_smartsheet_stops_and_says_how_to_share(desk: Desk) -> None:
    desk.win("Acme")
    add_fault(desk, "not_authorised", "smartsheet", "POST *sheets*")
    desk.run("backfill", *SINCE).refused(5, "SS-ACCESS-0", "as Admin")
    desk.simulator.world.faults.clear()
    assert desk.run("backfill", *SINCE).code == 0
    assert desk.records() == (3, 1, 1)


def test_a_field_hidden_from_us_in_salesforce_is_named_with_its_repair(desk: Desk) -> None:
    desk.win("Acme")
    desk.act("salesforce", "hide_field", object="Opportunity", field="Contracted_Hours__c")
    ran = desk.run("backfill", *SINCE)
    ran.refused(3, "SF-FIELD-01", "Contracted_Hours__c", "`closedwon doctor`")
    assert desk.records() == (0, 0, 0)
    desk.act("salesforce", "show_field", object="Opportunity", field="Contracted_Hours__c")
    assert desk.run("backfill", *SINCE).code == 0


def test_a_wrong_picklist_value_holds_its_record_back_and_nothing_else(desk: Desk) -> None:
    desk.win("Acme")
    desk.act(
        "salesforce", "rename_picklist_value", object="Onboarding__c", field="Status__c", value="Not Started", to="New"
    )
    desk.run("backfill", *SINCE).refused(8, "HELD-01", "`closedwon status`")
    (held,) = desk.run("status", "--json").json["held"]
    assert (held["code"], held["connection"]) == ("SF-PICKLIST-01", "crm")
    assert "Status__c" in held["message"]
    assert desk.records() == (3, 1, 0)
    desk.act(
        "salesforce", "rename_picklist_value", object="Onboarding__c", field="Status__c", value="New", to="Not Started"
    )


DOCTOR = {
    "a hidden field": (
        ("salesforce", "hide_field", {"object": "Opportunity", "field": "Contracted_Hours__c"}),
        "SF-FIELD-01",
        "Contracted_Hours__c",
    ),
    "a read-only field of ours": (
        ("salesforce", "hide_field", {"object": "Onboarding__c", "field": "Health__c"}),
        "SF-FIELD-01",
        "Health__c",
    ),
    "a renamed field": (
        ("salesforce", "rename_field", {"object": "Opportunity", "field": "Kickoff_Notes__c", "to": "Notes__c"}),
        "SF-FIELD-01",
        "Kickoff_Notes__c",
    ),
    "a renamed picklist value": (
        (
            "salesforce",
            "rename_picklist_value",
            {"object": "Onboarding__c", "field": "Health__c", "value": "Amber", "to": "Yellow"},
        ),
        "OPTIONS-01",
        "Amber",
    ),
    "a removed Jira field": (
        ("jira", "remove_field", {"field": "customfield_10050"}),
        "JIRA-FIELD-02",
        "customfield_10050",
    ),
    "a renamed status": (
        ("jira", "rename_status", {"status": "Blocked", "name": "Stuck"}),
        "OPTIONS-01",
        "Blocked",
    ),
}


@pytest.mark.parametrize("name", DOCTOR)
def test_the_doctor_finds_it_and_prints_the_exact_repair(desk: Desk, name: str) -> None:
    (vendor, action, args), code, what = DOCTOR[name]
    planned(desk)
    assert desk.run("doctor").code == 0
    desk.act(vendor, action, **args)
    ran = desk.run("doctor", "--json")
    assert ran.code == 7, ran.out
    found = [each for each in ran.json["findings"] if each["level"] == "error"]
    assert [each["code"] for each in found] == [code], found
    assert what in found[0]["message"] + found[0]["repair"]
    assert found[0]["repair"]
    assert f"→ {found[0]['repair']}" in desk.run("doctor").out


def test_the_doctor_finds_a_transition_that_is_missing(desk: Desk) -> None:
    planned(desk)
    for issue in desk.simulator.jira.site.issues.by_id.values():
        desk.act("jira", "set_status", issue=issue.id, status="In Progress", who="ada@example.com")
    for kind in desk.simulator.jira.site.schema.types.values():
        for arrow in [one for one in kind.workflow.transitions if one.name == "Done"]:
            desk.act("jira", "remove_transition", transition=arrow.id)
    desk.run("reconcile", "--all")
    ran = desk.run("doctor", "--json")
    assert any(each["code"] == "JIRA-DOCTOR-05" and "Done" in each["message"] for each in ran.json["findings"])


def test_the_doctor_finds_a_deleted_column(desk: Desk) -> None:
    planned(desk)
    sheet = next(iter(desk.simulator.smartsheet.state.sheets.values()))
    desk.act("smartsheet", "delete_column", sheet=sheet.id, column="Due", who="cleo@example.com")
    desk.run("reconcile", "--all").refused(8, "HELD-01")
    held = desk.run("status", "--json").json["held"]
    assert {each["code"] for each in held} == {"SS-COLUMN-01"}
    assert "Due" in held[0]["message"]


def test_the_doctor_finds_people_whom_a_connection_does_not_know(desk: Desk) -> None:
    file = desk.folder / "small.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("ada@example.com", "eve@example.com"), encoding="utf-8")
    ran = desk.run("doctor", "--json")
    assert ran.code == 0
    (found,) = [each for each in ran.json["findings"] if each["level"] == "warning"]
    assert found["code"] == "PEOPLE-01"
    assert found["message"] == "tracker does not know eve@example.com"
    assert "`users: people:`" in found["repair"]


@pytest.mark.parametrize("vendor", ["salesforce", "jira", "smartsheet"])
def test_the_doctor_turns_an_expired_token_into_a_finding_and_examines_the_others(desk: Desk, vendor: str) -> None:
    endpoint = "*token*" if vendor == "salesforce" else "*"
    fault, args = ("oauth", {"error": "invalid_client"}) if vendor == "salesforce" else ("token_expired", {})
    add_fault(desk, fault, vendor, endpoint, **args)
    ran = desk.run("doctor", "--json")
    assert ran.code == 7
    names = {"salesforce": "crm", "jira": "tracker", "smartsheet": "sheets"}
    found = [each for each in ran.json["findings"] if each["level"] == "error"]
    assert {each["message"].partition(":")[0] for each in found} == {names.pop(vendor)}
    assert all(each["repair"] for each in found)
    for name in names.values():
        assert any(each["message"].startswith(f"{name}: Signed in") for each in ran.json["findings"])
