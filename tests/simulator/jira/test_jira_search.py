"""JQL search: what it finds, what it hides for a while, how it pages, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site, task


@pytest.fixture
def plan(site: Site, new: Any) -> dict[str, str]:
    """An epic with three tasks, made a minute apart."""
    ids = {"epic": new("Onboard Acme", issuetype={"name": "Epic"})}
    for name, fields in {
        "kickoff": {"labels": ["sf-1", "phase-1"], "customfield_10050": "Discovery"},
        "build": {"labels": ["sf-2"], "duedate": "2026-12-01", "customfield_10051": {"value": "Both"}},
        "launch": {"assignee": {"accountId": "5b10a2844c20165700ede21g"}, "issuetype": {"name": "Milestone"}},
    }.items():
        site.world.clock.advance(60)
        ids[name] = new(f"The {name}", parent={"id": ids["epic"]}, **fields)
    return ids


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        ("project = ONB AND labels = sf-1", "kickoff"),
        ("labels in (sf-1, sf-2)", "build kickoff"),
        ("project = ONB AND labels is EMPTY", "launch epic"),
        ("labels != sf-1", "build"),
        ("labels not in (sf-1)", "build"),
        ("NOT labels = sf-1 AND project = ONB", "launch build epic"),
        ("parent = ONB-1", "launch build kickoff"),
        ("parent = 10001 AND (labels = sf-2 OR assignee = ada@example.com)", "launch build"),
        ("key in (ONB-2, 10003)", "build kickoff"),
        ('issuetype = Epic OR type = "Milestone"', "launch epic"),
        ('project = ONB AND status = "To Do" AND statusCategory = new', "launch build kickoff epic"),
        ('statusCategory = "Done"', ""),
        ("assignee is not EMPTY", "launch"),
        ("assignee = currentUser()", ""),
        ("cf[10050] ~ discovery", "kickoff"),
        ('Audience = "Both"', "build"),
        ('summary ~ "kick*"', "kickoff"),
        ("text ~ acme", "epic"),
        ('due <= "2026-12-01"', "build"),
        ("updated >= 1793610120000", "launch build"),
        ("updated > 1793610120000", "launch"),
        ("updated >= -1m", "launch build"),
        ("created < 1793610060000", "epic"),
        ('updated >= "2026-11-02 10:02"', "launch build"),
        ("project = ONB ORDER BY created ASC", "epic kickoff build launch"),
        ("project = ONB ORDER BY type, summary DESC", "epic kickoff build launch"),
        ("project = ONB ORDER BY due", "build launch kickoff epic"),
    ],
)
def test_a_query_finds_what_jira_would(site: Site, plan: dict[str, str], jql: str, found: str) -> None:
    names = {issue: name for name, issue in plan.items()}
    assert [names[issue] for issue in site.search(jql)] == found.split()


def test_a_date_is_read_in_the_callers_zone_to_the_minute(site: Site, plan: dict[str, str]) -> None:
    """At 09:02 UTC it is 10:02 in Amsterdam, the zone of the service account."""
    assert site.search('updated >= "2026-11-02 10:04"') == []
    site.jira.site.schema.user_by_email("closedwon@example.com").timezone = "UTC"
    assert len(site.search('updated >= "2026-11-02 09:02"')) == 2


@pytest.mark.parametrize("jql", ["project = NOPE", "cf[99] = 1", "labels = no-such", 'updated >= "soon"', "assignee = nobody", "project = ONB AND type in magic()"])  # fmt: skip
def test_what_nobody_knows_matches_nothing_and_is_no_error(site: Site, plan: dict[str, str], jql: str) -> None:
    assert site.search(jql) == []


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("project = ", "before the end of the query"),
        ("project ONB", "Expecting operator"),
        ("project = ONB AND", "Expecting a field name"),
        ("(project = ONB", "Expecting ')'"),
        ("project = ONB ORDER created", "Expecting 'BY'"),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("", "Unbounded JQL"),
        ("ORDER BY created", "Unbounded JQL"),
        ("project = ONB ORDER BY " + ", ".join(["created"] * 8), "maximum number of fields in the ORDER BY"),
    ],
)
def test_what_is_no_bounded_jql_is_refused(site: Site, jql: str, message: str) -> None:
    answer = site.get("search/jql", jql=jql)
    assert answer.status_code == 400
    assert message in answer.json()["errorMessages"][0]


def test_a_new_issue_is_readable_at_once_but_found_only_after_the_lag(site: Site, new: Any) -> None:
    site.jira.knobs["search_lag_seconds"] = 30
    issue = new(labels=["sf-1"])
    assert site.get(f"issue/{issue}").status_code == 200
    assert site.search("labels = sf-1") == []
    site.world.clock.advance(29)
    assert site.search("labels = sf-1") == []
    site.world.clock.advance(1)
    assert site.search("labels = sf-1") == [issue]


def test_an_edit_and_a_deletion_lag_as_well(site: Site, new: Any) -> None:
    issue, other = new(labels=["a"]), new(labels=["a"])
    site.jira.knobs["search_lag_seconds"] = 30
    site.put(f"issue/{issue}", {"fields": {"labels": ["b"]}})
    assert site.search("labels = a") == [other, issue]
    assert site.search("labels = b") == []
    site.delete(f"issue/{other}")
    assert site.search("labels = a") == [issue], "a deleted issue leaves the page short"
    site.world.clock.advance(30)
    assert (site.search("labels = a"), site.search("labels = b")) == ([], [issue])


def test_reconciled_issues_are_as_they_are_now(site: Site, new: Any) -> None:
    site.jira.knobs["search_lag_seconds"] = 30
    issue, _ = new(labels=["a"]), new(labels=["a"])
    assert site.search("labels = a", reconcileIssues=issue) == [issue]
    site.world.clock.advance(30)
    assert site.search("labels = a", reconcileIssues=issue).count(issue) == 1, "an indexed one comes once"
    assert site.get("search/jql", jql="labels = a", reconcileIssues=",".join(map(str, range(51)))).status_code == 400


def test_a_found_issue_may_vanish_again_for_a_moment(site: Site, new: Any) -> None:
    issue = new(labels=["a"])
    site.jira.knobs["search_flicker"] = 0.5
    answers = [site.search("labels = a") for _ in range(40)]
    assert [] in answers
    assert [issue] in answers
    site.world.clock.advance(601)
    assert all(site.search("labels = a") == [issue] for _ in range(20))


def test_rows_are_ids_unless_fields_are_asked_for(site: Site, new: Any) -> None:
    issue = new()
    assert site.get("search/jql", jql="project = ONB").json() == {"issues": [{"id": issue}], "isLast": True}
    row = site.get("search/jql", jql="project = ONB", fields="summary,updated").json()["issues"][0]
    assert (row["key"], set(row["fields"])) == ("ONB-1", {"summary", "updated"})
    assert "timetracking" in site.get("search/jql", jql="project = ONB", fields="*all").json()["issues"][0]["fields"]
    assert (
        "timetracking"
        not in site.get("search/jql", jql="project = ONB", fields="*navigable").json()["issues"][0]["fields"]
    )


def test_pages_follow_tokens_and_never_tell_a_total(site: Site) -> None:
    site.post("issue/bulk", {"issueUpdates": [task(str(n)) for n in range(5)]})
    seen, token = [], None
    while True:
        page = site.post(
            "search/jql", {"jql": "project = ONB", "maxResults": 2} | ({"nextPageToken": token} if token else {})
        ).json()
        assert "total" not in page
        seen += [row["id"] for row in page["issues"]]
        token = page.get("nextPageToken")
        assert page["isLast"] == (token is None)
        if token is None:
            break
    assert sorted(seen) == [str(n) for n in range(10001, 10006)]


def test_a_token_of_another_query_or_of_last_week_is_refused(site: Site) -> None:
    site.post("issue/bulk", {"issueUpdates": [task(str(n)) for n in range(3)]})
    token = site.get("search/jql", jql="project = ONB", maxResults=1).json()["nextPageToken"]
    assert site.get("search/jql", jql="project = ONB", nextPageToken="made-up").status_code == 400
    assert site.get("search/jql", jql="labels is EMPTY", nextPageToken=token).status_code == 400
    assert site.get("search/jql", jql="project = ONB", nextPageToken=token).status_code == 200
    site.world.clock.advance(7 * 86_400 + 1)
    assert site.get("search/jql", jql="project = ONB", nextPageToken=token).status_code == 400


@pytest.mark.parametrize("body", [{"jql": "project = ONB", "startAt": 0}, {"jql": "project = ONB", "expand": None}, {"jql": "project = ONB", "fields": "summary"}, {"jql": "project = ONB", "maxResults": 0}, {"jql": "project = ONB", "maxResults": 5001}])  # fmt: skip
def test_the_posted_search_takes_only_what_its_schema_says(site: Site, body: dict[str, Any]) -> None:
    assert site.post("search/jql", body).status_code == 400


@pytest.mark.parametrize("version", ["2", "3", "latest"])
def test_the_old_search_is_gone(site: Site, version: str) -> None:
    answer = site.get(f"/rest/api/{version}/search", jql="project = ONB")
    assert (answer.status_code, "has been removed" in answer.json()["errorMessages"][0]) == (410, True)


def test_a_renamed_status_is_found_by_its_new_name(site: Site, new: Any) -> None:
    issue = new()
    site.jira.act("rename_status", {"status": "To Do", "name": "Open"})
    assert site.search("status = Open") == [issue]
    assert site.search('status = "To Do"') == []


def test_counting_matching_and_parsing_agree_with_searching(site: Site, new: Any) -> None:
    issue, other = int(new(labels=["a"])), int(new())
    assert site.post("search/approximate-count", {"jql": "labels = a"}).json() == {"count": 1}
    matches = site.post("jql/match", {"issueIds": [issue, other, 99], "jqls": ["labels = a", "labels ="]}).json()[
        "matches"
    ]
    assert matches[0] == {"matchedIssues": [issue], "errors": []}
    assert matches[1]["errors"]


def test_strict_parsing_tells_what_an_empty_answer_hides(site: Site) -> None:
    queries = ["labels = a ORDER BY created DESC", "universe = 42", "project = INVALID", "invalid query"]
    good, field, value, syntax = site.post("jql/parse", {"queries": queries}, params={"validation": "strict"}).json()[
        "queries"
    ]
    assert good["structure"]["where"]["operand"]["value"] == "a"
    assert field["errors"] == ["Field 'universe' does not exist or you do not have permission to view it."]
    assert value["errors"] == ["The value 'INVALID' does not exist for the field 'project'."]
    assert "Expecting operator" in syntax["errors"][0]
    warned = site.post("jql/parse", {"queries": ["project = INVALID"]}, params={"validation": "warn"}).json()[
        "queries"
    ][0]
    assert warned["warnings"] == value["errors"]


def test_an_old_key_still_finds_a_moved_issue(site: Site, new: Any) -> None:
    issue = new()
    site.jira.act("move_issue", {"issue": issue, "project": "OPS"})
    assert site.search("key = ONB-1") == [issue]
    assert site.search("project = OPS") == [issue]
