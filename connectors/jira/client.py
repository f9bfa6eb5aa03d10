"""Jira Cloud's wire: the `jira` SDK's session and URLs, our transport and retry, one function for every call.

Used by the other modules of `connectors.jira` only. It knows HTTP, sign-in and failures; it knows no issue, no field.

Facts behind it (source: the installed jira 3.10.5, each reproduced): the SDK repeats POSTs after a broken connection,
which creates issues twice; it waits for ever by default; it sets the global level of the logger `jira`; its error
class loses the names of refused fields and prints whole bodies; `get_server_info` costs a call, without which its
`deploymentType` must be set by hand. Hence: no retries of its own, plain requests on its session, the level restored.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote

import orjson
import requests
from jira import JIRA

from connectors.base import Meter
from connectors.errors import TryLater
from connectors.http import Caller, HardenedAdapter, harden, json_body
from connectors.jira.failures import Call, anonymous, failure, is_json
from connectors.jira.settings import JiraSettings

_VENDOR = "Jira"
_REFUSALS = (requests.codes.bad_request, requests.codes.forbidden)
_ID = re.compile(r"/(issue|project|issuetypes|webhook)/(?!(?:bulk|bulkfetch|createmeta)(?:/|$))[^/]+")
_SERVER_ROOT = re.compile(r"^.*?(?=/rest/)")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its JSON, and the server's clock as epoch milliseconds (None when it did not say)."""

    status: int
    payload: Any
    millis: int | None

    def need(self, name: str) -> Any:
        """Return a member that every answer of this kind has; raises TryLater where it is missing (JRA-59676)."""
        if not isinstance(self.payload, dict) or name not in self.payload:
            raise _strange()
        return self.payload[name]

    def items(self) -> list[Any]:
        """Return an answer that is a list; raises TryLater where it is none."""
        if not isinstance(self.payload, list):
            raise _strange()
        return self.payload


def _strange() -> TryLater:
    return TryLater(
        "Jira answered without what was asked for. It is tried again by itself; look at "
        "https://status.atlassian.com if it goes on.",
        code="JIRA-BODY-01",
        delay=30.0,
    )


def endpoint(method: str, path: str) -> str:
    """Name a call with ids as braces, which is what the meter counts: `PUT /rest/api/3/issue/{id}`."""
    return f"{method} {_ID.sub(lambda m: f'/{m[1]}/{{id}}', _SERVER_ROOT.sub('', path))}"


class JiraClient:
    """One signed-in session. Safe to share between threads: it keeps no cookies and no state but its pool."""

    def __init__(
        self,
        settings: JiraSettings,
        *,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._account = ""
        self._sdk = _sdk(settings)
        self._session: requests.Session = self._sdk._session  # noqa: SLF001 - the SDK has no public way to it
        harden(self._session, HardenedAdapter(settings.http, meter, endpoint=endpoint))
        self._caller = Caller(settings.http, explain=lambda _error: None, vendor=_VENDOR, sleep=sleep)

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, record: str = "") -> Answer:
        """Read. Raises ConnectorErrors."""
        return self._call("GET", path, params=params, record=record)

    def ask(self, path: str, body: Any) -> Answer:
        """Read by POST (bulkfetch, worklog/list): as repeatable as a GET."""
        return self._call("POST", path, body=body)

    def post(self, path: str, body: Any, *, record: str = "", accept: tuple[int, ...] = ()) -> Answer:
        """Change something in a way that must not happen twice; raises Unknown when its outcome is.

        `accept` names statuses of failure whose body the caller wants to read itself.
        """
        return self._call("POST", path, body=body, record=record, safe=False, accept=accept)

    def put(self, path: str, body: Any, params: Mapping[str, Any] | None = None, *, record: str = "") -> Answer:
        """Set absolute values, which may be repeated."""
        return self._call("PUT", path, body=body, params=params, record=record)

    def delete(self, path: str) -> Answer:
        """Remove something by its id; that it is gone already is as good."""
        return self._call("DELETE", path, accept=(requests.codes.not_found,))

    @property
    def account(self) -> str:
        """Id of the account that Jira last said we are; "" before the first answer."""
        return self._account

    def close(self) -> None:
        """Close the session's connections."""
        self._session.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        record: str = "",
        safe: bool = True,
        accept: tuple[int, ...] = (),
    ) -> Answer:
        # `path` follows the API's version, or begins with a slash where it is another API's.
        base = "{server}{path}" if path.startswith("/") else JIRA.JIRA_BASE_URL
        url = str(self._sdk._get_url(path, base))  # noqa: SLF001 - knows server, rest path and version
        data = None if body is None else orjson.dumps(body)
        call = Call(endpoint(method, url), record=record, safe=safe)

        def send() -> Answer:
            # requests' own `request`, not ResilientSession's: see the module's text.
            response = requests.Session.request(self._session, method, url, params=params, data=data)
            return self._read(response, call, accept)

        return self._caller.call(send, safe=safe)

    def _read(self, response: requests.Response, call: Call, accept: tuple[int, ...]) -> Answer:
        if not response.ok and response.status_code not in accept:
            if _unseen(response):
                raise anonymous()
            raise failure(response, call, now=self._clock())
        if _login_failed(response):
            raise anonymous()
        self._account = unquote(response.headers.get("X-AACCOUNTID", "")) or self._account
        payload = json_body(response, vendor=_VENDOR, writes=not call.safe)
        if call.safe and _empty(payload) and _stranger(response):
            raise anonymous()
        return Answer(response.status_code, payload, _millis(response.headers.get("Date")))


def _sdk(settings: JiraSettings) -> JIRA:
    log = logging.getLogger("jira")
    level = log.level
    sdk = JIRA(
        options={"server": settings.url, "rest_api_version": "3"},
        basic_auth=(settings.email, settings.token.get_secret_value()),
        get_server_info=False,
        max_retries=0,
    )
    log.setLevel(level)
    sdk.deploymentType = "Cloud"
    sdk._session.headers["User-Agent"] = "closedwon"  # noqa: SLF001
    # A site's session cookie would outlive a revoked token, and a jar shared by threads is not safe.
    sdk._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # noqa: SLF001
    return sdk


def _login_failed(response: requests.Response) -> bool:
    """Jira's own word that it did not know the token (github.com/MrRefactoring/jira.js issue 418)."""
    return "AUTHENTICATED_FAILED" in response.headers.get("X-Seraph-LoginReason", "")


def _stranger(response: requests.Response) -> bool:
    """Tell whether this answer was given to nobody: the header with the account's id is missing."""
    return _login_failed(response) or not response.headers.get("X-AACCOUNTID")


def _unseen(response: requests.Response) -> bool:
    """Tell whether a refusal is a stranger's: what an expired token may not see, Jira says is not there."""
    if response.status_code == requests.codes.not_found:
        return is_json(response) and _stranger(response)
    return response.status_code in _REFUSALS and _login_failed(response)


def _empty(payload: Any) -> bool:
    if isinstance(payload, Mapping):
        return any(payload.get(name) == [] for name in ("issues", "values"))
    return payload in (None, [])


def _millis(text: str | None) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp() * 1000) if text else None
    except ValueError:
        return None
