"""Issues: created, read, changed, moved along and away, deleted, with Jira's refusals."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site, task

MISSING = {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}


def document(text: str) -> dict[str, Any]:
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def test_a_created_issue_reads_back_as_it_was_written(site: Site) -> None:
    fields = {
        "description": document("Agree on scope"),
        "duedate": "2026-12-01",
        "labels": ["b", "a"],
        "assignee": {"accountId": "5b10a2844c20165700ede21g"},
        "timetracking": {"originalEstimate": "1d 2h"},
        "customfield_10015": "2026-11-20",
        "customfield_10050": "Discovery",
        "customfield_10051": {"value": "Customer"},
    }
    made = site.post("issue", {**task(**fields), "properties": [{"key": "closedwon", "value": {"k": 1}}]})
    assert made.status_code == 201
    assert set(made.json()) == {"id", "key", "self"}
    shown = site.get(f"issue/{made.json()['key']}", properties="closedwon").json()
    assert shown["properties"] == {"closedwon": {"k": 1}}
    got = shown["fields"]
    assert got["description"] == document("Agree on scope")
    assert got["labels"] == ["a", "b"]
    assert got["assignee"]["displayName"] == "Ada Lindqvist"
    assert got["timetracking"] == {
        "originalEstimate": "1d 2h",
        "originalEstimateSeconds": 36000,
        "remainingEstimate": "1d 2h",
        "remainingEstimateSeconds": 36000,
    }
    assert (got["customfield_10015"], got["customfield_10051"]["value"]) == ("2026-11-20", "Customer")
    assert got["status"]["statusCategory"]["key"] == "new"
    assert got["created"] == "2026-11-02T09:00:00.000+0000"


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"summary": ""}, "summary", "You must specify a summary of the issue."),
        ({"summary": "x" * 256}, "summary", "Summary must be less than 255 characters."),
        ({"summary": "a\nb"}, "summary", "The summary is invalid because it contains newline characters."),
        ({"description": "plain"}, "description", "Operation value must be an Atlassian Document (see the Atlassian Document Format)"),
        ({"labels": ["a b"]}, "labels", "The label 'a b' contains spaces which is invalid."),
        ({"duedate": "01.12.2026"}, "duedate", "Error parsing date string: 01.12.2026. Expected format is 'yyyy-MM-dd'"),
        ({"customfield_10015": "2026-02-30"}, "customfield_10015", "Error parsing date string: 2026-02-30"),
        ({"customfield_10051": {"value": "Nobody"}}, "customfield_10051", "Option value 'Nobody' is not valid"),
        ({"customfield_10050": "x" * 256}, "customfield_10050", "The entered text is too long. It exceeds the allowed limit of 255 characters."),
        ({"customfield_99": 1}, "customfield_99", "Field 'customfield_99' cannot be set. It is not on the appropriate screen, or unknown."),
        ({"status": {"name": "Done"}}, "status", "Field 'status' cannot be set. It is not on the appropriate screen, or unknown."),
        ({"assignee": {"accountId": "nobody"}}, "assignee", "User 'nobody' does not exist."),
        ({"issuetype": {"name": "Story"}}, "issuetype", "Specify a valid issue type"),
        ({"project": {"key": "NOPE"}}, "project", "Specify a valid project ID or key"),
        ({"parent": {"key": "ONB-99"}}, "parent", "Could not find issue by id or key."),
        ({"timetracking": {"originalEstimate": "soon"}}, "timetracking", "The original estimate entered is invalid: 'soon'. The format of this is ' *w *d *h *m '."),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_in_the_refusal_and_nothing_is_created(
    site: Site, fields: dict[str, Any], field: str, message: str
) -> None:
    answer = site.post("issue", task(**fields))
    assert answer.status_code == 400
    assert answer.json() == {"errorMessages": [], "errors": {field: message}}
    assert not site.jira.site.issues.by_id


def test_v2_takes_text_and_v3_shows_it_as_a_document(site: Site) -> None:
    made = site.post("/rest/api/2/issue", task(description="One\n\nTwo")).json()
    assert [
        p["content"][0]["text"] for p in site.get(f"issue/{made['id']}").json()["fields"]["description"]["content"]
    ] == [
        "One",
        "Two",
    ]
    assert site.get(f"/rest/api/2/issue/{made['id']}").json()["fields"]["description"] == "One\n\nTwo"


def test_a_bulk_create_keeps_what_is_good_and_numbers_what_is_not(site: Site) -> None:
    answer = site.post("issue/bulk", {"issueUpdates": [task("a"), task(""), task("c")]})
    assert answer.status_code == 201
    assert [made["key"] for made in answer.json()["issues"]] == ["ONB-1", "ONB-2"]
    (error,) = answer.json()["errors"]
    assert (error["failedElementNumber"], error["status"]) == (1, 400)
    assert error["elementErrors"]["errors"] == {"summary": "You must specify a summary of the issue."}


def test_a_bulk_create_of_only_bad_ones_is_a_400_in_the_same_shape(site: Site) -> None:
    answer = site.post("issue/bulk", {"issueUpdates": [task("")]})
    assert (answer.status_code, answer.json()["issues"]) == (400, [])


def test_fifty_one_issues_are_refused_in_the_plain_shape(site: Site) -> None:
    answer = site.post("issue/bulk", {"issueUpdates": [task()] * 51})
    assert (answer.status_code, set(answer.json())) == (400, {"errorMessages", "errors"})


def test_bulk_fetch_gives_ascending_ids_and_is_silent_about_the_missing(site: Site, new: Any) -> None:
    first, second = new("a"), new("b")
    answer = site.post("issue/bulkfetch", {"issueIdsOrKeys": [second, "ONB-99", "ONB-1"], "fields": ["summary"]}).json()
    assert [(row["id"], row["fields"]) for row in answer["issues"]] == [
        (first, {"summary": "a"}),
        (second, {"summary": "b"}),
    ]
    assert answer["issueErrors"] == []


@pytest.mark.parametrize(("count", "fields", "status"), [
    (100, ["*all"], 200), (101, ["*all"], 400), (1000, ["summary", "status"], 200), (1001, ["summary"], 400), (101, ["comment"], 400),
])  # fmt: skip
def test_bulk_fetch_takes_a_thousand_only_with_single_valued_fields(
    site: Site, count: int, fields: list[str], status: int
) -> None:
    ids = [str(number) for number in range(1, count + 1)]
    assert site.post("issue/bulkfetch", {"issueIdsOrKeys": ids, "fields": fields}).status_code == status


def test_fields_are_chosen_by_name_by_comma_and_by_leaving_out(site: Site, new: Any) -> None:
    path = f"issue/{new()}"
    assert set(site.get(f"{path}?fields=summary,status&fields=labels").json()["fields"]) == {
        "summary",
        "status",
        "labels",
    }
    everything = set(site.get(path).json()["fields"])
    assert everything - set(site.get(path, fields="*all,-summary").json()["fields"]) == {"summary"}
    assert everything - set(site.get(path, fields="-summary").json()["fields"]) == {"summary"}
    assert set(site.get(path, fields="nonsense").json()["fields"]) == set()


def test_an_edit_changes_only_what_it_names_and_leaves_history(site: Site, new: Any) -> None:
    issue = new(labels=["a"])
    site.world.clock.advance(5)
    body = {"fields": {"summary": "Kick-off"}, "update": {"labels": [{"add": "b"}, {"remove": "a"}]}}
    assert site.put(f"issue/{issue}", body).status_code == 204
    shown = site.get(f"issue/{issue}", expand="changelog").json()
    assert (shown["fields"]["summary"], shown["fields"]["labels"]) == ("Kick-off", ["b"])
    assert shown["fields"]["updated"] == "2026-11-02T09:00:05.000+0000"
    (entry,) = shown["changelog"]["histories"]
    assert {(item["fieldId"], item["fromString"], item["toString"]) for item in entry["items"]} == {
        ("summary", "Kick-off call", "Kick-off"),
        ("labels", "a", "b"),
    }


def test_an_edit_that_changes_nothing_leaves_no_trace(site: Site, new: Any) -> None:
    issue = new()
    site.world.clock.advance(5)
    site.put(f"issue/{issue}", {"fields": {"summary": "Kick-off call"}})
    assert site.get(f"issue/{issue}").json()["fields"]["updated"] == "2026-11-02T09:00:00.000+0000"


def test_a_field_in_both_parts_of_an_edit_is_refused(site: Site, new: Any) -> None:
    body = {"fields": {"labels": ["a"]}, "update": {"labels": [{"add": "b"}]}}
    assert site.put(f"issue/{new()}", body).status_code == 400


def test_return_issue_answers_with_the_issue(site: Site, new: Any) -> None:
    answer = site.put(f"issue/{new()}", {"fields": {"summary": "New"}}, params={"returnIssue": "true"})
    assert (answer.status_code, answer.json()["fields"]["summary"]) == (200, "New")


def test_a_parent_can_be_removed_and_must_be_one_level_up(site: Site, new: Any) -> None:
    epic = new("Plan", issuetype={"name": "Epic"})
    child = new(parent={"id": epic})
    assert site.get(f"issue/{child}").json()["fields"]["parent"]["id"] == epic
    assert site.post("issue", task(parent={"id": child})).json()["errors"]["parent"].startswith("Given parent")
    assert site.put(f"issue/{child}", {"update": {"parent": [{"set": {"none": True}}]}}).status_code == 204
    assert site.get(f"issue/{child}").json()["fields"]["parent"] is None


def test_a_moved_issue_answers_to_its_old_key_with_its_new_one(site: Site, new: Any) -> None:
    issue = new()
    site.jira.act("move_issue", {"issue": issue, "project": "OPS", "who": "ada@example.com"})
    assert (site.get("issue/ONB-1").json()["key"], site.get("issue/ONB-1").json()["id"]) == ("OPS-1", issue)
    assert site.get("issue/OPS-1").json()["fields"]["project"]["key"] == "OPS"


def test_numbers_are_never_used_again(site: Site, new: Any) -> None:
    assert site.delete(f"issue/{new()}").status_code == 204
    assert site.get("issue/ONB-1").json() == MISSING
    assert site.get(f"issue/{new()}").json()["key"] == "ONB-2"


def test_an_issue_with_sub_tasks_is_deleted_only_when_told(site: Site, new: Any) -> None:
    parent = new()
    child = new("part", issuetype={"name": "Sub-task"}, parent={"id": parent})
    refusal = site.delete(f"issue/{parent}", deleteSubtasks="False")
    assert (refusal.status_code, "has subtasks" in refusal.json()["errorMessages"][0]) == (400, True)
    assert site.delete(f"issue/{parent}", deleteSubtasks="true").status_code == 204
    assert site.get(f"issue/{child}").status_code == 404


def test_a_property_is_there_at_once_and_leaves_updated_alone(site: Site, new: Any) -> None:
    issue = new()
    site.world.clock.advance(60)
    assert site.put(f"issue/{issue}/properties/manifest", {"tasks": {"k": "1"}}).status_code == 201
    assert site.put(f"issue/{issue}/properties/manifest", {"tasks": {}}).status_code == 200
    assert site.get(f"issue/{issue}/properties/manifest").json() == {"key": "manifest", "value": {"tasks": {}}}
    assert site.get(f"issue/{issue}").json()["fields"]["updated"] == "2026-11-02T09:00:00.000+0000"
    assert site.put(f"issue/{issue}/properties/manifest", "x" * 32_768).status_code == 400
    assert site.delete(f"issue/{issue}/properties/manifest").status_code == 204
    assert site.get(f"issue/{issue}/properties/manifest").status_code == 404


def test_a_comment_must_be_a_document_in_v3(site: Site, new: Any) -> None:
    issue = new()
    refusal = site.post(f"issue/{issue}/comment", {"body": "plain"})
    assert (refusal.status_code, refusal.json()["errors"]) == (400, {"comment": "Comment body is not valid!"})
    assert site.post(f"issue/{issue}/comment", {"body": document("Hello")}).status_code == 201
    assert site.get(f"issue/{issue}/comment").json()["comments"][0]["body"] == document("Hello")
