"""Whatever is sent, the answer is one of the vendor's own; and an index never changes what a query finds."""

from __future__ import annotations

import operator
from contextlib import suppress
from functools import reduce
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from salesforce_talk import Http

from simulator.clock import Clock
from simulator.salesforce import Salesforce
from simulator.salesforce.problems import Problem
from simulator.server import World

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
WORDS = st.sampled_from(
    [
        "SELECT",
        "Id",
        "Name",
        ",",
        "FROM",
        "Opportunity",
        "WHERE",
        "(",
        ")",
        "AND",
        "OR",
        "NOT",
        "IN",
        "LIKE",
        "=",
        "!=",
        ">=",
        "<",
        "'a'",
        "'x\\'y'",
        "null",
        "true",
        "5",
        "2.5",
        "-1",
        "2026-11-20",
        "2026-11-20T10:00:00Z",
        "TODAY",
        "LAST_N_DAYS",
        ":",
        "ORDER",
        "BY",
        "DESC",
        "NULLS",
        "LAST",
        "LIMIT",
        "OFFSET",
        "COUNT()",
        "Account.Name",
        "OpportunityLineItems",
        "AccountId",
        "IsWon",
        "Amount",
        "CloseDate",
        "CreatedDate",
        "INCLUDES",
        "'",
        "\\",
        '"',
        ".",
        "é",
    ]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "Name",
        "Status__c",
        "Opportunity__c",
        "Tasks_Done__c",
        "Target_Launch__c",
        "OwnerId",
        "Deal_Key__c",
        "attributes",
        "id",
    ]
)
PATHS = st.sampled_from(
    [
        "/sobjects/Onboarding__c",
        "/sobjects/Onboarding__c/Deal_Key__c/k",
        "/composite/sobjects",
        "/composite/sobjects/Onboarding__c/Deal_Key__c",
        "/composite",
        "/composite/graph",
        "/jobs/ingest",
        "/jobs/query",
    ]
)


@QUICK
@given(words=st.lists(WORDS, max_size=14))
def test_any_text_is_answered_or_refused_as_a_query(vendor: Salesforce, words: list[str]) -> None:
    for text in (" ".join(words), "SELECT Id FROM Opportunity WHERE " + " ".join(words)):
        # A refusal is an answer; anything else that is raised fails the test.
        with suppress(Problem):
            vendor.queries.run(text, "", deleted=False)


@QUICK
@given(
    path=PATHS,
    method=st.sampled_from(["POST", "PATCH", "PUT"]),
    body=JSON
    | st.dictionaries(NAMES, JSON, max_size=4)
    | st.fixed_dictionaries({"records": st.lists(st.dictionaries(NAMES, JSON, max_size=3), max_size=2)})
    | st.fixed_dictionaries({"compositeRequest": st.lists(JSON, max_size=2)})
    | st.fixed_dictionaries({"graphs": st.lists(JSON, max_size=2)})
    | st.fixed_dictionaries({"operation": JSON, "object": JSON, "query": JSON}),
)
@example(path="/composite", method="POST", body={"compositeRequest": [None]})
@example(path="/composite/graph", method="POST", body={"graphs": [None]})
@example(path="/jobs/ingest", method="POST", body={"operation": [], "object": "Onboarding__c"})
def test_any_body_is_answered_or_refused_with_a_code(http: Http, path: str, method: str, body: Any) -> None:
    answer = http(method, path, json=body)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json()[0]["errorCode"]


def _org() -> Salesforce:
    vendor = Salesforce(World(clock=Clock(frozen=True)))
    accounts = [vendor.org.insert("Account", {"Name": f"A{number}"}) for number in range(3)]
    for number in range(12):
        deal = {"Name": f"D{number % 4}", "StageName": "Prospecting", "CloseDate": "2026-11-20", "Amount": number}
        vendor.org.insert("Opportunity", deal | {"AccountId": accounts[number % 3] if number % 5 else None})
    return vendor


ORG = _org()
ACCOUNTS = [row["Id"] for row in ORG.org.rows("Account")]
DEALS = [row["Id"] for row in ORG.org.rows("Opportunity")]
PARTS = st.one_of(
    st.sampled_from(ACCOUNTS).map(lambda one: f"AccountId = '{one}'"),
    st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=3).map(
        lambda ids: "AccountId IN ('" + "','".join(ids) + "')"
    ),
    st.lists(st.sampled_from(DEALS), min_size=1, max_size=5).map(lambda ids: "Id IN ('" + "','".join(ids) + "')"),
    st.sampled_from(DEALS).map(lambda one: f"Id != '{one}'"),
    st.integers(0, 12).map(lambda number: f"Amount >= {number}"),
    st.just("AccountId = null"),
    st.just("Id IN (SELECT Id FROM Opportunity WHERE Name = 'd1')"),
)


@QUICK
@given(parts=st.lists(PARTS, min_size=1, max_size=3))
def test_an_index_finds_what_a_scan_finds(parts: list[str]) -> None:
    def found(where: str) -> list[str]:
        answer = ORG.queries.run(f"SELECT Id FROM Opportunity WHERE {where}", "", deleted=False)
        return [record["Id"] for record in answer["records"]]

    scans = [set(found(f"({part}) OR Name = 'no such deal'")) for part in parts]
    expected = reduce(operator.and_, scans)
    assert found(" AND ".join(parts)) == [one for one in DEALS if one in expected]
