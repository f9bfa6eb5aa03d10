"""Lanes: what only one of all processes on a store may do at a time, by name. Called by `sync.store.notes`.

The database's own locks are used, so that a process which dies frees its lane at once and none is ever left over:
advisory locks of PostgreSQL, and for SQLite (whose processes share a machine) an exclusive transaction in a file beside
the store, which makes one lane of all. Nothing is written by either.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import sqlalchemy as sa

from connectors.errors import TryLater

PATIENCE_SECONDS = 5.0
"""Most holders are done in a call's time. Behind one that takes longer, or stands still, nobody queues up: what was to
be done is done later, and everything else meanwhile."""
_AGAIN_SECONDS = 5.0
_SIDE = "-lane"
"""Added to a SQLite store's file name."""


@contextmanager
def alone(engine: sa.Engine, name: str) -> Iterator[None]:
    """Hold a lane until the block ends; raises TryLater (LANE-01) when others hold it for PATIENCE_SECONDS."""
    if engine.dialect.name == "sqlite":
        with _file(str(engine.url.database) + _SIDE):
            yield
    else:
        with _advisory(engine, name):
            yield


@contextmanager
def _file(path: str) -> Iterator[None]:
    with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise _taken() from error
        yield  # closing undoes the transaction, in which nothing happened


@contextmanager
def _advisory(engine: sa.Engine, name: str) -> Iterator[None]:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    # Not in a transaction: PostgreSQL would end one that stands still for as long as a vendor call takes.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"SET lock_timeout = {int(PATIENCE_SECONDS * 1000)}"))
        try:
            connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
        except sa.exc.OperationalError as error:
            connection.invalidate()
            raise _taken() from error
        try:
            yield
        finally:
            # Closing the session frees the lane in any case; the pool gets a fresh one.
            connection.invalidate()


def _taken() -> TryLater:
    return TryLater(
        "Another process of ours writes to the same place at this vendor. It is tried again by itself; if it stays so, "
        "see whether one of them hangs.",
        code="LANE-01",
        delay=_AGAIN_SECONDS,
        scope="record:lane",
    )
