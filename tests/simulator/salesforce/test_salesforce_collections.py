"""Many records in one call: Collections, Composite and graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

MANY = "/composite/sobjects"
UPSERT = f"{MANY}/Onboarding__c/Deal_Key__c"
ROOT = "/services/data/v67.0"


def board(**fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Onboarding__c"}, **fields}


def send(http: Http, method: str, path: str, *records: dict[str, Any], whole: bool = False) -> Any:
    return http(method, path, json={"allOrNone": whole, "records": list(records)})


def codes(results: list[dict[str, Any]]) -> list[str]:
    return ["ok" if one["success"] else one["errors"][0]["statusCode"] for one in results]


def test_results_stand_in_order_and_one_bad_record_stops_no_other(http: Http) -> None:
    answer = send(
        http, "PATCH", UPSERT, board(Deal_Key__c="a"), board(Deal_Key__c="b", Health__c="Blue"), board(Deal_Key__c="c")
    )
    assert answer.status_code == 200
    assert codes(answer.json()) == ["ok", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "ok"]
    assert answer.json()[1]["errors"][0]["fields"] == ["Health__c"]
    assert [one.get("created") for one in answer.json()] == [True, None, True]
    again = send(http, "PATCH", UPSERT, board(Deal_Key__c="a", Health__c="Red"))
    assert (again.json()[0]["created"], again.json()[0]["id"]) == (False, answer.json()[0]["id"])


def test_all_or_none_leaves_nothing_behind(http: Http, vendor: Salesforce) -> None:
    before = vendor.dump()["records"]
    answer = send(http, "POST", MANY, board(Name="a"), board(Status__c="Nope"), board(Name="c"), whole=True)
    assert codes(answer.json()) == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    assert vendor.dump()["records"] == before


def test_all_or_none_restores_what_an_update_changed(http: Http) -> None:
    record_id = send(http, "POST", MANY, board(Name="a", Health__c="Green")).json()[0]["id"]
    send(http, "PATCH", MANY, board(id=record_id, Health__c="Red"), board(id="a0X", Health__c="Red"), whole=True)
    found = http.query("SELECT Health__c FROM Onboarding__c WHERE Health__c = 'Green'")
    assert found["totalSize"] == 1


def test_the_records_of_one_call_share_a_stamp(http: Http, world: World) -> None:
    world.clock.advance(0.7)
    send(http, "POST", MANY, *(board(Name=str(number)) for number in range(200)))
    stamps = {one["SystemModstamp"] for one in http.query("SELECT SystemModstamp FROM Onboarding__c")["records"]}
    assert stamps == {"2026-11-20T10:00:00.000+0000"}


@pytest.mark.parametrize(
    ("method", "records", "code"),
    [
        ("POST", [board() for _ in range(201)], "EXCEEDED_ID_LIMIT"),
        ("POST", [board(), {"attributes": {"type": "Account"}, "Name": "x"}] * 6, "LIMIT_EXCEEDED"),
        ("POST", [board(Nope__c=1), board()], "INVALID_FIELD"),
        ("POST", [board(Hours_Tracked__c="x"), board()], "JSON_PARSER_ERROR"),
        ("POST", [{"Name": "x"}], "INVALID_TYPE"),
        ("PATCH", [board(id="a"), board(id="a")], "DUPLICATE_VALUE"),
    ],
)
def test_a_call_that_is_not_well_formed_is_refused_whole(
    http: Http, method: str, records: list[dict[str, Any]], code: str
) -> None:
    answer = send(http, method, MANY, *records)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 0


def test_ten_chunks_are_taken(http: Http) -> None:
    account = {"attributes": {"type": "Account"}, "Name": "x"}
    assert codes(send(http, "POST", MANY, *[board(), account] * 5).json()) == ["ok"] * 10


def test_a_key_twice_or_not_at_all_is_refused(http: Http) -> None:
    assert send(http, "PATCH", UPSERT, board(Deal_Key__c="a"), board(Deal_Key__c="a")).status_code == 400
    assert codes(send(http, "PATCH", UPSERT, board(Name="x"), board(Deal_Key__c="b")).json()) == [
        "MISSING_ARGUMENT",
        "ok",
    ]


def test_many_are_deleted_by_their_ids(http: Http) -> None:
    ids = [one["id"] for one in send(http, "POST", MANY, board(), board()).json()]
    answer = http("DELETE", MANY, params={"ids": ",".join([*ids, "bad"]), "allOrNone": "false"})
    assert codes(answer.json()) == ["ok", "ok", "MALFORMED_ID"]
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 0


def test_composite_lets_later_parts_use_earlier_answers(http: Http, win: Callable[..., str]) -> None:
    deal = win()
    parts = [
        {"method": "GET", "url": f"{ROOT}/query?q=SELECT Id FROM Opportunity WHERE IsWon = true", "referenceId": "won"},
        {
            "method": "PATCH",
            "url": f"{ROOT}/sobjects/Onboarding__c/Deal_Key__c/@{{won.records[0].Id}}",
            "referenceId": "made",
            "body": {"Opportunity__c": "@{won.records[0].Id}"},
        },
        {"method": "GET", "url": f"{ROOT}/sobjects/Onboarding__c/@{{made.id}}", "referenceId": "read"},
    ]
    answers = http("POST", "/composite", json={"allOrNone": True, "compositeRequest": parts}).json()[
        "compositeResponse"
    ]
    assert [one["httpStatusCode"] for one in answers] == [200, 201, 200]
    assert answers[2]["body"]["Deal_Key__c"] == deal


@pytest.mark.parametrize(("whole", "statuses", "left"), [(True, [400, 400, 400], 0), (False, [201, 400, 400], 1)])
def test_composite_rolls_back_only_when_all_or_none(http: Http, whole: bool, statuses: list[int], left: int) -> None:
    parts = [
        {"method": "POST", "url": f"{ROOT}/sobjects/Onboarding__c", "referenceId": "a", "body": {"Name": "a"}},
        {"method": "POST", "url": f"{ROOT}/sobjects/Onboarding__c", "referenceId": "b", "body": {"Nope__c": 1}},
        {"method": "GET", "url": f"{ROOT}/sobjects/Onboarding__c/@{{b.id}}", "referenceId": "c"},
    ]
    answers = http("POST", "/composite", json={"allOrNone": whole, "compositeRequest": parts}).json()[
        "compositeResponse"
    ]
    assert [one["httpStatusCode"] for one in answers] == statuses
    assert answers[1]["body"][0]["errorCode"] == "INVALID_FIELD"
    assert answers[2]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == left


def test_composite_has_its_limits(http: Http) -> None:
    def refused(count: int, path: str) -> str:
        parts = [{"method": "GET", "url": ROOT + path, "referenceId": f"r{number}"} for number in range(count)]
        return str(http("POST", "/composite", json={"compositeRequest": parts}).json()[0]["errorCode"])

    assert refused(26, "/limits") == "LIMIT_EXCEEDED"
    assert refused(6, "/query?q=SELECT Id FROM User") == "LIMIT_EXCEEDED"


def test_a_graph_fails_for_itself(http: Http) -> None:
    def make(name: str, fields: dict[str, Any]) -> dict[str, Any]:
        part = {"method": "POST", "url": f"{ROOT}/sobjects/Onboarding__c", "referenceId": "only", "body": fields}
        return {"graphId": name, "compositeRequest": [part]}

    body = {"graphs": [make("good", {"Name": "a"}), make("bad", {"Status__c": "Nope"})]}
    graphs = http("POST", "/composite/graph", json=body).json()["graphs"]
    assert [(one["graphId"], one["isSuccessful"]) for one in graphs] == [("good", True), ("bad", False)]
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 1
