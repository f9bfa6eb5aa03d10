"""A daemon in a process of its own whose engine only notes what it was given; run by the tests of this folder.

The work itself stands in a table `looks` of the same database: one row per look, written when it begins, with how it
ended. So the suite sees what real processes did to each other, whichever database and runner they share. The daemon, its
worker and its runner are the real ones; the schedule is a sweep each second, so that a test need not wait a minute.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sa

from connectors.base import Capability
from connectors.pace import Pace
from sync import logs
from sync.core.model import Claim, Commit
from sync.daemon import Daemon, Schedules
from sync.engine import Report
from sync.health import Metrics
from sync.store import Store
from sync.work import Gate, WorkerSettings, runner_for

SWEEP = "sweep"
"""The key under which sweeps are noted."""

metadata = sa.MetaData()
looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("ended", sa.Text, nullable=False),
    sa.Column("beside", sa.Integer, nullable=False),  # looks at the same key that had not come to their commit
    sa.Column("began", sa.Float, nullable=False),
)


class Unreadable:
    """A tracker whose worklogs nobody can read."""

    capabilities = frozenset({Capability.TIME})

    def time_entries(self, ids: Sequence[str]) -> tuple[Any, ...]:
        raise KeyError(*ids)


class NotingEngine:
    """Does with a key as its name says: is `slow`, waits for a file to be there (`held`), or fails (`broken`)."""

    crm = "crm"
    connections: ClassVar[Mapping[str, Any]] = {"tracker": Unreadable()}

    def __init__(self, store: Store, owner: str, let_go: Path) -> None:
        self._store = store
        self._owner = owner
        self._let_go = let_go

    def reconcile(self, claims: Sequence[Claim]) -> Report:
        ids = [self._note(claim.key) for claim in claims]
        for claim in claims:
            if claim.key.startswith("slow"):
                time.sleep(0.1)
            while claim.key == "held" and not (self._let_go.exists() or alone(self._let_go, self._owner).exists()):
                time.sleep(0.01)
            if claim.key == "broken":
                self._store.release(claims)
                raise ZeroDivisionError
        for number in ids:
            self._end(number, "committing")
        lost = {claim.key for claim in self._store.commit([Commit(claim) for claim in claims])}
        for number, claim in zip(ids, claims, strict=True):
            self._end(number, "lost" if claim.key in lost else "done")
        return Report(looked=len(claims), lost_leases=len(lost))

    def sweep(self, report: Report, *, only: Sequence[str]) -> bool:
        self._end(self._note(SWEEP), "done")
        return False

    def _note(self, key: str) -> int:
        others = sa.select(sa.func.count()).select_from(looks).where(looks.c.key == key, looks.c.ended == "")
        with self._store._database.write() as connection:
            beside = connection.scalar(others)
            row = {"key": key, "owner": self._owner, "ended": "", "beside": beside, "began": time.time()}
            (number,) = connection.execute(sa.insert(looks).values(row)).inserted_primary_key or (0,)
        return int(number)

    def _end(self, number: int, how: str) -> None:
        with self._store._database.write() as connection:
            connection.execute(sa.update(looks).where(looks.c.id == number).values(ended=how))


def alone(let_go: Path, owner: str) -> Path:
    """Return the file that lets go one worker only."""
    return let_go.with_name(f"{let_go.name}-{owner}")


def seen(store: Store, *, sweeps: bool = False) -> list[Mapping[str, Any]]:
    """Return all looks in order, or all sweeps."""
    chosen = looks.c.key == SWEEP if sweeps else looks.c.key != SWEEP
    with store._database.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(looks).where(chosen).order_by(looks.c.id)).mappings()]


def main(
    *, url: str, runner: str, owner: str, lease: float, deadline: float, sweep: str, let_go: Path, ready: Event
) -> None:
    """Work until SIGTERM; `ready` is set when it begins."""
    logs.configure(logs.LogLevel.ERROR)
    store = Store.open(url, clock=lambda: datetime.now(UTC))
    hurry = threading.Event()
    made = Daemon(
        engine=NotingEngine(store, owner, let_go),  # type: ignore[arg-type]
        store=store,
        gates={"crm": Gate("crm", Pace(0, 1, sleep=time.sleep), clock=time.monotonic, sleep=hurry.wait)},
        metrics=Metrics(),
        schedules=Schedules({SWEEP: sweep}),
        settings=WorkerSettings(owner, batch=2, lease_seconds=lease, deadline=deadline),
        now=lambda: datetime.now(UTC),
        hurry=hurry,
        runner=runner_for(runner, url),
    )
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    ready.set()
    if not made.run(stopping):
        os._exit(6)
    store.close()
