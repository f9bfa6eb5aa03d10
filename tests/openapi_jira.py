"""Atlassian's own OpenAPI as judge of what we send to Jira and of what the simulated Jira answers.

Used by the tests of the simulator and of the Jira connector: `JiraContract.watch(vendor)` records every pair that passes
a vendor, `verify` judges them. The document comes from the installed wheel `jira-as`, read as data; nothing of that
package is imported. Load this file by its path: `tests/` on the import path would hide the package `simulator` behind
`tests/simulator`. Each relaxation is listed with its reason in docs/openapi-relaxations.md, by the name it has here.
"""

from __future__ import annotations

import copy
import functools
import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from simulator.wire import Request, Response, Vendor

_HOST = "https://your-domain.atlassian.net"
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?([+-]\d{2}:?\d{2}|Z)")
_VERSION = re.compile(r"^/rest/api/(2|latest)/")
_UNLISTED = frozenset({401, 403, 404, 405, 409, 410, 413, 429, 500, 502, 503})
_ERROR_KEYS = frozenset({"errorMessages", "errors", "status", "code", "message"})

_NULLABLE = {
    "ChangeDetails": ("from", "fromString", "to", "toString"),
    "User": ("accountId",),
}
_EPOCHS: dict[str, dict[str, tuple[str, ...]]] = {
    "getBulkOperationProgress": {"BulkOperationProgress": ("created", "started", "updated")},
    "getBulkChangelogs": {"Changelog": ("created",)},
}


class Breach(AssertionError):
    """A request or an answer that Atlassian's document does not allow."""


@dataclass
class _Asked:
    """A request as openapi-core wants to see it."""

    method: str
    path: str
    parameters: RequestParameters
    body: bytes | None
    content_type: str = "application/json"
    host_url: str = _HOST

    @property
    def full_url_pattern(self) -> str:
        return self.host_url + self.path


@dataclass
class _Answered:
    """An answer as openapi-core wants to see it."""

    status_code: int
    data: bytes | None
    headers: Headers
    content_type: str


@dataclass
class JiraContract:
    """Judges pairs of request and answer. Operations are cut out of the document when first met, and kept."""

    strict: bool = False
    """Whether a request must be right even where the answer refuses it: so for tests of a client of ours."""
    pairs: list[tuple[Request, Response]] = field(default_factory=list)
    judged: int = 0

    def watch(self, vendor: Vendor) -> None:
        """Record what passes this vendor from now on; faults of the fault book do not pass it and are not recorded."""
        handle = vendor.handle

        def recorded(request: Request) -> Response:
            response = handle(request)
            self.pairs.append((request, response))
            return response

        vendor.handle = recorded  # type: ignore[method-assign]

    def verify(self) -> None:
        """Judge everything recorded so far, each shape once, and forget it; raises Breach with all that is wrong."""
        pairs, self.pairs = self.pairs, []
        seen: set[Any] = set()
        breaches: list[str] = []
        for request, response in pairs:
            shape = _shape(request, response)
            if shape in seen:
                continue
            seen.add(shape)
            try:
                self.check(request, response)
            except Breach as breach:
                breaches.append(str(breach))
        if breaches:
            raise Breach("\n".join(breaches))

    def check(self, request: Request, response: Response) -> None:
        """Judge one pair; a request may only be wrong where the answer refuses it (4xx), if at all. Raises Breach."""
        if not request.path.startswith("/rest/api/"):  # `elsewhere`
            return
        operation = _operation(request)
        if operation is None:
            if response.status not in _UNLISTED:
                raise Breach(f"{request.method} {request.path}: answered {response.status}, but is no operation")
            return
        self.judged += 1
        asked = _asked(request)
        if self.strict or response.status < 400:
            _judge(f"{request.method} {request.path}: request", lambda: operation.api.validate_request(asked))
        if response.status not in operation.statuses:
            _judge_unlisted(request, response)
            return
        answered = _Answered(
            response.status,
            response.body or None,
            Headers(dict(response.headers)),
            response.headers.get("Content-Type", ""),
        )
        where = f"{request.method} {request.path}: answer {response.status}"
        _judge(where, lambda: operation.api.validate_response(asked, answered))


@dataclass(frozen=True)
class _Operation:
    api: OpenAPI
    statuses: frozenset[int]


