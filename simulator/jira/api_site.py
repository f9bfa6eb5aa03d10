"""Handlers of what a site is: server, people, fields, statuses, types, the project, permissions and settings.

Called through `routes`. Read only.
"""

from __future__ import annotations

from typing import Any

from simulator.jira.calls import Call, Problem, Route, ok, stamp
from simulator.jira.durations import DAYS_PER_WEEK, HOURS_PER_DAY
from simulator.jira.render import Renderer, field_schema
from simulator.jira.schema import CATEGORIES, Field, IssueType, Project
from simulator.jira.site import Site
from simulator.wire import Response

_NO_PROJECT = "No project could be found with {} '{}'."
_PERMISSIONS = {
    "ADMINISTER": "Administer Jira", "BULK_CHANGE": "Make bulk changes", "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues", "EDIT_ISSUES": "Edit Issues", "TRANSITION_ISSUES": "Transition Issues",
    "DELETE_ISSUES": "Delete Issues", "ASSIGN_ISSUES": "Assign Issues", "WORK_ON_ISSUES": "Work On Issues",
    "ADD_COMMENTS": "Add Comments", "EDIT_ALL_WORKLOGS": "Edit All Worklogs", "MOVE_ISSUES": "Move Issues",
    "DELETE_ALL_WORKLOGS": "Delete All Worklogs", "SCHEDULE_ISSUES": "Schedule Issues",
    "MODIFY_REPORTER": "Modify Reporter", "ASSIGNABLE_USER": "Assignable User",
}  # fmt: skip
_GLOBAL = frozenset({"ADMINISTER", "BULK_CHANGE"})


def server_info(site: Site, call: Call) -> Response:
    """GET serverInfo: the only operation that needs no credentials at all."""
    now = stamp(site.now())
    return ok(
        {
            "baseUrl": call.base,
            "displayUrl": call.base,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": [1001, 0, 0],
            "deploymentType": "Cloud",
            "buildNumber": 100_300,
            "buildDate": now,
            "serverTime": now,
            "scmInfo": "0" * 40,
            "serverTitle": "Jira",
        }
    )


def myself(site: Site, call: Call) -> Response:
    """GET myself: 401 for whoever is not signed in."""
    return ok({**_render(site, call).known_user(call.user.account_id), "locale": "en_US"})


def user(site: Site, call: Call) -> Response:
    """GET user by account id."""
    found = site.schema.users.get(call.request.arg("accountId") or "")
    if found is None:
        raise Problem(404, "Specified user does not exist or you do not have required permissions")
    return ok(_render(site, call).user(found))


def user_search(site: Site, call: Call) -> Response:
    """GET user/search by a part of the name or address; anonymous callers find nobody."""
    query = (call.request.arg("query") or "").lower()
    account = call.request.arg("accountId")
    if not query and account is None:
        raise Problem(400, "The query parameter is required.")
    start, size = call.number("startAt", 0), call.number("maxResults", 50)
    found = [
        person
        for person in site.schema.users.values()
        if (account is None or person.account_id == account)
        and (query in person.name.lower() or query in person.email.lower())
    ]
    render = _render(site, call)
    return ok([render.user(person) for person in found[start : start + size]] if call.caller else [])


def fields(site: Site, call: Call) -> Response:
    """GET field; anonymous callers see system fields only."""
    render = _render(site, call)
    shown = [known for known in site.schema.fields.values() if call.caller is not None or not known.custom]
    return ok([render.field(known) for known in shown])


def statuses(site: Site, call: Call) -> Response:
    """GET status."""
    render = _render(site, call)
    return ok([render.status(status) for status in site.schema.statuses.values()] if call.caller else [])


def categories(site: Site, call: Call) -> Response:
    """GET statuscategory."""
    render = _render(site, call)
    return ok([render.category(category) for category in CATEGORIES.values()])


def issue_types(site: Site, call: Call) -> Response:
    """GET issuetype."""
    return ok(_types(site, call) if call.caller else [])


def project_types(site: Site, call: Call) -> Response:
    """GET issuetype/project."""
    _project(site, call, call.request.arg("projectId") or "")
    return ok(_types(site, call))


def project(site: Site, call: Call) -> Response:
    """GET project by id or key."""
    return ok(_project_details(site, call, _project(site, call, call.params[0])))


def project_search(site: Site, call: Call) -> Response:
    """GET project/search by pages; anonymous callers find none."""
    query, keys = (call.request.arg("query") or "").lower(), call.listed("keys")
    start, size = call.number("startAt", 0), min(call.number("maxResults", 50), 100)
    found = [
        known
        for known in site.schema.projects.values()
        if site.sees(call.caller)
        and (query in known.name.lower() or query in known.key.lower())
        and (not keys or known.key in keys)
    ]
    render = _render(site, call)
    shown = [render.project_ref(known) for known in found[start : start + size]]
    link = f"{render.api}/project/search?startAt={start}&maxResults={size}"
    is_last = start + size >= len(found)
    page = {"self": link, "maxResults": size, "startAt": start, "total": len(found), "isLast": is_last, "values": shown}
    return ok(page)


def project_statuses(site: Site, call: Call) -> Response:
    """GET the statuses of each issue type in the project."""
    _project(site, call, call.params[0])
    render = _render(site, call)
    shown = []
    for kind in site.schema.types.values():
        arrows = kind.workflow.transitions
        used = {kind.workflow.initial, *(a.source for a in arrows), *(a.target for a in arrows)}
        known = [render.status(status) for status in site.schema.statuses.values() if status.id in used]
        summary = render.issue_type(kind)
        named = {name: summary[name] for name in ("self", "id", "name", "subtask")}
        shown.append({**named, "statuses": known})
    return ok(shown)


