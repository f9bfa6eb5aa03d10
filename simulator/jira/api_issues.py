"""Handlers of single issues and of bulk create and bulk fetch.

Called through `routes`. They read requests, let `values` check them and `issues` change state, and answer through
`render`. They hold nothing.
"""

from __future__ import annotations

from typing import Any

import orjson

from simulator.jira.calls import PAYLOAD, Call, Kind, Problem, Route, no_content, ok, shaped
from simulator.jira.issues import Issue
from simulator.jira.render import Renderer
from simulator.jira.schema import Transition
from simulator.jira.site import Site
from simulator.jira.transitions import read_transition
from simulator.jira.values import read_edit, read_new
from simulator.wire import Response, json_response

BULK_CREATE = 50
BULK_FETCH = 100
BULK_FETCH_NAMED = 1000
PROPERTY_BYTES = 32_768
_HEAVY = frozenset({"comment", "worklog", "subtasks", "attachment", "issuelinks", "description"})
_UPDATE: dict[str, Kind] = {"fields": dict, "update": dict, "properties": [dict], "transition": dict}


def create(site: Site, call: Call) -> Response:
    """POST issue: 201 with id, key and self."""
    return json_response(201, create_one(site, call, call.json()))


def create_bulk(site: Site, call: Call) -> Response:
    """POST issue/bulk: up to 50, each on its own; 201 when any was created, else 400 in the same shape."""
    updates = call.closed_body(issueUpdates=[dict]).get("issueUpdates")
    if not updates:
        raise Problem(400, PAYLOAD)
    if len(updates) > BULK_CREATE:
        raise Problem(400, f"The maximum number of issues that can be created in one request is {BULK_CREATE}.")
    created: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for number, update in enumerate(updates):
        try:
            created.append(create_one(site, call, update))
        except Problem as problem:
            errors.append({"status": problem.status, "elementErrors": problem.payload(), "failedElementNumber": number})
    return json_response(201 if created else 400, {"issues": created, "errors": errors})


def create_one(site: Site, call: Call, update: Any) -> dict[str, Any]:
    """Create one issue with its properties and transition; everything is checked before anything is changed."""
    shaped(update, **_UPDATE)
    site.demand(
        "CREATE_ISSUES", 400, errors={"project": "You do not have permission to create issues in this project."}
    )
    properties = read_properties(update.get("properties"))
    project, kind, values = read_new(site, call.version, update.get("fields"), update.get("update"))
    arrow = _first_transition(kind.workflow.initial, kind.workflow.transitions, update.get("transition"))
    issue = site.issues.create(project, kind, values, who=call.user.account_id)
    issue.properties.update(properties)
    made = {
        "id": str(issue.id),
        "key": issue.key,
        "self": f"{site.renderer(call.base, call.version).api}/issue/{issue.id}",
    }
    if arrow is None:
        return made
    site.issues.follow(issue, arrow, who=call.user.account_id)
    return {**made, "transition": {"status": 200, "errorCollection": {"errorMessages": [], "errors": {}}}}


def _first_transition(initial: str, arrows: list[Transition], wanted: Any) -> Transition | None:
    if wanted is None:
        return None
    for arrow in arrows:
        if isinstance(wanted, dict) and arrow.source == initial and arrow.id == str(wanted.get("id")):
            return arrow
    raise Problem(400, "It seems that you have tried to perform an illegal workflow operation.")


