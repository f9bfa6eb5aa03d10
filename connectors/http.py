"""What every vendor's HTTP needs and no SDK does: timeouts, an allow-list, one honest retry, and a meter on every call.

Used by `connectors.<vendor>.client`, which mounts a `HardenedAdapter` on its SDK's session and sends through a
`Caller`. It knows no vendor's codes (each client explains its own failures) and never repeats a write whose outcome
is unknown.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
import tenacity
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError, ProxyError
from urllib3.util.retry import Retry

from connectors.base import Meter
from connectors.errors import ConnectorError, NotAuthorised, Paused, Refused, TryLater, Unknown

T = TypeVar("T")

LONGEST_PAUSE = 86_400.0
"""Seconds; what a Retry-After asks beyond a day is no vendor's wish but a broken header."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How patient a connection is. Seconds throughout."""

    hosts: frozenset[str]
    """`host` or `host:port` that may be spoken to; everything else is refused before a byte leaves."""
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    attempts: int = 4
    first_delay: float = 0.5
    patience: float = 60.0
    """A pause longer than this is not slept through but raised as TryLater, so that others may go on meanwhile."""
    connections: int = 8
    ca_bundle: str | None = None
    proxy: str | None = field(default=None, repr=False)
    rewrite: Mapping[str, str] = field(default_factory=dict)
    """Origins to send elsewhere, `https://acme.my.salesforce.com` to `http://127.0.0.1:8001`: how SDKs that insist on
    https reach the simulator. Empty in production."""


