"""The judge itself: what breaks Atlassian's document is found, in requests and in answers."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import pytest
from jira_site import Site

from simulator.wire import Request, Response, json_response


@pytest.fixture
def judge() -> Any:
    return sys.modules["openapi_jira"].JiraContract()


def fetch(body: Any) -> Request:
    return Request("POST", "/rest/api/3/issue/bulkfetch", "", {"content-type": "application/json"}, orjson.dumps(body))


def refuse(judge: Any, request: Request, response: Response, match: str) -> None:
    with pytest.raises(sys.modules["openapi_jira"].Breach, match=match):
        judge.check(request, response)


def test_an_answer_of_the_wrong_shape_is_a_breach(judge: Any) -> None:
    request = fetch({"issueIdsOrKeys": ["1"]})
    judge.check(request, json_response(200, {"issues": [], "issueErrors": []}))
    refuse(judge, request, json_response(200, {"issues": [], "total": 1}), "total")
    refuse(judge, request, json_response(200, {"issues": [{"id": 1}]}), "issues/0/id")


def test_a_request_of_the_wrong_shape_is_a_breach_unless_refused(judge: Any) -> None:
    request = fetch({"issueIdsOrKeys": ["1"], "field": []})
    refuse(judge, request, json_response(200, {"issues": []}), "field")
    refusal = json_response(400, {"errorMessages": ["no"], "errors": {}})
    judge.check(request, refusal)
    judge.strict = True
    refuse(judge, request, refusal, "field")


def test_an_unlisted_status_must_be_a_known_refusal_in_a_known_shape(judge: Any) -> None:
    request = fetch({"issueIdsOrKeys": ["1"]})
    judge.check(request, json_response(429, {"errorMessages": ["slow"], "errors": {}}))
    refuse(judge, request, json_response(202, {}), "not among")
    refuse(judge, request, json_response(429, {"oops": 1}), "no error collection")


def test_every_operation_of_the_simulator_is_one_of_the_document(site: Site, judge: Any) -> None:
    operation = sys.modules["openapi_jira"]._operation
    routes = [route for found in site.jira._router._by_length.values() for _, route in found]
    paths = {f"/rest/api/3/{route.path}".replace("{", "").replace("}", ""): route for route in routes}
    unknown = [path for path, route in paths.items() if operation(Request(route.method, path)) is None]
    assert unknown == []


# Seen in the field with an expired token (alfeugds/jiraworklogtool#29); the document does not say it.
FEEDS = {"worklog/updated", "worklog/deleted", "worklog/list"}


def test_only_operations_that_the_document_opens_answer_strangers(site: Site) -> None:
    contract = sys.modules["openapi_jira"]
    document = contract._document()["paths"]
    for found in site.jira._router._by_length.values():
        for _, route in found:
            path = f"/rest/api/3/{route.path}".replace("{", "").replace("}", "")
            template = next(template for pattern, template in contract._templates() if pattern.fullmatch(path))
            described = document[template][route.method.lower()].get("description", "")
            if route.anonymous and route.path not in FEEDS:
                assert "accessed anonymously" in described, path
