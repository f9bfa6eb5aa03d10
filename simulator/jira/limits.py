"""Jira's burst limits: a token bucket per operation and method, and the limits of writes to one issue.

Asked by `vendor` before each call; refuses only while the knob `rate_limits` is on. The headers that tell of the limit
come with every answer. The points quota is not modelled, since traffic with API tokens is exempt from it.
Source: Atlassian's pages on rate limiting, August and October 2026.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.clock import Clock
from simulator.jira.calls import Problem
from simulator.jira.faults import TOO_MANY, limit_headers, retry_after

_SPECIAL = {
    ("GET", "issue/{id}"): 150,
    ("GET", "issue/{id}/changelog"): 200,
    ("POST", "search/approximate-count"): 150,
}
_WRITES = ((20, 2.0), (100, 30.0))
"""At most so many writes to one issue in so many seconds."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limits:
    """The buckets of all operations and the recent writes of all issues."""

    def __init__(self, clock: Clock, knobs: Mapping[str, Any]) -> None:
        self._clock = clock
        self._knobs = knobs
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._writes: dict[int, deque[float]] = {}

    def rate(self, method: str, path: str) -> int:
        """Return the steady rate of an operation per second."""
        default = int(self._knobs["rates"].get(method, 100))
        return _SPECIAL.get((method, path), default) if default == 100 else default

    def take(self, method: str, path: str) -> dict[str, str]:
        """Take a token and return the headers that tell of the limit; raises Problem 429 when none is left."""
        rate = self.rate(method, path)
        now = self._clock.now().timestamp()
        bucket = self._buckets.setdefault((method, path), _Bucket(rate, now))
        bucket.tokens = min(float(rate), bucket.tokens + max(now - bucket.at, 0.0) * rate)
        bucket.at = now
        if not self._knobs["rate_limits"]:
            return _headers(rate, rate)
        if bucket.tokens < 1:
            self._refuse("jira-burst-based", 1)
        bucket.tokens -= 1
        return _headers(rate, int(bucket.tokens))

    def write(self, issue_id: int) -> None:
        """Count a write to an issue; raises Problem 429 beyond 20 in 2 s or 100 in 30 s."""
        if not self._knobs["rate_limits"]:
            return
        now = self._clock.now().timestamp()
        writes = self._writes.setdefault(issue_id, deque(maxlen=100))
        for most, seconds in _WRITES:
            recent = [moment for moment in writes if now - moment < seconds]
            if len(recent) >= most:
                self._refuse("jira-per-issue-on-write", max(1, int(recent[0] + seconds - now) + 1))
        writes.append(now)

    def _refuse(self, reason: str, seconds: int) -> None:
        headers = limit_headers(self._clock, reason, seconds) | retry_after(self._clock, seconds)
        raise Problem(429, TOO_MANY, headers=headers)


def _headers(rate: int, left: int) -> dict[str, str]:
    near = {"X-RateLimit-NearLimit": "true"} if left < rate / 5 else {}
    return {"X-RateLimit-Limit": str(rate), "X-RateLimit-Remaining": str(left), **near}