def _judge(where: str, validate: Any) -> None:
    try:
        validate()
    except OpenAPIError as error:
        raise Breach(f"{where}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Name the schema errors below openapi-core's summary."""
    cause: BaseException | None = error
    while cause is not None:
        found = getattr(cause, "schema_errors", None)
        if found:
            return "; ".join(f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in found)
        cause = cause.__cause__
    return f"{type(error).__name__}: {error}"[:500]


def _judge_unlisted(request: Request, response: Response) -> None:
    """`unlisted-statuses`: refusals every operation may give are not listed with each; their shape is."""
    where = f"{request.method} {request.path}: answer {response.status}"
    if response.status not in _UNLISTED:
        raise Breach(f"{where} is not among the operation's answers")
    if "json" in response.headers.get("Content-Type", "") and set(json.loads(response.body)) - _ERROR_KEYS:
        raise Breach(f"{where} is no error collection")


def _asked(request: Request) -> _Asked:
    parameters = RequestParameters(
        query=ImmutableMultiDict(request.query), header=Headers(dict(request.headers)), cookie=ImmutableMultiDict()
    )
    return _Asked(request.method.lower(), _canonical(request.path), parameters, request.body or None)


def _canonical(path: str) -> str:
    """`versions`: v2 and latest are judged by the document of v3, whose rich text is untyped."""
    return _VERSION.sub("/rest/api/3/", path)


def _operation(request: Request) -> _Operation | None:
    path = _canonical(request.path)
    for pattern, template in _templates():
        if pattern.fullmatch(path) and request.method.lower() in _document()["paths"][template]:
            return _cut(template, request.method.lower())
    return None


@functools.cache
def _document() -> dict[str, Any]:
    files = importlib.metadata.files("jira-as") or []
    found = next(file for file in files if file.name == "jira-platform-swagger-v3.json")
    document: dict[str, Any] = json.loads(Path(str(found.locate())).read_bytes())
    return document


@functools.cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """Return the document's paths as patterns, those with fewer variables first."""
    paths = sorted(_document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


@functools.cache
def _cut(template: str, method: str) -> _Operation:
    """Cut one operation out of the document, with the schemas it needs, relaxed as documented."""
    document = _document()
    item = copy.deepcopy(document["paths"][template][method])
    item.pop("security", None)  # `security`: refusing strangers is a subject of tests, not of this document
    needed: dict[str, Any] = {}
    todo = [item]
    while todo:
        for name in _references(todo.pop()):
            if name not in needed:
                needed[name] = copy.deepcopy(document["components"]["schemas"][name])
                todo.append(needed[name])
    _relax(item, needed)
    cut = {
        "openapi": document["openapi"],
        "info": {"title": "cut", "version": "1"},
        "servers": [{"url": _HOST}],
        "paths": {template: {method: item}},
        "components": {"schemas": needed},
    }
    config = Config(
        spec_validator_cls=None,
        extra_format_validators={"date-time": _is_stamp, "uri": lambda _: True},
    )
    statuses = frozenset(int(status) for status in item["responses"] if status.isdecimal())
    return _Operation(OpenAPI.from_dict(cut, config=config), statuses)


def _relax(item: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Take back what the document contradicts itself in; each line is explained in docs/openapi-relaxations.md."""
    item["responses"].get("204", {}).pop("content", None)  # `no-content`
    for schema, names in _NULLABLE.items():  # `nulls`
        for name in names if schema in schemas else ():
            schemas[schema]["properties"][name]["nullable"] = True
    for schema in ("JqlQueryClause", "JqlQueryClauseOperand") if "JqlQueryClause" in schemas else ():  # `jql-clauses`
        schemas[schema].pop("additionalProperties", None)
    epochs: dict[str, tuple[str, ...]] = _EPOCHS.get(item["operationId"], {})
    for schema, names in epochs.items():  # `epochs`
        for name in names:
            schemas[schema]["properties"][name] = {"type": "integer", "format": "int64"}
    if "JsonNode" in schemas:  # `json-nodes`
        schemas["JsonNode"] = {}
    if item["operationId"] == "createIssues":  # `bulk-refusal`
        del item["responses"]["400"]["content"]


def _is_stamp(value: Any) -> bool:
    """`stamps`: the document calls them date-time, but its examples (and Jira) write the offset without a colon."""
    return not isinstance(value, str) or _STAMP.fullmatch(value) is not None


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rsplit("/", 1)[1]
            elif key not in {"example", "examples", "x-showInExample"}:
                yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _shape(request: Request, response: Response) -> Any:
    """Return what makes a pair worth judging: path with numbers blurred, query, and the shapes of both bodies."""
    path = re.sub(r"\d+", "0", request.path)
    query = tuple(sorted({(key, re.sub(r"\d+", "0", value)) for key, value in request.query}))
    return request.method, path, query, response.status, _body_shape(request.body), _body_shape(response.body)


def _body_shape(body: bytes) -> Any:
    try:
        return _json_shape(json.loads(body)) if body else None
    except ValueError:
        return "no JSON"


def _json_shape(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _json_shape(part)) for key, part in value.items())
    if isinstance(value, list):
        return ("list", frozenset(_json_shape(part) for part in value))
    return type(value).__name__