def createmeta(site: Site, call: Call) -> Response:
    """GET createmeta's issue types of a project, by pages."""
    _project(site, call, call.params[0])
    shown = _types(site, call)
    return ok({"startAt": 0, "maxResults": 50, "total": len(shown), "issueTypes": shown})


def createmeta_fields(site: Site, call: Call) -> Response:
    """GET createmeta's fields of one issue type, by pages."""
    _project(site, call, call.params[0])
    kind = site.schema.types.get(call.params[1])
    if kind is None:
        raise Problem(400, "Issue type with given ID does not exist.")
    start, size = call.number("startAt", 0), min(call.number("maxResults", 50), 200)
    known = [f for f in site.schema.fields.values() if f.settable or f.id == "project"]
    render = _render(site, call)
    shown = [_meta(site, render, field, kind) for field in known[start : start + size]]
    return ok({"startAt": start, "maxResults": size, "total": len(known), "fields": shown})


def editmeta(site: Site, call: Call) -> Response:
    """GET editmeta: the fields that an edit of this issue may set."""
    issue = site.issue_of(call)
    render = _render(site, call)
    known = [f for f in site.schema.fields.values() if f.settable]
    return ok({"fields": {f.id: _without(_meta(site, render, f, issue.type), "fieldId") for f in known}})


def _without(shown: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if key != name}


def _meta(site: Site, render: Renderer, known: Field, kind: IssueType) -> dict[str, Any]:
    required = {"summary", "issuetype", "project"} | ({"parent"} if kind.level < 0 else set())
    operations = {"labels": ["add", "set", "remove"], "timetracking": ["set", "edit"]}.get(known.id, ["set"])
    shown: dict[str, Any] = {
        "required": known.id in required,
        "schema": field_schema(known),
        "name": known.name,
        "key": known.id,
        "fieldId": known.id,
        "hasDefaultValue": known.id == "priority",
        "operations": operations,
    }
    options = site.schema.priorities if known.kind == "priority" else known.options
    if known.kind == "issuetype":
        shown["allowedValues"] = [render.issue_type(kind)]
    elif options:
        shown["allowedValues"] = [render.option(option, known) for option in options]
    return shown


def my_permissions(site: Site, call: Call) -> Response:
    """GET mypermissions: which of the named permissions the caller has."""
    asked = call.listed("permissions")
    if not asked or not set(asked) <= set(_PERMISSIONS):
        unknown = ", ".join(name for name in asked if name not in _PERMISSIONS)
        raise Problem(400, f"Unrecognized permission: {unknown}" if asked else "The permissions parameter is required.")
    if (key := call.request.arg("projectKey")) is not None:
        _project(site, call, key)
    denied = set(site.knobs["denied_permissions"])
    shown = {
        name: {
            "id": str(number),
            "key": name,
            "name": _PERMISSIONS[name],
            "type": "GLOBAL" if name in _GLOBAL else "PROJECT",
            "description": _PERMISSIONS[name],
            "havePermission": call.caller is not None and name not in denied,
        }
        for number, name in enumerate(_PERMISSIONS)
        if name in asked
    }
    return ok({"permissions": shown})


def time_tracking(site: Site, call: Call) -> Response:
    """GET the working day and week that durations are written in."""
    del site, call
    return ok(
        {
            "workingHoursPerDay": float(HOURS_PER_DAY),
            "workingDaysPerWeek": float(DAYS_PER_WEEK),
            "timeFormat": "pretty",
            "defaultUnit": "minute",
        }
    )


def _render(site: Site, call: Call) -> Renderer:
    return site.renderer(call.base, call.version)


def _types(site: Site, call: Call) -> list[dict[str, Any]]:
    render = _render(site, call)
    return [render.issue_type(kind) for kind in site.schema.types.values()]


def _project(site: Site, call: Call, ref: str) -> Project:
    found = site.schema.project(ref)
    if found is None or not site.sees(call.caller):
        raise Problem(404, _NO_PROJECT.format("id" if ref.isdecimal() else "key", ref))
    return found


def _project_details(site: Site, call: Call, known: Project) -> dict[str, Any]:
    render = _render(site, call)
    return {
        **render.project_ref(known),
        "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
        "description": "",
        "lead": render.user(site.owner),
        "issueTypes": _types(site, call),
        "components": [],
        "versions": [],
        "assigneeType": "UNASSIGNED",
        "style": "classic",
        "isPrivate": False,
        "properties": {},
        "roles": {},
    }


ROUTES = (
    Route("GET", "serverInfo", server_info, anonymous=True),
    Route("GET", "myself", myself),
    Route("GET", "user", user),
    Route("GET", "user/search", user_search, anonymous=True),
    Route("GET", "field", fields, anonymous=True),
    Route("GET", "status", statuses, anonymous=True),
    Route("GET", "statuscategory", categories),
    Route("GET", "issuetype", issue_types, anonymous=True),
    Route("GET", "issuetype/project", project_types, anonymous=True),
    Route("GET", "project/search", project_search, anonymous=True),
    Route("GET", "project/{id}", project, anonymous=True),
    Route("GET", "project/{id}/statuses", project_statuses, anonymous=True),
    Route("GET", "issue/createmeta/{id}/issuetypes", createmeta, anonymous=True),
    Route("GET", "issue/createmeta/{id}/issuetypes/{issueTypeId}", createmeta_fields, anonymous=True),
    Route("GET", "issue/{id}/editmeta", editmeta, anonymous=True),
    Route("GET", "mypermissions", my_permissions, anonymous=True),
    Route("GET", "configuration/timetracking/options", time_tracking),
)
