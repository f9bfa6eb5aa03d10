from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.base import DealQuery
from connectors.errors import NotAuthorised, Refused, Stale, TryLater, Unknown
from connectors.pace import Pace
from connectors.salesforce import failures
from connectors.salesforce.client import endpoint

QUERY = "GET */query"
SOURCES = Path(failures.__file__).parent
TABLE = SOURCES.parents[1] / "docs" / "errors" / "salesforce.md"


@pytest.mark.parametrize(
    ("fault", "args"),
    [
        ("drop_before", {}),
        ("drop_after", {}),
        ("truncate", {}),
        ("html", {"status": 502}),
        ("html", {"status": 503}),
        ("html", {"status": 200}),
        ("server_unavailable", {}),
        ("query_timeout", {}),
        ("concurrent_limit", {}),
        ("status", {"status": 429}),
        ("status", {"status": 420}),
        ("status", {"status": 406}),
        ("status", {"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "x"}]}),
    ],
)
def test_a_read_outlives_what_passes_by_itself(rig, fault, args):
    deal = rig.win()
    rig.fail(fault, QUERY, args=args)
    assert [record.ref.id for record in rig.connect().deals(DealQuery())] == [deal]
    assert rig.calls() == 2
    assert rig.slept


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (400, "MALFORMED_QUERY", Refused, "SF-QUERY-01"),
        (400, "INVALID_TYPE", NotAuthorised, "SF-OBJECT-01"),
        (404, "NOT_FOUND", NotAuthorised, "SF-OBJECT-01"),
        (403, "API_DISABLED_FOR_ORG", NotAuthorised, "SF-ACCESS-01"),
        (403, "API_CURRENTLY_DISABLED", NotAuthorised, "SF-ACCESS-01"),
        (403, "TXN_SECURITY_METERING_ERROR", NotAuthorised, "SF-ACCESS-01"),
        (403, "INSUFFICIENT_ACCESS", NotAuthorised, "SF-ACCESS-01"),
        (410, "UNSUPPORTED_API_VERSION", NotAuthorised, "SF-VERSION-01"),
        (414, "URI_TOO_LONG", Refused, "SF-URL-01"),
        (431, "REQUEST_HEADER_TOO_LARGE", Refused, "SF-URL-01"),
        (412, "PRECONDITION_FAILED", Stale, "SF-STALE-01"),
    ],
)
def test_a_failure_that_stays_is_told_once_by_its_own_code(rig, status, code, kind, ours):
    rig.fail("error", QUERY, times=None, args={"status": status, "code": code})
    with pytest.raises(kind) as caught:
        rig.connect().deals(DealQuery())
    assert caught.value.code == ours
    assert rig.calls() == 1


@pytest.mark.parametrize(
    ("fault", "ours", "least"),
    [("total_limit", "SF-LIMIT-01", 600), ("concurrent_limit", "SF-LIMIT-02", 1)],
)
def test_the_two_meanings_of_one_limit_code_are_told_apart(rig, fault, ours, least):
    rig.fail(fault, QUERY, times=None)
    with pytest.raises(TryLater) as caught:
        rig.connect().changes("")
    assert caught.value.code == ours
    assert caught.value.delay >= least
    assert (caught.value.delay > 60) == (ours == "SF-LIMIT-01")


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [("7", 7.0), ("1.5", 1.5), ("Fri, 20 Nov 2026 12:00:09 GMT", 9.0)],
)
def test_a_retry_after_in_any_form_is_kept(rig, retry_after, expected):
    rig.fail("status", QUERY, args={"status": 429, "headers": {"Retry-After": retry_after}})
    assert rig.connect().changes("").cursor
    assert rig.slept == [expected]


def test_a_retired_api_version_names_the_setting(rig):
    with pytest.raises(NotAuthorised, match="api_version") as caught:
        rig.connect(api_version="30.0").changes("")
    assert caught.value.code == "SF-VERSION-01"


def test_an_answer_that_never_comes_is_given_up_at_the_timeout(rig):
    rig.fail("delay", QUERY, args={"seconds": 0.3})
    assert rig.connect(read_timeout=0.1).changes("").cursor
    assert rig.calls() == 2


def test_a_redirect_is_not_followed(rig):
    rig.fail("status", QUERY, times=None, args={"status": 302, "headers": {"Location": f"{rig.url}/elsewhere"}})
    with pytest.raises(NotAuthorised) as caught:
        rig.connect().changes("")
    assert caught.value.code == "HTTP-REDIRECT-01"
    assert rig.calls() == 1


def test_an_address_without_a_salesforce_is_named_as_such(rig):
    rig.fail("html", QUERY, args={"status": 404})
    with pytest.raises(NotAuthorised) as caught:
        rig.connect().changes("")
    assert caught.value.code == "SF-OBJECT-02"


def test_a_json_answer_of_another_shape_is_not_taken_for_an_empty_result(rig):
    rig.fail("status", QUERY, args={"status": 200, "body": {"ok": True}})
    with pytest.raises(TryLater) as caught:
        rig.connect().deals(DealQuery())
    assert caught.value.code == "SF-ANSWER-01"


def test_a_server_error_may_have_done_its_work():
    said = failures.read(500, b'[{"errorCode":"UNKNOWN_EXCEPTION","message":"x"}]')
    assert isinstance(failures.explain(said, {}, now=None), Unknown)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null", b"[1]", b'"text"'])
def test_a_failed_answer_of_any_shape_is_read(body):
    assert failures.read(503, body).status == 503
    assert failures.explain(failures.read(503, body), {}, now=None).code == "SF-EDGE-01"


def test_full_storage_waits_for_somebody_to_free_it():
    for explained in (
        failures.explain(failures.Said(400, "STORAGE_LIMIT_EXCEEDED"), {}, now=None),
        failures.explain_record(failures.Said(200, "STORAGE_LIMIT_EXCEEDED"), key="k"),
    ):
        assert isinstance(explained, TryLater)
        assert explained.delay >= 600


def test_the_allotment_that_the_vendor_reports_reaches_the_meter(rig):
    rig.vendor.knobs["daily_api_limit"] = 5000
    rig.vendor.knobs["api_used"] = 4000
    pace = Pace()
    rig.connect(meter=pace).changes("")
    assert pace.remaining == 999
    assert pace.calls == {"POST /services/oauth2/token": 1, "GET /query": 1}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/services/data/v67.0/query/0r8Wx0000000001AAA-2000", "GET /query/{id}"),
        ("GET", "/services/data/v67.0/sobjects/Onboarding__c/describe/", "GET /sobjects/Onboarding__c/describe"),
        (
            "GET",
            "/services/data/v67.0/jobs/ingest/750Wx000000001bIAA/failedResults",
            "GET /jobs/ingest/{id}/failedResults",
        ),
        (
            "GET",
            "/services/data/v67.0/jobs/ingest/750Wx000000001bIAA/unprocessedrecords",
            "GET /jobs/ingest/{id}/unprocessedrecords",
        ),
        ("POST", "/services/oauth2/token", "POST /services/oauth2/token"),
    ],
)
def test_calls_are_named_without_ids(method, path, name):
    assert endpoint(method, path) == name


def test_every_code_has_its_line_in_the_operators_table():
    raised = {code for file in SOURCES.glob("*.py") for code in re.findall(r"SF-[A-Z]+-\d\d", file.read_text("utf-8"))}
    listed = set(re.findall(r"^\| (SF-[A-Z]+-\d\d) \|", TABLE.read_text("utf-8"), re.MULTILINE))
    assert raised - {code for code in raised if code.endswith("-00")} == listed