class HardenedAdapter(HTTPAdapter):
    """A transport without hidden retries, with timeouts, an allow-list and a meter.

    `endpoint` names a call from method and path (ids as braces); `cost` is its price in the vendor's own units.
    """

    def __init__(
        self,
        settings: HttpSettings,
        meter: Meter,
        *,
        endpoint: Callable[[str, str], str],
        cost: Callable[[str], int] = lambda _endpoint: 1,
    ) -> None:
        self._settings = settings
        self._meter = meter
        self._endpoint = endpoint
        self._cost = cost
        super().__init__(max_retries=Retry(total=0, read=False), pool_maxsize=settings.connections, pool_block=True)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - the signature is requests' own
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send once. Raises requests' exceptions, Refused for a host off the list, TryLater from the meter.

        Afterwards the request holds neither credentials nor a body: whatever keeps it (a response, an exception, an
        error tracker) keeps no secret. So a request is prepared anew for every attempt, as the SDKs do.
        """
        del timeout, verify, proxies
        try:
            return self._send(request, stream=stream, cert=cert)
        finally:
            _disarm(request)

    def _send(self, request: requests.PreparedRequest, *, stream: bool, cert: Any) -> requests.Response:
        settings = self._settings
        self._rewrite(request)
        parts = urlsplit(request.url or "")
        if parts.netloc not in settings.hosts and parts.hostname not in settings.hosts:
            raise Refused(
                f"Host {parts.hostname} is not on this connection's allow-list. Add it to `hosts` in config.yaml.",
                code="HTTP-HOST-01",
            )
        name = self._endpoint(request.method or "", parts.path)
        self._meter.before(name, self._cost(name))
        began = time.perf_counter()
        try:
            response = super().send(
                request,
                stream=stream,
                timeout=(settings.connect_timeout, settings.read_timeout),
                verify=settings.ca_bundle or True,
                cert=cert,
                proxies={"http": settings.proxy, "https": settings.proxy} if settings.proxy else None,
            )
        except requests.RequestException:
            self._meter.after(name, 0, {}, time.perf_counter() - began)
            raise
        self._meter.after(name, response.status_code, response.headers, time.perf_counter() - began)
        return response

    def _rewrite(self, request: requests.PreparedRequest) -> None:
        parts = urlsplit(request.url or "")
        target = self._settings.rewrite.get(f"{parts.scheme}://{parts.netloc}")
        if target is not None:
            to = urlsplit(target)
            request.url = urlunsplit((to.scheme, to.netloc, parts.path, parts.query, ""))


def _disarm(request: requests.PreparedRequest) -> None:
    for name in ("Authorization", "Proxy-Authorization", "Cookie"):
        request.headers.pop(name, None)
    request.body = None


def harden(session: requests.Session, adapter: HardenedAdapter) -> None:
    """Make an SDK's session ours: our transport for every address, no redirects, nothing taken from the environment.

    Environment variables may name a proxy or a CA bundle that silently overrides the session's own; both are settings
    here (docs/vendor-facts.md).
    """
    for prefix in tuple(session.adapters):
        del session.adapters[prefix]
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.trust_env = False
    session.max_redirects = 0


class Caller:
    """Carries out calls with the one retry policy that all vendors share.

    A *safe* call may be repeated whatever happened. Any other is repeated only where the failure says that nothing was
    done (TryLater); when a connection breaks after it was sent, the outcome is Unknown and the caller looks it up.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        explain: Callable[[Exception], ConnectorError | None],
        vendor: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._explain = explain
        self._vendor = vendor
        self._sleep = sleep

    def call(self, send: Callable[[], T], *, safe: bool) -> T:
        """Run `send`, retried as its failures allow; raises ConnectorError only.

        `send` raises a ConnectorError itself, or an SDK's exception that `explain` turns into one.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._again),
            wait=self._wait,
            stop=tenacity.stop_after_attempt(self._settings.attempts),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(lambda: self._once(send, safe=safe))

    def _once(self, send: Callable[[], T], *, safe: bool) -> T:
        try:
            return send()
        except Exception as error:
            told = self._told(error)
            if told is None:
                raise
            failure = self._settle(told, safe=safe)
            if failure is not error:
                # All that the chain would have told and a log may show: what happened, not with which request.
                failure.add_note(f"caused by {type(error).__module__}.{type(error).__qualname__}")
        # Raised outside of the handler and without a past: requests' exceptions hold the request, a parser's the body.
        failure.__cause__ = failure.__context__ = None
        raise failure

    def _told(self, error: Exception) -> ConnectorError | None:
        """Return what an exception means to our callers; None for a defect of our own, which must be seen as it is."""
        if isinstance(error, ConnectorError):
            return error
        return self._broken(error) if isinstance(error, requests.RequestException) else self._explain(error)

    def _settle(self, error: ConnectorError, *, safe: bool) -> ConnectorError:
        """Turn the unknown outcome of a safe call into TryLater: it can simply be made again."""
        if safe and isinstance(error, Unknown):
            return TryLater(error.message, code=error.code, delay=self._settings.first_delay)
        return error

    def _broken(self, error: requests.RequestException) -> ConnectorError:
        vendor = self._vendor
        if isinstance(error, requests.TooManyRedirects):
            return NotAuthorised(
                f"{vendor} redirects us elsewhere. Check the connection's url in config.yaml.", code="HTTP-REDIRECT-01"
            )
        if isinstance(error, requests.exceptions.SSLError):
            return NotAuthorised(
                f"{vendor}'s certificate is not trusted here. Set `ca_bundle` for this connection, or mend the clock.",
                code="HTTP-TLS-01",
            )
        if never_sent(error):
            return TryLater(
                f"{vendor} cannot be reached. Check the network and the connection's url; it is tried again by itself.",
                code="HTTP-CONNECT-01",
                delay=self._settings.first_delay,
            )
        return Unknown(
            f"The connection to {vendor} broke before its answer was complete. It is looked up and tried again.",
            code="HTTP-BROKEN-01",
        )

    def _again(self, error: BaseException) -> bool:
        if isinstance(error, Paused):
            return False
        return isinstance(error, TryLater) and error.delay <= self._settings.patience

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        backoff = self._settings.first_delay * 2.0 ** (state.attempt_number - 1)
        asked = error.delay if isinstance(error, TryLater) else 0.0
        return float(min(max(asked, backoff), self._settings.patience))


def never_sent(error: requests.RequestException) -> bool:
    """Tell whether no byte of the request can have reached the vendor, so that repeating it is always right."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    # urllib3 says ProxyError only while it is not yet connected to the proxy.
    return isinstance(reason, (NewConnectionError, ProxyError))


def retry_after(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Read Retry-After in all its forms (seconds, fractions, an HTTP date); None where absent or unreadable.

    Never negative, never more than a day.
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now)
    return min(max(0.0, seconds), LONGEST_PAUSE) if math.isfinite(seconds) else None


def _seconds_until(text: str, now: datetime) -> float:
    """Return how far an HTTP date lies ahead; not a number where the text is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return math.nan
    # "-0000" means UTC of an unknown place, which Python gives as a naive moment.
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def json_body(response: requests.Response, *, vendor: str, writes: bool) -> Any:
    """Parse a 2xx answer; a page or half an answer in its place is Unknown for a write and TryLater for a read."""
    if not response.content:
        return None
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        text = f"{vendor} answered with something that is not JSON (a gateway's page?). It is tried again by itself."
        if writes:
            raise Unknown(text, code="HTTP-BODY-01") from None
        raise TryLater(text, code="HTTP-BODY-01", delay=1.0) from None
