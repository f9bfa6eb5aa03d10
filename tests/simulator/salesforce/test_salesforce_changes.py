"""What changes are seen when: stamps, visibility, feeds, and what the org works out by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

WINDOW = {"start": "2026-11-20T09:00:00Z", "end": "2026-11-20T12:00:00Z"}


def deal(http: Http, deal_id: str) -> dict[str, Any]:
    return dict(http("GET", f"/sobjects/Opportunity/{deal_id}").json())


def test_winning_and_reopening_follow_from_the_stage(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    deal_id = win()
    won = deal(http, deal_id)
    assert (won["IsWon"], won["IsClosed"], won["Probability"], won["ForecastCategory"]) == (True, True, 100.0, "Closed")
    assert won["LastStageChangeDate"] == "2026-11-20T10:00:00.000+0000"
    vendor.act("reopen_deal", {"id": deal_id})
    open_again = deal(http, deal_id)
    assert (open_again["IsWon"], open_again["IsClosed"], open_again["Probability"]) == (False, False, 90.0)
    assert http("PATCH", f"/sobjects/Opportunity/{deal_id}", json={"IsWon": True}).status_code == 400


def test_lines_make_the_amount_and_writes_to_it_are_ignored(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    deal_id = win()
    assert deal(http, deal_id)["Amount"] == 40 * 150 + 3 * 99
    assert http("PATCH", f"/sobjects/Opportunity/{deal_id}", json={"Amount": 5}).status_code == 204
    assert deal(http, deal_id)["Amount"] == 6297.0
    world.clock.advance(30)
    line = vendor.act("add_line", {"id": deal_id, "product": "Training", "quantity": 2, "price": 100})["id"]
    seen = deal(http, deal_id)
    assert seen["Amount"] == 6497.0
    assert seen["SystemModstamp"] == "2026-11-20T10:00:30.000+0000"
    assert seen["LastModifiedDate"] == "2026-11-20T10:00:00.000+0000"
    vendor.act("remove_line", {"id": line})
    assert deal(http, deal_id)["Amount"] == 6297.0


def test_an_amount_without_lines_is_written(http: Http, win: Callable[..., str]) -> None:
    deal_id = win(lines=[])
    http("PATCH", f"/sobjects/Opportunity/{deal_id}", json={"Amount": 5})
    assert deal(http, deal_id) | {"Amount": 5.0, "HasOpportunityLineItem": False} == deal(http, deal_id)


def test_a_committed_row_is_read_by_id_before_queries_see_it(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    vendor.knobs["visible_after_seconds"] = 120
    deal_id = win()
    poll = "SELECT Id, SystemModstamp FROM Opportunity WHERE SystemModstamp >= 2026-11-20T10:00:00Z"
    assert deal(http, deal_id)["IsWon"]
    assert http.query(poll)["totalSize"] == 0
    world.clock.advance(119)
    assert http.query(poll)["totalSize"] == 0
    world.clock.advance(1)
    record = http.query(poll)["records"][0]
    assert (record["Id"], record["SystemModstamp"]) == (deal_id, "2026-11-20T10:00:00.000+0000")


def test_an_edit_hides_behind_the_old_values_until_it_is_visible(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    deal_id = win()
    vendor.knobs["visible_after_seconds"] = 60
    vendor.act("edit_deal", {"id": deal_id, "fields": {"Name": "New name"}})
    assert http.query("SELECT Name FROM Opportunity")["records"][0]["Name"] == "Acme rollout"
    assert http.query("SELECT Name FROM Opportunity WHERE Name = 'New name'")["totalSize"] == 0
    world.clock.advance(61)
    assert http.query("SELECT Name FROM Opportunity")["records"][0]["Name"] == "New name"


def test_a_rolled_back_edit_never_becomes_visible(http: Http, world: World, vendor: Salesforce) -> None:
    record = {"attributes": {"type": "Onboarding__c"}}
    made = http("POST", "/composite/sobjects", json={"records": [record | {"Name": "old"}]}).json()[0]["id"]
    vendor.knobs["visible_after_seconds"] = 10
    records = [record | {"id": made, "Name": "new"}, record | {"id": "bad"}]
    http("PATCH", "/composite/sobjects", json={"allOrNone": True, "records": records})
    world.clock.advance(11)
    assert http.query("SELECT Name FROM Onboarding__c")["records"][0]["Name"] == "old"


def test_a_rolled_back_edit_does_not_come_up_behind_a_later_one(http: Http, world: World, vendor: Salesforce) -> None:
    record = {"attributes": {"type": "Onboarding__c"}}
    made = http("POST", "/composite/sobjects", json={"records": [record | {"Name": "old"}]}).json()[0]["id"]
    vendor.knobs["visible_after_seconds"] = 10
    records = [record | {"id": made, "Name": "undone"}, record | {"id": "bad"}]
    http("PATCH", "/composite/sobjects", json={"allOrNone": True, "records": records})
    world.clock.advance(5)
    http("PATCH", f"/sobjects/Onboarding__c/{made}", json={"Name": "new"})
    for seconds, name in ((6, "old"), (6, "new")):
        world.clock.advance(seconds)
        assert http.query("SELECT Name FROM Onboarding__c")["records"][0]["Name"] == name


def test_a_later_edit_that_is_seen_first_is_not_overtaken(http: Http, world: World, vendor: Salesforce) -> None:
    made = http("POST", "/sobjects/Onboarding__c", json={"Name": "old"}).json()["id"]
    for lag, name in ((60, "slow"), (1, "fast")):
        vendor.knobs["visible_after_seconds"] = lag
        http("PATCH", f"/sobjects/Onboarding__c/{made}", json={"Name": name})
    world.clock.advance(2)
    assert http.query("SELECT Name FROM Onboarding__c")["records"][0]["Name"] == "fast"
    world.clock.advance(60)
    assert http.query("SELECT Name FROM Onboarding__c")["records"][0]["Name"] == "fast"


def test_the_feed_of_changed_ids_covers_only_what_is_visible(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    first = win()
    assert http("GET", "/sobjects/Opportunity/updated/", params=WINDOW).json() == {
        "ids": [first],
        "latestDateCovered": "2026-11-20T12:00:00.000+0000",
    }
    world.clock.advance(90)
    vendor.knobs["visible_after_seconds"] = 60
    second = win("Second")
    lagging = http("GET", "/sobjects/Opportunity/updated/", params=WINDOW).json()
    assert lagging == {"ids": [first], "latestDateCovered": "2026-11-20T10:01:30.000+0000"}
    world.clock.advance(60)
    assert http("GET", "/sobjects/Opportunity/updated/", params=WINDOW).json()["ids"] == [first, second]


def test_the_feeds_refuse_windows_that_are_too_short_or_too_old(http: Http) -> None:
    def code(name: str, start: str, end: str) -> str:
        answer = http("GET", f"/sobjects/Opportunity/{name}", params={"start": start, "end": end})
        return str(answer.json()[0]["errorCode"])

    assert code("updated", "2026-11-20T10:00:00Z", "2026-11-20T10:00:59Z") == "INVALID_REPLICATION_DATE"
    assert code("updated", "2026-10-20T10:00:00Z", "2026-11-20T10:00:00Z") == "INVALID_REPLICATION_DATE"
    assert code("deleted", "2026-11-01T10:00:00Z", "2026-11-20T10:00:00Z") == "INVALID_REPLICATION_DATE"
    assert code("updated", "2026-11-20T10:00:00", "2026-11-20T10:09:00") == "INVALID_REPLICATION_DATE"


def test_a_deleted_deal_takes_its_lines_along_and_brings_them_back(
    http: Http, vendor: Salesforce, win: Callable[..., str]
) -> None:
    deal_id = win()
    made = http("POST", "/sobjects/Onboarding__c", json={"Opportunity__c": deal_id}).json()["id"]
    vendor.act("delete_deal", {"id": deal_id})
    gone = http("GET", "/sobjects/Opportunity/deleted/", params=WINDOW).json()["deletedRecords"]
    assert [one["id"] for one in gone] == [deal_id]
    assert http.query("SELECT COUNT() FROM OpportunityLineItem")["totalSize"] == 0
    assert http("GET", f"/sobjects/Onboarding__c/{made}").json()["Opportunity__c"] is None
    vendor.act("undelete_deal", {"id": deal_id})
    assert http.query("SELECT COUNT() FROM OpportunityLineItem")["totalSize"] == 2
    assert http("GET", f"/sobjects/Onboarding__c/{made}").json()["Opportunity__c"] == deal_id
    assert deal(http, deal_id)["Amount"] == 6297.0


def test_a_line_removed_before_its_deal_stays_removed(
    http: Http, world: World, vendor: Salesforce, win: Callable[..., str]
) -> None:
    deal_id = win()
    lines = http.query("SELECT Id FROM OpportunityLineItem ORDER BY Quantity")["records"]
    vendor.act("remove_line", {"id": lines[0]["Id"]})
    world.clock.advance(60)
    vendor.act("delete_deal", {"id": deal_id})
    vendor.act("undelete_deal", {"id": deal_id})
    assert [one["Id"] for one in http.query("SELECT Id FROM OpportunityLineItem")["records"]] == [lines[1]["Id"]]
    assert deal(http, deal_id)["Amount"] == 6000.0


def test_an_emptied_recycle_bin_leaves_no_trace(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    deal_id = win()
    vendor.act("delete_deal", {"id": deal_id})
    assert vendor.act("empty_recycle_bin", {}) == {"purged": 3}
    assert http("GET", "/sobjects/Opportunity/deleted/", params=WINDOW).json()["deletedRecords"] == []
    everything = http("GET", "/queryAll", params={"q": "SELECT Id FROM Opportunity"}).json()
    assert everything["totalSize"] == 0
    assert http("GET", f"/sobjects/Opportunity/{deal_id}").json()[0]["errorCode"] == "NOT_FOUND"


def test_a_merged_account_points_at_its_master(http: Http, vendor: Salesforce, win: Callable[..., str]) -> None:
    win()
    win("Twin", account="Acme Inc")
    ids = {one["Name"]: one["Id"] for one in http.query("SELECT Id, Name FROM Account")["records"]}
    vendor.act("merge_accounts", {"master": ids["Acme"], "losers": [ids["Acme Inc"]]})
    text = "SELECT Id, IsDeleted, MasterRecordId FROM Account WHERE IsDeleted = true"
    loser = http("GET", "/queryAll", params={"q": text}).json()["records"][0]
    assert (loser["Id"], loser["MasterRecordId"]) == (ids["Acme Inc"], ids["Acme"])
    owners = http.query("SELECT Account.Name FROM Opportunity")["records"]
    assert [one["Account"]["Name"] for one in owners] == ["Acme", "Acme"]


def test_changes_name_their_author(http: Http, win: Callable[..., str]) -> None:
    deal_id = win(owner="Cleo Jones")
    text = "SELECT LastModifiedBy.Name, Owner.Email FROM Opportunity"
    by_person = http.query(text)["records"][0]
    assert (by_person["LastModifiedBy"]["Name"], by_person["Owner"]["Email"]) == (
        "Cleo Jones",
        "cleo.jones@example.com",
    )
    http("PATCH", f"/sobjects/Opportunity/{deal_id}", json={"NextStep": "x"})
    assert http.query(text)["records"][0]["LastModifiedBy"]["Name"] == "Closedwon Integration"
