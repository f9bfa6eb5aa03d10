"""The gate before one connection: closed while its vendor is out of order or refuses us, and when the process ends.

Set by `sync.daemon` around each connection's meter, so that every call of every thread passes it. A closed gate refuses
before a byte leaves, by a failure that the engine takes for what it is: nothing was done, look again later. It never
repeats a call and decides nothing about onboardings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from connectors.base import Meter
from connectors.errors import NotAuthorised, Paused
from connectors.http import retry_after

PAUSED = "PAUSED-01"

_SERVER_ERRORS = 500
_TOO_MANY = 429
_REQUEST_TIMEOUT = 408

Observer = Callable[[str, str, int, float], None]
"""Told of every call: connection, endpoint, HTTP status (0 when there was no answer), seconds."""


class Gate:
    """A `Meter` around another one. Safe to share between threads.

    After `trip` failures in a row (no answer, or an answer of 5xx) it closes for `pause` seconds, then lets one call
    through: its success opens the gate, its failure closes it for twice as long, up to `longest`.

    A vendor that refuses our credentials is left alone as well (`refuse`): each attempt may count towards locking the
    account. Whether it takes us again no answer's status can tell, so that only time opens this one.
    """

    def __init__(
        self,
        name: str,
        inner: Meter,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        observe: Observer = lambda _connection, _endpoint, _status, _seconds: None,
        trip: int = 4,
        pause: float = 15.0,
        longest: float = 300.0,
        refusal: float = 60.0,
        longest_refusal: float = 900.0,
    ) -> None:
        self.name = name
        self._inner = inner
        self._clock = clock
        self._sleep = sleep
        self._observe = observe
        self._trip = trip
        self._pause = pause
        self._longest = longest
        self._refusal = refusal
        self._longest_refusal = longest_refusal
        self._lock = threading.Lock()
        self._stopped = False
        self._failures = 0
        self._closings = 0
        self._closed_until = 0.0
        self._refused_until = 0.0
        self._refused_for = 0.0
        self._refused_with = ("", "")
        self._slow_until = 0.0

    def stop(self) -> None:
        """Let no further call through: the process is about to end."""
        self._stopped = True

    @property
    def closed_for(self) -> float:
        """Seconds until the next call is let through; 0.0 while the gate is open."""
        return max(0.0, max(self._closed_until, self._refused_until) - self._clock())

    @property
    def waits_for(self) -> float:
        """Seconds until the next call goes out: while it is closed, or for as long as the vendor asked us to wait."""
        return max(self.closed_for, self._slow_until - self._clock())

    @property
    def code(self) -> str:
        """Why it is closed: what the vendor refused us with, or that it is out of order; "" while it is open."""
        if self._refused_until > self._clock():
            return self._refused_with[0]
        return PAUSED if self.closed_for else ""

    def refuse(self, error: NotAuthorised) -> Paused:
        """Close because the vendor refuses us, twice as long each time that follows soon; say for how long.

        Those who are told so while it is closed already wait for the same moment.
        """
        with self._lock:
            now = self._clock()
            if self._refused_until <= now:
                soon = now - self._refused_until < self._refused_for + self._longest_refusal
                pause = self._refused_for * 2 if soon and self._refused_for else self._refusal
                self._refused_for = min(self._longest_refusal, pause)
                self._refused_until = now + self._refused_for
                self._refused_with = (error.code, error.message)
            return self._paused()

    def before(self, endpoint: str, cost: int = 1) -> None:
        """Wait as the vendor asked all of us to; raises Paused while the gate is closed."""
        with self._lock:
            self._check()
            slow = max(0.0, self._slow_until - self._clock())
            if self._closings:  # this is the one that tries: the others wait for what it finds
                self._closed_until = self._clock() + self._next_pause()
        if slow:
            self._sleep(slow)
        self._inner.before(endpoint, cost)

    def after(self, endpoint: str, status: int, headers: Mapping[str, str], seconds: float) -> None:
        """Take note of an answer, or of none."""
        self._inner.after(endpoint, status, headers, seconds)
        self._observe(self.name, endpoint, status, seconds)
        with self._lock:
            if status == _TOO_MANY:
                # One thread was told, all slow down; how long a call may wait is the vendor's to say and http.py's to
                # bound, so that here only the moment is kept.
                wait = retry_after(headers, now=datetime.now(UTC)) or 0.0
                self._slow_until = max(self._slow_until, self._clock() + min(wait, self._pause))
            if status not in {0, _REQUEST_TIMEOUT} and status < _SERVER_ERRORS:
                self._failures = self._closings = 0
                self._closed_until = 0.0
                return
            self._failures += 1
            if self._failures >= self._trip:
                self._closed_until = self._clock() + self._next_pause()
                self._closings += 1

    def _check(self) -> None:
        if self._stopped:
            raise Paused(
                "This process is ending; the next one goes on with what is left.", code="STOPPING-01", delay=0.0
            )
        if self.closed_for:
            raise self._paused()

    def _paused(self) -> Paused:
        code, text = self._refused_with
        if self.code != code:
            code, text = PAUSED, f"{self.name} is out of order, so it is left alone for a while; it goes on by itself."
        return Paused(text, code=code, delay=self.closed_for)

    def _next_pause(self) -> float:
        return float(min(self._longest, self._pause * 2.0 ** min(self._closings, 10)))
