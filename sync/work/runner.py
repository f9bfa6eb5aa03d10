"""How a process comes to its worker's next step: by a loop of its own, or by jobs that all processes share.

`runner_for` is asked by the commands that work unattended, `ring_once` by all others that leave work behind; `run` is
called by `sync.daemon` in the worker's thread. What may be worked on is said by the store's leases alone, whichever
runner it is; a runner decides only when to look.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from sync.work.postgres import is_postgres
from sync.work.worker import Worker

if TYPE_CHECKING:
    from sync.work.bell import Announcer

EMBEDDED = "embedded"
PROCRASTINATE = "procrastinate"


class Runner(Protocol):
    """Runs one worker of this process."""

    def run(self, worker: Worker) -> None:
        """Have the worker do what is due until it is told to stop; what is begun is finished."""
        ...

    def ring(self) -> None:
        """Tell the workers of other processes that there is work; from any thread, without waiting."""
        ...

    def begun(self) -> None:
        """Take note that this worker is busy from now on, so that the rest is for others."""
        ...


class Alone:
    """The embedded loop, looking twice a second for what other processes left: on SQLite nobody can tell it."""

    def run(self, worker: Worker) -> None:
        """Work in a loop."""
        worker.run()

    def ring(self) -> None:
        """Tell nobody."""

    def begun(self) -> None:
        """Tell nobody."""


def ring_once(name: str, url: str) -> None:
    """Tell the workers of other processes that there is work, for a process that ends now. Never fails.

    On SQLite nobody can be told: they look twice a second.
    """
    if not is_postgres(url):
        return
    with suppress(Exception):  # a wake-up that gets lost costs a look's wait
        announcer = _announcer(name, url)
        try:
            announcer.announce()
        finally:
            announcer.close()


def _announcer(name: str, url: str) -> Announcer:
    if name == PROCRASTINATE:
        from sync.work.jobs import Jobs  # noqa: PLC0415 - as below

        return Jobs.open(url).deferrer()
    from sync.work.bell import Notifier  # noqa: PLC0415 - as below

    return Notifier(url)


def runner_for(name: str, url: str) -> Runner:
    """Make the runner that a configuration names for a store's address.

    Raises NoJobs when Procrastinate's tables cannot be had, and StoreUnavailable when the database does not answer.
    """
    if name == PROCRASTINATE:
        from sync.work.draining import Draining  # noqa: PLC0415 - Procrastinate comes with the extra `scale` only

        return Draining.open(url)
    if not is_postgres(url):
        return Alone()
    from sync.work.bell import Listening  # noqa: PLC0415 - whoever has one SQLite file needs no PostgreSQL driver

    return Listening(url)
