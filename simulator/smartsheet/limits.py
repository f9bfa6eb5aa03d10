"""The rate limit: 300 calls a minute and token, heavy endpoints counting ten.

Asked by `vendor.Smartsheet` before each call when the knob `rate_limited` is on. Source of the figures: the vendor's
limitations page and scalability guide, 2024 to 2026. The bucket refills with virtual time.
"""

from __future__ import annotations

from simulator.clock import Clock
from simulator.smartsheet.errors import Problem

HEAVY = frozenset(
    {
        "POST /2.0/sheets/{id}/copy",
        "POST /2.0/folders/{id}/copy",
        "POST /2.0/workspaces/{id}/copy",
        "POST /2.0/sheets/{id}/attachments",
        "POST /2.0/sheets/{id}/rows/{id}/attachments",
        "GET /2.0/sheets/{id}/rows/{id}/columns/{id}/history",
    }
)
"""Endpoints that cost ten calls."""


class Bucket:
    """A leaking bucket per token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._filled: dict[str, tuple[float, float]] = {}

    def take(self, token: str, endpoint: str, per_minute: float) -> None:
        """Take a call's price out of the bucket; raises Problem 4003 when it is empty."""
        now = self._clock.now().timestamp()
        left, since = self._filled.get(token, (per_minute, now))
        left = min(per_minute, left + max(0.0, now - since) * per_minute / 60)
        price = 10 if endpoint in HEAVY else 1
        if left < price:
            self._filled[token] = (left, now)
            raise Problem(4003)
        self._filled[token] = (left - price, now)
