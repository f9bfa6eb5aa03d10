from __future__ import annotations

import logging
import traceback
from email.utils import format_datetime

import pytest
from jira_bench import EMAIL, plan, task, update, wanted, written

from connectors.base import Failed, PlanRefs, Written
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from connectors.jira import JiraSettings

BULK = "POST /rest/api/3/issue/bulk"
FETCH = "POST /rest/api/3/issue/bulkfetch"
PUT = "PUT /rest/api/3/issue/{id}"
SECRET = "planted-s3cret-token"


@pytest.fixture
def tracker(bench):
    return bench.connector()


@pytest.fixture
def made(tracker):
    (epic,) = written(tracker, plan())
    return written(tracker, task(epic.ref))[0]


def read(tracker, made):
    return [record.ref.id for record in tracker.fetch([PlanRefs(made.ref)])]


TRANSIENT = [
    ("drop_before", {}),
    ("drop_after", {}),
    ("truncate", {}),
    ("html", {"args": {"status": 502}}),
    ("html", {"args": {"status": 200}}),
    ("error_500", {}),
    ("error_502", {}),
    ("unavailable", {"args": {"retry_after": 2}}),
    ("unavailable", {}),
    ("gateway_429", {}),
    ("rate_limited", {"args": {"retry_after": 2}}),
    ("rate_limited", {"args": {"retry_after": None}}),
    ("rate_limited", {"args": {"retry_after": 2, "http_date": True}}),
    ("rate_limited", {"args": {"retry_after": 2, "reason": "jira-per-issue-on-write"}}),
    ("rate_limited", {"args": {"retry_after": 2, "reason": "jira-quota-tenant-based"}}),
    ("status", {"args": {"status": 429, "headers": {"Retry-After": "1.5"}}}),
    ("conflict_409", {}),
]


@pytest.mark.parametrize(("fault", "parts"), TRANSIENT)
def test_a_read_outlives_a_passing_failure(bench, tracker, made, fault, parts):
    bench.fault(fault, FETCH, **parts)
    assert read(tracker, made) == [made.ref.id]


@pytest.mark.parametrize(("fault", "parts"), TRANSIENT)
def test_an_edit_outlives_a_passing_failure_and_is_stored_once(bench, tracker, made, fault, parts):
    bench.fault(fault, PUT, **parts)
    (result,) = written(tracker, update(made, summary="Changed"))
    assert result.fields == {"summary": "Changed"}
    assert len(bench.jira.site.issues.get(made.ref.id).history) == 1


@pytest.mark.parametrize(
    "args",
    [
        {"retry_after": 3},
        {"retry_after": 3, "http_date": True},
        {"retry_after": None},
        {"retry_after": 3, "reason": "jira-cost-based"},
    ],
)
def test_a_create_that_was_surely_not_made_is_made_after_the_pause_and_once(bench, tracker, args):
    bench.fault("rate_limited", BULK, args=args)
    written(tracker, plan())
    assert len(bench.issues()) == 1
    # A date says when by the second, so up to one of the three may have gone by.
    assert sum(bench.slept) > 2


def test_a_gateways_429_without_a_word_of_when_is_tried_again_more_and_more_slowly(bench, tracker):
    bench.fault("gateway_429", BULK, times=2)
    written(tracker, plan())
    assert len(bench.issues()) == 1
    assert sum(bench.slept) >= 10


@pytest.mark.parametrize(
    ("reason", "code", "scope"),
    [
        ("jira-burst-based", "JIRA-RATE-01", f"endpoint:{PUT}"),
        ("jira-per-issue-on-write", "JIRA-RATE-02", "record:{id}"),
        ("jira-quota-global-based", "JIRA-RATE-03", "connection"),
        ("jira-quota-tenant-based", "JIRA-RATE-03", "connection"),
        ("jira-max-concurrent-threads-based", "JIRA-RATE-04", "connection"),
    ],
)
def test_a_long_pause_is_not_slept_through_and_says_what_must_wait(bench, tracker, made, reason, code, scope):
    bench.fault("rate_limited", PUT, args={"retry_after": 1847, "reason": reason})
    (result,) = tracker.write([update(made, summary="Changed")])
    assert isinstance(result.error, TryLater)
    assert (result.error.code, result.error.delay) == (code, 1847)
    assert result.error.scope == scope.replace("record:{id}", f"record:{made.ref.id}")
    assert sum(bench.slept) < 1


def test_a_pause_is_read_from_the_reset_time_where_retry_after_is_missing(bench, tracker, made):
    headers = {"RateLimit-Reason": "jira-quota-tenant-based", "X-RateLimit-Reset": "2099-01-01T00:00Z"}
    bench.fault("status", FETCH, args={"status": 429, "headers": headers})
    with pytest.raises(TryLater) as caught:
        read(tracker, made)
    assert caught.value.delay > 1e9


