"""Smartsheet's own failures, each in the vendor's body, for the fault book.

Called by `vendor.Smartsheet.fault`. With `after: true` in a rule the server commits the request first, which is how
4002 and 4004 after a commit are played. Names and arguments:

    rate_limited       429/4003; `retry_after` (seconds or any text) adds the header, which the vendor may leave out
    error_4000         500, do not retry
    error_4002         500, server timeout
    error_4004         500, the sheet is being updated by another request
    maintenance_4001   503
    gone_4005          410
    token_missing, token_invalid, token_expired    401
    not_authorised     403/1004
    not_found          404/1006, a sheet that is no longer shared looks like this
    plan               403/1013
    html_429           the gateway's own page with 429; `retry_after` as above
    html_502           the gateway's own page with 502
    captive_portal     200 with a page: what a proxy's sign-in says
    error              any code of the list: `code`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.smartsheet.errors import Problem
from simulator.wire import Response, html_response, json_response

_CODES = {
    "rate_limited": 4003,
    "error_4000": 4000,
    "maintenance_4001": 4001,
    "error_4002": 4002,
    "error_4004": 4004,
    "gone_4005": 4005,
    "token_missing": 1001,
    "token_invalid": 1002,
    "token_expired": 1003,
    "not_authorised": 1004,
    "not_found": 1006,
    "plan": 1013,
}
_PAGES = {"html_429": 429, "html_502": 502, "captive_portal": 200}


def fault(name: str, path_id: int | None, args: Mapping[str, Any], ref: str) -> Response:
    """Answer with a failure; raises KeyError for a name that is not listed above."""
    headers = {"Retry-After": str(args["retry_after"])} if args.get("retry_after") is not None else {}
    if name in _PAGES:
        page = html_response(_PAGES[name])
        return Response(page.status, page.body, {**page.headers, **headers})
    problem = Problem(int(args["code"])) if name == "error" else Problem(_CODES[name])
    if problem.code == 4004 and path_id is not None:
        problem = Problem.busy(path_id)
    return json_response(problem.status, problem.body(ref), headers)
