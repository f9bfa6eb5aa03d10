"""A meter that paces one connection: a token bucket in front of the vendor's limit, and counts of every call.

Built by `sync.wiring`, one per connection, shared by its threads. It never speaks to a vendor.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from connectors.errors import TryLater


class Pace:
    """At most `per_minute` units a minute, in bursts of up to `burst`; 0 means unlimited.

    The vendors' own limits: Smartsheet 300 units a minute and token, heavy calls cost ten;
    Jira's bursts are answered by its 429 and Retry-After; Salesforce's allotment is daily.
    """

    def __init__(
        self,
        per_minute: float = 0.0,
        burst: float = 10.0,
        *,
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.remaining: int | None = None
        """What the vendor last said is left of its allotment, where it says so."""
        self.allotment: int | None = None
        """The whole of it."""
        self._rate = per_minute / 60.0
        self._burst = max(burst, 10.0)
        self._level = self._burst
        self._seen = clock()
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait for a place; raises TryLater when the wait would exceed `patience` seconds."""
        with self._lock:
            if not self._rate:
                self.calls[endpoint] += 1
                return
            now = self._clock()
            self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
            self._seen = now
            wait = max(0.0, (cost - self._level) / self._rate)
            if wait > self._patience:
                raise TryLater(
                    "This connection's own pace is used up; it goes on by itself. Raise `per_minute` if you may.",
                    code="PACE-01",
                    delay=wait,
                )
            self._level -= cost
            self.calls[endpoint] += 1
        if wait:
            self._sleep(wait)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Count failures and keep what the vendor says of its allotment (`Sforce-Limit-Info: api-usage=18/5000`)."""
        del seconds
        if status == 0 or status >= 400:  # noqa: PLR2004 - HTTP's own border
            self.failures[endpoint] += 1
        usage = headers.get("Sforce-Limit-Info", "")
        if "api-usage=" in usage:
            used, _, total = usage.split("api-usage=", 1)[1].split(";", 1)[0].partition("/")
            if used.strip().isdigit() and total.strip().isdigit():
                self.allotment, self.remaining = int(total), int(total) - int(used)

    @property
    def total(self) -> int:
        """All calls so far."""
        return self.calls.total()
