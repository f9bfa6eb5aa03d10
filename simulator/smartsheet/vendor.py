"""The simulated Smartsheet: lets calls in, hands them to their handlers, answers in the vendor's words.

Built by `simulator.app` and by tests, driven by `simulator.server`. The account starts with the workspace "Onboarding"
(id 1000000000000001, empty) and the service user closedwon@example.com, whose token is `simulator-token`.

Knobs: `list_lag_seconds` (how far GET /sheets lags), `rate_limited` and `calls_per_minute`, `busy_seconds` (a write to
a sheet that soon after the last one answers 4004), `token_expired`, `copy_at_most` (folder copies stop half-way after
so many items, 1119), `webhook_retries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.server import World
from simulator.smartsheet import containers
from simulator.smartsheet.call import Call
from simulator.smartsheet.dump import dump
from simulator.smartsheet.errors import Problem
from simulator.smartsheet.faults import fault
from simulator.smartsheet.limits import Bucket
from simulator.smartsheet.people import act
from simulator.smartsheet.routes import ROOT, handlers, shape
from simulator.smartsheet.state import FIRST_WORKSPACE, Actor, State, User
from simulator.smartsheet.webhooks import Webhooks
from simulator.wire import Request, Response, html_response, json_response

TOKEN = "simulator-token"  # noqa: S105 - a published, local-only secret
_KNOBS: Mapping[str, Any] = {
    "list_lag_seconds": 0,
    "rate_limited": False,
    "calls_per_minute": 300,
    "busy_seconds": 0,
    "token_expired": False,
    "copy_at_most": 10_000,
    "webhook_retries": 14,
}
_LONGEST_URL = 8_000
"""Longer ones are refused by the gateway with an HTML page (smartsheet-python-sdk issue 40)."""


class Smartsheet:
    """One Smartsheet account behind HTTP; `token` and `email` are the API user's."""

    name = "smartsheet"

    def __init__(
        self,
        world: World,
        *,
        token: str = TOKEN,
        email: str = "closedwon@example.com",
        knobs: Mapping[str, Any] | None = None,
    ) -> None:
        self.world = world
        self._token = token
        self._email = email
        self._given = dict(knobs or {})
        self.knobs: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Return to the state right after construction."""
        self.knobs.clear()
        self.knobs.update(_KNOBS, **self._given)
        self.state = State(self.world.clock, self.knobs, self.world.seed)
        self.bucket = Bucket(self.world.clock)
        self.webhooks = Webhooks(self.state, self.world.courier)
        self._handlers = handlers(self.webhooks)
        self._paths = {endpoint.split(" ", 1)[1] for endpoint in self._handlers}
        self.user = User(self.state.new_id(), self._email, "Closedwon", "Service")
        self.state.users[self._email.lower()] = self.user
        for first in ("Ada", "Ben", "Cleo", "Dan"):
            email = f"{first.lower()}@example.com"
            self.state.users[email] = User(self.state.new_id(), email, first, "Example")
        containers.make(self.state, "workspace", "Onboarding", None, number=FIRST_WORKSPACE)

    def endpoint(self, request: Request) -> str:
        """Name the endpoint, `PUT /2.0/sheets/{id}/rows`."""
        return shape(request)

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        if len(request.path) + len(request.query_string) > _LONGEST_URL:
            return html_response(414, "414 Request-URI Too Large")
        try:
            answer = self._answer(request, shape(request))
        except Problem as problem:
            return json_response(problem.status, problem.body(self._ref()))
        return answer if isinstance(answer, Response) else json_response(200, answer)

    def _let_in(self, request: Request, endpoint: str) -> None:
        """Check the token and the rate; raises Problem."""
        if not request.segments or request.segments[0] != ROOT:
            raise Problem(1006)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            # Observed live in 2026: /users/me answers 403/1004 where the reference says 401/1001.
            raise Problem(1004 if endpoint.endswith("/users/me") else 1001)
        if token.strip() != self._token:
            raise Problem(1002)
        if self.knobs["token_expired"]:
            raise Problem(1003)
        if self.knobs["rate_limited"]:
            self.bucket.take(token, endpoint, float(self.knobs["calls_per_minute"]))

    def _check_busy(self, request: Request, ids: tuple[int, ...]) -> None:
        if request.method == "GET" or request.segments[1] != "sheets" or not ids:
            return
        sheet = self.state.sheets.get(ids[0])
        if sheet is None:
            return
        now = self.world.clock.now().timestamp()
        if now - sheet.last_write < float(self.knobs["busy_seconds"]):
            raise Problem.busy(sheet.id)
        sheet.last_write = now

    def _ref(self) -> str:
        return f"{self.state.dice.getrandbits(60):x}"

    def fault(self, name: str, request: Request, args: Mapping[str, Any]) -> Response:
        """Answer with one of the failures that `faults` lists; raises KeyError for another name."""
        path_id = next((int(part) for part in request.segments[1:] if part.isdigit()), None)
        return fault(name, path_id, args, self._ref())

    def act(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do (see `people`); raises KeyError, NoSuchThing or Problem."""
        return act(self.state, action, args)

    def dump(self) -> dict[str, Any]:
        """Return the whole account, sorted."""
        return dump(self.state)

    def _answer(self, request: Request, endpoint: str) -> dict[str, Any] | Response:
        """Hand a call to its handler; raises Problem."""
        self._let_in(request, endpoint)
        handler = self._handlers.get(endpoint)
        if handler is None:
            raise Problem(1010 if endpoint.split(" ", 1)[1] in self._paths else 1006)
        ids = tuple(int(part) for part in request.segments[1:] if part.isdigit())
        self._check_busy(request, ids)
        agent = request.headers.get("smartsheet-change-agent", "")[:512]
        return handler(Call(self.state, request, ids, Actor(self.user, agent)))
