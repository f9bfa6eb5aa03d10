"""Webhooks: who may register what, and what a receiver gets, signed, filtered and retried."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from jira_site import Site

from simulator.jira.webhooks import signature

ADMIN = "/rest/webhooks/1.0/webhook"


@dataclass
class Receiver:
    """A real HTTP receiver that answers with the statuses it is told, 200 when it runs out of them."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int) -> list[tuple[dict[str, str], Any]]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.got) >= count, timeout=60), (
                f"only {len(self.got)} of {count} came"
            )
            return [(headers, orjson.loads(body) if body else None) for headers, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with state.came:
                state.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(state.statuses.pop(0) if state.statuses else 200)
                state.came.notify_all()
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield state
    server.shutdown()
    server.server_close()


def register(site: Site, receiver: Receiver, **parts: Any) -> Any:
    body = {
        "name": "closedwon",
        "url": receiver.url,
        "events": ["jira:issue_created", "jira:issue_updated", "worklog_created"],
    }
    answer = site.post(ADMIN, body | parts)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_the_signature_is_atlassians() -> None:
    expected = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    assert signature("It's a Secret to Everybody", b"Hello World!") == expected


def test_an_edit_arrives_signed_with_its_changes_and_without_addresses(
    site: Site, new: Any, receiver: Receiver
) -> None:
    hook = register(site, receiver, secret="s3cret")
    assert ("secret" in hook, hook["isSigned"]) == (False, True)
    issue = new()
    site.put(f"issue/{issue}", {"fields": {"summary": "Kick-off"}})
    (_, created), (headers, updated) = receiver.wait(2)
    assert headers["x-hub-signature"] == signature("s3cret", receiver.got[1][1])
    assert (headers["x-atlassian-webhook-flow"], "x-atlassian-webhook-retry" in headers) == ("Primary", False)
    assert (created["webhookEvent"], created["issue_event_type_name"]) == ("jira:issue_created", "issue_created")
    assert updated["issue"]["id"] == issue
    assert updated["changelog"]["items"][0]["toString"] == "Kick-off"
    assert "emailAddress" not in updated["user"]


def test_a_worklogs_event_names_its_issue_by_id_only(site: Site, new: Any, receiver: Receiver) -> None:
    register(site, receiver, events=["worklog_created"])
    issue = new()
    site.jira.act("log_time", {"issue": issue, "seconds": 60, "who": "ada@example.com"})
    ((_, body),) = receiver.wait(1)
    assert (body["webhookEvent"], body["worklog"]["issueId"], "issue" in body) == ("worklog_created", issue, False)


def test_a_filter_lets_through_only_what_matches(site: Site, new: Any, receiver: Receiver) -> None:
    register(site, receiver, filters={"issue-related-events-section": "labels = sf-1"})
    new()
    wanted = new(labels=["sf-1"])
    assert [body["issue"]["id"] for _, body in receiver.wait(1)] == [wanted]


def test_a_failed_delivery_is_retried_with_the_same_identifier(site: Site, new: Any, receiver: Receiver) -> None:
    register(site, receiver)
    receiver.statuses = [503, 429]
    new()
    receiver.wait(1)
    for count in (2, 3):
        settle(site)
        site.world.clock.advance(15 * 60)
        receiver.wait(count)
    first, second, third = receiver.wait(3)
    assert first[0]["x-atlassian-webhook-identifier"] == third[0]["x-atlassian-webhook-identifier"]
    assert (second[0]["x-atlassian-webhook-retry"], third[0]["x-atlassian-webhook-retry"]) == ("1", "2")
    settle(site)
    site.world.clock.advance(3600)
    assert len(receiver.got) == 3


def test_a_refusal_is_final(site: Site, new: Any, receiver: Receiver) -> None:
    register(site, receiver)
    receiver.statuses = [404]
    new()
    receiver.wait(1)
    settle(site)
    assert not site.world.clock._due


def settle(site: Site) -> None:
    """Wait until the courier has told the site of the last answer."""
    site.world.courier.stop()


def test_two_changes_have_two_identifiers(site: Site, new: Any, receiver: Receiver) -> None:
    register(site, receiver)
    new()
    new()
    assert len({headers["x-atlassian-webhook-identifier"] for headers, _ in receiver.wait(2)}) == 2


def test_bulk_changes_travel_in_the_second_flow(site: Site, new: Any, receiver: Receiver) -> None:
    issue = new()
    register(site, receiver)
    site.post(
        "bulk/issues/transition", {"bulkTransitionInputs": [{"selectedIssueIdsOrKeys": [issue], "transitionId": "11"}]}
    )
    site.get("status")
    ((headers, body),) = receiver.wait(1)
    assert (headers["x-atlassian-webhook-flow"], "bulkOperationMetaData" in body) == ("Secondary", True)


def test_registrations_can_be_read_changed_and_removed(site: Site, receiver: Receiver) -> None:
    hook = register(site, receiver, secret="s3cret")
    path = hook["self"].removeprefix(site.url)
    changed = site.put(path, {"name": "other", "enabled": False}).json()
    assert (changed["name"], changed["enabled"], changed["isSigned"]) == ("other", False, True)
    assert [entry["name"] for entry in site.get(ADMIN).json()] == ["other"]
    assert site.delete(path).status_code == 204
    assert site.get(path).status_code == 404


@pytest.mark.parametrize("parts", [{"url": "ftp://x"}, {"url": "nonsense"}, {"events": ["jira:everything"]}])
def test_a_bad_registration_is_refused(site: Site, receiver: Receiver, parts: dict[str, Any]) -> None:
    body = {"name": "x", "url": receiver.url, "events": ["jira:issue_created"]} | parts
    assert site.post(ADMIN, body).status_code == 400


def test_only_admins_register_and_nobody_dynamically_with_an_api_token(site: Site, receiver: Receiver) -> None:
    assert site.post("webhook", {"url": receiver.url, "webhooks": []}).status_code == 403
    site.jira.knobs["denied_permissions"] = ["ADMINISTER"]
    assert site.post(ADMIN, {"name": "x", "url": receiver.url, "events": []}).status_code == 403
