"""Handlers of worklogs: on an issue, by the site-wide feeds, and by list of ids.

Called through `routes`. `started` must be in Jira's one format, estimates follow `adjustEstimate`, and the feeds keep
the last minute to themselves. Sums are the business of `worklogs`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.jira import adf
from simulator.jira.calls import PAYLOAD, Call, Problem, Route, no_content, ok, stamp
from simulator.jira.durations import parse_duration
from simulator.jira.issues import Issue, Worklog
from simulator.jira.site import Site
from simulator.jira.values import Bad, read_document
from simulator.jira.worklogs import Adjust, FeedPage
from simulator.wire import Response, json_response

LIST_LIMIT = 1000
_STARTED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{4}")
_STARTED_FORMAT = "%Y-%m-%dT%H:%M:%S.%f%z"


def add(site: Site, call: Call) -> Response:
    """POST worklog: 201. The author is the caller, whoever else the body names."""
    issue = site.writable_issue_of(call)
    site.demand("WORK_ON_ISSUES", 400, "You do not have the permission to associate a worklog to this issue.")
    body = call.body(timeSpent=str)
    seconds = _seconds(body)
    if seconds is None or seconds <= 0:
        raise Problem(400, errors={"timeLogged": "Worklog must not be null."})
    log = site.worklogs.add(
        issue,
        who=call.user.account_id,
        seconds=seconds,
        started=read_started(site, body),
        comment=_comment(call, body),
        adjust=_adjust(call, "reduceBy", -1),
    )
    return json_response(201, site.renderer(call.base, call.version).worklog(log))


def _seconds(body: dict[str, Any]) -> int | None:
    if "timeSpentSeconds" in body:
        raw = body["timeSpentSeconds"]
        if isinstance(raw, bool) or not isinstance(raw, int):
            raise Problem(400, errors={"timeSpentSeconds": "Invalid value for timeSpentSeconds."})
        return raw
    if "timeSpent" not in body:
        return None
    seconds = parse_duration(str(body["timeSpent"]))
    if seconds is None:
        raise Problem(400, errors={"timeLogged": "Invalid time duration entered."})
    return seconds


def read_started(site: Site, body: Mapping[str, Any]) -> tuple[str, int]:
    """Read `started`: milliseconds and an offset without a colon are musts; absent means now."""
    if "started" not in body:
        return stamp(site.now()), site.now()
    raw = body["started"]
    try:
        # Python reads more forms than Jira does; those are passed on as what is no date.
        moment = datetime.strptime(raw if isinstance(raw, str) and _STARTED.fullmatch(raw) else "", _STARTED_FORMAT)  # noqa: DTZ007 - the format has %z
        return raw, int(moment.timestamp() * 1000)
    except ValueError:
        raise Problem(
            400, errors={"started": "Specify a valid date and time, as yyyy-MM-dd'T'HH:mm:ss.SSSZ."}
        ) from None


def _comment(call: Call, body: dict[str, Any]) -> adf.Document | None:
    try:
        return read_document(body.get("comment"), call.version, "Comment body is not valid!")
    except Bad as problem:
        raise Problem(400, errors={"comment": str(problem.args[0])}) from problem


def _adjust(call: Call, manual: str, sign: int) -> Adjust:
    mode = call.request.arg("adjustEstimate") or "auto"
    if mode in {"auto", "leave"}:
        return Adjust(mode)
    name = {"new": "newEstimate", "manual": manual}.get(mode)
    if name is None:
        raise Problem(400, errors={"adjustEstimate": "adjustEstimate must be one of new, leave, manual, auto."})
    seconds = parse_duration(call.request.arg(name) or "")
    if seconds is None:
        raise Problem(400, errors={name: f"{name} must be a valid duration when adjustEstimate is {mode}."})
    return Adjust(mode, seconds if mode == "new" else sign * seconds)


def listing(site: Site, call: Call) -> Response:
    """GET worklogs of an issue, oldest start first, 5000 a page."""
    issue = site.issue_of(call)
    start, size = call.number("startAt", 0), min(call.number("maxResults", 5000), 5000)
    after, before = call.number("startedAfter", -1), call.number("startedBefore", 1 << 60)
    logs = [log for log in issue.worklogs.values() if after <= log.started_ms < before]
    logs.sort(key=lambda log: (log.started_ms, log.id))
    render, properties = site.renderer(call.base, call.version), "properties" in call.listed("expand")
    shown = [render.worklog(log, properties=properties) for log in logs[start : start + size]]
    return ok({"startAt": start, "maxResults": size, "total": len(logs), "worklogs": shown})


def _log(issue: Issue, raw: str) -> Worklog:
    found = issue.worklogs.get(int(raw)) if raw.isdecimal() else None
    if found is None:
        raise Problem(404, f"Cannot find worklog with id: '{raw}'.")
    return found


def get(site: Site, call: Call) -> Response:
    """GET one worklog."""
    log = _log(site.issue_of(call), call.params[1])
    properties = "properties" in call.listed("expand")
    return ok(site.renderer(call.base, call.version).worklog(log, properties=properties))


def change(site: Site, call: Call) -> Response:
    """PUT a worklog: only what is sent changes."""
    log = _log(site.writable_issue_of(call), call.params[1])
    body = call.body(timeSpent=str)
    seconds = _seconds(body)
    if seconds is not None and seconds <= 0:
        raise Problem(400, errors={"timeLogged": "Time Spent must be greater than zero."})
    site.worklogs.change(
        log,
        who=call.user.account_id,
        seconds=seconds,
        started=read_started(site, body) if "started" in body else None,
        comment=_comment(call, body),
        adjust=_adjust(call, "reduceBy", -1),
    )
    return ok(site.renderer(call.base, call.version).worklog(log))


def remove(site: Site, call: Call) -> Response:
    """DELETE a worklog: 204."""
    log = _log(site.writable_issue_of(call), call.params[1])
    site.worklogs.remove(log, who=call.user.account_id, adjust=_adjust(call, "increaseBy", 1))
    return no_content()


def move(site: Site, call: Call) -> Response:
    """POST worklog/move: worklogs keep their ids on the other issue."""
    source = site.writable_issue_of(call)
    body = call.body(ids=[int], issueIdOrKey=str)
    target = site.issue(body.get("issueIdOrKey", ""))
    ids = body.get("ids", [])
    if not 1 <= len(ids) <= 5000:
        raise Problem(400, "Between 1 and 5000 worklog ids must be given.")
    for log in [_log(source, str(worklog_id)) for worklog_id in ids]:
        site.worklogs.move(log, target, who=call.user.account_id, adjust=_adjust(call, "increaseBy", 1))
    return no_content()


def updated(site: Site, call: Call) -> Response:
    """GET worklog/updated: new and changed worklogs of the site, but for the last minute's."""
    since = call.number("since", 0)
    return _feed(site, call, "updated", since, site.worklogs.updated.page(since, site.now()))


