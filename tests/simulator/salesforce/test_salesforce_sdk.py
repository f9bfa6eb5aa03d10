"""The SDK that the product uses, unchanged but for its transport, on the simulator."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from salesforce_talk import Http
from simple_salesforce.api import Salesforce as Sdk
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from simulator.salesforce import Salesforce
from simulator.server import World


def test_it_signs_in_by_client_credentials_and_by_a_signed_assertion(
    vendor: Salesforce, sdk: Sdk, sdk_session: requests.Session
) -> None:
    assert sdk.session_id in vendor.auth.tokens
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    vendor.knobs["jwt_public_key"] = public.decode()
    signed = Sdk(
        username="closedwon@example.com",
        consumer_key="closedwon",
        privatekey=private,
        domain="acme.my",
        version="67.0",
        session=sdk_session,
    )
    assert signed.limits()["DailyApiRequests"]["Max"] == 100_000


def test_it_is_told_why_it_may_not_sign_in(vendor: Salesforce, sdk_session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Sdk(consumer_key="closedwon", consumer_secret="no", domain="acme.my", session=sdk_session)


def test_it_reads_all_pages_with_parents_and_children(vendor: Salesforce, sdk: Sdk, win: Callable[..., str]) -> None:
    vendor.knobs["short_pages"] = 2
    won = [win(f"Deal {number}") for number in range(5)]
    text = "SELECT Id, Account.Name, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity WHERE IsWon = true"
    records = list(sdk.query_all_iter(text))
    assert [record["Id"] for record in records] == won
    assert [record["OpportunityLineItems"]["totalSize"] for record in records] == [2] * 5
    assert sdk.api_usage["api-usage"].used == 3


def test_it_uses_records_upserts_and_collections(sdk: Sdk, win: Callable[..., str]) -> None:
    deal = win()
    assert sdk.Onboarding__c.upsert(f"Deal_Key__c/{deal}", {"Opportunity__c": deal}) == 201
    assert sdk.Onboarding__c.upsert(f"Deal_Key__c/{deal}", {"Health__c": "Green"}) == 200
    made = sdk.Onboarding__c.get_by_custom_id("Deal_Key__c", deal)["Id"]
    body = {"records": [{"attributes": {"type": "Onboarding__c"}, "id": made, "Tasks_Done__c": 4}]}
    assert sdk.restful("composite/sobjects", method="PATCH", json=body)[0]["success"]
    assert sdk.Onboarding__c.get(made)["Tasks_Done__c"] == 4.0
    assert sdk.Onboarding__c.delete(made) == 204
    assert "Onboarding__c" in [one["name"] for one in sdk.describe()["sobjects"]]
    assert sdk.Onboarding__c.describe()["name"] == "Onboarding__c"


def test_it_runs_bulk_jobs_both_ways(vendor: Salesforce, sdk: Sdk) -> None:
    records = [{"Deal_Key__c": f"k{number}", "Tasks_Total__c": str(number)} for number in range(30)]
    (result,) = sdk.bulk2.Onboarding__c.upsert(records=records, external_id_field="Deal_Key__c", wait=0)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (30, 0)
    pages = list(sdk.bulk2.Onboarding__c.query("SELECT Deal_Key__c FROM Onboarding__c", max_records=20, wait=0))
    assert [len(page.splitlines()) - 1 for page in pages] == [20, 10]


def test_it_raises_its_own_error_for_each_status(
    world: World, vendor: Salesforce, sdk: Sdk, http: Http, sdk_session: requests.Session
) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        sdk.query("SELECT Nope FROM Account")
    with pytest.raises(SalesforceResourceNotFound):
        sdk.restful("nowhere")
    world.faults.add("total_limit")
    with pytest.raises(SalesforceRefusedRequest, match="TotalRequests"):
        sdk.limits()
    world.faults.add("duplicate_external_id")
    with pytest.raises(SalesforceMoreThanOneRecord):
        sdk.restful("sobjects/Onboarding__c/Deal_Key__c/k", method="PATCH", json={})
    direct = Sdk(session_id="stale", instance_url="https://acme.my.salesforce.com", version="67.0", session=sdk_session)
    with pytest.raises(SalesforceExpiredSession):
        direct.query("SELECT Id FROM Account")


def test_ten_thousand_deals_with_their_lines_are_read_in_time(vendor: Salesforce, http: Http) -> None:
    org = vendor.org
    account = org.insert("Account", {"Name": "A"})
    product = org.insert("Product2", {"Name": "P", "ProductCode": "P"})
    deals = []
    for number in range(10_000):
        stage = "Closed Won" if number % 2 else "Prospecting"
        deal = {"Name": f"D{number}", "AccountId": account, "StageName": stage, "CloseDate": "2026-11-20"}
        deals.append(org.insert("Opportunity", deal))
        for _ in range(3):
            line = {"OpportunityId": deals[-1], "Product2Id": product, "Quantity": 1, "UnitPrice": 10}
            org.insert("OpportunityLineItem", line)
    org.store.changes.clear()
    children = "(SELECT Quantity, Product2.ProductCode FROM OpportunityLineItems), (SELECT Id FROM Onboardings__r)"
    ids = "','".join(deals[:400])
    start = time.process_time()
    for text, count in (
        (
            f"SELECT Id, Name, Amount, Account.Name, {children} FROM Opportunity WHERE IsWon = true ORDER BY SystemModstamp, Id",
            5000,
        ),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp >= 2026-11-20T10:00:01Z", 0),
        (f"SELECT Id, {children} FROM Opportunity WHERE Id IN ('{ids}')", 400),
    ):
        page = http.query(text)
        records = len(page["records"])
        while not page["done"]:
            page = http("GET", page["nextRecordsUrl"]).json()
            records += len(page["records"])
        assert records == count
    assert time.process_time() - start < 1.5
