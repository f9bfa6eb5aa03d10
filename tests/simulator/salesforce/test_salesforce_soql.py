"""SOQL: what is understood, what it means, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.salesforce.spans import span

DEALS = (
    ("Alpha", "Closed Won", "2026-11-20", 10.0, "First O'Neil"),
    ("beta", "Closed Lost", "2026-11-19", 20.0, None),
    ("Gamma_x", "Prospecting", "2026-10-31", None, "100% sure"),
    ("delta", "Closed Won", "2025-12-31", 40.5, "back\\slash"),
)


@pytest.fixture
def deals(vendor: Salesforce) -> dict[str, str]:
    ids = {}
    for name, stage, closes, hours, step in DEALS:
        fields = {"Name": name, "StageName": stage, "CloseDate": closes, "Contracted_Hours__c": hours, "NextStep": step}
        ids[name] = vendor.org.insert("Opportunity", fields)
    return ids


def names(http: Http, where: str) -> list[str]:
    found = http.query(f"SELECT Name FROM Opportunity WHERE {where} ORDER BY CreatedDate, Id")
    return [record["Name"][0].lower() for record in found["records"]]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'ALPHA'", "a"),
        ("Name != 'alpha'", "bgd"),
        ("IsWon = true", "ad"),
        ("isclosed = FALSE", "g"),
        ("Contracted_Hours__c > 10", "bd"),
        ("Contracted_Hours__c >= 10 AND Contracted_Hours__c < 40.5", "ab"),
        ("Contracted_Hours__c = null", "g"),
        ("Contracted_Hours__c != null", "abd"),
        ("Contracted_Hours__c != 10", "bgd"),
        ("NOT Contracted_Hours__c > 10", "ag"),
        ("(IsWon = true AND Contracted_Hours__c > 10) OR Name = 'beta'", "bd"),
        ("IsWon = false AND (Name = 'beta' OR Name = 'Gamma_x')", "bg"),
        ("Name LIKE '%TA'", "bd"),
        ("Name LIKE '_eta'", "b"),
        ("Name LIKE 'Gamma\\_x'", "g"),
        ("Name LIKE 'Gam\\_a_x'", ""),
        ("NextStep LIKE '%\\%%'", "g"),
        ("NextStep = 'First O\\'Neil'", "a"),
        ("NextStep = 'back\\\\slash'", "d"),
        ("NextStep = null", "b"),
        ("Name IN ('Alpha', 'BETA')", "ab"),
        ("Name NOT IN ('Alpha', 'BETA')", "gd"),
        ("StageName IN ('Closed Won')", "ad"),
        ("NextStep NOT IN ('100% sure')", "abd"),
        ("Contracted_Hours__c IN (10, null)", "ag"),
        ("CloseDate = 2026-11-20", "a"),
        ("CloseDate < 2026-11-01", "gd"),
        ("CloseDate = TODAY", "a"),
        ("CloseDate = YESTERDAY", "b"),
        ("CloseDate = LAST_N_DAYS:1", "ab"),
        ("CloseDate = LAST_MONTH", "g"),
        ("CloseDate < THIS_YEAR", "d"),
        ("CloseDate >= THIS_MONTH", "ab"),
        ("CloseDate != THIS_MONTH", "gd"),
        ("CreatedDate = TODAY", "abgd"),
        ("CreatedDate >= 2026-11-20T10:00:00Z", "abgd"),
        ("CreatedDate >= 2026-11-20T12:00:00.500+02:00", "abgd"),
        ("CreatedDate > 2026-11-20T10:00:00Z", ""),
        ("CreatedDate < TODAY", ""),
        ("Owner.Name = 'closedwon integration'", "abgd"),
        ("Account.Name = 'Acme'", ""),
        ("Account.Name = null", "abgd"),
    ],
)
def test_a_condition_finds(http: Http, deals: dict[str, str], where: str, found: str) -> None:
    assert names(http, where) == list(found)


def test_ids_are_found_in_both_lengths_and_never_in_the_wrong_case(http: Http, deals: dict[str, str]) -> None:
    full = deals["Alpha"]
    assert names(http, f"Id = '{full}'") == ["a"]
    assert names(http, f"Id = '{full[:15]}'") == ["a"]
    assert names(http, f"Id = '{full[:15].swapcase()}'") == []
    refused = http.refused("SELECT Id FROM Opportunity WHERE Id = '006abc'")
    assert refused["errorCode"] == "INVALID_QUERY_FILTER_OPERATOR"
    assert "invalid ID field: 006abc" in refused["message"]


def test_a_semi_join_finds_the_deals_with_a_product(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    deal = win()
    win("Other", lines=[{"product": "Seats", "quantity": 1, "price": 5}])
    inner = "SELECT OpportunityId FROM OpportunityLineItem WHERE Product2.Name = 'Onboarding'"
    found = http.query(f"SELECT Id FROM Opportunity WHERE Id IN ({inner})")
    assert [record["Id"] for record in found["records"]] == [deal]
    others = http.query(f"SELECT Name FROM Opportunity WHERE Id NOT IN ({inner})")
    assert [record["Name"] for record in others["records"]] == ["Other"]
    refused = http.refused("SELECT Id FROM Opportunity WHERE Id IN (SELECT Name FROM OpportunityLineItem)")
    assert "must be an ID or reference field" in refused["message"]


def test_order_puts_nulls_first_unless_told_otherwise(http: Http, deals: dict[str, str]) -> None:
    def ordered(by: str) -> str:
        found = http.query(f"SELECT Name FROM Opportunity ORDER BY {by}")["records"]
        return "".join(record["Name"][0].lower() for record in found)

    assert ordered("Contracted_Hours__c") == "gabd"
    assert ordered("Contracted_Hours__c DESC") == "gdba"
    assert ordered("Contracted_Hours__c DESC NULLS LAST") == "dbag"
    assert ordered("Name") == "abdg"
    assert ordered("IsWon DESC, Name DESC") == "dagb"
    assert ordered("Name LIMIT 2") == "ab"
    assert ordered("Name LIMIT 2 OFFSET 1") == "bd"


def test_count_answers_with_a_size_and_no_records(http: Http, deals: dict[str, str]) -> None:
    found = http.query("SELECT COUNT() FROM Opportunity WHERE IsWon = true")
    assert found == {"totalSize": 2, "done": True, "records": []}


def test_a_record_shows_parents_nested_and_children_paged_or_null(http: Http, win: Callable[..., str]) -> None:
    deal = win()
    columns = "id, account.name, Account.Owner.Name, Contact.Name"
    children = (
        "(SELECT Quantity, Product2.Name FROM OpportunityLineItems ORDER BY Quantity), (SELECT Id FROM Onboardings__r)"
    )
    record = http.query(f"SELECT {columns}, {children} FROM Opportunity")["records"][0]
    assert list(record) == ["attributes", "Id", "Account", "Contact", "OpportunityLineItems", "Onboardings__r"]
    assert record["attributes"] == {"type": "Opportunity", "url": f"/services/data/v67.0/sobjects/Opportunity/{deal}"}
    assert record["Account"]["Name"] == "Acme"
    assert record["Account"]["Owner"]["Name"] == "Closedwon Integration"
    assert record["Contact"] is None
    assert record["Onboardings__r"] is None
    lines = record["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"]) == (2, True)
    assert [(line["Quantity"], line["Product2"]["Name"]) for line in lines["records"]] == [
        (3.0, "Seats"),
        (40.0, "Onboarding"),
    ]


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("SELECT Id, Nope__c FROM Opportunity", "INVALID_FIELD", "No such column 'Nope__c' on entity 'Opportunity'"),
        ("SELECT Id, Nope.Name FROM Opportunity", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        (
            "SELECT Id, (SELECT Id FROM Nopes) FROM Opportunity",
            "INVALID_TYPE",
            "Didn't understand relationship 'Nopes'",
        ),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Id, Id FROM Opportunity", "INVALID_FIELD", "duplicate field selected"),
        ("SELECT Id Key FROM Opportunity", "MALFORMED_QUERY", "unexpected token: 'Key'"),
        ("SELECT Id FROM Opportunity o", "MALFORMED_QUERY", "unexpected token: 'o'"),
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT * FROM Opportunity", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("SELECT FROM Opportunity", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        (
            "SELECT Id FROM Opportunity WHERE IsWon = true AND Name = 'a' OR Name = 'b'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id FROM Opportunity WHERE Name = 'a\\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ('SELECT Id FROM Opportunity WHERE Name = "a"', "MALFORMED_QUERY", "unexpected token"),
        (
            "SELECT Id FROM Opportunity WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Opportunity WHERE Amount = '5'",
            "INVALID_FIELD",
            "must be of type double and should not be enclosed",
        ),
        ("SELECT Id FROM Opportunity WHERE CloseDate = '2026-01-01'", "INVALID_FIELD", "must be of type date"),
        ("SELECT Id FROM Opportunity WHERE CreatedDate > 2026-11-20", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-02-30", "MALFORMED_QUERY", "Invalid date"),
        ("SELECT Id FROM Opportunity WHERE Kickoff_Notes__c = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Opportunity WHERE IsWon > false", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator"),
        ("SELECT Id FROM Opportunity LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Opportunity LIMIT 2.5", "MALFORMED_QUERY", "unexpected token: '2.5'"),
        ("SELECT Id FROM Opportunity OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
        ("SELECT Id FROM Opportunity WHERE StageName INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "multipicklist"),
    ],
)
def test_a_bad_query_is_refused_with_the_vendors_code(http: Http, text: str, code: str, part: str) -> None:
    refused = http.refused(text)
    assert refused["errorCode"] == code
    assert part in refused["message"]


def test_a_refusal_shows_row_column_and_a_caret(http: Http) -> None:
    message = http.refused("SELECT Id,\n Nope FROM Opportunity")["message"]
    assert "ERROR at Row:2:Column:2" in message
    excerpt, caret = message.split("\n")[1:3]
    assert excerpt[caret.index("^") :].startswith("Nope")


def test_a_multi_picklist_is_searched_by_its_parts(http: Http, vendor: Salesforce) -> None:
    field = vendor.org.schema.get("Account").find("Industry")
    assert field is not None
    field.type = "multipicklist"
    for name, value in (("A", "Banking;Education"), ("B", "Education"), ("C", None)):
        vendor.org.insert("Account", {"Name": name, "Industry": value})

    def found(where: str) -> list[str]:
        return [one["Name"] for one in http.query(f"SELECT Name FROM Account WHERE Industry {where}")["records"]]

    assert found("INCLUDES ('Education')") == ["A", "B"]
    assert found("INCLUDES ('Banking;Education', 'Other')") == ["A"]
    assert found("EXCLUDES ('Banking')") == ["B", "C"]


@pytest.mark.parametrize(
    ("word", "count", "first", "end"),
    [
        ("TODAY", 0, "2026-11-20", "2026-11-21"),
        ("THIS_WEEK", 0, "2026-11-15", "2026-11-22"),
        ("LAST_WEEK", 0, "2026-11-08", "2026-11-15"),
        ("NEXT_MONTH", 0, "2026-12-01", "2027-01-01"),
        ("THIS_QUARTER", 0, "2026-10-01", "2027-01-01"),
        ("LAST_QUARTER", 0, "2026-07-01", "2026-10-01"),
        ("LAST_YEAR", 0, "2025-01-01", "2026-01-01"),
        ("LAST_N_DAYS", 7, "2026-11-13", "2026-11-21"),
        ("NEXT_N_DAYS", 7, "2026-11-21", "2026-11-28"),
        ("LAST_N_MONTHS", 2, "2026-09-01", "2026-11-01"),
        ("NEXT_N_WEEKS", 1, "2026-11-22", "2026-11-29"),
        ("LAST_N_WEEKS", 2, "2026-11-01", "2026-11-15"),
        ("N_DAYS_AGO", 3, "2026-11-17", "2026-11-18"),
        ("N_YEARS_AGO", 1, "2025-01-01", "2026-01-01"),
        ("NEXT_90_DAYS", 0, "2026-11-21", "2027-02-19"),
    ],
)
def test_a_word_for_a_time_covers(word: str, count: int, first: str, end: str) -> None:
    found = span(word, count, date(2026, 11, 20))
    assert (found[0].isoformat(), found[1].isoformat()) == (first, end)
