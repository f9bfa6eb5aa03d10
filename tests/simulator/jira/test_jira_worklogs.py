"""Logged time and the two feeds that tell of it."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site

STARTED = "2026-11-02T08:30:00.000+0100"


def log(site: Site, issue: str, seconds: int = 3600, **params: Any) -> Any:
    return site.post(f"issue/{issue}/worklog", {"timeSpentSeconds": seconds, "started": STARTED}, params=params)


def times(site: Site, issue: str) -> tuple[int | None, int | None]:
    shown = site.get(f"issue/{issue}").json()["fields"]
    return shown["timespent"], shown["timeestimate"]


def test_logged_time_belongs_to_the_caller_and_takes_from_the_estimate(site: Site, new: Any) -> None:
    issue = new(timetracking={"originalEstimate": "4h"})
    answer = log(site, issue)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["timeSpent"], made["timeSpentSeconds"], made["started"]) == ("1h", 3600, STARTED)
    assert (made["author"]["displayName"], made["issueId"]) == ("Closedwon", issue)
    assert times(site, issue) == (3600, 10_800)


@pytest.mark.parametrize(("params", "remaining"), [
    ({"adjustEstimate": "leave"}, 14_400), ({"adjustEstimate": "new", "newEstimate": "1h"}, 3600),
    ({"adjustEstimate": "manual", "reduceBy": "2h"}, 7200), ({"adjustEstimate": "auto"}, 10_800),
])  # fmt: skip
def test_the_estimate_is_adjusted_as_told(site: Site, new: Any, params: dict[str, str], remaining: int) -> None:
    issue = new(timetracking={"originalEstimate": "4h"})
    log(site, issue, **params)
    assert times(site, issue) == (3600, remaining)


@pytest.mark.parametrize("started", ["2026-11-02T08:30:00+0100", "2026-11-02T08:30:00.000+01:00", "2026-11-02T08:30:00.000Z", "2026-13-02T08:30:00.000+0100", 5])  # fmt: skip
def test_started_has_one_format_only(site: Site, new: Any, started: Any) -> None:
    answer = site.post(f"issue/{new()}/worklog", {"timeSpentSeconds": 60, "started": started})
    assert (answer.status_code, set(answer.json()["errors"])) == (400, {"started"})


@pytest.mark.parametrize("body", [{}, {"timeSpentSeconds": 0}, {"timeSpentSeconds": "60"}, {"timeSpent": "soon"}, {"timeSpentSeconds": 60, "comment": "plain"}])  # fmt: skip
def test_a_bad_worklog_is_refused(site: Site, new: Any, body: dict[str, Any]) -> None:
    assert site.post(f"issue/{new()}/worklog", body).status_code == 400


def test_a_change_changes_what_is_sent_and_a_removal_gives_the_estimate_back(site: Site, new: Any) -> None:
    issue = new(timetracking={"originalEstimate": "4h"})
    made = log(site, issue).json()["id"]
    changed = site.put(f"issue/{issue}/worklog/{made}", {"timeSpentSeconds": 7200}).json()
    assert (changed["timeSpentSeconds"], changed["started"]) == (7200, STARTED)
    assert times(site, issue) == (7200, 7200)
    assert site.delete(f"issue/{issue}/worklog/{made}").status_code == 204
    assert times(site, issue) == (0, 14_400)
    assert site.get(f"issue/{issue}/worklog/{made}").status_code == 404


def test_a_moved_worklog_keeps_its_id(site: Site, new: Any) -> None:
    source, target = new("a"), new("b")
    made = log(site, source).json()["id"]
    assert site.post(f"issue/{source}/worklog/move", {"ids": [int(made)], "issueIdOrKey": target}).status_code == 204
    assert site.post("worklog/list", {"ids": [int(made)]}).json()[0]["issueId"] == target
    assert (times(site, source)[0], times(site, target)[0]) == (0, 3600)


def test_a_full_issue_takes_no_more_worklogs(site: Site, new: Any) -> None:
    issue = new()
    site.jira.knobs["worklog_limit"] = 1
    assert log(site, issue).status_code == 201
    assert log(site, issue).status_code == 413


def test_the_feed_keeps_the_last_minute_to_itself(site: Site, new: Any) -> None:
    made = int(log(site, new()).json()["id"])
    site.world.clock.advance(59)
    page = site.get("worklog/updated", since=0).json()
    assert (page["values"], page["until"], page["lastPage"]) == ([], 0, True)
    site.world.clock.advance(1)
    page = site.get("worklog/updated", since=0).json()
    assert page["values"] == [{"worklogId": made, "updatedTime": 1793610000000, "properties": []}]
    assert page["until"] == 1793610000000


def test_removals_are_in_the_other_feed_only(site: Site, new: Any) -> None:
    issue = new()
    made = int(log(site, issue).json()["id"])
    site.world.clock.advance(60)
    site.delete(f"issue/{issue}/worklog/{made}")
    site.world.clock.advance(60)
    assert site.get("worklog/updated", since=0).json()["values"] == []
    assert [entry["worklogId"] for entry in site.get("worklog/deleted", since=0).json()["values"]] == [made]
    assert site.post("worklog/list", {"ids": [made]}).json() == []


def test_a_feed_pages_by_a_thousand_and_until_leads_through_all_of_it(site: Site, new: Any) -> None:
    issue = site.jira.site.issues.get(new())
    for _ in range(1500):
        site.world.clock.advance(0.002)
        site.jira.site.worklogs.add(issue, who="5b10a2844c20165700ede21g", seconds=60, started=(STARTED, 0))
    site.world.clock.advance(61)
    first = site.get("worklog/updated", since=0).json()
    assert (len(first["values"]), first["lastPage"]) == (1000, False)
    assert first["nextPage"].endswith(f"since={first['until']}")
    second = site.get("worklog/updated", since=first["until"]).json()
    seen = {entry["worklogId"] for page in (first, second) for entry in page["values"]}
    assert (len(seen), second["lastPage"]) == (1500, True)


def test_changes_of_one_millisecond_stay_on_one_page(site: Site, new: Any) -> None:
    issue = site.jira.site.issues.get(new())
    for _ in range(1001):
        site.jira.site.worklogs.add(issue, who="5b10a2844c20165700ede21g", seconds=60, started=(STARTED, 0))
    site.world.clock.advance(61)
    page = site.get("worklog/updated", since=0).json()
    assert (len(page["values"]), page["lastPage"]) == (1001, True)


def test_more_than_a_thousand_ids_are_refused(site: Site) -> None:
    assert site.post("worklog/list", {"ids": list(range(1001))}).status_code == 400


def test_with_the_race_on_time_spent_loses_what_the_worklogs_keep(site: Site, new: Any) -> None:
    issue = new()
    site.jira.knobs["timespent_race"] = True
    log(site, issue)
    log(site, issue)
    logs = site.get(f"issue/{issue}/worklog").json()["worklogs"]
    assert (sum(entry["timeSpentSeconds"] for entry in logs), times(site, issue)[0]) == (7200, 3600)


def test_time_on_a_sub_task_adds_up_on_its_parent_but_not_on_the_epic(site: Site, new: Any) -> None:
    epic = new("Plan", issuetype={"name": "Epic"})
    parent = new(parent={"id": epic})
    child = new("part", issuetype={"name": "Sub-task"}, parent={"id": parent})
    log(site, child)
    log(site, parent, 60)
    assert site.get(f"issue/{parent}").json()["fields"]["aggregatetimespent"] == 3660
    assert site.get(f"issue/{epic}").json()["fields"]["aggregatetimespent"] is None


@pytest.mark.parametrize("told", [False, True])
def test_whether_a_deleted_issues_worklogs_reach_the_feed_is_a_knob(site: Site, new: Any, told: bool) -> None:
    site.jira.knobs["deleted_issues_in_worklog_feed"] = told
    issue = new()
    log(site, issue)
    site.delete(f"issue/{issue}")
    site.world.clock.advance(61)
    assert site.get("worklog/updated", since=0).json()["values"] == []
    assert len(site.get("worklog/deleted", since=0).json()["values"]) == told


def test_an_issue_embeds_twenty_worklogs(site: Site, new: Any) -> None:
    issue = new()
    for _ in range(21):
        log(site, issue, 60)
    shown = site.get(f"issue/{issue}", fields="worklog").json()["fields"]["worklog"]
    assert (len(shown["worklogs"]), shown["total"]) == (20, 21)
    assert len(site.get(f"issue/{issue}/worklog").json()["worklogs"]) == 21
