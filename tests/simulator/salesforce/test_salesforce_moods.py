"""Allowances, faults and refusals that have nothing to do with the caller's data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

UPSERT = "/composite/sobjects/Onboarding__c/Deal_Key__c"


def boards(*keys: str) -> dict[str, Any]:
    return {"records": [{"attributes": {"type": "Onboarding__c"}, "Deal_Key__c": key} for key in keys]}


def test_every_answer_of_the_api_tells_the_usage(http: Http, vendor: Salesforce) -> None:
    vendor.knobs["api_used"] = 90
    vendor.knobs["daily_api_limit"] = 92
    assert http("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=91/92"
    assert http("GET", "/nowhere").headers["Sforce-Limit-Info"] == "api-usage=92/92"
    refused = http("GET", "/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.json()[0]["message"] == "TotalRequests Limit exceeded."
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=92/92"


def test_the_allowance_comes_back_within_a_day(http: Http, world: World, vendor: Salesforce) -> None:
    vendor.knobs["daily_api_limit"] = 1
    assert [http("GET", "/limits").status_code for _ in range(2)] == [200, 403]
    world.clock.advance(25 * 3600)
    assert http.sign_in()("GET", "/limits").json()["DailyApiRequests"] == {"Max": 1, "Remaining": 0}


@pytest.mark.parametrize(
    ("fault", "args", "status", "body"),
    [
        ("concurrent_limit", {}, 403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        ("total_limit", {}, 403, "TotalRequests Limit exceeded."),
        ("server_unavailable", {}, 503, "SERVER_UNAVAILABLE"),
        ("query_timeout", {}, 400, "QUERY_TIMEOUT"),
        ("session_expired", {}, 401, "INVALID_SESSION_ID"),
        ("html_401", {}, 401, "<!DOCTYPE html>"),
        ("html", {"status": 503}, 503, "<!DOCTYPE html>"),
        ("error", {"status": 400, "code": "STORAGE_LIMIT_EXCEEDED"}, 400, "STORAGE_LIMIT_EXCEEDED"),
    ],
)
def test_a_fault_strikes_once_and_the_next_call_passes(
    http: Http, world: World, fault: str, args: dict[str, Any], status: int, body: str
) -> None:
    world.faults.add(fault, vendor="salesforce", endpoint="GET */limits", args=args)
    struck = http("GET", "/limits")
    assert struck.status_code == status
    assert body in struck.text
    assert http("GET", "/limits").status_code == 200


def test_an_unknown_fault_is_told(vendor: Salesforce, http: Http) -> None:
    with pytest.raises(KeyError):
        vendor.fault("earthquake", None, {})  # type: ignore[arg-type]


def test_sessions_may_end_for_ever_and_logins_be_refused(http: Http, world: World, vendor: Salesforce) -> None:
    world.faults.add("session_expired", endpoint="GET */limits", args={"forever": True})
    assert [http("GET", "/limits").status_code for _ in range(2)] == [401, 401]
    vendor.knobs["refuse_login"] = "inactive user"
    form = {"grant_type": "client_credentials", "client_id": "closedwon", "client_secret": "simulator-secret"}
    answer = requests.post(f"{http.base}/services/oauth2/token", data=form, timeout=5)
    assert answer.json() == {"error": "invalid_grant", "error_description": "inactive user"}
    world.faults.add("oauth", endpoint="POST */token", args={"error": "app_not_found"})
    assert requests.post(f"{http.base}/services/oauth2/token", data=form, timeout=5).json()["error"] == "app_not_found"


def test_locks_strike_the_records_they_are_told_to(http: Http, world: World) -> None:
    world.faults.add("lock_row", endpoint="PATCH */composite/sobjects/*", args={"k": [0, 2]})
    results = http("PATCH", UPSERT, json=boards("a", "b", "c")).json()
    assert [one["success"] for one in results] == [False, True, False]
    assert results[0]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert all(one["success"] for one in http("PATCH", UPSERT, json=boards("a", "b", "c")).json())


def test_a_lock_on_a_single_record_is_a_400(http: Http, world: World) -> None:
    world.faults.add("lock_row", endpoint="PATCH */sobjects/Onboarding__c/*")
    answer = http("PATCH", "/sobjects/Onboarding__c/Deal_Key__c/k", json={})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "UNABLE_TO_LOCK_ROW")


def test_a_rule_of_the_org_may_strike_one_record(http: Http, world: World) -> None:
    world.faults.add("validation_rule", endpoint="PATCH *", args={"k": 1, "message": "Not now", "field": "Status__c"})
    results = http("PATCH", UPSERT, json=boards("a", "b")).json()
    assert results[1]["errors"] == [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not now", "fields": ["Status__c"]}
    ]


def test_a_field_may_vanish_in_mid_run(http: Http, world: World, win: Callable[..., str]) -> None:
    win()
    world.faults.add(
        "vanish_field", endpoint="GET */query", skip=1, args={"object": "Opportunity", "field": "NextStep"}
    )
    text = "SELECT NextStep FROM Opportunity"
    assert http.query(text)["totalSize"] == 1
    assert http.refused(text)["errorCode"] == "INVALID_FIELD"


def test_duplicate_external_ids_answer_300(http: Http, world: World) -> None:
    world.faults.add("duplicate_external_id", endpoint="PATCH */Deal_Key__c/{value}")
    answer = http("PATCH", "/sobjects/Onboarding__c/Deal_Key__c/k", json={})
    assert answer.status_code == 300
    assert all(url.startswith("/services/data/v67.0/sobjects/Onboarding__c/a0X") for url in answer.json())


def test_a_cut_connection_may_have_committed_or_not(http: Http, world: World) -> None:
    for fault, left in (("drop_before", 0), ("drop_after", 1)):
        world.faults.add(fault, endpoint="PATCH *")
        with pytest.raises(requests.ConnectionError):
            http("PATCH", UPSERT, json=boards("a"))
        assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == left


def test_a_uri_or_headers_that_are_too_long_are_refused(http: Http) -> None:
    assert http("GET", "/query", params={"q": "x" * 16_400}).status_code == 414
    assert http("GET", "/query", params={"q": "x" * 16_000}, headers={"X-More": "y" * 400}).status_code == 431
    assert http("GET", "/query", params={"q": "x" * 15_000}).status_code == 400


def test_calls_are_counted_by_endpoint_with_ids_as_braces(http: Http, world: World, win: Callable[..., str]) -> None:
    deal_id = win()
    world.calls.clear()
    http("GET", f"/sobjects/Opportunity/{deal_id}")
    http("GET", "/sobjects/Opportunity/describe/")
    http("PATCH", f"/sobjects/Onboarding__c/Deal_Key__c/{deal_id}", json={})
    http("GET", "/query/0r8Wx0000000000AAA-2000")
    http("GET", "/jobs/query/750Wx0000000000AAA/results")
    root = "/services/data/{version}"
    assert dict(world.calls) == {
        ("salesforce", f"GET {root}/sobjects/Opportunity/{{id}}"): 1,
        ("salesforce", f"GET {root}/sobjects/Opportunity/describe"): 1,
        ("salesforce", f"PATCH {root}/sobjects/Onboarding__c/Deal_Key__c/{{value}}"): 1,
        ("salesforce", f"GET {root}/query/{{locator}}"): 1,
        ("salesforce", f"GET {root}/jobs/query/{{id}}/results"): 1,
    }
