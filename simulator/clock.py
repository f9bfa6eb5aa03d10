"""The simulator's clock: real, frozen, shifted or faster than real, and the list of what is due later.

Used by every vendor for stamps, lags, expiries and work that finishes later. It never sleeps.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """Virtual time. `now()` follows the machine's clock (times `rate`) until frozen; `advance` moves it by hand."""

    def __init__(self, start: datetime | None = None, *, frozen: bool = False, rate: float = 1.0) -> None:
        self._base = start or datetime.now(UTC)
        self._since = time.monotonic()
        self._frozen = frozen
        self._rate = rate
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """Return the current virtual time, aware, in UTC."""
        if self._frozen:
            return self._base
        return self._base + timedelta(seconds=(time.monotonic() - self._since) * self._rate)

    def millis(self) -> int:
        """Return the current virtual time as epoch milliseconds."""
        return (self.now() - _EPOCH) // timedelta(milliseconds=1)

    def set(self, moment: datetime) -> None:
        """Jump to a moment; going back is allowed, as operators of real clocks do it too."""
        self._base, self._since = moment.astimezone(UTC), time.monotonic()

    def advance(self, seconds: float) -> None:
        """Move forward by that many seconds and do what has become due."""
        self.set(self.now() + timedelta(seconds=seconds))
        self.run_due()

    def pace(self, rate: float) -> None:
        """Let time pass `rate` times as fast as the machine's from now on."""
        self._base, self._since, self._rate = self.now(), time.monotonic(), rate

    def freeze(self, *, frozen: bool = True) -> None:
        """Stop or restart the flow of time."""
        self._base, self._since, self._frozen = self.now(), time.monotonic(), frozen

    def call_at(self, moment: datetime, action: Callable[[], None]) -> None:
        """Have `action` run at the first request or `advance` at or after `moment`."""
        heapq.heappush(self._due, (moment, next(self._order), action))

    def call_in(self, seconds: float, action: Callable[[], None]) -> None:
        """Have `action` run that many virtual seconds from now."""
        self.call_at(self.now() + timedelta(seconds=seconds), action)

    def run_due(self) -> None:
        """Run what is due, oldest first; the server calls this before each request."""
        while self._due and self._due[0][0] <= self.now():
            heapq.heappop(self._due)[2]()
