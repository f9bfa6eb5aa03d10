"""A worker in a process of its own whose engine only notes what it was given; run by test_work_conformance.

The work itself stands in a table `looks` of the same database: one row per look, written when it begins, with how it
ended. So the suite sees what real processes did to each other, whichever database they share.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sync.core.model import Claim, Commit
from sync.engine import Report
from sync.store import Store
from sync.work import Worker, WorkerSettings

metadata = sa.MetaData()
looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("ended", sa.Text, nullable=False),
    sa.Column("beside", sa.Integer, nullable=False),  # looks at the same key that had not come to their commit
)


class NotingEngine:
    """Takes as long over a key as its name says (`slow-0.5`), and fails where it says so (`broken`)."""

    def __init__(self, store: Store, owner: str) -> None:
        self._store = store
        self._owner = owner
        metadata.create_all(store._database.engine, checkfirst=True)

    def reconcile(self, claims: Sequence[Claim]) -> Report:
        ids = [self._note(claim.key) for claim in claims]
        for claim in claims:
            name, _, seconds = claim.key.rpartition("-")
            if name.startswith("slow"):
                time.sleep(float(seconds))
            if name == "broken" or claim.key == "broken":
                self._store.release(claims)
                raise ZeroDivisionError
        for number in ids:
            self._end(number, "committing")
        lost = {claim.key for claim in self._store.commit([Commit(claim) for claim in claims])}
        for number, claim in zip(ids, claims, strict=True):
            self._end(number, "lost" if claim.key in lost else "done")
        return Report(looked=len(claims), lost_leases=len(lost))

    def _note(self, key: str) -> int:
        others = sa.select(sa.func.count()).select_from(looks).where(looks.c.key == key, looks.c.ended == "")
        with self._store._database.write() as connection:
            beside = connection.scalar(others)
            result = connection.execute(sa.insert(looks).values(key=key, owner=self._owner, ended="", beside=beside))
            (number,) = result.inserted_primary_key or (0,)
        return int(number)

    def _end(self, number: int, how: str) -> None:
        with self._store._database.write() as connection:
            connection.execute(sa.update(looks).where(looks.c.id == number).values(ended=how))


class Quiet:
    """Notes what a worker tells."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self.reports: list[Report] = []

    def batch(self, report: Report, seconds: float) -> None:
        self.reports.append(report)

    def trouble(self, code: str, onboardings: int = 0) -> None:
        self.troubles.append(code)


def seen(store: Store) -> list[Mapping[str, Any]]:
    """Return all looks in order."""
    with store._database.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(looks).order_by(looks.c.id)).mappings()]


def make(store: Store, owner: str, *, lease: float, deadline: float = 60.0, batch: int = 100) -> Worker:
    """Make a worker that notes."""
    settings = WorkerSettings(owner, batch=batch, lease_seconds=lease, deadline=deadline, idle=0.05)
    return Worker(
        NotingEngine(store, owner),  # type: ignore[arg-type]
        store,
        settings=settings,
        key_of=lambda _connection, vendor_id: vendor_id,
        watch=Quiet(),
        now=lambda: datetime.now(UTC),
    )


def main(url: str, owner: str, lease: str, deadline: str) -> None:
    """Work until SIGTERM; say when it began and when it ended."""
    store = Store.open(url, clock=lambda: datetime.now(UTC))
    worker = make(store, owner, lease=float(lease), deadline=float(deadline), batch=2)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    thread = threading.Thread(target=worker.run)
    thread.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
