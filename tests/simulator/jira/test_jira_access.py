"""Who is let in, who only seems to be, and every way in which the site fails."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from jira_site import AUTH, Site

EXPIRED = ("closedwon@example.com", "expired")


def test_the_signed_in_are_told_who_they_are(site: Site) -> None:
    answer = site.get("myself")
    assert (answer.status_code, answer.json()["timeZone"]) == (200, "Europe/Amsterdam")
    assert answer.headers["X-AACCOUNTID"] == answer.json()["accountId"] == "5b10ac8d82e05b22cc7d4ef5"
    assert answer.headers["X-Seraph-LoginReason"] == "OK"


def test_without_credentials_only_server_info_answers(site: Site) -> None:
    info = requests.get(f"{site.url}/rest/api/2/serverInfo", timeout=5)
    assert (info.status_code, info.json()["deploymentType"]) == (200, "Cloud")
    for path in ("myself", "issue/ONB-1", "search/jql?jql=project=ONB", "field"):
        refusal = requests.get(f"{site.url}/rest/api/3/{path}", timeout=5)
        assert (refusal.status_code, set(refusal.json())) == (401, {"errorMessages", "errors"})


def test_an_expired_token_reads_as_nobody_and_looks_like_an_empty_site(site: Site, new: Any) -> None:
    issue = new(labels=["a"])
    site.jira.act("log_time", {"issue": issue, "seconds": 60})
    site.world.clock.advance(61)
    site.jira.act("expire_token", {})
    answer = site.get("search/jql", jql="labels = a")
    assert (answer.status_code, answer.json()["issues"]) == (200, [])
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert "X-AACCOUNTID" not in answer.headers
    assert site.get(f"issue/{issue}").status_code == 404
    assert site.get("project/ONB").status_code == 404
    assert site.post("issue/bulkfetch", {"issueIdsOrKeys": [issue]}).json()["issues"] == []
    assert site.get("worklog/updated", since=0).json()["values"] == []
    assert all(not field["custom"] for field in site.get("field").json())
    assert site.get("myself").status_code == 401


def test_an_expired_token_writes_nothing(site: Site, new: Any) -> None:
    issue = new()
    for method, path, body in (
        ("POST", "issue", {"fields": {}}),
        ("PUT", f"issue/{issue}", {"fields": {"summary": "x"}}),
        ("DELETE", f"issue/{issue}", None),
        ("POST", f"issue/{issue}/worklog", {"timeSpentSeconds": 60}),
    ):
        assert site.call(method, path, body, auth=EXPIRED).status_code == 401
    assert site.get(f"issue/{issue}").json()["fields"]["summary"] == "Kick-off call"


def test_a_site_may_refuse_strangers_outright(site: Site) -> None:
    site.jira.knobs["anonymous_read"] = False
    assert site.call("GET", "field", auth=EXPIRED).status_code == 401


def test_a_permission_taken_away_shows_as_jira_shows_it(site: Site, new: Any) -> None:
    issue = new()
    site.jira.knobs["denied_permissions"] = ["CREATE_ISSUES", "EDIT_ISSUES"]
    refusal = site.post("issue", {"fields": {"project": {"key": "ONB"}}})
    assert (refusal.status_code, set(refusal.json()["errors"])) == (400, {"project"})
    assert site.put(f"issue/{issue}", {"fields": {"summary": "x"}}).status_code == 403
    have = site.get("mypermissions", permissions="CREATE_ISSUES,DELETE_ISSUES", projectKey="ONB").json()["permissions"]
    assert {name: entry["havePermission"] for name, entry in have.items()} == {
        "CREATE_ISSUES": False,
        "DELETE_ISSUES": True,
    }
    site.jira.knobs["denied_permissions"] = ["BROWSE_PROJECTS"]
    assert site.get(f"issue/{issue}").status_code == 404


def test_self_links_take_the_gateways_form_when_told(site: Site, new: Any) -> None:
    issue = new()
    assert site.get(f"issue/{issue}").json()["self"] == f"{site.url}/rest/api/3/issue/{issue}"
    site.jira.knobs["gateway_self_links"] = True
    assert site.get(f"issue/{issue}").json()["self"].startswith("https://api.atlassian.com/ex/jira/")


@pytest.mark.parametrize(
    ("fault", "args", "status", "header"),
    [
        ("rate_limited", {}, 429, ("Retry-After", "5")),
        ("rate_limited", {"retry_after": 1847, "reason": "jira-quota-tenant-based"}, 429, ("RateLimit-Reason", "jira-quota-tenant-based")),
        ("rate_limited", {"retry_after": 60, "http_date": True}, 429, ("Retry-After", "Mon, 02 Nov 2026 09:01:00 GMT")),
        ("rate_limited", {"retry_after": None}, 429, ("Retry-After", None)),
        ("gateway_429", {}, 429, ("Retry-After", None)),
        ("unavailable", {}, 503, ("Retry-After", None)),
        ("unavailable", {"retry_after": 3}, 503, ("Retry-After", "3")),
        ("error_500", {}, 500, ("Content-Type", "application/json;charset=UTF-8")),
        ("error_502", {}, 502, ("Content-Type", "text/html;charset=UTF-8")),
        ("conflict_409", {}, 409, ("Retry-After", None)),
        ("permission_lost", {}, 404, ("Retry-After", None)),
        ("permission_lost", {"status": 403}, 403, ("Retry-After", None)),
        ("field_vanished", {"field": "duedate"}, 400, ("Retry-After", None)),
        ("bad_page_token", {}, 400, ("Retry-After", None)),
        ("empty_json", {}, 200, ("Retry-After", None)),
    ],
)  # fmt: skip
def test_every_fault_has_its_status_and_headers_and_changes_nothing(
    site: Site, new: Any, fault: str, args: dict[str, Any], status: int, header: tuple[str, str | None]
) -> None:
    issue = new()
    site.world.faults.add(fault, vendor="jira", endpoint="PUT /rest/api/3/issue/{id}", args=args)
    answer = site.put(f"issue/{issue}", {"fields": {"summary": "x"}})
    assert (answer.status_code, answer.headers.get(header[0])) == (status, header[1])
    assert site.get(f"issue/{issue}").json()["fields"]["summary"] == "Kick-off call"


def test_a_fault_may_come_after_the_commit(site: Site, new: Any) -> None:
    issue = new()
    site.world.faults.add("unavailable", endpoint="PUT *", after=True)
    assert site.put(f"issue/{issue}", {"fields": {"summary": "x"}}).status_code == 503
    assert site.get(f"issue/{issue}").json()["fields"]["summary"] == "x"


def test_a_create_whose_answer_is_cut_has_happened(site: Site) -> None:
    site.world.faults.add("drop_after", endpoint="POST /rest/api/3/issue")
    body = {"fields": {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Once", "labels": ["k"]}}
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{site.url}/rest/api/3/issue", json=body, auth=AUTH, timeout=5)
    assert len(site.search("labels = k")) == 1


def test_a_token_may_expire_for_one_call_only(site: Site, new: Any) -> None:
    issue = new()
    site.world.faults.add("token_expired", endpoint="GET /rest/api/3/issue/{id}")
    assert [site.get(f"issue/{issue}").status_code for _ in range(2)] == [404, 200]


def test_bursts_are_limited_per_operation(site: Site) -> None:
    site.jira.knobs["rate_limits"] = True
    site.jira.knobs["rates"] = {"GET": 5}
    answers = [site.get("status") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["RateLimit-Reason"] == "jira-burst-based"
    assert (answers[0].headers["X-RateLimit-Remaining"], answers[4].headers["X-RateLimit-NearLimit"]) == ("4", "true")
    assert site.get("field").status_code == 200, "another operation has a bucket of its own"
    site.world.clock.advance(1)
    assert site.get("status").status_code == 200


def test_writes_to_one_issue_are_limited(site: Site, new: Any) -> None:
    issue, other = new(), new()
    site.jira.knobs["rate_limits"] = True
    answers = [site.put(f"issue/{issue}/properties/k", n) for n in range(21)]
    assert [answer.status_code for answer in answers] == [201] + [200] * 19 + [429]
    assert answers[-1].headers["RateLimit-Reason"] == "jira-per-issue-on-write"
    assert site.put(f"issue/{other}/properties/k", 1).status_code == 201
    for _ in range(4):
        site.world.clock.advance(3)
        assert {site.put(f"issue/{issue}/properties/k", n).status_code for n in range(20)} == {200}
    site.world.clock.advance(3)
    refusal = site.put(f"issue/{issue}/properties/k", 1)
    assert (refusal.status_code, int(refusal.headers["Retry-After"]) > 2) == (429, True)


def test_unknown_paths_and_methods_answer_as_a_web_server_does(site: Site) -> None:
    assert site.get("nothing").status_code == 404
    assert site.call("PATCH", "issue/ONB-1").status_code == 405


def test_calls_are_counted_by_operation(site: Site, new: Any) -> None:
    site.get(f"issue/{new()}")
    site.get("issue/NOPE-1/properties/some key")
    assert site.world.calls["jira", "GET /rest/api/3/issue/{id}"] == 1
    assert site.world.calls["jira", "GET /rest/api/3/issue/{id}/properties/{propertyKey}"] == 1


@pytest.mark.parametrize(
    "path",
    ["serverInfo", "field", "status", "statuscategory", "issuetype", "issuetype/project?projectId=10000", "project/ONB?expand=issueTypes",
     "project/search", "project/ONB/statuses", "issue/createmeta/ONB/issuetypes", "issue/createmeta/ONB/issuetypes/10001",
     "user?accountId=5b10a2844c20165700ede21g", "user/search?query=ada", "configuration/timetracking/options"],
)  # fmt: skip
def test_what_the_site_is_can_be_read_in_atlassians_shapes(site: Site, path: str) -> None:
    """The shapes are judged by the contract when the test ends."""
    answer = site.get(path)
    assert answer.status_code == 200
    assert answer.json()
