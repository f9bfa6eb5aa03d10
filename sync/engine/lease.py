"""Keeps the leases of a batch while it is applied, and notices when one was lost.

Made by `sync.engine.reconcile` for each batch, asked by `sync.engine.apply` before it writes and as results come. A
batch may take longer than a lease; a worker that was stopped for longer than its lease must not go on writing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sync.core.model import Claim, LeaseLost, StoreApi

_RENEWED_AT = 3
"""A lease is renewed when this part of it has passed."""


class Lease:
    """The leases of one batch's claims; safe to share between the lanes of apply."""

    def __init__(
        self, claims: Sequence[Claim], *, store: StoreApi, seconds: float, now: Callable[[], datetime]
    ) -> None:
        self._claims = tuple(claims)
        self._store = store
        self._seconds = seconds
        self._now = now
        self._lock = threading.Lock()
        self._next = now()

    def due(self) -> bool:
        """Tell whether it is time to renew."""
        return self._now() >= self._next

    def keep(self) -> None:
        """Renew all leases; raises LeaseLost when another worker holds one of the keys now."""
        with self._lock:
            if len(self._store.renew(self._claims, self._seconds)) < len(self._claims):
                raise LeaseLost("Another worker took over while this one stood still; it does the rest.")
            self._next = self._now() + timedelta(seconds=self._seconds / _RENEWED_AT)