def test_a_retry_after_in_the_past_means_now(bench, tracker, made):
    stale = format_datetime(bench.world.clock.now().replace(year=2020), usegmt=True)
    bench.fault("status", FETCH, args={"status": 429, "headers": {"Retry-After": stale}})
    assert read(tracker, made) == [made.ref.id]


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "error_500", "html", "truncate"])
def test_a_read_that_goes_on_failing_ends_in_try_later(bench, tracker, made, fault):
    bench.fault(fault, FETCH, times=None)
    with pytest.raises(TryLater):
        read(tracker, made)
    assert bench.world.calls["jira", FETCH] == 4


def test_a_create_whose_connection_broke_is_never_sent_twice(bench, tracker):
    mark = tracker.mark()
    bench.fault("drop_before", BULK, times=None)
    (result,) = tracker.write([plan()])
    assert isinstance(result.error, Unknown)
    assert bench.world.calls["jira", BULK] == 1
    assert list(tracker.find([wanted(result.write, mark)])) == []


def test_nothing_is_sent_when_nobody_listens(bench):
    tracker = bench.connector(url="http://127.0.0.1:9")
    (result,) = tracker.write([plan()])
    assert isinstance(result.error, TryLater)
    assert result.error.code == "HTTP-CONNECT-01"


def test_a_token_that_expires_in_mid_batch_stops_the_rest_and_keeps_what_was_made(bench, tracker):
    writes = [plan(f"006{n}") for n in range(120)]
    results = []
    for result in tracker.write(writes):
        results.append(result)
        bench.jira.tokens.clear()
    assert sum(isinstance(r, Written) for r in results) == 50
    failed = [r for r in results if isinstance(r, Failed)]
    assert {type(r.error) for r in failed} == {NotAuthorised}
    assert len(failed) == 70
    assert bench.world.calls["jira", BULK] == 2


@pytest.mark.parametrize("parallel", [1, 3])
def test_a_quota_that_is_used_up_stops_the_batch_and_one_failing_record_does_not(bench, tracker, made, parallel):
    others = written(tracker, *(task(made.write.plan, f"t{n}") for n in range(8)))
    tracker = bench.connector(parallel=parallel)
    bench.world.calls.clear()
    bench.fault("rate_limited", PUT, times=None, args={"retry_after": 1847, "reason": "jira-quota-global-based"})
    results = list(tracker.write([update(w, summary="Changed") for w in others]))
    assert {r.error.code for r in results} == {"JIRA-RATE-03"}
    assert len(results) == 8
    assert bench.world.calls["jira", PUT] <= parallel
    bench.world.faults.clear()
    bench.fault("error_500", PUT, times=4)
    results = list(bench.connector().write([update(w, summary="Changed") for w in others]))
    assert [type(r) for r in results].count(Written) == 7
    (failed,) = [r for r in results if isinstance(r, Failed)]
    assert failed.error.scope == f"record:{failed.write.ref.id}"


@pytest.mark.parametrize("what", ["fetch", "find", "mark", "edit"])
def test_an_expired_token_is_never_taken_for_missing_records(bench, tracker, made, what):
    bench.jira.tokens.clear()
    act = {
        "fetch": lambda: read(tracker, made),
        "find": lambda: list(tracker.find([wanted(made.write, "0")])),
        "mark": lambda: bench.connector().mark(),
        "edit": lambda: raise_first(tracker.write([update(made, summary="Changed")])),
    }[what]
    with pytest.raises(NotAuthorised):
        act()


def raise_first(results):
    raise next(iter(results)).error


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, NotAuthorised, "JIRA-AUTH-01"),
        (403, NotAuthorised, "JIRA-AUTH-03"),
        (404, NotAuthorised, "JIRA-AUTH-02"),
        (410, NotAuthorised, "JIRA-API-01"),
        (413, Refused, "JIRA-LIMIT-01"),
        (422, Refused, "JIRA-REQUEST-01"),
        (302, NotAuthorised, "HTTP-REDIRECT-01"),
    ],
)
def test_each_status_says_what_happens_next(bench, tracker, made, status, error, code):
    headers = {"Location": "https://id.atlassian.com/login"} if status == 302 else {}
    bench.fault("status", PUT, args={"status": status, "body": {"errorMessages": ["No."]}, "headers": headers})
    (result,) = tracker.write([update(made, summary="Changed")])
    assert type(result.error) is error
    assert result.error.code == code


def test_what_a_stranger_may_see_is_not_taken_for_the_whole(bench, tracker, made):
    raw = {
        "id": made.ref.id,
        "key": "ONB-2",
        "fields": {"summary": "Public", "updated": "2026-01-01T00:00:00.000+0000"},
    }
    headers = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    bench.fault("status", FETCH, args={"status": 200, "body": {"issues": [raw]}, "headers": headers})
    with pytest.raises(NotAuthorised) as caught:
        read(tracker, made)
    assert caught.value.code == "JIRA-AUTH-02"


