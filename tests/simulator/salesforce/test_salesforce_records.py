"""Single records: what may be written, how it is kept, and what is refused with which code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.salesforce.ids import canonical, mint, suffix
from simulator.salesforce.problems import Problem
from simulator.server import World

BOARD = "/sobjects/Onboarding__c"


def test_ids_carry_the_prefix_of_their_object_and_the_right_suffix(http: Http, win: Callable[..., str]) -> None:
    assert suffix("001A0000006Vm9r") == "IAC"
    assert win().startswith("006")
    assert http("POST", BOARD, json={}).json()["id"].startswith("a0X")
    prefixes = {"Account": "001", "Product2": "01t", "OpportunityLineItem": "00k", "User": "005"}
    for name, prefix in prefixes.items():
        assert http.query(f"SELECT Id FROM {name}")["records"][0]["Id"].startswith(prefix)
    assert canonical(mint("006", 5)[:15]) == mint("006", 5)
    assert canonical(mint("006", 5)[:15] + "AAA") is None


def test_a_record_is_made_read_changed_and_deleted(http: Http, world: World) -> None:
    made = http("POST", f"{BOARD}/", json={"Name": "One", "Tasks_Total__c": 25})
    assert (made.status_code, made.json()["success"], made.json()["errors"]) == (201, True, [])
    path = f"{BOARD}/{made.json()['id']}"
    assert made.headers["Location"].endswith(path)
    world.clock.advance(5)
    assert http("PATCH", path, json={"Tasks_Done__c": 3}).status_code == 204
    seen = http("GET", path).json()
    assert (seen["Tasks_Done__c"], seen["Tasks_Total__c"], seen["Name"]) == (3.0, 25.0, "One")
    assert seen["CreatedDate"] == "2026-11-20T10:00:00.000+0000"
    assert seen["LastModifiedDate"] == "2026-11-20T10:00:05.000+0000"
    assert set(http("GET", path, params={"fields": "Name,Status__c"}).json()) == {
        "attributes",
        "Id",
        "Name",
        "Status__c",
    }
    assert http("DELETE", path).status_code == 204
    for method in ("GET", "PATCH", "DELETE"):
        gone = http(method, path, json={} if method == "PATCH" else None)
        assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_an_upsert_makes_once_and_changes_after(http: Http, win: Callable[..., str]) -> None:
    deal = win()
    path = f"{BOARD}/Deal_Key__c/{deal}"
    first = http("PATCH", path, json={"Opportunity__c": deal})
    second = http("PATCH", path, json={"Health__c": "Green"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (second.status_code, second.json()["created"]) == (200, False)
    assert first.json()["id"] == second.json()["id"]
    assert http("GET", path).json()["Health__c"] == "Green"


def test_an_upsert_heeds_its_limits(http: Http) -> None:
    missing = http("PATCH", f"{BOARD}/Plan_Id__c/x", json={})
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert http("PATCH", f"{BOARD}/Deal_Key__c/new?updateOnly=true", json={}).status_code == 404
    twice = http("PATCH", f"{BOARD}/Deal_Key__c/new", json={"Deal_Key__c": "new"})
    assert (twice.status_code, twice.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_an_external_id_is_decoded_once_and_heeds_capitals(http: Http) -> None:
    key = http("PATCH", f"{BOARD}/Deal_Key__c/a%2F1%202%C3%BC%252", json={})
    assert key.status_code == 201
    assert http.query("SELECT Deal_Key__c FROM Onboarding__c")["records"][0]["Deal_Key__c"] == "a/1 2ü%2"
    assert http("PATCH", f"{BOARD}/Deal_Key__c/abc", json={}).status_code == 201
    assert http("PATCH", f"{BOARD}/Deal_Key__c/ABC", json={}).status_code == 201


def test_several_matches_answer_300_with_their_addresses(http: Http, vendor: Salesforce) -> None:
    vendor.act("allow_duplicates", {"object": "Onboarding__c", "field": "Deal_Key__c"})
    ids = [vendor.org.insert("Onboarding__c", {"Deal_Key__c": "k"}) for _ in range(2)]
    answer = http("PATCH", f"{BOARD}/Deal_Key__c/k", json={})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v67.0{BOARD}/{one}" for one in ids]


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Next_Milestone__c": "x" * 256}, "STRING_TOO_LONG", "Next_Milestone__c"),
        ({"Status__c": "Done"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Status__c"),
        ({"Percent_Complete__c": 1000}, "NUMBER_OUTSIDE_VALID_RANGE", "Percent_Complete__c"),
        ({"Tasks_Done__c": 1_000_000}, "NUMBER_OUTSIDE_VALID_RANGE", "Tasks_Done__c"),
        ({"Opportunity__c": "006"}, "MALFORMED_ID", "Opportunity__c"),
        ({"Opportunity__c": mint("001", 1)}, "MALFORMED_ID", "Opportunity__c"),
        ({"Opportunity__c": mint("006", 999)}, "INVALID_CROSS_REFERENCE_KEY", "Opportunity__c"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "SystemModstamp"),
        ({"Nope__c": 1}, "INVALID_FIELD", None),
        ({"Hours_Tracked__c": "many"}, "JSON_PARSER_ERROR", None),
        ({"Target_Launch__c": "20/11/2026"}, "JSON_PARSER_ERROR", None),
        ({"Next_Milestone__c": 5}, "JSON_PARSER_ERROR", None),
        ({"Next_Milestone__c": {"a": 1}}, "JSON_PARSER_ERROR", None),
    ],
)
def test_a_wrong_value_is_refused_with_the_vendors_code(
    http: Http, fields: dict[str, Any], code: str, named: str | None
) -> None:
    answer = http("POST", BOARD, json=fields)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == code
    assert answer.json()[0].get("fields") == ([named] if named else None)
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 0


def test_required_fields_are_named_together(http: Http) -> None:
    answer = http("POST", "/sobjects/Opportunity", json={"Name": "x"}).json()[0]
    assert answer["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert answer["fields"] == ["StageName", "CloseDate"]
    assert answer["message"] == "Required fields are missing: [StageName, CloseDate]"


def test_values_are_kept_as_the_org_keeps_them(http: Http) -> None:
    fields = {
        "Next_Milestone__c": "  Kick-off \n",
        "Plan_Id__c": "",
        "Hours_Tracked__c": 1.005,
        "Percent_Complete__c": "12.345",
        "Status__c": "in progress",
        "Target_Launch__c": "2026-12-01T23:30:00+01:00",
    }
    record = http("GET", f"{BOARD}/{http('POST', BOARD, json=fields).json()['id']}").json()
    kept = {name: record[name] for name in fields}
    assert kept == {
        "Next_Milestone__c": "Kick-off",
        "Plan_Id__c": None,
        "Hours_Tracked__c": 1.01,
        "Percent_Complete__c": 12.35,
        "Status__c": "In Progress",
        "Target_Launch__c": "2026-12-01",
    }
    assert record["Name"] == record["Id"]


def test_a_second_record_with_a_unique_key_is_refused_until_the_first_is_gone(http: Http) -> None:
    first = http("POST", BOARD, json={"Deal_Key__c": "k"}).json()["id"]
    second = http("POST", BOARD, json={"Deal_Key__c": "k"})
    assert (second.status_code, second.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")
    assert first[:15] in second.json()[0]["message"]
    http("DELETE", f"{BOARD}/{first}")
    assert http("POST", BOARD, json={"Deal_Key__c": "k"}).status_code == 201


def test_a_reference_to_a_deleted_record_is_refused(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    deal = win()
    vendor.act("delete_deal", {"id": deal})
    answer = http("POST", BOARD, json={"Opportunity__c": deal})
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"


def test_a_precondition_on_the_last_change_is_kept(http: Http, world: World) -> None:
    path = f"{BOARD}/{http('POST', BOARD, json={}).json()['id']}"
    world.clock.advance(10)
    http("PATCH", path, json={"Tasks_Done__c": 1})

    def change(since: str) -> int:
        return http("PATCH", path, json={"Tasks_Done__c": 2}, headers={"If-Unmodified-Since": since}).status_code

    assert change("Fri, 20 Nov 2026 10:00:09 GMT") == 412
    assert http("GET", path).json()["Tasks_Done__c"] == 1
    assert change("Fri, 20 Nov 2026 10:00:10 GMT") == 204
    assert change("yesterday") == 400


def test_what_is_not_there_or_not_json_is_told(http: Http) -> None:
    assert http("GET", f"{BOARD}/nonsense").status_code == 404
    assert http("GET", f"{BOARD}/{mint('a0X', 77)}").status_code == 404
    assert http("GET", "/sobjects/Nope/describe").status_code == 404
    assert http("PUT", BOARD + "/" + mint("a0X", 77)).status_code == 404
    broken = http("POST", BOARD, data="{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert http("POST", BOARD, data="a=b").status_code == 415


def test_an_object_without_create_permission_refuses_new_records(http: Http) -> None:
    answer = http("POST", "/sobjects/User", json={"LastName": "x"})
    assert answer.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"


def test_describe_shows_fields_choices_and_children(http: Http) -> None:
    described = http("GET", f"{BOARD}/describe").json()
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Deal_Key__c"]["externalId"]
    assert fields["Deal_Key__c"]["unique"]
    assert fields["Hours_Tracked__c"] | {"precision": 10, "scale": 2} == fields["Hours_Tracked__c"]
    assert [one["value"] for one in fields["Health__c"]["picklistValues"]] == ["Green", "Amber", "Red"]
    assert not fields["SystemModstamp"]["updateable"]
    children = {
        one["relationshipName"] for one in http("GET", "/sobjects/Opportunity/describe").json()["childRelationships"]
    }
    assert {"OpportunityLineItems", "Onboardings__r"} <= children
    assert "Onboarding__c" in [one["name"] for one in http("GET", "/sobjects").json()["sobjects"]]


def test_describe_answers_304_until_the_schema_changes(http: Http, world: World, vendor: Salesforce) -> None:
    path = f"{BOARD}/describe"
    stamp = {"If-Modified-Since": http("GET", path).headers["Last-Modified"]}
    unchanged = http("GET", path, headers=stamp)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    world.clock.advance(60)
    vendor.act("hide_field", {"object": "Onboarding__c", "field": "Health__c"})
    changed = http("GET", path, headers=stamp)
    assert changed.status_code == 200
    assert "Health__c" not in [field["name"] for field in changed.json()["fields"]]


def test_a_loader_may_bring_ids_along_which_are_checked_and_never_minted_again(vendor: Salesforce) -> None:
    brought = mint("001", 1)
    assert vendor.org.insert("Account", {"Name": "A", "Id": brought[:15]}) == brought
    assert vendor.org.insert("Account", {"Name": "B"}) == mint("001", 2)
    for wrong, code in ((brought, "DUPLICATE_VALUE"), (mint("006", 1), "MALFORMED_ID"), ("001", "MALFORMED_ID")):
        with pytest.raises(Problem) as refused:
            vendor.org.insert("Account", {"Name": "C", "Id": wrong})
        assert refused.value.code == code
