"""Bulk operations: queued, run later, asked about by task."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site


def ask(site: Site, answer: Any) -> Any:
    assert answer.status_code == 201, answer.text
    return site.get(f"bulk/queue/{answer.json()['taskId']}").json()


def edit(site: Site, issues: list[str], **given: Any) -> Any:
    actions = ["labels", "duedate", "customfield_10050", "customfield_10051", "assignee", "priority"]
    return site.post(
        "bulk/issues/fields",
        {
            "selectedIssueIdsOrKeys": issues,
            "selectedActions": given.pop("actions", actions),
            "editedFieldsInput": given,
        },
    )


def test_a_bulk_edit_changes_every_issue_once_it_has_run(site: Site, new: Any) -> None:
    site.jira.knobs["bulk_task_seconds"] = 10
    issues = [new(labels=["a"]), new()]
    answer = edit(
        site,
        [*issues, "ONB-99"],
        labelsFields=[{"fieldId": "labels", "bulkEditMultiSelectFieldOption": "ADD", "labels": [{"name": "b"}]}],
        datePickerFields=[{"fieldId": "duedate", "date": {"formattedDate": "2026-12-24"}}],
        singleLineTextFields=[{"fieldId": "customfield_10050", "text": "Launch"}],
        singleSelectFields=[{"fieldId": "customfield_10051", "option": {"optionId": 10102}}],
        singleSelectClearableUserPickerFields=[
            {"fieldId": "assignee", "user": {"accountId": "5b10a2844c20165700ede21g"}}
        ],
        priority={"priorityId": "1"},
    )
    assert ask(site, answer)["status"] == "ENQUEUED"
    site.world.clock.advance(6)
    assert ask(site, answer)["status"] == "RUNNING"
    assert site.get(f"issue/{issues[0]}").json()["fields"]["duedate"] is None
    site.world.clock.advance(4)
    done = ask(site, answer)
    assert (done["status"], done["processedAccessibleIssues"]) == ("COMPLETE", [int(issue) for issue in issues])
    assert (done["totalIssueCount"], done["invalidOrInaccessibleIssueCount"]) == (3, 1)
    shown = site.get(f"issue/{issues[0]}").json()["fields"]
    assert (shown["labels"], shown["duedate"], shown["customfield_10050"]) == (["a", "b"], "2026-12-24", "Launch")
    assert (shown["customfield_10051"]["value"], shown["priority"]["name"]) == ("Both", "Highest")
    assert shown["assignee"]["displayName"] == "Ada Lindqvist"


def test_fields_that_bulk_edits_take_are_listed(site: Site, new: Any) -> None:
    fields = site.get("bulk/issues/fields", issueIdsOrKeys=new()).json()["fields"]
    assert {"labels", "duedate", "customfield_10051"} <= {entry["id"] for entry in fields}
    assert "summary" not in {entry["id"] for entry in fields}
    assert site.get("bulk/issues/fields", issueIdsOrKeys="ONB-99").status_code == 404


def test_a_bulk_transition_tells_which_issues_could_not(site: Site, new: Any) -> None:
    ready, not_ready = new(), new()
    site.post(f"issue/{ready}/transitions", {"transition": {"id": "11"}})
    answer = site.post(
        "bulk/issues/transition",
        {"bulkTransitionInputs": [{"selectedIssueIdsOrKeys": [ready, not_ready], "transitionId": "41"}]},
    )
    done = ask(site, answer)
    assert (done["processedAccessibleIssues"], list(done["failedAccessibleIssues"])) == ([int(ready)], [not_ready])
    assert site.get(f"issue/{ready}").json()["fields"]["status"]["name"] == "In Review"


def test_open_transitions_of_several_issues_are_those_they_share(site: Site, new: Any) -> None:
    first, second = new(), new()
    answer = site.get("bulk/issues/transition", issueIdsOrKeys=f"{first},{second}").json()["availableTransitions"]
    assert [arrow["transitionName"] for arrow in answer[0]["transitions"]] == ["Start", "Cancel"]
    site.post(f"issue/{first}/transitions", {"transition": {"id": "11"}})
    answer = site.get("bulk/issues/transition", issueIdsOrKeys=f"{first},{second}").json()["availableTransitions"]
    assert answer[0]["transitions"] == []


def test_a_bulk_deletion_deletes(site: Site, new: Any) -> None:
    issue = new()
    assert ask(site, site.post("bulk/issues/delete", {"selectedIssueIdsOrKeys": [issue]}))["status"] == "COMPLETE"
    assert site.get(f"issue/{issue}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"selectedIssueIdsOrKeys": []}, {"selectedIssueIdsOrKeys": ["1"] * 1001}, {"selectedIssueIdsOrKeys": ["1"], "more": 1}])  # fmt: skip
def test_a_bad_bulk_request_is_refused_in_their_own_shape(site: Site, body: dict[str, Any]) -> None:
    refusal = site.post("bulk/issues/delete", body)
    assert (refusal.status_code, list(refusal.json())) == (400, ["errors"])


def test_actions_and_fields_must_agree(site: Site, new: Any) -> None:
    assert edit(site, [new()], priority={"priorityId": "1"}, actions=["duedate"]).status_code == 400


def test_bulk_changes_need_their_permission(site: Site, new: Any) -> None:
    site.jira.knobs["denied_permissions"] = ["BULK_CHANGE"]
    assert site.post("bulk/issues/delete", {"selectedIssueIdsOrKeys": [new()]}).status_code == 403


def test_a_sixth_bulk_operation_at_a_time_is_refused(site: Site, new: Any) -> None:
    site.jira.knobs["bulk_task_seconds"] = 10
    bodies = [{"selectedIssueIdsOrKeys": [new()]} for _ in range(6)]
    assert [site.post("bulk/issues/delete", body).status_code for body in bodies] == [201] * 5 + [429]
    site.world.clock.advance(10)
    assert site.post("bulk/issues/delete", bodies[5]).status_code == 201


def test_progress_is_kept_for_fourteen_days(site: Site, new: Any) -> None:
    answer = site.post("bulk/issues/delete", {"selectedIssueIdsOrKeys": [new()]})
    site.world.clock.advance(14 * 86_400 + 1)
    assert site.get(f"bulk/queue/{answer.json()['taskId']}").status_code == 400


def test_properties_of_many_issues_are_set_by_a_task_one_at_a_time(site: Site, new: Any) -> None:
    site.jira.knobs["bulk_task_seconds"] = 10
    issue = int(new())
    body = {"issues": [{"issueID": issue, "properties": {"manifest": {"a": 1}}}]}
    answer = site.post("issue/properties/multi", body)
    assert answer.status_code == 303
    assert site.post("issue/properties/multi", body).status_code == 409
    path = answer.headers["Location"].removeprefix(site.url)
    assert site.get(path).json()["status"] == "ENQUEUED"
    site.world.clock.advance(10)
    assert site.get(path).json()["status"] == "COMPLETE"
    assert site.get(f"issue/{issue}/properties/manifest").json()["value"] == {"a": 1}
    assert site.post("issue/properties/multi", {"issues": body["issues"] * 101}).status_code == 400


def test_histories_of_many_issues_come_by_pages_and_fields(site: Site, new: Any) -> None:
    issues = [new(), new()]
    for issue in issues:
        site.put(f"issue/{issue}", {"fields": {"summary": "x"}})
        site.post(f"issue/{issue}/transitions", {"transition": {"id": "11"}})
    page = site.post("changelog/bulkfetch", {"issueIdsOrKeys": issues, "maxResults": 3}).json()
    assert [len(log["changeHistories"]) for log in page["issueChangeLogs"]] == [2, 1]
    rest = site.post(
        "changelog/bulkfetch", {"issueIdsOrKeys": issues, "maxResults": 3, "nextPageToken": page["nextPageToken"]}
    )
    assert "nextPageToken" not in rest.json()
    only = site.post("changelog/bulkfetch", {"issueIdsOrKeys": issues, "fieldIds": ["status"]}).json()[
        "issueChangeLogs"
    ]
    assert [len(log["changeHistories"]) for log in only] == [1, 1]
    assert isinstance(only[0]["changeHistories"][0]["created"], int)
    assert site.post("changelog/bulkfetch", {"issueIdsOrKeys": issues, "fieldIds": ["a"] * 11}).status_code == 400
