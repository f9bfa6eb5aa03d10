"""Smartsheet's wire: one SDK client per connection, hardened, and every call as raw JSON through its session.

Called by the other modules of this package. The SDK brings the session, the address, the token's header and the change
agent; its own sending is not used, since it repeats POSTs after a commit, knows no timeouts, and its models are twenty
times slower than JSON (docs/vendor-facts.md).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import smartsheet

from connectors.base import Meter
from connectors.errors import Unknown
from connectors.http import Caller, HardenedAdapter, harden, json_body
from connectors.smartsheet.failures import Fault, explain
from connectors.smartsheet.settings import SmartsheetSettings

VENDOR = "Smartsheet"

_HEAVY = re.compile(r"/(copy|publish|imageurls|history|cellimages|attachments)$")
_HEAVY_COST = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer: its JSON object, and the moment that the vendor's own clock gave."""

    body: Mapping[str, Any]
    date: datetime | None


class Client:
    """Sends calls and explains their failures; raises ConnectorErrors only. Safe for several threads."""

    def __init__(
        self,
        settings: SmartsheetSettings,
        *,
        meter: Meter,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        http = settings.http()
        self._clock = clock
        # max_retry_time=0: the SDK repeats even POSTs on 4002 and 4004, which come after commits too.
        self._sdk = smartsheet.Smartsheet(
            settings.token.get_secret_value(),
            max_connections=http.connections,
            max_retry_time=0,
            user_agent="closedwon",
            api_base=settings.url,
        )
        self._sdk.errors_as_exceptions()
        self._sdk.with_change_agent(settings.change_agent)
        self._session: requests.Session = self._sdk._session  # noqa: SLF001 - the SDK offers no other way to it
        harden(self._session, HardenedAdapter(http, meter, endpoint=endpoint_of, cost=cost_of))
        self._caller = Caller(http, explain=lambda _error: None, vendor=VENDOR, sleep=sleep)

    def get(self, path: str, **query: str) -> Answer:
        """Read; repeated whatever went wrong, then raises TryLater."""
        return self._caller.call(lambda: self._once("GET", path, query, None, safe=True), safe=True)

    def post(self, path: str, body: object, **query: str) -> Answer:
        """Create; raises Unknown when it may have been done, and never repeats it then."""
        return self._caller.call(lambda: self._once("POST", path, query, body, safe=False), safe=False)

    def put(self, path: str, body: object, **query: str) -> Answer:
        """Set values; repeated whatever went wrong, since setting the same values twice ends the same."""
        return self._caller.call(lambda: self._once("PUT", path, query, body, safe=True), safe=True)

    def delete(self, path: str) -> Answer:
        """Remove something by its id; repeated whatever went wrong."""
        return self._caller.call(lambda: self._once("DELETE", path, {}, None, safe=True), safe=True)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _once(self, method: str, path: str, query: Mapping[str, str], body: object, *, safe: bool) -> Answer:
        response = self._session.send(self._prepare(method, path, query, body))
        if not response.ok:
            raise explain(_fault(response, path), now=self._clock())
        payload = json_body(response, vendor=VENDOR, writes=not safe)
        if not isinstance(payload, dict):
            raise Unknown("Smartsheet's answer is empty. It is looked up and tried again by itself.", code="SS-BODY-01")
        return Answer(payload, _date(response.headers.get("Date", "")))

    def _prepare(self, method: str, path: str, query: Mapping[str, str], body: object) -> requests.PreparedRequest:
        operation = smartsheet.fresh_operation("closedwon")
        operation.update(method=method, path=path, query_params=dict(query))
        prepared: requests.PreparedRequest = self._sdk.prepare_request(operation)
        if body is not None:
            # Not through the SDK: its serialiser drops None, dates and Decimals without a word.
            prepared.headers["Content-Type"] = "application/json"
            prepared.prepare_body(orjson.dumps(body), None)
        return prepared


def endpoint_of(method: str, path: str) -> str:
    """Name a call with its ids as braces, `POST /2.0/sheets/{id}/rows`."""
    return f"{method} " + re.sub(r"/[0-9]+(?=/|$)", "/{id}", path)


def cost_of(endpoint: str) -> int:
    """Return a call's price: copies, attachments, publishing, images and cell history count ten (Rate limits)."""
    return _HEAVY_COST if _HEAVY.search(endpoint) else 1


def _fault(response: requests.Response, path: str) -> Fault:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = None
    known = body if isinstance(body, dict) else {}
    code = known.get("errorCode")
    detail = known.get("detail")
    index = detail.get("index") if isinstance(detail, dict) else None
    return Fault(
        status=response.status_code,
        code=code if isinstance(code, int) else 0,
        headers=response.headers,
        path=path,
        message=str(known.get("message", "")),
        index=index if isinstance(index, int) else None,
    )


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None