def deleted(site: Site, call: Call) -> Response:
    """GET worklog/deleted: ids of removed worklogs, but for the last minute's."""
    since = call.number("since", 0)
    return _feed(site, call, "deleted", since, site.worklogs.deleted.page(since, site.now()))


def _feed(site: Site, call: Call, name: str, since: int, page: FeedPage) -> Response:
    if not site.sees(call.caller):
        page = FeedPage((), since, last=True)
    link = f"{site.renderer(call.base, call.version).api}/worklog/{name}?since="
    values = []
    for moment, worklog_id in page.entries:
        log = site.worklogs.by_id.get(worklog_id)
        kept = log.properties if log is not None and "properties" in call.listed("expand") else {}
        properties = [{"key": key, "value": value} for key, value in kept.items()]
        values.append({"worklogId": worklog_id, "updatedTime": moment, "properties": properties})
    shown = {"values": values, "since": since, "until": page.until, "self": f"{link}{since}", "lastPage": page.last}
    return ok(shown if page.last else {**shown, "nextPage": f"{link}{page.until}"})


def by_ids(site: Site, call: Call) -> Response:
    """POST worklog/list: up to 1000 ids; what is gone is simply not in the answer."""
    ids = call.closed_body(ids=[int]).get("ids")
    if ids is None:
        raise Problem(400, PAYLOAD)
    if len(ids) > LIST_LIMIT:
        raise Problem(400, f"The number of worklog ids must not exceed {LIST_LIMIT}.")
    render, properties = site.renderer(call.base, call.version), "properties" in call.listed("expand")
    found = (site.worklogs.by_id.get(worklog_id) for worklog_id in ids if site.sees(call.caller))
    return ok([render.worklog(log, properties=properties) for log in found if log is not None])


ROUTES = (
    Route("GET", "issue/{id}/worklog", listing, anonymous=True),
    Route("POST", "issue/{id}/worklog", add),
    Route("POST", "issue/{id}/worklog/move", move),
    Route("GET", "issue/{id}/worklog/{worklogId}", get, anonymous=True),
    Route("PUT", "issue/{id}/worklog/{worklogId}", change),
    Route("DELETE", "issue/{id}/worklog/{worklogId}", remove),
    Route("GET", "worklog/updated", updated, anonymous=True),
    Route("GET", "worklog/deleted", deleted, anonymous=True),
    Route("POST", "worklog/list", by_ids, anonymous=True),
)
