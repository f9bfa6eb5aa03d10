"""A worker in a thread of its own, for a receiver that no daemon works beside: what comes is brought about at once.

Started by `closedwon receiver`, woken after each commit. All rules of work are `sync.work`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from sync import logs
from sync.core.unattended import UnattendedStore
from sync.engine import Engine, Report
from sync.work import Worker, WorkerSettings


class Hands:
    """The thread and its worker. `told` hears of each batch and the seconds that it took."""

    def __init__(
        self,
        engine: Engine,
        store: UnattendedStore,
        *,
        now: Callable[[], datetime],
        begin: Callable[[int], None] = lambda _priority: None,
        told: Callable[[Report, float], None] = lambda _report, _seconds: None,
    ) -> None:
        given = engine.settings
        self.batch = told
        self._crm = engine.crm
        self._worker = Worker(
            engine,
            store,
            settings=WorkerSettings(given.owner, batch=given.batch, lease_seconds=given.lease_seconds),
            key_of=self._key_of,
            watch=self,
            now=now,
            begin=begin,
        )
        self._thread = threading.Thread(target=self._worker.run, name="receiver-worker", daemon=True)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin, with what an earlier process accepted."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new; from any thread."""
        self._worker.wake()

    def stop(self, seconds: float, hurry: Callable[[], None] = lambda: None) -> bool:
        """End after the batch that it is at; False when that takes too long and its onboardings were given back.

        After half of the time `hurry` is called: it must keep the batch from calling any vendor again.
        """
        self._worker.stop()
        self._thread.join(timeout=seconds / 2)
        if self.alive:
            hurry()
            self._thread.join(timeout=seconds / 2)
        if self.alive:
            self._worker.abandon()
        return not self.alive

    def trouble(self, code: str, onboardings: int = 0) -> None:
        """Tell what stops the work, or a part of it."""
        logs.happened("trouble", grave=True, name="worker", code=code, onboardings=onboardings)

    def _key_of(self, connection: str, vendor_id: str) -> str:
        """Take an id of the CRM's that is bound to nothing for a deal's; what is strange elsewhere is not ours."""
        return vendor_id if connection == self._crm else ""
