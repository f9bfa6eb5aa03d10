"""The real `jira` SDK against the simulated site, used as the vendor file says it must be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jira import JIRA, JIRAError
from jira_site import AUTH, Site


@pytest.fixture
def client(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = JIRA(site.url, basic_auth=AUTH, options={"rest_api_version": "3"}, max_retries=0, timeout=(5, 30))
    yield made
    made.close()


def fields(summary: str, **more: Any) -> dict[str, Any]:
    return {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": summary, **more}


def test_construction_is_one_call_and_finds_a_cloud(site: Site, client: Any) -> None:
    assert client._is_cloud
    assert site.world.count("jira") == 1


def test_the_sdk_creates_finds_and_edits(site: Site, client: Any) -> None:
    made = client.create_issue(fields=fields("Kick-off", labels=["sf-1"]), prefetch=False)
    (found,) = client.enhanced_search_issues("labels = sf-1", fields=["summary", "labels"])
    assert (found.key, found.fields.summary) == (made["key"] if isinstance(made, dict) else made.key, "Kick-off")
    found.update(fields={"summary": "Kick-off call"})
    assert client.issue(found.id).fields.summary == "Kick-off call"


def test_the_sdk_walks_transitions_and_logs_time(site: Site, client: Any, new: Any) -> None:
    issue = client.issue(new())
    assert [arrow["name"] for arrow in client.transitions(issue)] == ["Start", "Cancel"]
    log = client.add_worklog(issue, timeSpentSeconds=1800)
    assert [entry.id for entry in client.worklogs(issue.id)] == [log.id]
    # transition_issue() sends the id as a number, which breaks Atlassian's document: the raw call does not.
    client._get_json(f"issue/{issue.id}")
    client._session.post(client._get_url(f"issue/{issue.id}/transitions"), json={"transition": {"id": "11"}})
    assert client.issue(issue.id).fields.status.name == "In Progress"


def test_the_sdk_creates_in_bulk_with_each_refusal(site: Site, client: Any) -> None:
    results = client.create_issues([fields("a"), fields("")], prefetch=False)
    assert [result["status"] for result in results] == ["Success", "Error"]


def test_properties_go_through_the_sdk(site: Site, client: Any, new: Any) -> None:
    issue = new()
    client.add_issue_property(issue, "manifest", {"tasks": 2})
    assert client.issue_property(issue, "manifest").value.tasks == 2


def test_a_refusal_is_an_error_of_the_sdk_with_its_status(site: Site, client: Any) -> None:
    with pytest.raises(JIRAError) as refused:
        client.issue("ONB-99")
    assert refused.value.status_code == 404


def test_pages_are_walked_by_the_sdk(site: Site, client: Any) -> None:
    client.create_issues([fields(str(n)) for n in range(5)], prefetch=False)
    assert len(client.enhanced_search_issues("project = ONB", maxResults=0, fields=["summary"])) == 5
