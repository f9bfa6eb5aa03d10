"""Handlers that look at JQL itself: parse queries, and match given issues against given queries.

Called through `routes`. `validation=strict` is how a client can tell an unknown field from an empty answer; matching
still goes by the index, lag included.
"""

from __future__ import annotations

from typing import Any

from simulator.jira import jql
from simulator.jira.api_search import find
from simulator.jira.calls import PAYLOAD, Call, Problem, Route, ok
from simulator.jira.matching import Asker, Unknown, compile_query
from simulator.jira.site import Site
from simulator.wire import Response

_MODES = frozenset({"strict", "warn", "none"})


def parse(site: Site, call: Call) -> Response:
    """POST jql/parse: each query's structure, or what is wrong with it as `validation` says."""
    mode = call.request.arg("validation") or "strict"
    queries = call.closed_body(queries=[str]).get("queries")
    if mode not in _MODES or not queries:
        raise Problem(400, PAYLOAD)
    return ok({"queries": [_parsed(site, call, text, mode) for text in queries]})


def _parsed(site: Site, call: Call, text: str, mode: str) -> dict[str, Any]:
    try:
        query = jql.parse(text)
        shown = {"query": text, "structure": _structure(query)}
        if mode != "none":
            compile_query(Asker(site.schema, site.issues, site.now(), call.caller), query)
    except jql.JqlError as error:
        return {"query": text, "errors": [str(error)]}
    except Unknown as unknown:
        if mode == "strict":
            return {"query": text, "errors": [str(unknown.args[0])]}
        return {**shown, "warnings": [str(unknown.args[0])]}
    return shown


def _structure(query: jql.Query) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if query.where is not None:
        shown["where"] = _node(query.where)
    if query.order:
        fields = [{"field": _field(name), "direction": "desc" if down else "asc"} for name, down in query.order]
        shown["orderBy"] = {"fields": fields}
    return shown


def _node(node: jql.Node) -> dict[str, Any]:
    if isinstance(node, jql.Clause):
        return {"field": _field(node.field), "operator": node.operator, "operand": _operand(node)}
    if isinstance(node, jql.Not):
        return {"operator": "not", "clauses": [_node(node.part)]}
    return {"operator": "and" if isinstance(node, jql.And) else "or", "clauses": [_node(part) for part in node.parts]}


def _field(name: str) -> dict[str, Any]:
    return {"name": name, "encodedName": name}


def _operand(clause: jql.Clause) -> dict[str, Any]:
    if not clause.values:
        return {"keyword": "empty"}
    values = [_value(value) for value in clause.values]
    if clause.operator in {"in", "not in"}:
        return {"values": values, "encodedOperand": ", ".join(value.text for value in clause.values)}
    return values[0]


def _value(value: jql.Value) -> dict[str, Any]:
    if value.call is not None:
        encoded = f"{value.text}({', '.join(value.call)})"
        return {"function": value.text, "arguments": list(value.call), "encodedOperand": encoded}
    return {"value": value.text, "encodedValue": f'"{value.text}"' if value.quoted else value.text}


def match(site: Site, call: Call) -> Response:
    """POST jql/match: which of the issues each query finds."""
    body = call.closed_body(issueIds=[int], jqls=[str])
    wanted, queries = body.get("issueIds"), body.get("jqls")
    if wanted is None or queries is None:
        raise Problem(400, PAYLOAD)
    return ok({"matches": [_matched(site, call, set(wanted), text) for text in queries]})


def _matched(site: Site, call: Call, wanted: set[int], text: str) -> dict[str, Any]:
    try:
        found = find(site, call, text)
    except Problem as problem:
        return {"matchedIssues": [], "errors": list(problem.messages)}
    return {"matchedIssues": sorted(wanted & set(found)), "errors": []}


ROUTES = (
    Route("POST", "jql/parse", parse, anonymous=True),
    Route("POST", "jql/match", match),
)
