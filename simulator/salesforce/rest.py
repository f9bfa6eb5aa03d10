"""The map of /services/data/vNN.0: which path and method leads to which handler.

Called by `vendor` for each call and by `composite` for each part of one. Trailing slashes are welcome.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from simulator.salesforce import records
from simulator.salesforce.calls import Call
from simulator.salesforce.composite import composite, graph
from simulator.salesforce.describe import describe, summary
from simulator.salesforce.problems import Problem, not_found
from simulator.salesforce.schema import ObjectType
from simulator.salesforce.sobject_collections import collections, upserts
from simulator.wire import Response, json_response


def route(call: Call) -> Response:
    """Answer a call; raises Problem."""
    match call.path:
        case ():
            names = ("sobjects", "query", "queryAll", "limits", "composite", "jobs")
            return json_response(200, {name: f"{call.base}/{name}" for name in names})
        case ("query" | "queryAll" as verb, *rest):
            return _query(call, rest, deleted=verb == "queryAll")
        case ("sobjects", *rest):
            return _sobjects(call, rest)
        case ("composite", "sobjects"):
            return collections(call)
        case ("composite", "sobjects", name, field):
            return upserts(call, call.org.schema.get(name), field)
        case ("composite",):
            return composite(call, route)
        case ("composite", "graph"):
            return graph(call, route)
        case ("jobs", *_):
            return call.jobs.route(call)
        case _:
            raise not_found()


def _query(call: Call, rest: list[str], *, deleted: bool) -> Response:
    if call.request.method != "GET":
        raise records.method_not_allowed(call.request.method)
    if rest:
        return json_response(200, call.queries.more(rest[0]))
    text = call.request.arg("q")
    if not text:
        raise Problem("MALFORMED_QUERY", "A query string has to be specified")
    return json_response(200, call.queries.run(text, call.base, deleted=deleted, batch=_batch(call)))


def _batch(call: Call) -> int | None:
    """Read the page size that Sforce-Query-Options asks for."""
    for part in call.request.headers.get("sforce-query-options", "").split(","):
        name, _, value = part.partition("=")
        if name.strip().lower() == "batchsize" and value.strip().isdigit():
            return int(value)
    return None


def _sobjects(call: Call, rest: list[str]) -> Response:
    if not rest:
        objects = [summary(kind, call.base) for kind in call.org.schema.objects.values()]
        return json_response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})
    kind = call.org.schema.get(rest[0])
    match rest[1:]:
        case []:
            if call.request.method == "POST":
                return records.create(call, kind)
            return json_response(200, {"objectDescribe": summary(kind, call.base), "recentItems": []})
        case ["describe"]:
            return _describe(call, kind)
        case ["updated"]:
            return records.updated(call, kind)
        case ["deleted"]:
            return records.deleted(call, kind)
        case [record_id]:
            return records.one(call, kind, record_id)
        case [field, value]:
            return records.upsert(call, kind, field, value)
        case _:
            raise not_found()


def _describe(call: Call, kind: ObjectType) -> Response:
    """Describe an object, or answer 304 when the client's copy is as new as the schema."""
    changed = datetime.fromtimestamp(int(call.org.schema.changed[kind.name]), UTC)
    headers = {"Last-Modified": format_datetime(changed, usegmt=True)}
    since = call.request.headers.get("if-modified-since")
    if since is not None:
        try:
            if parsedate_to_datetime(since) >= changed:
                return Response(304, headers=headers)
        except (ValueError, TypeError) as error:
            raise Problem("INVALID_HEADER", f"Invalid value for If-Modified-Since: {since}") from error
    return json_response(200, describe(call.org.schema, kind, call.base), headers)
