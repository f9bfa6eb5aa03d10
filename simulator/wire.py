"""What a vendor's simulator sees of HTTP: one request in, one response out, no sockets.

Called by `simulator.server` (which owns the sockets) and by every vendor. It never knows a vendor's rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import orjson


class BadJson(ValueError):
    """The body is not JSON; the vendor answers as the real one does."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. `path` is raw (still percent-encoded, without query); header names are lower-case."""

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path split at `/` and then decoded once, so that an encoded slash stays inside its segment."""
        return tuple(unquote(part) for part in self.path.split("/") if part)

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """Query parameters in order, repeated names kept, `+` read as a space."""
        return tuple(parse_qsl(self.query_string, keep_blank_values=True))

    def arg(self, name: str, default: str | None = None) -> str | None:
        """Return the first query parameter of that name."""
        return next((value for key, value in self.query if key == name), default)

    def args(self, name: str) -> list[str]:
        """Return all query parameters of that name."""
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        """Parse the body; raises BadJson."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadJson(str(error)) from error

    def form(self) -> dict[str, str]:
        """Parse an application/x-www-form-urlencoded body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    """One HTTP response; `headers` come on top of Content-Length and Date, which the server adds."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, **extra: str) -> Response:
        """Return a copy with more headers; underscores in the names become dashes."""
        named = {name.replace("_", "-"): value for name, value in extra.items()}
        return Response(self.status, self.body, {**self.headers, **named})


def json_response(status: int, payload: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Build a JSON response as all three vendors send it."""
    return Response(
        status, orjson.dumps(payload), {"Content-Type": "application/json;charset=UTF-8", **(headers or {})}
    )


def html_response(status: int, title: str = "Service Unavailable") -> Response:
    """Build the kind of page that a gateway in front of a vendor answers with."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return Response(status, page.encode(), {"Content-Type": "text/html;charset=UTF-8"})


class Vendor(Protocol):
    """One simulated vendor. All calls come one at a time, so a handler's effect is atomic without locks of its own."""

    name: str
    knobs: dict[str, Any]
    """Documented settings that the control API may change at run time (`search_lag_seconds` and the like)."""

    def handle(self, request: Request) -> Response:
        """Answer one request, with its whole effect or none."""
        ...

    def endpoint(self, request: Request) -> str:
        """Name the endpoint with ids as braces, `POST /rest/api/3/issue/{id}/worklog`: what counts and faults match."""
        ...

    def fault(self, name: str, request: Request, args: Mapping[str, Any]) -> Response:
        """Answer with one of the vendor's own failures, in its own body; raises KeyError for a name it has not."""
        ...

    def act(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do in the vendor's own pages; raises KeyError for an action it has not."""
        ...

    def dump(self) -> dict[str, Any]:
        """Return the whole state as JSON-able data, sorted, so that two dumps can be compared."""
        ...

    def reset(self) -> None:
        """Return to the state right after construction."""
        ...
