"""Jira's own ways to fail, each with its real status, headers and body.

Called by the server's fault book through `vendor`. With `after: true` in the rule the request is committed first. It
changes no state: what lasts (a revoked token, a permission taken away) is done by `people`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from simulator.clock import Clock
from simulator.jira.calls import Problem
from simulator.wire import Response, html_response, json_response

REASONS = (
    "jira-burst-based", "jira-per-issue-on-write", "jira-quota-global-based", "jira-quota-tenant-based",
    "jira-cost-based", "jira-max-concurrent-threads-based",
)  # fmt: skip
TOO_MANY = "Rate limit exceeded."


def rate_limited(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 429. `reason`, `retry_after` seconds (None = no such header), `http_date` for the header's other form."""
    seconds = args.get("retry_after", 5)
    headers = limit_headers(clock, str(args.get("reason", REASONS[0])), seconds or 0)
    if seconds is not None:
        headers |= retry_after(clock, seconds, http_date=bool(args.get("http_date")))
    return Problem(429, TOO_MANY, headers=headers).response()


def limit_headers(clock: Clock, reason: str, seconds: float) -> dict[str, str]:
    """Return what a 429 of Jira's own says of its limit."""
    reset = clock.now() + timedelta(seconds=seconds)
    return {
        "RateLimit-Reason": reason,
        "X-RateLimit-Limit": "100",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-NearLimit": "true",
        "X-RateLimit-Reset": f"{reset:%Y-%m-%dT%H:%MZ}",
    }


def retry_after(clock: Clock, seconds: float, *, http_date: bool = False) -> dict[str, str]:
    """Return Retry-After in whole seconds, or as a date."""
    if http_date:
        return {"Retry-After": format_datetime(clock.now() + timedelta(seconds=seconds), usegmt=True)}
    return {"Retry-After": str(int(seconds))}


def gateway_429(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 429 as the gateway in front of Jira does: no Retry-After, no limit headers."""
    del clock, args
    headers = {"X-Failure-Category": "FAILURE_CLIENT_RATE_LIMITED"}
    return json_response(429, {"code": 429, "message": "Too Many Requests"}, headers)


def unavailable(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 503, with Retry-After when `retry_after` is given."""
    seconds = args.get("retry_after")
    headers = {} if seconds is None else retry_after(clock, seconds, http_date=bool(args.get("http_date")))
    return Problem(503, "Service Unavailable", headers=headers).response()


def error_500(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 500 in Jira's own shape."""
    del clock, args
    return Problem(500, "Internal server error").response()


def error_502(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 502 as an HTML page of the gateway."""
    del clock, args
    return html_response(502, "Bad Gateway")


def conflict_409(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 409: another change of the issue was under way; nothing was changed."""
    del clock, args
    return Problem(409, "The issue could not be updated due to a conflicting update.").response()


def permission_lost(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer as for an issue that the caller may not see; `status` 403 for one that may be seen but not changed."""
    del clock
    if int(args.get("status", 404)) == 403:
        return Problem(403, "You do not have permission to edit issues in this project.").response()
    return Problem(404, "Issue does not exist or you do not have permission to see it.").response()


def field_vanished(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 400 as when an admin took `field` off the screen."""
    del clock
    field = str(args.get("field", "customfield_10050"))
    message = f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."
    return Problem(400, errors={field: message}).response()


def bad_page_token(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 400 as for a page token that has expired."""
    del clock, args
    return Problem(400, "The provided next page token is invalid or expired.").response()


def empty_json(clock: Clock, args: Mapping[str, Any]) -> Response:
    """Answer 200 with `{}`, as serverInfo sometimes does (JRA-59676)."""
    del clock, args
    return json_response(200, {})


FAULTS: Mapping[str, Callable[[Clock, Mapping[str, Any]], Response]] = {
    "rate_limited": rate_limited,
    "gateway_429": gateway_429,
    "unavailable": unavailable,
    "error_500": error_500,
    "error_502": error_502,
    "conflict_409": conflict_409,
    "permission_lost": permission_lost,
    "field_vanished": field_vanished,
    "bad_page_token": bad_page_token,
    "empty_json": empty_json,
}
"""By name; `token_expired` is the vendor's, since it answers the request itself as a stranger's."""
