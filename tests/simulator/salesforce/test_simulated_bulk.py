"""Bulk 2.0 jobs, in and out."""

from __future__ import annotations

import csv
import io
from typing import Any

from salesforce_talk import Http

from simulator.salesforce import Salesforce
from simulator.server import World

CSV = {"Content-Type": "text/csv; charset=UTF-8"}


def ingest(http: Http, operation: str, text: str, **more: Any) -> dict[str, Any]:
    body = {"operation": operation, "object": "Onboarding__c", "contentType": "CSV", "lineEnding": "LF", **more}
    job = http("POST", "/jobs/ingest", json=body).json()
    assert job["state"] == "Open"
    assert job["id"].startswith("750")
    uploaded = http("PUT", f"/{job['contentUrl']}", data=text.encode(), headers=CSV)
    assert (uploaded.status_code, uploaded.content) == (201, b"")
    assert (
        http("PATCH", f"/jobs/ingest/{job['id']}", json={"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    )
    return dict(http("GET", f"/jobs/ingest/{job['id']}").json())


def table(http: Http, job: dict[str, Any], part: str) -> list[dict[str, str]]:
    answer = http("GET", f"/jobs/ingest/{job['id']}/{part}")
    assert answer.headers["Content-Type"] == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_an_upsert_job_tells_what_became_of_each_row(http: Http) -> None:
    text = "Deal_Key__c,Health__c,Tasks_Done__c\na,Green,1\nb,Blue,2\nc,,3\n"
    job = ingest(http, "upsert", text, externalIdFieldName="Deal_Key__c")
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    good, bad = table(http, job, "successfulResults"), table(http, job, "failedResults")
    assert [(one["Deal_Key__c"], one["sf__Created"]) for one in good] == [("a", "true"), ("c", "true")]
    assert good[0]["sf__Id"].startswith("a0X")
    assert bad[0]["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    assert table(http, job, "unprocessedrecords") == table(http, job, "unprocessedRecords") == []


def test_an_empty_cell_keeps_and_a_marked_one_clears(http: Http) -> None:
    made = http("POST", "/sobjects/Onboarding__c", json={"Health__c": "Red", "Status__c": "On Hold"}).json()["id"]
    ingest(http, "update", f"Id,Health__c,Status__c\n{made},,#N/A\n")
    record = http("GET", f"/sobjects/Onboarding__c/{made}").json()
    assert (record["Health__c"], record["Status__c"]) == ("Red", None)


def test_records_are_deleted_softly_or_for_good(http: Http) -> None:
    ids = [http("POST", "/sobjects/Onboarding__c", json={}).json()["id"] for _ in range(2)]
    ingest(http, "delete", f"Id\n{ids[0]}\n")
    ingest(http, "hardDelete", f"Id\n{ids[1]}\n")
    left = http("GET", "/queryAll", params={"q": "SELECT Id FROM Onboarding__c"}).json()["records"]
    assert [one["Id"] for one in left] == [ids[0]]


def test_a_job_that_cannot_be_read_fails_whole(http: Http) -> None:
    unknown = ingest(http, "insert", "Name,Nope__c\na,1\n")
    assert (unknown["state"], unknown["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Nope__c")
    assert table(http, unknown, "unprocessedRecords") == [{"Name": "a", "Nope__c": "1"}]
    endings = ingest(http, "insert", "Name\r\na\r\n")
    assert endings["errorMessage"].startswith("ClientInputError : LineEnding is invalid")
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 0


def test_a_job_takes_its_time_and_its_rows_share_a_stamp(http: Http, world: World, vendor: Salesforce) -> None:
    vendor.knobs["bulk_seconds"] = 30
    body = {"operation": "insert", "object": "Onboarding__c", "contentType": "CSV", "lineEnding": "CRLF"}
    job = http("POST", "/jobs/ingest", json=body).json()
    path = f"/jobs/ingest/{job['id']}"
    http("PUT", f"{path}/batches", data=b"Name\r\na\r\nb\r\n", headers=CSV)
    http("PATCH", path, json={"state": "UploadComplete"})
    assert http("GET", path).json()["state"] == "InProgress"
    world.clock.advance(31)
    assert http("GET", path).json()["state"] == "JobComplete"
    stamps = {one["SystemModstamp"] for one in http.query("SELECT SystemModstamp FROM Onboarding__c")["records"]}
    assert stamps == {"2026-11-20T10:00:31.000+0000"}


def test_an_aborted_job_writes_nothing_and_a_deleted_one_is_gone(http: Http) -> None:
    job = http("POST", "/jobs/ingest", json={"operation": "insert", "object": "Onboarding__c"}).json()
    path = f"/jobs/ingest/{job['id']}"
    http("PUT", f"{path}/batches", data=b"Name\na\n", headers=CSV)
    assert http("PUT", f"{path}/batches", data=b"Name\na\n", headers=CSV).json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert http("PATCH", path, json={"state": "UploadComplete"}).status_code == 400
    assert http("DELETE", path).status_code == 204
    assert http("GET", path).status_code == 404
    assert http.query("SELECT COUNT() FROM Onboarding__c")["totalSize"] == 0


def test_a_query_job_gives_pages_with_a_locator(http: Http, vendor: Salesforce) -> None:
    for number in range(5):
        vendor.org.insert("Account", {"Name": f'A"{number}', "NumberOfEmployees": number})
    text = "SELECT Name, Owner.Name, NumberOfEmployees, IsDeleted FROM Account ORDER BY Name"
    job = http("POST", "/jobs/query", json={"operation": "query", "query": text}).json()
    assert job["state"] == "UploadComplete"
    path = f"/jobs/query/{job['id']}"
    assert http("GET", path).json()["state"] == "JobComplete"
    first = http("GET", f"{path}/results", params={"maxRecords": 3})
    assert (first.headers["Sforce-NumberOfRecords"], first.headers["Sforce-Locator"]) == ("3", "3")
    assert first.text.splitlines()[1] == '"A""0","Closedwon Integration","0","false"'
    last = http("GET", f"{path}/results", params={"maxRecords": 3, "locator": "3"})
    assert (last.headers["Sforce-NumberOfRecords"], last.headers["Sforce-Locator"]) == ("2", "null")


def test_a_query_job_takes_no_child_queries(http: Http) -> None:
    text = "SELECT Id, (SELECT Id FROM OpportunityLineItems) FROM Opportunity"
    answer = http("POST", "/jobs/query", json={"operation": "query", "query": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "API_ERROR")
