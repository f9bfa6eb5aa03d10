"""Handlers of the asynchronous bulk operations: edit, transition, delete, properties of many, and their progress.

Called through `routes`. They check the request, queue the work with `tasks`, and answer with a task to ask about. Their
refusals have a shape of their own (`BulkProblem`), but for the multi-property write, which is older.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson

from simulator.jira.api_issues import check_property
from simulator.jira.calls import BulkProblem, Call, Kind, Problem, Route, ok, shaped
from simulator.jira.issues import Issue
from simulator.jira.site import Site
from simulator.jira.tasks import Task
from simulator.jira.transitions import read_transition
from simulator.jira.values import read_edit
from simulator.wire import Response, json_response

MAX_ISSUES = 1000
MAX_FIELDS = 200
_PROPERTIES = "Set properties of several issues"
_INVALID = "Invalid request payload."


def edit(site: Site, call: Call) -> Response:
    """POST bulk/issues/fields: the chosen fields of up to 1000 issues."""
    body = _body(site, call, editedFieldsInput=dict, selectedActions=[str], selectedIssueIdsOrKeys=[str])
    issues = _issues(site, body.get("selectedIssueIdsOrKeys"))
    given, actions = body.get("editedFieldsInput", {}), body.get("selectedActions", [])
    if not given or not 1 <= len(actions) <= MAX_FIELDS:
        raise BulkProblem(400, _INVALID)
    fields, update = _edited(site, given)
    if (fields.keys() | update.keys()) != set(actions):
        raise BulkProblem(400, "The selected actions do not match the edited fields.")
    work = partial(_edit_one, site, call.user.account_id, fields, update)
    return _submitted(site, call, issues, work, "Bulk edit")


def editable(site: Site, call: Call) -> Response:
    """GET bulk/issues/fields: which fields can be edited in bulk on these issues."""
    if not any(_issues(site, call.listed("issueIdsOrKeys"))):
        raise BulkProblem(404, "No issues were found.")
    wanted = (call.request.arg("searchText") or "").lower()
    shown = [
        {"id": known.id, "name": known.name, "type": known.kind, "isRequired": known.id == "summary"}
        for known in site.schema.fields.values()
        if known.settable and known.kind in _BULK_KINDS and wanted in known.name.lower()
    ]
    return ok({"fields": shown})


def _edit_one(site: Site, who: str, fields: dict[str, Any], update: dict[str, Any], issue: Issue) -> str | None:
    try:
        site.issues.edit(issue, read_edit(site, "3", issue, fields, update), who=who, bulk=True)
    except Problem as problem:
        return "; ".join((*problem.messages, *problem.errors.values()))
    return None


def _edited(site: Site, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Translate the bulk editor's own notation into `fields` and `update` of a single edit."""
    fields: dict[str, Any] = {}
    update: dict[str, Any] = {}
    try:
        for group, value in given.items():
            _READERS[group](site, value, fields, update)
    except (KeyError, TypeError, AttributeError) as error:
        raise BulkProblem(400, f"{_INVALID} {error}") from error
    return fields, update


def _labels(_: Site, value: Any, fields: dict[str, Any], update: dict[str, Any]) -> None:
    for entry in value:
        names = [label["name"] for label in entry["labels"]]
        option = entry["bulkEditMultiSelectFieldOption"]
        if option in {"ADD", "REMOVE"}:
            update[entry["fieldId"]] = [{option.lower(): name} for name in names]
        else:
            fields[entry["fieldId"]] = names if option == "REPLACE" else []


