"""Pages of a query: how long, where next, and what moves between two of them."""

from __future__ import annotations

from typing import Any

import pytest
from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

ALL = "SELECT Id, Name FROM Account ORDER BY Name"


@pytest.fixture
def accounts(vendor: Salesforce) -> list[str]:
    return [vendor.org.insert("Account", {"Name": f"A{number:04}"}) for number in range(2100)]


def follow(http: Http, page: dict[str, Any]) -> list[dict[str, Any]]:
    pages = [page]
    while not pages[-1]["done"]:
        pages.append(http("GET", pages[-1]["nextRecordsUrl"]).json())
    return pages


def test_a_page_holds_2000_records_and_tells_where_the_next_is(http: Http, accounts: list[str]) -> None:
    pages = follow(http, http.query(ALL))
    assert [len(page["records"]) for page in pages] == [2000, 100]
    assert all(page["totalSize"] == 2100 for page in pages)
    assert pages[0]["nextRecordsUrl"].startswith("/services/data/v67.0/query/0r8")
    assert pages[0]["nextRecordsUrl"].endswith("-2000")
    assert "nextRecordsUrl" not in pages[1]
    assert [record["Id"] for page in pages for record in page["records"]] == accounts


def test_a_batch_size_is_a_hint_between_200_and_2000(http: Http, accounts: list[str]) -> None:
    def sizes(options: str) -> int:
        return len(http.query(ALL, headers={"Sforce-Query-Options": options})["records"])

    assert sizes("batchSize=500") == 500
    assert sizes("batchSize=1") == 200
    assert sizes("batchSize=9000") == 2000


def test_pages_may_be_short_while_more_is_to_come(http: Http, vendor: Salesforce, accounts: list[str]) -> None:
    vendor.knobs["short_pages"] = 700
    pages = follow(http, http.query(ALL))
    assert [len(page["records"]) for page in pages] == [700, 700, 700]
    assert [page["done"] for page in pages] == [False, False, True]


def test_rows_edited_or_deleted_between_pages_come_new_or_not_at_all(
    http: Http, vendor: Salesforce, accounts: list[str]
) -> None:
    first = http.query(ALL)
    vendor.org.update("Account", accounts[2050], {"Name": "moved"})
    vendor.org.delete("Account", accounts[2099])
    second = http("GET", first["nextRecordsUrl"]).json()
    assert len(second["records"]) == 99
    assert second["records"][50]["Name"] == "moved"
    assert second["totalSize"] == 2100


def test_a_locator_lives_two_days_and_a_made_up_one_never_did(http: Http, world: World, accounts: list[str]) -> None:
    following = http.query(ALL)["nextRecordsUrl"]
    world.clock.advance(2 * 24 * 3600 + 1)
    http.sign_in()
    for url in (following, "/query/0r8Wx0000000000AAA-2000", "/query/nonsense"):
        answer = http("GET", url)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_children_beyond_a_page_have_a_locator_of_their_own(http: Http, vendor: Salesforce) -> None:
    account = vendor.org.insert("Account", {"Name": "Big"})
    for number in range(250):
        deal = {"Name": f"D{number:03}", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-11-20"}
        vendor.org.insert("Opportunity", deal)
    vendor.knobs["short_pages"] = 200
    children = http.query("SELECT Id, (SELECT Name FROM Opportunities) FROM Account")["records"][0]["Opportunities"]
    assert (children["totalSize"], children["done"], len(children["records"])) == (250, False, 200)
    rest = http("GET", children["nextRecordsUrl"]).json()
    assert [record["Name"] for record in rest["records"]] == [f"D{number:03}" for number in range(200, 250)]


def test_query_leaves_the_recycle_bin_out_and_query_all_does_not(http: Http, vendor: Salesforce) -> None:
    gone = vendor.org.insert("Account", {"Name": "Gone"})
    vendor.org.delete("Account", gone)
    assert http.query("SELECT Id FROM Account")["totalSize"] == 0
    answer = http("GET", "/queryAll/", params={"q": "SELECT Id, IsDeleted FROM Account WHERE IsDeleted = true"}).json()
    assert [(record["Id"], record["IsDeleted"]) for record in answer["records"]] == [(gone, True)]
