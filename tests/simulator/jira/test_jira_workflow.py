"""Workflows, and what people do: no status is set, every change is a walk."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site, task


def names(site: Site, issue: str) -> list[str]:
    return [arrow["name"] for arrow in site.get(f"issue/{issue}/transitions").json()["transitions"]]


def move(site: Site, issue: str, *ids: str) -> list[int]:
    return [site.post(f"issue/{issue}/transitions", {"transition": {"id": i}}).status_code for i in ids]


def status(site: Site, issue: str) -> str:
    return str(site.get(f"issue/{issue}").json()["fields"]["status"]["name"])


def test_done_is_three_hops_from_to_do(site: Site, new: Any) -> None:
    issue = new()
    assert names(site, issue) == ["Start", "Cancel"]
    assert move(site, issue, "71") == [400]
    assert move(site, issue, "11", "41", "71") == [204, 204, 204]
    shown = site.get(f"issue/{issue}").json()["fields"]
    assert shown["status"]["statusCategory"]["key"] == "done"
    assert shown["resolution"]["name"] == "Done"
    assert shown["resolutiondate"] is not None
    assert move(site, issue, "81") == [204]
    assert site.get(f"issue/{issue}").json()["fields"]["resolution"] is None


def test_ids_differ_by_workflow(site: Site, new: Any) -> None:
    epic = new("Plan", issuetype={"name": "Epic"})
    assert move(site, epic, "11") == [400]
    assert move(site, epic, "111", "121") == [204, 204]
    assert status(site, epic) == "Done"


@pytest.mark.parametrize("body", [{}, {"transition": {}}, {"transition": {"id": "x"}}, {"transition": {"id": "99"}}])
def test_a_transition_without_a_valid_id_is_refused(site: Site, new: Any, body: dict[str, Any]) -> None:
    assert site.post(f"issue/{new()}/transitions", body).status_code == 400


def test_a_screen_that_asks_for_a_resolution_must_be_filled(site: Site, new: Any) -> None:
    site.jira.knobs["resolution_required"] = True
    issue = new()
    move(site, issue, "11", "41")
    (approve,) = [
        arrow
        for arrow in site.get(f"issue/{issue}/transitions", expand="transitions.fields").json()["transitions"]
        if arrow["name"] == "Approve"
    ]
    assert approve["fields"]["resolution"]["required"] is True
    refusal = site.post(f"issue/{issue}/transitions", {"transition": {"id": "71"}})
    assert (refusal.status_code, refusal.json()["errors"]) == (400, {"resolution": "Resolution is required."})
    body = {"transition": {"id": "71"}, "fields": {"resolution": {"name": "Won't Do"}}}
    assert site.post(f"issue/{issue}/transitions", body).status_code == 204
    assert site.get(f"issue/{issue}").json()["fields"]["resolution"]["name"] == "Won't Do"


def test_an_issue_can_be_created_in_the_next_status(site: Site) -> None:
    made = site.post("issue", {**task(), "transition": {"id": "11"}}).json()
    assert made["transition"]["status"] == 200
    assert status(site, made["id"]) == "In Progress"
    assert site.post("issue", {**task(), "transition": {"id": "71"}}).status_code == 400


def test_an_edit_ignores_a_transition(site: Site, new: Any) -> None:
    issue = new()
    site.put(f"issue/{issue}", {"fields": {"summary": "x"}, "transition": {"id": "11"}})
    assert status(site, issue) == "To Do"


def test_people_walk_the_workflow_and_leave_history(site: Site, new: Any) -> None:
    issue = new()
    assert site.jira.act("close_task", {"issue": issue, "who": "ada@example.com"})["hops"] == 3
    histories = site.get(f"issue/{issue}/changelog").json()["values"]
    hops = [item["toString"] for entry in histories for item in entry["items"] if item["field"] == "status"]
    assert hops == ["In Progress", "In Review", "Done"]
    assert histories[0]["author"]["displayName"] == "Ada Lindqvist"
    site.jira.act("set_status", {"issue": issue, "status": "Blocked", "who": "ada@example.com"})
    assert status(site, issue) == "Blocked"


def test_a_removed_transition_closes_the_way(site: Site, new: Any) -> None:
    issue = new()
    site.jira.act("remove_transition", {"transition": "71"})
    with pytest.raises(ValueError, match="illegal workflow operation"):
        site.jira.act("close_task", {"issue": issue, "who": "ada@example.com"})
    assert move(site, issue, "11", "41", "71") == [204, 204, 400]


def test_admins_rename_what_clients_know_by_name(site: Site, new: Any) -> None:
    issue = new(customfield_10050="Discovery")
    site.jira.act("rename_status", {"status": "To Do", "name": "Te doen"})
    site.jira.act("rename_field", {"field": "Phase", "name": "Stage"})
    assert status(site, issue) == "Te doen"
    assert {f["id"]: f["name"] for f in site.get("field").json()}["customfield_10050"] == "Stage"
    site.jira.act("remove_field", {"field": "Stage"})
    assert "customfield_10050" not in site.get(f"issue/{issue}").json()["fields"]
    assert "customfield_10050" in site.put(f"issue/{issue}", {"fields": {"customfield_10050": "x"}}).json()["errors"]


def test_people_edit_log_comment_and_delete(site: Site, new: Any) -> None:
    issue = new()
    who = {"issue": issue, "who": "ben@example.com"}
    assert site.jira.act("edit_issue", {**who, "fields": {"duedate": "2026-12-24"}})["changed"] is True
    made = site.jira.act("log_time", {**who, "seconds": 5400})["worklog"]
    site.jira.act("edit_worklog", {"worklog": made, "seconds": 1800, "who": "ben@example.com"})
    site.jira.act("comment", {**who, "text": "Waiting for the customer"})
    shown = site.get(f"issue/{issue}").json()["fields"]
    assert (shown["duedate"], shown["timespent"], shown["comment"]["total"]) == ("2026-12-24", 1800, 1)
    site.jira.act("delete_worklog", {"worklog": made, "who": "ben@example.com"})
    site.jira.act("delete_issue", who)
    assert site.get(f"issue/{issue}").status_code == 404
    with pytest.raises(KeyError):
        site.jira.act("dance", {})


def test_two_dumps_of_one_state_are_equal_and_tell_a_change(site: Site, new: Any) -> None:
    issue = new(labels=["a"])
    before = site.jira.dump()
    assert site.jira.dump() == before
    site.jira.act("log_time", {"issue": issue, "seconds": 60, "who": "ada@example.com"})
    assert site.jira.dump() != before
    site.jira.reset()
    assert site.jira.dump()["issues"] == []


def test_a_loader_creates_issues_without_http(site: Site) -> None:
    made = site.jira.site.create_issue({**task("From a file", description="Plain text")["fields"]})
    assert site.get(f"issue/{made.id}").json()["fields"]["summary"] == "From a file"