def read_properties(raw: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Check entity properties: keys of at most 255 characters, values of at most 32,768."""
    if raw is None:
        return {}
    for entry in raw:
        if "key" not in entry:
            raise Problem(400, PAYLOAD)
        check_property(str(entry["key"]), orjson.dumps(entry.get("value")))
    return {str(entry["key"]): entry.get("value") for entry in raw}


def check_property(key: str, value: bytes) -> None:
    """Raise Problem 400 for a key or a value that is too long."""
    if not key or len(key) > 255:
        raise Problem(400, "The property key cannot be longer than 255 characters.")
    if len(value) > PROPERTY_BYTES:
        raise Problem(400, f"The property value cannot be longer than {PROPERTY_BYTES} characters.")


def get(site: Site, call: Call) -> Response:
    """GET issue by id or by any key it ever had."""
    issue = site.issue_of(call)
    return ok(
        site.renderer(call.base, call.version).issue(
            issue, call.listed("fields"), "*all", call.listed("expand"), call.listed("properties")
        )
        | _extra(site, call, issue)
    )


def _extra(site: Site, call: Call, issue: Issue) -> dict[str, Any]:
    expand = call.listed("expand")
    if "transitions" not in expand:
        return {}
    render = site.renderer(call.base, call.version)
    return {"transitions": [render.transition(arrow) for arrow in site.open_transitions(issue)]}


def fetch_bulk(site: Site, call: Call) -> Response:
    """POST issue/bulkfetch: rows by ascending id; what is missing or invisible appears nowhere in the answer."""
    body = call.closed_body(issueIdsOrKeys=[str], fields=[str], fieldsByKeys=bool, expand=[str], properties=[str])
    wanted, fields, expand = body.get("issueIdsOrKeys"), body.get("fields", []), body.get("expand", [])
    properties = body.get("properties", [])
    if not wanted:
        raise Problem(400, PAYLOAD)
    limit = BULK_FETCH_NAMED if _is_light(fields, expand) else BULK_FETCH
    if len(wanted) > limit:
        raise Problem(400, f"The number of issues requested exceeds the limit of {limit}.")
    if len(properties) > 5:
        raise Problem(400, "The maximum number of properties that can be requested is 5.")
    found = {issue.id: issue for ref in wanted if (issue := site.issues.get(str(ref))) is not None}
    rows = found.values() if site.sees(call.caller) else ()
    render = site.renderer(call.base, call.version)
    shown = [render.issue(row, fields, "*navigable", expand, properties) for row in sorted(rows, key=lambda r: r.id)]
    return ok({"issues": shown, "issueErrors": []})


def _is_light(fields: list[str], expand: list[str]) -> bool:
    """Up to 1000 issues only with at most 100 explicitly named single-valued fields and no heavy expand."""
    named = 0 < len(fields) <= 100 and not any(name.startswith(("*", "-")) or name in _HEAVY for name in fields)
    return named and not set(expand) & {"changelog", "renderedFields", "operations", "editmeta", "transitions"}


def edit(site: Site, call: Call) -> Response:
    """PUT issue: 204, or 200 with the issue when `returnIssue` asks for it. A transition in the body is ignored."""
    issue = site.writable_issue_of(call)
    body = call.body(**_UPDATE)
    site.demand("EDIT_ISSUES", 403, "You do not have permission to edit issues in this project.")
    values = read_edit(site, call.version, issue, body.get("fields"), body.get("update"))
    properties = read_properties(body.get("properties"))
    if not values and not properties:
        raise Problem(400, "one of 'fields' or 'update' required")
    site.issues.edit(issue, values, who=call.user.account_id)
    issue.properties.update(properties)
    if call.request.arg("returnIssue") != "true":
        return no_content()
    return ok(site.renderer(call.base, call.version).issue(issue, [], "*all", call.listed("expand")))


def delete(site: Site, call: Call) -> Response:
    """DELETE issue: sub-tasks only go with it when `deleteSubtasks` says so."""
    issue = site.writable_issue_of(call)
    site.demand("DELETE_ISSUES", 403, "You do not have permission to delete issues in this project.")
    sub_tasks = [child for child in issue.children if site.issues.by_id[child].type.level < 0]
    if sub_tasks and (call.request.arg("deleteSubtasks") or "").lower() != "true":
        raise Problem(
            400,
            f"The issue '{issue.key}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this "
            "issue and all its subtasks.",
        )
    site.issues.delete(issue, who=call.user.account_id)
    return no_content()


def assign(site: Site, call: Call) -> Response:
    """PUT assignee: an account id, or null for nobody."""
    issue = site.writable_issue_of(call)
    account = call.closed_body(accountId=str | None, name=str, key=str).get("accountId")
    values = read_edit(site, call.version, issue, {"assignee": account and {"accountId": account}}, None)
    site.issues.edit(issue, values, who=call.user.account_id)
    return no_content()


def changelog(site: Site, call: Call) -> Response:
    """GET changelog: oldest first."""
    issue = site.issue_of(call)
    start, size = call.number("startAt", 0), min(call.number("maxResults", 100), 100)
    render = site.renderer(call.base, call.version)
    page = issue.history[start : start + size]
    shown: dict[str, Any] = {
        "self": f"{render.api}/issue/{call.params[0]}/changelog?maxResults={size}&startAt={start}",
        "maxResults": size,
        "startAt": start,
        "total": len(issue.history),
        "isLast": start + len(page) >= len(issue.history),
        "values": [render.change(change) for change in page],
    }
    if not shown["isLast"]:
        shown["nextPage"] = f"{render.api}/issue/{call.params[0]}/changelog?maxResults={size}&startAt={start + size}"
    return ok(shown)


def changelog_list(site: Site, call: Call) -> Response:
    """POST changelog/list: the named entries of one issue."""
    issue = site.issue_of(call)
    wanted = call.closed_body(changelogIds=[int]).get("changelogIds")
    if wanted is None:
        raise Problem(400, PAYLOAD)
    render = site.renderer(call.base, call.version)
    shown = [render.change(change) for change in issue.history if change.id in wanted]
    return ok({"startAt": 0, "maxResults": len(shown), "total": len(shown), "histories": shown})


def changelogs(site: Site, call: Call) -> Response:
    """POST changelog/bulkfetch: up to 1000 issues, at most 10 fields, by pages of changes."""
    body = call.closed_body(issueIdsOrKeys=[str], fieldIds=[str], maxResults=int, nextPageToken=str)
    wanted, fields, size = body.get("issueIdsOrKeys"), body.get("fieldIds") or [], body.get("maxResults", 1000)
    if not wanted or not 1 <= len(wanted) <= 1000 or len(fields) > 10 or not 1 <= size <= 10_000:
        raise Problem(400, PAYLOAD)
    token = body.get("nextPageToken") or "0"
    if not str(token).isdecimal():
        raise Problem(400, "The provided next page token is invalid or expired.")
    refs = wanted if site.sees(call.caller) else []
    found = {issue.id: issue for ref in refs if (issue := site.issues.get(str(ref))) is not None}
    changes = [
        (issue.id, change)
        for issue in sorted(found.values(), key=lambda issue: issue.id)
        for change in issue.history
        if not fields or any(item.field_id in fields for item in change.items)
    ]
    start = int(token)
    return ok(_changelog_page(site.renderer(call.base, call.version), changes, start, size))


def _changelog_page(render: Renderer, changes: list[tuple[int, Any]], start: int, size: int) -> dict[str, Any]:
    grouped: dict[int, list[Any]] = {}
    for issue_id, change in changes[start : start + size]:
        grouped.setdefault(issue_id, []).append(render.change(change, epoch=True))
    logs = [{"issueId": str(issue_id), "changeHistories": histories} for issue_id, histories in grouped.items()]
    page: dict[str, Any] = {"issueChangeLogs": logs}
    if start + size < len(changes):
        page["nextPageToken"] = str(start + size)
    return page


def transitions(site: Site, call: Call) -> Response:
    """GET transitions open to this issue in its present status."""
    issue = site.issue_of(call)
    render = site.renderer(call.base, call.version)
    only = call.request.arg("transitionId")
    with_fields = "transitions.fields" in call.listed("expand")
    shown = [
        render.transition(arrow, site.screen(arrow, render) if with_fields else None)
        for arrow in site.open_transitions(issue)
        if only in {None, arrow.id}
    ]
    return ok({"expand": "transitions", "transitions": shown})


def transition(site: Site, call: Call) -> Response:
    """POST transitions: 204."""
    issue = site.writable_issue_of(call)
    body = call.body(**_UPDATE)
    arrow, values = read_transition(site, call.version, issue, body)
    site.issues.follow(issue, arrow, who=call.user.account_id, values=values)
    issue.properties.update(read_properties(body.get("properties")))
    return no_content()


ROUTES = (
    Route("POST", "issue", create),
    Route("POST", "issue/bulk", create_bulk),
    Route("POST", "issue/bulkfetch", fetch_bulk, anonymous=True),
    Route("GET", "issue/{id}", get, anonymous=True),
    Route("PUT", "issue/{id}", edit),
    Route("DELETE", "issue/{id}", delete),
    Route("PUT", "issue/{id}/assignee", assign),
    Route("GET", "issue/{id}/changelog", changelog, anonymous=True),
    Route("POST", "issue/{id}/changelog/list", changelog_list, anonymous=True),
    Route("POST", "changelog/bulkfetch", changelogs),
    Route("GET", "issue/{id}/transitions", transitions, anonymous=True),
    Route("POST", "issue/{id}/transitions", transition),
)
