"""The runner for many hosts: Procrastinate's jobs say when to drain; the worker, its batches and leases stay the same.

Made by `sync.work.runner`. Each process takes one job at a time. A job that finds work asks for another one before it
begins, so that idle processes take the rest meanwhile, and one that finds none ends. Every few seconds each process
looks whether anything is due that nobody was told of: a lease that ran out, a retry, a wake-up that got lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import psycopg
from procrastinate.exceptions import ConnectorException

from sync.store import StoreUnavailable
from sync.work.bell import Bell
from sync.work.jobs import PATIENCE_SECONDS, QUEUE, Jobs, clear_stalled
from sync.work.worker import STORE_AWAY, Worker, place

LOOK_SECONDS = 5.0
_TICK_SECONDS = 0.2
_BATCHES = 50
"""Batches of one job; then it hands over, so that jobs come to an end and the queue shows that it moves."""
_ABSENT_SECONDS = 5.0
"""How long to wait before Procrastinate is started again after the database was away."""


class Draining:
    """Runs a worker by jobs; one for each process. `open` is the way to make one.

    `look` is how often, in seconds, it looks for what nobody was told of.
    """

    def __init__(
        self,
        jobs: Jobs,
        bell: Bell,
        *,
        look: float = LOOK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._bell = bell
        self._look_each = look
        self._clock = clock
        self._look_at = 0.0
        self._rest_until = 0.0

    @classmethod
    def open(cls, url: str) -> Draining:
        """Make a runner on a store's database; raises what `Jobs.open` raises."""
        jobs = Jobs.open(url)
        return cls(jobs, Bell(jobs.deferrer()))

    def ring(self) -> None:
        """Have somebody drain, here or elsewhere."""
        self._bell.ring()

    def begun(self) -> None:
        """Have somebody else drain what is left while this process is busy."""
        self._bell.ring()

    def run(self, worker: Worker) -> None:
        """Take jobs until the worker is told to stop; begins anew after whatever ended Procrastinate's own loop."""
        while not worker.stopped():
            try:
                asyncio.run(self._live(worker))
                code = STORE_AWAY  # unless told to stop, it ends when it can no longer reach its tables
            except (StoreUnavailable, ConnectorException, psycopg.Error, TimeoutError):
                code = STORE_AWAY
            except Exception as error:  # noqa: BLE001 - a defect must not end the process's work for good
                code = place(error)
            if not worker.stopped():
                worker.stand_still(code)
                worker.stopped(within=_ABSENT_SECONDS)
        self._bell.close()

    async def _live(self, worker: Worker) -> None:
        app = self._jobs.app(lambda: self._drain(worker))
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(app.close_async)
            await asyncio.wait_for(app.open_async(), PATIENCE_SECONDS)
            await clear_stalled(app)
            self._bell.ring()
            taking = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    name=worker.settings.owner,
                    concurrency=1,
                    fetch_job_polling_interval=LOOK_SECONDS,  # a job may come before the listening has begun
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            try:
                await self._look_on(worker, taking)
            finally:
                taking.cancel()  # which lets the job at hand come to its end
                with contextlib.suppress(asyncio.CancelledError):
                    await taking

    async def _look_on(self, worker: Worker, taking: asyncio.Task[None]) -> None:
        """Look when it is time, until the worker is told to stop or no jobs are taken any more."""
        while not (taking.done() or worker.stopped()):
            await asyncio.wait({taking}, timeout=_TICK_SECONDS)
            if self._clock() >= max(self._look_at, self._rest_until):
                self._look_at = self._clock() + self._look_each
                await asyncio.to_thread(self._look, worker)

    def _look(self, worker: Worker) -> None:
        """Ask for draining if anything is due, else come back when the next thing is."""
        due = worker.due_in()
        if due <= 0:
            self._bell.ring()
        elif due < self._look_each:
            self._look_at = min(self._look_at, self._clock() + due)

    def _drain(self, worker: Worker) -> None:
        """Do what is due: the one task there is. Raises nothing, as the worker's steps do not."""
        if self._clock() < self._rest_until:
            return
        for _ in range(_BATCHES):
            if worker.stopped():
                return  # the bell's last ring hands over
            if wait := worker.step():
                break
        else:
            self._bell.ring()
            return
        self._rest_until = self._clock() + wait if worker.trouble else 0.0
        self._look_at = 0.0  # to know when the next thing is due
