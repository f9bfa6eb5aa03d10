"""Signing in: OAuth tokens by client credentials or JWT bearer, their expiry, and the limit on logins.

Called by `vendor` for the token endpoint and before every other call. Errors of OAuth are objects, not arrays.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import jwt
import jwt.types

from simulator.clock import Clock
from simulator.salesforce.problems import Problem
from simulator.wire import Request, Response, json_response

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_ASSERTION = 300
"""Seconds that an assertion may be valid for."""


class OAuthProblem(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def response(self) -> Response:
        """Return the whole answer."""
        return oauth_error(self.error, self.description)


def oauth_error(error: str, description: str, status: int = 400) -> Response:
    """Build an answer of the token endpoint that refuses."""
    return json_response(status, {"error": error, "error_description": description})


class Auth:
    """The connected app, the integration user and the living tokens."""

    def __init__(self, clock: Clock, knobs: Mapping[str, Any], seed: int) -> None:
        self.clock = clock
        self.knobs = knobs
        self.seed = seed
        self.tokens: dict[str, float] = {}
        self.logins: deque[float] = deque()
        self.granted = 0

    def token(self, request: Request, *, org_id: str, user_id: str) -> Response:
        """Answer POST /services/oauth2/token."""
        try:
            self._admit(request, request.form())
        except OAuthProblem as problem:
            return problem.response()
        return self._grant(request, org_id, user_id)

    def check(self, request: Request) -> None:
        """Let a call in or raise Problem 401."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "oauth"} or not self.alive(token):
            raise Problem("INVALID_SESSION_ID", "Session expired or invalid", status=401)

    def alive(self, token: str) -> bool:
        """Tell whether a session is good at present."""
        return self.tokens.get(token, 0) > self.clock.now().timestamp()

    def expire_all(self) -> None:
        """End every session now, as an admin or a policy does."""
        self.tokens.clear()

    def _admit(self, request: Request, form: Mapping[str, str]) -> None:
        """Check a request for a token; raises OAuthProblem."""
        if self.knobs["refuse_login"]:
            raise OAuthProblem("invalid_grant", str(self.knobs["refuse_login"]))
        self._check_rate()
        grant = form.get("grant_type")
        if grant == "client_credentials":
            self._client_credentials(request, form)
        elif grant == JWT_BEARER:
            self._jwt_bearer(form.get("assertion", ""), request)
        else:
            raise OAuthProblem("unsupported_grant_type", "grant type not supported")

    def _check_rate(self) -> None:
        now = self.clock.now().timestamp()
        while self.logins and self.logins[0] <= now - 3600:
            self.logins.popleft()
        if len(self.logins) >= self.knobs["logins_per_hour"]:
            raise OAuthProblem("invalid_grant", "login rate exceeded")
        self.logins.append(now)

    def _client_credentials(self, request: Request, form: Mapping[str, str]) -> None:
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        header = request.headers.get("authorization", "")
        if header.lower().startswith("basic "):
            try:
                text = base64.b64decode(header[6:], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise OAuthProblem("invalid_client", "invalid client credentials") from error
            client, _, secret = text.partition(":")
        if unquote(client) != self.knobs["client_id"]:
            raise OAuthProblem("invalid_client_id", "client identifier invalid")
        if unquote(secret) != self.knobs["client_secret"]:
            raise OAuthProblem("invalid_client", "invalid client credentials")

    def _jwt_bearer(self, assertion: str, request: Request) -> None:
        key = self.knobs["jwt_public_key"]
        unchecked: jwt.types.Options = {
            "verify_exp": False,
            "verify_aud": False,
            "verify_iat": False,
            "verify_nbf": False,
        }
        try:
            claims = jwt.decode(assertion, str(key or ""), algorithms=["RS256"], options=unchecked)
            expires = float(claims["exp"])
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            raise OAuthProblem("invalid_grant", "invalid assertion") from error
        if claims.get("iss") != self.knobs["client_id"]:
            raise OAuthProblem("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in self._audiences(request):
            raise OAuthProblem("invalid_grant", "audience is invalid")
        # The client's own clock made this, so it is the machine's time and not the world's that judges it.
        if not 0 < expires - time.time() <= LONGEST_ASSERTION:
            raise OAuthProblem("invalid_grant", "expired authorization code")
        if claims.get("sub") != self.knobs["username"]:
            raise OAuthProblem("invalid_grant", "user hasn't approved this consumer")

    def _audiences(self, request: Request) -> set[str]:
        """Return who an assertion may be meant for; on this machine, our own address is My Domain."""
        own = f"http://{request.headers.get('host', '')}"
        return {"https://login.salesforce.com", "https://test.salesforce.com", str(self.knobs["my_domain"]), own}

    def _grant(self, request: Request, org_id: str, user_id: str) -> Response:
        self.granted += 1
        digest = hashlib.sha256(f"{self.seed}:{self.granted}".encode()).hexdigest()
        token = f"{org_id[:15]}!AQ{digest}"
        self.tokens[token] = self.clock.now().timestamp() + float(self.knobs["session_seconds"])
        instance = self.knobs["instance_url"] or f"http://{request.headers.get('host', '127.0.0.1')}"
        grant = {
            "access_token": token,
            "signature": base64.b64encode(digest.encode()[:32]).decode(),
            "scope": "api",
            "instance_url": instance,
            "id": f"https://login.salesforce.com/id/{org_id}/{user_id}",
            "token_type": "Bearer",
            "issued_at": str(self.clock.millis()),
            "api_instance_url": "https://api.salesforce.com",
        }
        return json_response(200, grant)
