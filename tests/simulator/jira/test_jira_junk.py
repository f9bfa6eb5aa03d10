"""Whatever a body holds, the site answers with a refusal of its own and never falls over."""

from __future__ import annotations

from typing import Any

import pytest
from jira_site import Site

JUNK: list[Any] = [None, 1, "x", [], {}, [None], [1], ["x"], [{}], {"x": None}, {"id": None}, True]
KEYS = {
    "POST issue": ["fields", "update", "properties", "transition"],
    "POST issue/bulk": ["issueUpdates"],
    "POST issue/bulkfetch": ["issueIdsOrKeys", "fields", "expand", "properties"],
    "PUT issue/ONB-1": ["fields", "update", "properties"],
    "PUT issue/ONB-1/assignee": ["accountId"],
    "POST issue/ONB-1/changelog/list": ["changelogIds"],
    "POST changelog/bulkfetch": ["issueIdsOrKeys", "fieldIds", "maxResults", "nextPageToken"],
    "POST issue/ONB-1/transitions": ["transition", "fields", "update", "properties"],
    "POST issue/ONB-1/worklog": ["timeSpent", "timeSpentSeconds", "started", "comment"],
    "POST issue/ONB-1/worklog/move": ["ids", "issueIdOrKey"],
    "POST issue/ONB-1/comment": ["body"],
    "PUT issue/ONB-1/properties/k": [],
    "POST worklog/list": ["ids"],
    "POST search/jql": ["jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "reconcileIssues"],
    "POST search/approximate-count": ["jql"],
    "POST jql/parse": ["queries"],
    "POST jql/match": ["issueIds", "jqls"],
    "POST bulk/issues/fields": ["selectedIssueIdsOrKeys", "selectedActions", "editedFieldsInput"],
    "POST bulk/issues/transition": ["bulkTransitionInputs"],
    "POST bulk/issues/delete": ["selectedIssueIdsOrKeys"],
    "POST issue/properties/multi": ["issues"],
    "POST /rest/webhooks/1.0/webhook": ["name", "url", "events", "filters", "secret"],
}
VALID: dict[str, dict[str, Any]] = {
    "POST changelog/bulkfetch": {"issueIdsOrKeys": ["ONB-1"]},
    "POST issue/bulkfetch": {"issueIdsOrKeys": ["ONB-1"]},
    "POST issue/ONB-1/transitions": {"transition": {"id": "11"}},
    "POST issue/ONB-1/worklog": {"timeSpentSeconds": 60},
    "POST search/jql": {"jql": "project = ONB"},
    "POST jql/match": {"issueIds": [1], "jqls": ["project = ONB"]},
    "POST bulk/issues/fields": {
        "selectedIssueIdsOrKeys": ["ONB-1"],
        "selectedActions": ["labels"],
        "editedFieldsInput": {},
    },
    "POST /rest/webhooks/1.0/webhook": {"url": "http://127.0.0.1:9/", "events": []},
}


@pytest.mark.parametrize("operation", KEYS)
def test_no_junk_in_a_body_breaks_the_site(site: Site, new: Any, operation: str) -> None:
    new()
    site.jira.knobs["bulk_task_seconds"] = 1e9
    method, path = operation.split()
    bodies = [*JUNK, *({**VALID.get(operation, {}), key: junk} for key in KEYS[operation] for junk in JUNK)]
    statuses = {}
    for body in bodies:
        statuses[str(body)] = site.call(method, path, body).status_code
    assert not {body: status for body, status in statuses.items() if status >= 500}


@pytest.mark.parametrize("field", ["summary", "description", "labels", "assignee", "duedate", "priority", "parent", "timetracking", "project", "issuetype", "customfield_10015", "customfield_10050", "customfield_10051"])  # fmt: skip
def test_no_junk_in_a_field_breaks_the_site(site: Site, new: Any, field: str) -> None:
    issue = new()
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "x"}
    for junk in JUNK:
        assert site.post("issue", {"fields": {**fields, field: junk}}).status_code < 500, junk
        assert site.put(f"issue/{issue}", {"fields": {field: junk}}).status_code < 500, junk
        assert site.put(f"issue/{issue}", {"update": {field: [{"set": junk}]}}).status_code < 500, junk
        assert site.put(f"issue/{issue}", {"update": {field: [{"add": junk}]}}).status_code < 500, junk


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"'])
def test_what_is_no_json_is_refused(site: Site, body: bytes) -> None:
    assert site.call("POST", "search/jql", data=body).status_code == 400


@pytest.mark.parametrize("path", ["search/jql?jql=project%3DONB&maxResults=x", "issue/ONB-1/worklog?startAt=x", "worklog/updated?since=x", "issue/ONB-1/worklog/x", "task/x", "bulk/queue/x"])  # fmt: skip
def test_no_junk_in_a_query_breaks_the_site(site: Site, new: Any, path: str) -> None:
    new()
    assert 400 <= site.get(path).status_code < 500
