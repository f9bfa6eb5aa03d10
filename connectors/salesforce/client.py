"""Salesforce's wire: one session, one token, every call retried by our policy and its failures explained.

Used by the modules of `connectors.salesforce` only. The SDK `simple-salesforce` runs in direct mode and supplies the
addresses, headers and session; its answers are read as raw JSON, since it keeps neither headers nor numbers as they
were. It knows calls, never what a deal is.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus

import orjson
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from connectors.base import Meter
from connectors.errors import ConnectorError
from connectors.http import Caller, HardenedAdapter, harden, json_body
from connectors.salesforce import failures
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.token import Token, TokenProvider

PAGE = 2000
"""Rows of a SOQL page at most; a page may be shorter, only `done` tells the end."""
MAX_URL = 12_000
"""Bytes of a URL: Salesforce takes 16,384 with all headers, of which the token may be several thousand."""

_ID = re.compile(r"^(?:[0-9A-Za-z]{15}|[0-9A-Za-z]{18}|[0-9A-Za-z]{15,18}-\d+)$")
_BASE = re.compile(r"^/services/data/v[\d.]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx or 304 answer; `moment` is the server's own clock, None where a proxy took it away."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    payload: Any = None

    @property
    def moment(self) -> datetime | None:
        """The answer's Date."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).astimezone(UTC)
        except (TypeError, ValueError):
            return None

    def need(self, name: str) -> Any:
        """Return a member that every answer of this kind has; raises TryLater where somebody else answered."""
        if not isinstance(self.payload, dict) or name not in self.payload:
            raise failures.strange()
        return self.payload[name]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query."""

    records: tuple[Mapping[str, Any], ...]
    moment: datetime | None
    total: int = 0
    """How many records the whole query matches."""


def endpoint(method: str, path: str) -> str:
    """Name a call, ids as braces: `GET /query/{id}`, `PATCH /composite/sobjects/Onboarding__c/Deal_Key__c`."""
    parts = [part for part in _BASE.sub("", path).split("/") if part]
    return f"{method} /" + "/".join(
        "{id}" if _ID.match(part) and any(map(str.isdigit, part)) else part for part in parts
    )


class SalesforceClient:
    """Calls one org. Safe to share between threads."""

    def __init__(
        self,
        settings: SalesforceSettings,
        *,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._clock = clock
        self._session = requests.Session()
        harden(self._session, HardenedAdapter(settings.http, meter, endpoint=endpoint))
        self._caller = Caller(settings.http, explain=self._explain, vendor="Salesforce", sleep=sleep)
        self._tokens = TokenProvider(settings, self._session, clock=clock)
        self._lock = threading.Lock()
        self._sdk: tuple[Token, Salesforce] | None = None

    def query(self, soql: str, *, deleted: bool = False) -> Iterator[Page]:
        """Stream a query's pages to the end; with `deleted`, rows in the recycle bin too."""
        path = f"query{'All' if deleted else ''}/?q={encode(soql)}"
        while path:
            answer = self.call("GET", path, headers={"Sforce-Query-Options": f"batchSize={PAGE}"})
            yield Page(tuple(answer.need("records")), answer.moment, int(answer.need("totalSize")))
            path = "" if answer.need("done") else str(answer.need("nextRecordsUrl"))

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        text: bool = False,
    ) -> Answer:
        """Make one call that may be repeated whatever happened; raises ConnectorError.

        All our calls are such: reads, and writes of fixed values under a key that Salesforce keeps unique.
        `path` follows the version, or begins with a slash where it is whole. `body` is sent as JSON, `raw` as it is.
        """
        data = orjson.dumps(body) if body is not None else raw
        return self._caller.call(lambda: self._send(method, path, data, dict(headers or {}), text=text), safe=True)

    def sign_in(self, spent: Token | None = None) -> Token:
        """Return the present token, other than `spent`, signing in where there is none; raises ConnectorError."""
        return self._caller.call(lambda: self._tokens.renew(spent) if spent else self._tokens.current(), safe=True)

    def limits(self) -> Mapping[str, Any]:
        """Return the org's allotments by name, each with Max and Remaining; raises ConnectorError."""
        return self._caller.call(lambda: self._authorised(lambda sdk: sdk.limits()), safe=True)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str], *, text: bool) -> Answer:
        response = self._authorised(lambda sdk: self._request(sdk, method, path, data, headers))
        payload = None
        if not text and response.status_code != requests.codes.not_modified:
            payload = json_body(response, vendor="Salesforce", writes=method != "GET")
        return Answer(response.status_code, response.content, response.headers, payload)

    def _authorised(self, send: Callable[[Salesforce], Any]) -> Any:
        """Send with the present token and, when it has expired, once more with a new one and all else the same."""
        token = self._tokens.current()
        try:
            return send(self._client(token))
        except (failures.Expired, SalesforceError) as error:
            explained = error if isinstance(error, failures.Expired) else self._explain(error)
            if not isinstance(explained, failures.Expired):
                raise
        return send(self._client(self._tokens.renew(token)))

    def _request(
        self, sdk: Salesforce, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> requests.Response:
        url = f"https://{sdk.sf_instance}{path}" if path.startswith("/") else sdk.base_url + path
        own = {"X-PrettyPrint": None, "Sforce-Call-Options": "client=closedwon", **headers}
        response: requests.Response = sdk.session.request(method, url, data=data, headers={**sdk.headers, **own})
        if response.status_code >= requests.codes.multiple_choices and response.status_code != 304:  # noqa: PLR2004
            said = failures.read(response.status_code, response.content)
            raise failures.explain(said, response.headers, now=self._clock())
        return response

    def _client(self, token: Token) -> Salesforce:
        """Return the SDK for this token; cheap, and rebuilt whole, since a refreshed one keeps old addresses."""
        with self._lock:
            if self._sdk is None or self._sdk[0] is not token:
                sdk = Salesforce(
                    session_id=token.text,
                    instance_url=token.instance_url,
                    version=self.settings.api_version,
                    session=self._session,
                )
                self._sdk = (token, sdk)
            return self._sdk[1]

    def _explain(self, error: Exception) -> ConnectorError | None:
        """Explain what the SDK raised; its exceptions hold whole bodies, ours do not."""
        if not isinstance(error, SalesforceError):
            return None
        content = error.content
        said = failures.read(error.status, content if isinstance(content, (bytes, str)) else orjson.dumps(content))
        return failures.explain(said, {}, now=self._clock())


def encode(soql: str) -> str:
    """Encode a query for a URL, as short as the rules allow."""
    return quote_plus(soql, safe="',()*")