def test_a_captcha_is_told_apart_from_a_missing_permission(bench, tracker, made):
    headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=https://acme.example/login.jsp"}
    bench.fault("status", FETCH, args={"status": 403, "headers": headers})
    with pytest.raises(NotAuthorised) as caught:
        read(tracker, made)
    assert caught.value.code == "JIRA-AUTH-04"


def test_a_permission_that_is_lost_is_one_records_matter(bench, tracker, made):
    bench.fault("status", PUT, args={"status": 404, "headers": {"X-AACCOUNTID": "me"}})
    (result,) = tracker.write([update(made, summary="Changed")])
    assert (type(result.error), result.error.code) == (Refused, "JIRA-GONE-01")


def test_a_page_in_the_place_of_jira_is_the_connections_matter(bench, tracker, made):
    bench.fault("html", PUT, args={"status": 404})
    (result,) = tracker.write([update(made, summary="Changed")])
    assert (type(result.error), result.error.code) == (NotAuthorised, "JIRA-GONE-02")


def test_an_odd_error_body_does_not_break_the_explanation(bench, tracker, made):
    for body in (None, [], 7, {"errors": None}, {"errors": []}, {"errorMessages": "text"}):
        bench.fault("status", PUT, args={"status": 400, "body": body})
        (result,) = tracker.write([update(made, summary="Changed")])
        assert isinstance(result.error, Refused), body


def test_gateway_addresses_in_answers_are_never_followed(bench, tracker, made):
    bench.jira.knobs["gateway_self_links"] = True
    (result,) = written(tracker, update(made, summary="Changed", status="In Progress"))
    assert result.url == f"{bench.url}/browse/ONB-2"


def test_people_are_sent_to_the_site_when_the_api_is_a_gateway(bench, made):
    tracker = bench.connector(site="https://acme.atlassian.net/")
    (record,) = tracker.fetch([PlanRefs(made.ref)])
    assert record.url == "https://acme.atlassian.net/browse/ONB-2"


def test_a_host_off_the_allow_list_is_never_spoken_to(bench):
    tracker = bench.connector(hosts=("acme.atlassian.net",))
    (result,) = tracker.write([plan()])
    assert result.error.code == "HTTP-HOST-01"
    assert bench.world.count("jira") == 0


# -- secrets


def test_no_cookie_is_kept_that_could_outlive_the_token(bench, tracker, made):
    headers = {"X-AACCOUNTID": "me", "Set-Cookie": "cloud.session.token=abc; Path=/"}
    bench.fault("status", FETCH, args={"status": 200, "body": {"issues": []}, "headers": headers})
    read(tracker, made)
    assert list(tracker._client._session.cookies) == []


def chain(error):
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    return seen


def test_no_error_log_or_repr_shows_the_token(bench, caplog):
    caplog.set_level(logging.DEBUG)
    tracker = bench.connector(token=SECRET)
    shown = [repr(tracker), str(vars(tracker)), repr(tracker._settings), repr(vars(tracker._client))]
    faults = [("status", {"status": s, "body": {"errorMessages": [SECRET * 9]}}) for s in (401, 403, 429, 500)]
    faults += [("drop_after", {}), ("truncate", {}), ("html", {"status": 200})]
    for fault, args in faults:
        bench.world.faults.clear()
        bench.fault(fault, times=None, args=args)
        for act in (tracker.mark, lambda: raise_first(tracker.write([plan()]))):
            with pytest.raises(ConnectorError) as caught:
                act()
            shown += [f"{e!r} {e} {vars(e)}" for e in chain(caught.value)]
            shown += traceback.format_exception(caught.value)
        shown += [repr(finding) for finding in tracker.check()]
    assert SECRET not in "\n".join([*shown, caplog.text])
    assert "Basic " not in "\n".join([*shown, caplog.text])


def test_the_sdk_does_not_change_how_much_the_program_logs(bench, caplog):
    caplog.set_level(logging.ERROR, logger="jira")
    bench.connector()
    assert logging.getLogger("jira").level == logging.ERROR


def test_settings_hide_the_token_and_refuse_what_cannot_be_right():
    good = {"url": "https://acme.atlassian.net/", "email": EMAIL, "token": SECRET, "project": "ONB"}
    settings = JiraSettings.model_validate(good)
    assert SECRET not in repr(settings) + settings.model_dump_json()
    assert settings.http.hosts == {"acme.atlassian.net"}
    for wrong in (
        {"url": "acme.atlassian.net"},
        {"url": "https://me:pw@acme.atlassian.net"},
        {"project": "on b"},
        {"label": "two words"},
        {"parallel": 9},
        {"colour": "blue"},
    ):
        with pytest.raises(ValueError) as caught:
            JiraSettings.model_validate(good | wrong)
        assert SECRET not in str(caught.value)
