"""How far each feed was read, and the connectors' own durable notes. Called by `sync.store.store` only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from sync.store import lanes
from sync.store.database import Database, insert, upsert
from sync.store.schema import cursors, notes


def cursor(connection: sa.Connection, at: str, feed: str) -> str:
    """Return a feed's cursor, "" when there is none."""
    query = sa.select(cursors.c.cursor).where(cursors.c.connection == at, cursors.c.feed == feed)
    return connection.scalar(query) or ""


def advance(connection: sa.Connection, at: str, feed: str, value: str, now: datetime) -> None:
    """Keep a feed's cursor."""
    row = {"connection": at, "feed": feed, "cursor": value, "advanced_at": now}
    connection.execute(upsert(connection, cursors), row)


def move_on(connection: sa.Connection, at: str, feed: str, since: str, value: str, now: datetime) -> bool:
    """Keep a feed's cursor where it still is `since`; tell whether it was: of several who read on, one moves it."""
    row = {"connection": at, "feed": feed, "cursor": value, "advanced_at": now}
    statement = insert(connection.dialect.name, cursors)
    moved = statement.on_conflict_do_update(
        index_elements=[*cursors.primary_key],
        set_={"cursor": statement.excluded.cursor, "advanced_at": statement.excluded.advanced_at},
        where=cursors.c.cursor == since,
    )
    return connection.execute(moved.returning(cursors.c.feed), row).first() is not None


class StoredMemory:
    """One connection's notes; a `connectors.base.Memory`. A note once read is read again in `alone` only."""

    def __init__(self, database: Database, at: str) -> None:
        self._database = database
        self._at = at
        self._cache: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Return the note or None."""
        value = self._cache.get(key)
        if value is None:
            query = sa.select(notes.c.value).where(notes.c.connection == self._at, notes.c.note == key)
            with self._database.read() as connection:
                value = connection.scalar(query)
            if value is not None:
                self._cache[key] = value
        return value

    def put(self, key: str, value: str) -> None:
        """Keep the note durably before returning."""
        with self._database.write() as connection:
            connection.execute(upsert(connection, notes), {"connection": self._at, "note": key, "value": value})
        self._cache[key] = value

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Hold a name of this connection's against all other processes; what they put before is seen inside."""
        with lanes.alone(self._database.engine, f"{self._at}/{name}"):
            self._cache.clear()
            yield
