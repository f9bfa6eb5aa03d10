"""The Jira Cloud vendor: signs callers in, routes their calls, and speaks the simulator's protocol of vendors.

Built by `closedwon simulator`, the demo and tests. All of Jira's own rules are in the modules below it.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Mapping
from typing import Any

from simulator.jira.calls import Call, Problem
from simulator.jira.dump import dump
from simulator.jira.faults import FAULTS
from simulator.jira.people import act
from simulator.jira.routes import ADMIN, ALL, Router
from simulator.jira.schema import User, default_schema
from simulator.jira.site import KNOBS, Site
from simulator.server import World
from simulator.wire import Request, Response, html_response

VERSIONS = frozenset({"2", "3", "latest"})
CLOUD_ID = "5ab5de13-a1c3-4a24-9d52-4d5a1e0c7e21"
UNAUTHORISED = "Client must be authenticated to access this resource."
_FAILED = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}


class Jira:
    """One Jira Cloud site with project ONB. `tokens` maps an e-mail address to its API token."""

    name = "jira"

    def __init__(self, world: World, *, tokens: Mapping[str, str] | None = None) -> None:
        self.world = world
        self.knobs: dict[str, Any] = {}
        self._tokens = dict(tokens or {"closedwon@example.com": "simulator-token"})
        self._router = Router(ALL)
        self._admin = Router(ADMIN)
        self.reset()

    def reset(self) -> None:
        """Return to an empty project with default knobs."""
        self.knobs.clear()
        self.knobs.update(copy.deepcopy(dict(KNOBS)))
        self.tokens = dict(self._tokens)
        self.site = Site(self.world, default_schema(), self.knobs)

    def endpoint(self, request: Request) -> str:
        """Name the operation, `POST /rest/api/3/issue/{id}/worklog`."""
        segments = request.segments
        router = self._router_of(segments)
        found = router.find(request.method, segments[3:]) if router else None
        return f"{request.method} /{'/'.join((*segments[:3], found[0].path)) if found else '/'.join(segments)}"

    def handle(self, request: Request) -> Response:
        """Answer one request; whoever was signed in is told so in the headers."""
        caller, sent = self._sign_in(request)
        headers: dict[str, str] = {}
        try:
            response = self._dispatch(request, caller, sent=sent, headers=headers)
        except Problem as problem:
            response = problem.response()
        if caller is not None:
            headers |= {"X-AACCOUNTID": caller.account_id, "X-Seraph-LoginReason": "OK"}
        elif sent:
            headers |= _FAILED
        return Response(response.status, response.body, {**headers, **response.headers})

    def _router_of(self, segments: tuple[str, ...]) -> Router | None:
        if len(segments) < 4:
            return None
        if segments[:3] == ("rest", "webhooks", "1.0"):
            return self._admin
        return self._router if segments[:2] == ("rest", "api") and segments[2] in VERSIONS else None

    def _dispatch(self, request: Request, caller: User | None, *, sent: bool, headers: dict[str, str]) -> Response:
        """Find the operation and carry it out; `headers` takes what the limits say, refusal or not."""
        segments = request.segments
        router = self._router_of(segments)
        if router is None:
            return html_response(404, "Oops, you&#39;ve found a dead link.")
        found = router.find(request.method, segments[3:])
        if found is None:
            known = router.methods(segments[3:])
            return html_response(405 if known else 404, "Method Not Allowed" if known else "Not Found")
        route, params = found
        if caller is None and not self._may_be_anonymous(route.path, sent=sent, anonymous=route.anonymous):
            raise Problem(401, UNAUTHORISED)
        headers |= self.site.limits.take(route.method, route.path)
        version = segments[2] if segments[2] == "2" else "3"
        self.site.base = self._base(request)
        return route.handler(self.site, Call(request, version, params, caller, self.site.base))

    def _may_be_anonymous(self, path: str, *, sent: bool, anonymous: bool) -> bool:
        """Bad credentials make an anonymous caller, whom many operations answer; no credentials at all are refused."""
        return path == "serverInfo" or (sent and anonymous and bool(self.knobs["anonymous_read"]))

    def _base(self, request: Request) -> str:
        if self.knobs["gateway_self_links"]:
            return f"https://api.atlassian.com/ex/jira/{CLOUD_ID}"
        return f"http://{request.headers.get('host', 'localhost')}"

    def _sign_in(self, request: Request) -> tuple[User | None, bool]:
        """Return who calls, and whether credentials were sent at all."""
        header = request.headers.get("authorization", "")
        scheme, _, rest = header.partition(" ")
        if scheme.lower() != "basic":
            return None, bool(header)
        try:
            email, _, token = base64.b64decode(rest).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None, True
        user = self.site.schema.user_by_email(email)
        if user is None or not user.active or self.tokens.get(user.email) != token:
            return None, True
        return user, True

    def fault(self, name: str, request: Request, args: Mapping[str, Any]) -> Response:
        """Answer with one of Jira's own failures (see `faults`); `token_expired` answers as to a stranger."""
        if name == "token_expired":
            headers = {**request.headers, "authorization": "Basic ZXhwaXJlZDpleHBpcmVk"}
            return self.handle(Request(request.method, request.path, request.query_string, headers, request.body))
        return FAULTS[name](self.world.clock, args)

    def act(self, action: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a person would do in Jira's pages (see `people`), or `expire_token` {email} for good."""
        if action == "expire_token":
            self.tokens.pop(str(args.get("email", self.site.owner.email)), None)
            return {}
        return act(self.site, action, args)

    def dump(self) -> dict[str, Any]:
        """Return the site's whole state, sorted."""
        return dump(self.site)
