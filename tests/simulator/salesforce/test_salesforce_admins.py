"""What admins change under a running integration, and how it then looks through the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World


def test_a_hidden_field_looks_as_if_it_were_not_there(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    deal_id = win()
    vendor.org.hide_field("Opportunity", "Contracted_Hours__c")
    assert http.refused("SELECT Contracted_Hours__c FROM Opportunity")["errorCode"] == "INVALID_FIELD"
    assert "Contracted_Hours__c" not in http("GET", f"/sobjects/Opportunity/{deal_id}").json()
    write = http("PATCH", f"/sobjects/Opportunity/{deal_id}", json={"Contracted_Hours__c": 1})
    assert write.json()[0]["errorCode"] == "INVALID_FIELD"
    vendor.act("show_field", {"object": "Opportunity", "field": "Contracted_Hours__c"})
    assert http.query("SELECT Contracted_Hours__c FROM Opportunity")["records"][0]["Contracted_Hours__c"] == 40.0


def test_a_hidden_reference_cannot_be_walked(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    win()
    vendor.org.hide_field("Opportunity", "AccountId")
    assert "Didn't understand relationship" in http.refused("SELECT Account.Name FROM Opportunity")["message"]
    assert http.refused("SELECT Id, (SELECT Id FROM Opportunities) FROM Account")["errorCode"] == "INVALID_TYPE"


def test_a_renamed_field_keeps_its_values(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    win()
    vendor.act("rename_field", {"object": "Opportunity", "field": "Contracted_Hours__c", "to": "Sold_Hours__c"})
    assert http.refused("SELECT Contracted_Hours__c FROM Opportunity")["errorCode"] == "INVALID_FIELD"
    assert http.query("SELECT Sold_Hours__c FROM Opportunity WHERE Sold_Hours__c = 40")["totalSize"] == 1


def test_a_query_opened_before_a_rename_has_no_next_page(
    http: Http, vendor: Salesforce, win: Callable[..., str]
) -> None:
    win()
    win("Second")
    vendor.knobs["short_pages"] = 1
    following = http.query("SELECT Contracted_Hours__c FROM Opportunity")["nextRecordsUrl"]
    vendor.act("rename_field", {"object": "Opportunity", "field": "Contracted_Hours__c", "to": "Sold_Hours__c"})
    assert http("GET", following).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_a_renamed_external_id_is_still_unique_and_found(http: Http, vendor: Salesforce) -> None:
    http("PATCH", "/sobjects/Onboarding__c/Deal_Key__c/k", json={})
    vendor.act("rename_field", {"object": "Onboarding__c", "field": "Deal_Key__c", "to": "Key__c"})
    assert http("PATCH", "/sobjects/Onboarding__c/Deal_Key__c/k", json={}).status_code == 404
    assert http("PATCH", "/sobjects/Onboarding__c/Key__c/k", json={}).status_code == 200


def test_a_renamed_stage_still_wins_and_moves_no_stamp(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    win()
    world.clock.advance(60)
    renamed = {"object": "Opportunity", "field": "StageName", "value": "Closed Won", "to": "Signed"}
    vendor.act("rename_picklist_value", renamed)
    record = http.query("SELECT StageName, IsWon, SystemModstamp FROM Opportunity")["records"][0]
    assert (record["StageName"], record["IsWon"]) == ("Signed", True)
    assert record["SystemModstamp"] == "2026-11-20T10:00:00.000+0000"
    stages = http.query("SELECT ApiName FROM OpportunityStage WHERE IsWon = true")["records"]
    assert [one["ApiName"] for one in stages] == ["Signed"]


def test_a_renamed_choice_refuses_its_old_value(http: Http, vendor: Salesforce) -> None:
    renamed = {"object": "Onboarding__c", "field": "Status__c", "value": "Launched", "to": "Live"}
    vendor.act("rename_picklist_value", renamed)
    refused = http("POST", "/sobjects/Onboarding__c", json={"Status__c": "Launched"})
    assert refused.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert http("POST", "/sobjects/Onboarding__c", json={"Status__c": "Live"}).status_code == 201


def test_a_choice_taken_from_the_list_stays_on_records_and_is_refused_anew(http: Http, vendor: Salesforce) -> None:
    made = http("POST", "/sobjects/Onboarding__c", json={"Health__c": "Amber"}).json()["id"]
    vendor.act("deactivate_picklist_value", {"object": "Onboarding__c", "field": "Health__c", "value": "Amber"})
    assert http("GET", f"/sobjects/Onboarding__c/{made}").json()["Health__c"] == "Amber"
    refused = http("POST", "/sobjects/Onboarding__c", json={"Health__c": "Amber"})
    assert refused.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_a_validation_rule_refuses_what_it_describes(http: Http, vendor: Salesforce) -> None:
    rule = {
        "object": "Onboarding__c",
        "when": "Percent_Complete__c > 100",
        "message": "Too much",
        "field": "Percent_Complete__c",
    }
    vendor.act("add_validation_rule", rule)
    refused = http("POST", "/sobjects/Onboarding__c", json={"Percent_Complete__c": 101}).json()[0]
    assert refused == {
        "message": "Too much",
        "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "fields": ["Percent_Complete__c"],
    }
    assert http("POST", "/sobjects/Onboarding__c", json={"Percent_Complete__c": 100}).status_code == 201


def test_a_person_edits_makes_and_deletes_any_record(http: Http, vendor: Salesforce) -> None:
    made = vendor.act("create_record", {"object": "Account", "fields": {"Name": "A"}})["id"]
    vendor.act("edit_record", {"object": "Account", "id": made, "fields": {"Name": "B"}, "by": "ben@example.com"})
    record = http.query("SELECT Name, LastModifiedBy.Email FROM Account")["records"][0]
    assert (record["Name"], record["LastModifiedBy"]["Email"]) == ("B", "ben@example.com")
    vendor.act("delete_record", {"object": "Account", "id": made})
    assert http.query("SELECT COUNT() FROM Account")["totalSize"] == 0


def test_an_unknown_action_or_knob_is_told(vendor: Salesforce, world: World) -> None:
    with pytest.raises(KeyError):
        vendor.act("dance", {})
    with pytest.raises(TypeError, match="nonsense"):
        Salesforce(world, nonsense=1)


def test_a_reset_org_equals_a_new_one(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    vendor.reset()
    fresh = vendor.dump()
    win()
    vendor.knobs["short_pages"] = 5
    assert vendor.dump() != fresh
    vendor.reset()
    assert vendor.dump() == fresh
