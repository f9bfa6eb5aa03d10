"""Handlers of what hangs on an issue: entity properties and comments.

Called through `routes`. Writing a property does not touch `updated`; writing a comment does.
"""

from __future__ import annotations

import orjson

from simulator.jira.api_issues import check_property
from simulator.jira.calls import Call, Problem, Route, no_content, ok
from simulator.jira.issues import Comment, Issue
from simulator.jira.site import Site
from simulator.jira.values import Bad, read_document
from simulator.wire import Response, json_response

_NOT_VALID = "Comment body is not valid!"


def property_keys(site: Site, call: Call) -> Response:
    """GET the keys of an issue's properties."""
    issue = site.issue_of(call)
    link = f"{site.renderer(call.base, call.version).api}/issue/{issue.id}/properties"
    return ok({"keys": [{"self": f"{link}/{key}", "key": key} for key in sorted(issue.properties)]})


def get_property(site: Site, call: Call) -> Response:
    """GET one property; readable at once after it was written."""
    issue = site.issue_of(call)
    key = call.params[1]
    if key not in issue.properties:
        raise Problem(404, f"The property {key} does not exist or you do not have permission to view it.")
    return ok({"key": key, "value": issue.properties[key]})


def put_property(site: Site, call: Call) -> Response:
    """PUT one property: 201 when it is new, 200 when it was there."""
    issue = site.writable_issue_of(call)
    key, value = call.params[1], call.json()
    check_property(key, orjson.dumps(value))
    status = 200 if key in issue.properties else 201
    issue.properties[key] = value
    return json_response(status, {})


def delete_property(site: Site, call: Call) -> Response:
    """DELETE one property."""
    issue = site.writable_issue_of(call)
    if issue.properties.pop(call.params[1], site) is site:
        raise Problem(404, f"The property {call.params[1]} does not exist or you do not have permission to view it.")
    return no_content()


def comments(site: Site, call: Call) -> Response:
    """GET comments by pages, oldest first unless `orderBy=-created`."""
    issue = site.issue_of(call)
    start, size = call.number("startAt", 0), min(call.number("maxResults", 100), 5000)
    kept = list(issue.comments.values())
    if call.request.arg("orderBy") == "-created":
        kept.reverse()
    render = site.renderer(call.base, call.version)
    shown = [render.comment(issue, comment) for comment in kept[start : start + size]]
    return ok({"startAt": start, "maxResults": size, "total": len(kept), "comments": shown})


def add_comment(site: Site, call: Call) -> Response:
    """POST a comment: 201; its body must be a document in v3 and text in v2."""
    issue = site.writable_issue_of(call)
    site.demand("ADD_COMMENTS", 400, "You do not have the permission to comment on this issue.")
    try:
        body = read_document(call.body().get("body"), call.version, _NOT_VALID)
    except Bad as problem:
        raise Problem(400, errors={"comment": str(problem.args[0])}) from problem
    if body is None:
        raise Problem(400, errors={"comment": "Comment body can not be empty!"})
    made = site.add_comment(issue, body, who=call.user.account_id)
    return json_response(201, site.renderer(call.base, call.version).comment(issue, made))


def _comment(issue: Issue, raw: str) -> Comment:
    found = issue.comments.get(int(raw)) if raw.isdecimal() else None
    if found is None:
        raise Problem(404, f"Can not find a comment for the id: {raw}.")
    return found


def get_comment(site: Site, call: Call) -> Response:
    """GET one comment."""
    issue = site.issue_of(call)
    return ok(site.renderer(call.base, call.version).comment(issue, _comment(issue, call.params[1])))


def delete_comment(site: Site, call: Call) -> Response:
    """DELETE one comment."""
    issue = site.writable_issue_of(call)
    site.delete_comment(issue, _comment(issue, call.params[1]), who=call.user.account_id)
    return no_content()


ROUTES = (
    Route("GET", "issue/{id}/properties", property_keys, anonymous=True),
    Route("GET", "issue/{id}/properties/{propertyKey}", get_property, anonymous=True),
    Route("PUT", "issue/{id}/properties/{propertyKey}", put_property),
    Route("DELETE", "issue/{id}/properties/{propertyKey}", delete_property),
    Route("GET", "issue/{id}/comment", comments, anonymous=True),
    Route("POST", "issue/{id}/comment", add_comment),
    Route("GET", "issue/{id}/comment/{commentId}", get_comment, anonymous=True),
    Route("DELETE", "issue/{id}/comment/{commentId}", delete_comment),
)
