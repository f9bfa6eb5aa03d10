"""Signing in to Salesforce: one token, shared by all threads, asked for anew only when it stops working.

Used by `connectors.salesforce.client`. The SDK's own sign-in is not used: it has no timeout, throws the token's
address away, drops headers after a refresh and, for some calls, signs in for ever (simple-salesforce 1.12.10, #804).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
import requests

from connectors.errors import NotAuthorised
from connectors.http import json_body
from connectors.salesforce import failures
from connectors.salesforce.settings import SalesforceSettings

_LIFETIME = timedelta(minutes=3)
"""Of an assertion; Salesforce takes up to five minutes."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it is good; its text never shows in a repr."""

    text: str = field(repr=False)
    instance_url: str
    identity: str = ""
    """The identity URL, which ends in the org's and the user's id."""


class TokenProvider:
    """Hands out the present token and replaces it once, however many threads notice at the same time.

    It asks once each time: whoever makes the call that needs the token also repeats it.
    """

    def __init__(
        self,
        settings: SalesforceSettings,
        session: requests.Session,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._session = session
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None

    def current(self) -> Token:
        """Return the token, signing in at first use; raises ConnectorError and requests' exceptions."""
        with self._lock:
            if self._token is None:
                self._token = self._ask()
            return self._token

    def renew(self, spent: Token) -> Token:
        """Return a token other than `spent`: another thread's new one, or a fresh one."""
        with self._lock:
            if self._token is None or self._token is spent:
                self._token = None
                self._token = self._ask()
            return self._token

    def _ask(self) -> Token:
        settings = self._settings
        if settings.client_secret is not None:
            form = {"grant_type": "client_credentials"}
            auth = (settings.client_id, settings.client_secret.get_secret_value())
            response = self._session.post(settings.token_address, data=form, auth=auth)
        else:
            form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": self._assertion()}
            response = self._session.post(settings.token_address, data=form)
        if response.status_code != requests.codes.ok:
            said = failures.read(response.status_code, response.content)
            raise failures.explain(said, response.headers, now=self._clock())
        payload = json_body(response, vendor="Salesforce", writes=False)
        if not isinstance(payload, dict) or not payload.get("access_token"):
            raise NotAuthorised(
                "The token address answered without a token. Check `token_url`; it ends in /services/oauth2/token.",
                code="SF-LOGIN-03",
            )
        instance = settings.fixed_instance or str(payload.get("instance_url") or settings.url)
        return Token(str(payload["access_token"]), instance, str(payload.get("id", "")))

    def _assertion(self) -> str:
        settings = self._settings
        claims = {
            "iss": settings.client_id,
            "sub": settings.username,
            "aud": settings.audience or settings.url,
            "exp": int((self._clock() + _LIFETIME).timestamp()),
        }
        try:
            return jwt.encode(claims, self._key(), algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise NotAuthorised(
                "The private key cannot be used to sign. Give an RSA key as PEM, whole with its BEGIN and END lines.",
                code="SF-LOGIN-04",
            ) from None

    def _key(self) -> str:
        settings = self._settings
        if settings.private_key is not None:
            return settings.private_key.get_secret_value()
        assert settings.private_key_file is not None, "settings hold exactly one key"
        try:
            return settings.private_key_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NotAuthorised(
                f"The private key file cannot be read ({type(error).__name__}). Check private_key_file and its rights.",
                code="SF-LOGIN-05",
            ) from None
