"""Keeps a batch's leases alive while it is worked on, and lets them go when it takes too long.

Used by `sync.work.worker`. A batch may rightly take longer than a lease; one that hangs must not hold its onboardings
for ever: after the deadline nothing is renewed any more, so another worker has them within a lease. (The engine renews
by itself before it writes, and learns there that it has lost them.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from sync.core.model import Claim, StoreApi

_RENEWALS_PER_LEASE = 3


class Heart:
    """A thread that renews claims three times a lease. Use it as a context manager around the work."""

    def __init__(
        self,
        claims: Sequence[Claim],
        *,
        store: StoreApi,
        lease_seconds: float,
        deadline: float,
        hung: Callable[[int], None],
    ) -> None:
        self._claims = tuple(claims)
        self._store = store
        self._lease = lease_seconds
        self._deadline = deadline
        self._hung = hung
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        pause = self._lease / _RENEWALS_PER_LEASE
        left = self._deadline
        while not self._done.wait(min(pause, left)):
            left -= pause
            if left <= 0:
                self._hung(len(self._claims))
                return
            try:
                self._store.renew(self._claims, self._lease)
            except Exception:  # noqa: BLE001, S112 - a store that is away may be back before the lease ends
                continue
