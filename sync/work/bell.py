"""Wake-ups between processes: a bell that is rung after work was left, and ears in the processes that do it.

Used by `sync.work.runner`. A wake-up saves waiting and nothing else: whoever misses one finds the work by looking, so
ringing never fails, never waits, and promises nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

import psycopg

from sync.work.postgres import connect_args
from sync.work.worker import Worker

CHANNEL = "closedwon_work"
_RECONNECT_SECONDS = 2.0
_BREATH_SECONDS = 1.0
"""How long the ears hear nothing else, such as that they are to stop."""
_CLOSING_SECONDS = 2.0


class Announcer(Protocol):
    """Tells other processes that there is work. May raise; it is closed then, and opens again by itself."""

    def announce(self) -> None:
        """Tell once."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Bell:
    """A thread that announces. However often it is rung meanwhile, one more announcement follows."""

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._rung = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Have it told that there is work; from any thread, at no cost."""
        self._rung.set()

    def close(self) -> None:
        """Ring a last time, since whoever ends may have handed something back, and end the thread."""
        self._closing = True
        self._rung.set()
        self._thread.join(_CLOSING_SECONDS)

    def _run(self) -> None:
        while not self._closing:
            self._rung.wait()
            self._rung.clear()
            self._tell()
        self._let_go()

    def _tell(self) -> None:
        for _ in range(2):  # a connection that lay idle may have been cut: the second one is new
            try:
                self._announcer.announce()
            except Exception:  # noqa: BLE001 - see above: a wake-up is never worth a failure
                self._let_go()
            else:
                return

    def _let_go(self) -> None:
        with contextlib.suppress(Exception):
            self._announcer.close()


class Notifier:
    """Announces by PostgreSQL's NOTIFY, to the ears of the same store."""

    def __init__(self, url: str) -> None:
        self._args = connect_args(url)
        self._connection: psycopg.Connection[Any] | None = None

    def announce(self) -> None:
        """Notify; raises psycopg's errors."""
        if self._connection is None:
            self._connection = psycopg.connect(**self._args, autocommit=True)
        self._connection.execute("SELECT pg_notify(%s, current_schema())", (CHANNEL,))

    def close(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Ears:
    """A thread that calls `heard` at each wake-up of this store. Use it as a context manager."""

    def __init__(self, url: str, heard: Callable[[], None]) -> None:
        self._args = connect_args(url)
        self._heard = heard
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ears", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()  # the thread ends within a breath; nobody need wait for that

    def _run(self) -> None:
        while not self._done.is_set():
            try:
                self._listen()
            except psycopg.Error:
                self._done.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(**self._args, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            row = connection.execute("SELECT current_schema()").fetchone()
            self._heard()  # what was rung before we listened
            while not self._done.is_set():
                for note in connection.notifies(timeout=_BREATH_SECONDS):
                    if row == (note.payload,):  # a channel is one for the whole database, whatever the schema
                        self._heard()


class Listening:
    """The embedded loop on PostgreSQL, woken at once by what other processes leave."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._bell = Bell(Notifier(url))

    def run(self, worker: Worker) -> None:
        """Work in a loop."""
        with Ears(self._url, worker.wake):
            worker.run()
        self._bell.close()

    def ring(self) -> None:
        """Wake all other processes."""
        self._bell.ring()

    def begun(self) -> None:
        """Tell nobody: all who can help were woken when the work was left."""
