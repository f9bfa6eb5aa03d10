"""One call on its way through the site, the refusal it may end in, and small readers of what it carries.

Built by `vendor`, taken by every handler in the `api_*` modules. It decides nothing about Jira's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import UnionType
from typing import Any, TypeAlias

from simulator.jira.schema import User
from simulator.wire import BadJson, Request, Response, json_response

PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
Kind: TypeAlias = type | UnionType | list[type]
"""What a part of a body must be; `[str]` is a list of texts."""


class Problem(Exception):
    """A refusal in Jira's usual shape: general messages, and messages by field."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, messages)
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})

    def payload(self) -> dict[str, Any]:
        """Return the error collection."""
        return {"errorMessages": list(self.messages), "errors": self.errors}

    def response(self) -> Response:
        """Return the whole answer."""
        return json_response(self.status, self.payload(), self.headers)


class BulkProblem(Problem):
    """A refusal of the bulk operations, which use a shape of their own (BulkOperationErrorResponse)."""

    def payload(self) -> dict[str, Any]:
        """Return the list of errors."""
        return {"errors": [{"message": message} for message in self.messages]}


@dataclass(frozen=True, slots=True)
class Call:
    """A routed request. `params` are the path's variables; `caller` is None for an anonymous one."""

    request: Request
    version: str
    params: tuple[str, ...]
    caller: User | None
    base: str
    """Site address that `self` links start with."""

    @property
    def user(self) -> User:
        """The signed-in caller; routes that reach this are closed to anonymous ones."""
        assert self.caller is not None
        return self.caller

    def json(self) -> Any:
        """Return the body; raises Problem 400 as Jira does for what is not JSON."""
        try:
            return self.request.json()
        except BadJson as error:
            raise Problem(400, "There was an error parsing JSON. Check that your request body is valid.") from error

    def body(self, **kinds: Kind) -> dict[str, Any]:
        """Return the body, an object whose named parts are of these kinds and whose other parts are ignored."""
        return shaped(self.json(), **kinds)

    def closed_body(self, **kinds: Kind) -> dict[str, Any]:
        """Return the body of an operation whose schema is closed: an unknown part is refused."""
        body = self.body(**kinds)
        if set(body) - set(kinds):
            raise Problem(400, PAYLOAD)
        return body

    def number(self, name: str, default: int) -> int:
        """Return a whole-number query parameter; one that is not a number is a 404 of Jira's framework."""
        raw = self.request.arg(name)
        if raw is None or not raw:
            return default
        try:
            return int(raw)
        except ValueError as error:
            raise Problem(404, f"The value of the parameter {name} is not a number.") from error

    def listed(self, name: str) -> list[str]:
        """Return a parameter that may be repeated, comma-separated, or both."""
        return [part.strip() for value in self.request.args(name) for part in value.split(",") if part.strip()]


def shaped(value: Any, **kinds: Kind) -> dict[str, Any]:
    """Return an object whose named parts, where present, are of these kinds; raises Problem 400."""
    if not isinstance(value, dict) or not all(_is(value[name], kind) for name, kind in kinds.items() if name in value):
        raise Problem(400, PAYLOAD)
    return value


def _is(value: Any, kind: Kind) -> bool:
    if isinstance(kind, list):
        return isinstance(value, list) and all(_is(part, kind[0]) for part in value)
    # To Python, True is a number; to JSON it is not.
    return kind is bool if isinstance(value, bool) else isinstance(value, kind)


Handler: TypeAlias = Callable[[Any, Call], Response]
"""Takes the site and the call."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `path` is below /rest/api/{version}; variables are in braces."""

    method: str
    path: str
    handler: Handler
    anonymous: bool = False
    """Whether the OpenAPI says that it can be accessed anonymously."""


def stamp(millis: int) -> str:
    """Write a moment as Jira does: `2026-01-02T03:04:05.000+0000`."""
    moment = datetime.fromtimestamp(millis // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}+0000"


def ok(payload: Any) -> Response:
    """Answer 200."""
    return json_response(200, payload)


def no_content() -> Response:
    """Answer 204."""
    return Response(204)