def _select(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    for entry in value:
        chosen = entry["option"]["optionId"]
        fields[entry["fieldId"]] = None if chosen == -1 else {"id": str(chosen)}


def _text(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.update({entry["fieldId"]: entry["text"] for entry in value})


def _date(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.update({entry["fieldId"]: (entry.get("date") or {}).get("formattedDate") for entry in value})


def _rich_text(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.update({entry["fieldId"]: entry["richText"]["adfValue"] for entry in value})


def _user(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.update({entry["fieldId"]: entry.get("user") for entry in value})


def _number(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.update({entry["fieldId"]: entry.get("value") for entry in value})


def _priority(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields["priority"] = {"id": value["priorityId"]}


def _original(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.setdefault("timetracking", {})["originalEstimate"] = value["originalEstimateField"]


def _remaining(_: Site, value: Any, fields: dict[str, Any], __: dict[str, Any]) -> None:
    fields.setdefault("timetracking", {})["remainingEstimate"] = value["timeRemaining"]


_READERS = {
    "labelsFields": _labels,
    "singleSelectFields": _select,
    "singleLineTextFields": _text,
    "datePickerFields": _date,
    "richTextFields": _rich_text,
    "singleSelectClearableUserPickerFields": _user,
    "clearableNumberFields": _number,
    "priority": _priority,
    "originalEstimateField": _original,
    "timeTrackingField": _remaining,
}


_BULK_KINDS = frozenset({"labels", "option", "text", "date", "richtext", "user", "number", "priority", "timetracking"})


def transition(site: Site, call: Call) -> Response:
    """POST bulk/issues/transition: several groups of issues, each with its transition."""
    inputs = _body(site, call, bulkTransitionInputs=[dict]).get("bulkTransitionInputs", [])
    try:
        inputs = [shaped(entry, selectedIssueIdsOrKeys=[str], transitionId=str) for entry in inputs]
    except Problem as problem:
        raise BulkProblem(400, *problem.messages) from problem
    refs = [ref for entry in inputs for ref in entry.get("selectedIssueIdsOrKeys", [])]
    issues = _issues(site, refs)
    arrows = {
        issue.id: str(entry.get("transitionId"))
        for entry in inputs
        for ref in entry.get("selectedIssueIdsOrKeys", [])
        if (issue := site.issues.get(ref)) is not None
    }
    work = partial(_transition_one, site, call.user.account_id, arrows)
    return _submitted(site, call, issues, work, "Bulk transition")


def _transition_one(site: Site, who: str, arrows: dict[int, str], issue: Issue) -> str | None:
    try:
        arrow, values = read_transition(site, "3", issue, {"transition": {"id": arrows[issue.id]}})
    except Problem as problem:
        return "; ".join((*problem.messages, *problem.errors.values()))
    site.issues.follow(issue, arrow, who=who, values=values, bulk=True)
    return None


def available(site: Site, call: Call) -> Response:
    """GET bulk/issues/transition: which transitions are open to all of the issues of a workflow."""
    render = site.renderer(call.base, call.version)
    groups: dict[str, list[Issue]] = {}
    for issue in _issues(site, call.listed("issueIdsOrKeys")):
        if issue is not None:
            groups.setdefault(issue.type.workflow.name, []).append(issue)
    shown = []
    for issues in groups.values():
        shared = set.intersection(*({arrow.id for arrow in site.open_transitions(issue)} for issue in issues))
        arrows = [arrow for arrow in issues[0].type.workflow.transitions if arrow.id in shared]
        transitions = [
            {
                "transitionId": int(arrow.id),
                "transitionName": arrow.name,
                "to": {"statusId": int(arrow.target), "statusName": render.schema.statuses[arrow.target].name},
            }
            for arrow in arrows
        ]
        keys = [issue.key for issue in issues]
        shown.append({"issues": keys, "isTransitionsFiltered": False, "transitions": transitions})
    return ok({"availableTransitions": shown})


def delete(site: Site, call: Call) -> Response:
    """POST bulk/issues/delete: issues and their sub-tasks."""
    body = _body(site, call, selectedIssueIdsOrKeys=[str])
    issues = _issues(site, body.get("selectedIssueIdsOrKeys"))
    return _submitted(site, call, issues, partial(_delete_one, site, call.user.account_id), "Bulk delete")


def _delete_one(site: Site, who: str, issue: Issue) -> str | None:
    site.issues.delete(issue, who=who, bulk=True)
    return None


def _body(site: Site, call: Call, **kinds: Kind) -> dict[str, Any]:
    """Return the closed body; these operations need the global permission for bulk changes."""
    site.demand_bulk()
    try:
        return call.closed_body(sendBulkNotification=bool, **kinds)
    except Problem as problem:
        raise BulkProblem(problem.status, *problem.messages) from problem


def _issues(site: Site, refs: list[str] | None) -> list[Issue | None]:
    if not refs or not 1 <= len(refs) <= MAX_ISSUES:
        raise BulkProblem(400, f"Between 1 and {MAX_ISSUES} issues must be selected.")
    return [site.issues.get(ref) for ref in dict.fromkeys(refs)]


def _submitted(site: Site, call: Call, issues: list[Issue | None], work: Any, description: str) -> Response:
    task = site.tasks.submit(issues, work, who=call.user.account_id, description=description)
    return json_response(201, {"taskId": task.id})


def progress(site: Site, call: Call) -> Response:
    """GET bulk/queue/{taskId}: kept for fourteen days."""
    task = site.tasks.find(call.params[0])
    if task is None:
        raise BulkProblem(400, f"Task with ID {call.params[0]} was not found.")
    now = site.now()
    done = len(task.processed) + len(task.failed)
    shown: dict[str, Any] = {
        "taskId": task.id,
        "status": task.status(now),
        "progressPercent": 100 if task.finished is not None else 0,
        "submittedBy": {"accountId": task.who},
        "created": task.submitted,
        "started": min(task.due, now),
        "updated": task.finished or now,
        "invalidOrInaccessibleIssueCount": task.invisible,
        "totalIssueCount": task.total,
    }
    if done:
        shown["processedAccessibleIssues"] = task.processed
        shown["failedAccessibleIssues"] = {str(issue_id): reasons for issue_id, reasons in task.failed.items()}
    return ok(shown)


def set_properties(site: Site, call: Call) -> Response:
    """POST issue/properties/multi: 303 to the task; 409 while another such write runs."""
    entries = call.closed_body(issues=[dict]).get("issues", [])
    if not 1 <= len(entries) <= 100:
        raise Problem(400, "Between 1 and 100 issues must be given.")
    if site.tasks.running(_PROPERTIES):
        raise Problem(409, "Another bulk update of issue properties is in progress.")
    wanted: dict[int, dict[str, Any]] = {}
    for entry in entries:
        properties = shaped(entry, issueID=int, properties=dict).get("properties", {})
        if not 1 <= len(properties) <= 10:
            raise Problem(400, "Between 1 and 10 properties must be given for each issue.")
        for key, value in properties.items():
            check_property(key, orjson.dumps(value))
        wanted[entry.get("issueID", 0)] = properties
    issues = [site.issues.by_id.get(issue_id) for issue_id in wanted]
    work = partial(_set_properties, wanted)
    task = site.tasks.submit(issues, work, who=call.user.account_id, description=_PROPERTIES)
    location = f"{site.renderer(call.base, call.version).api}/task/{task.id}"
    return Response(303, headers={"Location": location})


def _set_properties(wanted: dict[int, dict[str, Any]], issue: Issue) -> str | None:
    issue.properties.update(wanted[issue.id])
    return None


def task(site: Site, call: Call) -> Response:
    """GET task/{taskId}: progress of long-running work, times in epoch milliseconds."""
    found = site.tasks.find(call.params[0])
    if found is None:
        raise Problem(404, f"Cannot find task with id {call.params[0]}.")
    return ok(_shown(site, call, found))


def _shown(site: Site, call: Call, found: Task) -> dict[str, Any]:
    now = site.now()
    people = list(site.schema.users)
    shown: dict[str, Any] = {
        "self": f"{site.renderer(call.base, call.version).api}/task/{found.id}",
        "id": found.id,
        "description": found.description,
        "status": found.status(now),
        "submittedBy": 10000 + people.index(found.who),
        "progress": 100 if found.finished is not None else 0,
        "elapsedRuntime": max((found.finished or now) - found.submitted, 0),
        "submitted": found.submitted,
        "lastUpdate": found.finished or now,
    }
    return shown if found.finished is None else {**shown, "started": found.submitted, "finished": found.finished}


ROUTES = (
    Route("GET", "bulk/issues/fields", editable),
    Route("POST", "bulk/issues/fields", edit),
    Route("GET", "bulk/issues/transition", available),
    Route("POST", "bulk/issues/transition", transition),
    Route("POST", "bulk/issues/delete", delete),
    Route("GET", "bulk/queue/{taskId}", progress),
    Route("POST", "issue/properties/multi", set_properties),
    Route("GET", "task/{taskId}", task),
)
