"""One way of running work, with the processes that run it; made by the fixture `engine`.

Processes are forked (`forked`); they are processes like any other, to be killed and stopped.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

import psycopg
import work_desk
from forked import processes

from sync.core.model import Priority
from sync.store import Store
from sync.work import runner_for
from sync.work.postgres import connect_args


@dataclass
class Engine:
    """A runner on a database, and the processes that were started on it."""

    runner: str
    url: str
    store: Store
    let_go: Path
    """Once this file is there, looks at the key `held` come to their end."""
    ring: Callable[[], None]
    started: list[BaseProcess] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(cls, runner: str, url: str, folder: Path) -> Iterator[Self]:
        """Open a store for it, and end all processes and the store afterwards, those too that stand still."""
        with Store.open(url, clock=lambda: datetime.now(UTC)) as store:
            work_desk.metadata.create_all(store._database.engine)
            made = cls(runner, url, store, folder / "let-go", runner_for(runner, url).ring)
            try:
                yield made
            finally:
                for process in made.started:
                    process.kill()
                    process.join()

    def request(self, *keys: str, priority: int = Priority.LIVE) -> None:
        """Leave work and tell of it, as every process of ours does."""
        self.store.request(keys, priority)
        self.ring()

    def start(self, owner: str, *, lease: float = 2.0, deadline: float = 60.0, sweep: str = "") -> BaseProcess:
        """Start a process and wait until it works."""
        forks = processes()
        ready = forks.Event()
        given = {"owner": owner, "lease": lease, "deadline": deadline, "sweep": sweep, "ready": ready}
        own = {"url": self.url, "runner": self.runner, "let_go": self.let_go}
        process = forks.Process(target=work_desk.main, kwargs={**own, **given})
        process.start()
        self.started.append(process)
        assert ready.wait(60)
        return process

    def stop(self, process: BaseProcess) -> None:
        """Let a process stand still, but not in a transaction: what that locks, nobody else could have anyway."""
        tell(process, signal.SIGSTOP)
        while not self._unlocked():
            tell(process, signal.SIGCONT)
            time.sleep(0.05)
            tell(process, signal.SIGSTOP)

    def _unlocked(self) -> bool:
        try:
            if self.url.startswith("sqlite"):
                with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=0.5)) as connection:
                    connection.execute("BEGIN IMMEDIATE")
            else:
                with psycopg.connect(**connect_args(self.url)) as connection:
                    connection.execute("SELECT FROM work FOR UPDATE NOWAIT")
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return False
        return True


def tell(process: BaseProcess, number: signal.Signals) -> None:
    """Send a signal."""
    assert process.pid
    os.kill(process.pid, number)


def exit_code(process: BaseProcess, seconds: float = 10.0) -> int | None:
    """Wait for its end for so long; None when it still lives."""
    process.join(seconds)
    return process.exitcode


def until(happened: Callable[[], object], seconds: float = 60.0) -> float:
    """Wait until something happened; return how long it took."""
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < seconds, "it never happened"
        time.sleep(0.01)
    return time.monotonic() - began


def cut(url: str) -> None:
    """Have the database server cut every connection but this one."""
    others = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with psycopg.connect(**connect_args(url), autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
