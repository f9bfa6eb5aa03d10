"""Composite and composite graph: several calls in one, where later ones may use what earlier ones gave.

Called by `rest`. Each part goes through `rest.route` as if it had come alone, within one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import orjson

from simulator.salesforce.calls import Call
from simulator.salesforce.problems import Problem
from simulator.salesforce.records import method_not_allowed
from simulator.wire import Request, Response, json_response

MOST_PARTS = 25
MOST_HEAVY_PARTS = 5
"""Queries and collections among the parts."""
MOST_GRAPHS, MOST_NODES = 75, 500
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."

Route: TypeAlias = Callable[[Call], Response]
Answers: TypeAlias = dict[str, Any]
Part: TypeAlias = dict[str, Any]


class _Undo(Exception):
    """Ends the transaction of parts that were all or none."""


def composite(call: Call, route: Route) -> Response:
    """POST /composite."""
    body = _posted(call)
    parts = _parts(body)
    if len(parts) > MOST_PARTS:
        raise Problem("LIMIT_EXCEEDED", f"Cannot have more than {MOST_PARTS} subrequests in a single operation.")
    heavy = sum(1 for part in parts if re.search(r"/(query|queryAll|composite/sobjects)\b", str(part.get("url"))))
    if heavy > MOST_HEAVY_PARTS:
        message = f"Cannot have more than {MOST_HEAVY_PARTS} query or sObject Collections subrequests."
        raise Problem("LIMIT_EXCEEDED", message)
    results, _ = _run(call, parts, route, all_or_none=body.get("allOrNone") is True)
    return json_response(200, {"compositeResponse": results})


def graph(call: Call, route: Route) -> Response:
    """POST /composite/graph: each graph is all or none, for itself."""
    graphs = _posted(call).get("graphs")
    if not isinstance(graphs, list) or not graphs:
        raise Problem("JSON_PARSER_ERROR", "The graphs property must be a list of graphs")
    if len(graphs) > MOST_GRAPHS or sum(len(_parts(one)) for one in graphs) > MOST_NODES:
        message = f"Cannot have more than {MOST_GRAPHS} graphs or {MOST_NODES} nodes in a single operation."
        raise Problem("LIMIT_EXCEEDED", message)
    answers = []
    for one in graphs:
        results, good = _run(call, _parts(one), route, all_or_none=True)
        answer = {"graphId": one.get("graphId"), "graphResponse": {"compositeResponse": results}, "isSuccessful": good}
        answers.append(answer)
    return json_response(200, {"graphs": answers})


def _posted(call: Call) -> dict[str, Any]:
    if call.request.method != "POST":
        raise method_not_allowed(call.request.method)
    return call.body()


def _parts(body: Any) -> list[Part]:
    parts = body.get("compositeRequest") if isinstance(body, dict) else None
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise Problem("JSON_PARSER_ERROR", "The compositeRequest property must be a list of subrequests")
    names = [part.get("referenceId") for part in parts]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise Problem("JSON_PARSER_ERROR", "Each subrequest needs a referenceId of its own")
    return parts


def _run(call: Call, parts: list[Part], route: Route, *, all_or_none: bool) -> tuple[list[Part], bool]:
    """Run parts in order; returns their results and whether all succeeded."""
    results: list[Part] = []
    answers: Answers = {}
    with suppress(_Undo), call.org.store.transaction():
        for part in parts:
            result = _one(call, part, answers, route)
            results.append(result)
            if all_or_none and result["httpStatusCode"] >= 400:
                raise _Undo
    good = all(result["httpStatusCode"] < 400 for result in results)
    if all_or_none and not good:
        failed = results[-1]
        halted = Problem("PROCESSING_HALTED", _HALTED)
        results = [
            failed if part["referenceId"] == failed["referenceId"] else _result(part, 400, halted.payload())
            for part in parts
        ]
    return results, good


def _one(call: Call, part: Part, answers: Answers, route: Route) -> Part:
    try:
        inner = _call(call, part, answers)
        with call.org.store.transaction():
            response = route(inner)
    except Problem as problem:
        return _result(part, problem.status, problem.payload())
    body = orjson.loads(response.body) if response.body else None
    answers[part["referenceId"]] = body
    headers = {name: value for name, value in response.headers.items() if name == "Location"}
    return _result(part, response.status, body, headers)


def _call(call: Call, part: Part, answers: Answers) -> Call:
    """Build the call that a part stands for, with its references filled in; raises Problem."""
    url = str(_filled(part.get("url", ""), answers))
    path, _, query = url.partition("?")
    body = orjson.dumps(_filled(part["body"], answers)) if "body" in part else b""
    given = part.get("httpHeaders")
    extra = {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
    headers = {"content-type": "application/json"} | extra
    request = Request(str(part.get("method", "GET")).upper(), path, query.replace(" ", "+"), headers, body)
    if request.segments[:2] != ("services", "data") or len(request.segments) < 3:
        raise Problem("NOT_FOUND", f"The requested resource does not exist: {path}", status=404)
    return Call(request, request.segments[3:], request.segments[2], call.org, call.queries, call.jobs)


def _filled(value: Any, answers: Answers) -> Any:
    """Replace `@{ref.path}` in texts, deep; a text that is nothing but a reference becomes its value."""
    if isinstance(value, dict):
        return {name: _filled(one, answers) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _referred(whole, answers)
    return _REFERENCE.sub(lambda match: str(_referred(match, answers)), value)


def _referred(match: re.Match[str], answers: Answers) -> Any:
    name, path = match.groups()
    value = answers.get(name)
    for step in re.findall(r"\w+", path):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        message = f"Invalid reference specified. No value for {name}.{path} found in {name}."
        raise Problem("PROCESSING_HALTED", message)
    return value


def _result(part: Part, status: int, body: Any, headers: Mapping[str, str] | None = None) -> Part:
    return {
        "body": body,
        "httpHeaders": dict(headers or {}),
        "httpStatusCode": status,
        "referenceId": part["referenceId"],
    }
