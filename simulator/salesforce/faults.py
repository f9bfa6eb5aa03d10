"""Salesforce's own failures, by the names a fault rule may use.

    session_expired        401 INVALID_SESSION_ID for this call; `forever: true` also ends every session
    total_limit            403 REQUEST_LIMIT_EXCEEDED, the day's allowance is used up
    concurrent_limit       403 REQUEST_LIMIT_EXCEEDED, too many long calls at once
    login_rate             the token endpoint's limit on logins
    oauth                  the token endpoint refuses with `error` and `description`
    lock_row               UNABLE_TO_LOCK_ROW on the records at the places `k` (a number or a list; default 0)
    validation_rule        FIELD_CUSTOM_VALIDATION_EXCEPTION with `message` and `field` on the records at `k`
    row_error              any `code` and `message` on the records at `k`
    error                  any `status`, `code` and `message` as a top-level error
    server_unavailable     503 SERVER_UNAVAILABLE
    query_timeout          400 QUERY_TIMEOUT
    vanish_field           hides `object`.`field` from now on, then answers
    duplicate_external_id  300 with two addresses
    html_401               401 with a page instead of JSON

Called by `vendor`. Cut connections, delays, gateway pages and late commits are the server's business, not ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.salesforce.auth import oauth_error
from simulator.salesforce.ids import mint
from simulator.salesforce.problems import Problem
from simulator.wire import Request, Response, html_response, json_response

if TYPE_CHECKING:
    from simulator.salesforce.vendor import Salesforce

_PLAIN = {
    "total_limit": Problem("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403),
    "concurrent_limit": Problem(
        "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", status=403
    ),
    "server_unavailable": Problem("SERVER_UNAVAILABLE", "Server unavailable", status=503),
    "query_timeout": Problem("QUERY_TIMEOUT", "Your query request was running for too long."),
    "session_expired": Problem("INVALID_SESSION_ID", "Session expired or invalid", status=401),
}
_ROW = {
    "lock_row": ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "validation_rule": ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "A validation rule refused this record"),
    "row_error": ("UNKNOWN_EXCEPTION", "An unexpected error occurred"),
}


def strike(vendor: Salesforce, name: str, request: Request, args: Mapping[str, Any]) -> Response:
    """Answer a request with the named failure; raises KeyError for a name that is not in the list above."""
    if name in _PLAIN:
        if name == "session_expired" and args.get("forever"):
            vendor.auth.expire_all()
        return _refusal(vendor, _PLAIN[name])
    if name in _ROW:
        return vendor.answer(request, _spoiled(name, args))
    if name == "error":
        problem = Problem(
            str(args["code"]), str(args.get("message", args["code"])), status=int(args.get("status", 400))
        )
        return _refusal(vendor, problem)
    if name == "login_rate":
        return oauth_error("invalid_grant", "login rate exceeded")
    if name == "oauth":
        return oauth_error(str(args["error"]), str(args.get("description", args["error"])))
    if name == "vanish_field":
        vendor.org.hide_field(str(args["object"]), str(args["field"]))
        return vendor.answer(request)
    if name == "html_401":
        return html_response(401, "Unauthorized")
    if name == "duplicate_external_id":
        base = "/".join(request.path.split("/")[:6])
        return json_response(300, [f"{base}/{mint('a0X', 62**5 + number)}" for number in (1, 2)])
    raise KeyError(name)


def _refusal(vendor: Salesforce, problem: Problem) -> Response:
    return json_response(problem.status, problem.payload(), {"Sforce-Limit-Info": vendor.limit_info()})


def _spoiled(name: str, args: Mapping[str, Any]) -> dict[int, Problem]:
    code, message = _ROW[name]
    fields = [str(args["field"])] if "field" in args else []
    problem = Problem(str(args.get("code", code)), str(args.get("message", message)), fields=fields)
    places = args.get("k", 0)
    return {int(place): problem for place in (places if isinstance(places, list) else [places])}
