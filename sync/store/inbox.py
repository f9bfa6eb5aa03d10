"""Events that were accepted and not yet turned into requests. Called by `sync.store.store` only.

Of an event only the vendor's ids are kept, never its body. Event ids stay until `tidy`, so that a repeated delivery is
known as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
import sqlalchemy as sa

from sync.core.unattended import Arrival, KeyOf
from sync.store import onboardings
from sync.store.database import chunks, insert
from sync.store.schema import DIRTY, WAITING, inbox, work
from sync.store.schema import onboardings as planned

_PER_STATEMENT = 150
"""Events in one INSERT; each has four values, and older SQLite libraries take at most 999."""

_WAITING = sa.select(inbox).where(WAITING).order_by(inbox.c.id).limit(sa.bindparam("at_most"))


def accept(connection: sa.Connection, at: str, events: Iterable[tuple[str, Sequence[str]]], now: datetime) -> int:
    """Keep events; see `UnattendedStore.accept`."""
    rows = [
        {"connection": at, "event_id": event, "received_at": now, "ids": orjson.dumps(list(ids)).decode()}
        for event, ids in sorted(dict(events).items())
    ]
    statement = insert(connection.dialect.name, inbox).on_conflict_do_nothing().returning(inbox.c.id)
    return sum(len(connection.execute(statement, list(chunk)).all()) for chunk in chunks(rows, _PER_STATEMENT))


def take(connection: sa.Connection, limit: int) -> tuple[Arrival, ...]:
    """Return the oldest events that wait; see `UnattendedStore.take_events`."""
    rows = connection.execute(_WAITING, {"at_most": limit})
    return tuple(
        Arrival(row.id, row.connection, row.event_id, row.received_at, tuple(orjson.loads(row.ids))) for row in rows
    )


def keys(connection: sa.Connection, arrivals: Iterable[Arrival], key_of: KeyOf) -> frozenset[str]:
    """Return the onboardings that events touch."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for arrival in arrivals:
        ids[arrival.connection].update(arrival.ids)
    found: set[str] = set()
    for at, touched in ids.items():
        known = onboardings.keys_of(connection, at, sorted(touched))
        found.update(*known.values())
        found.update(key_of(at, each) for each in touched - known.keys())
    return frozenset(found - {""})


def settle(connection: sa.Connection, arrivals: Iterable[Arrival], now: datetime) -> tuple[Arrival, ...]:
    """Mark events taken; return those that nobody else had taken meanwhile."""
    mine: set[int] = set()
    for chunk in chunks(sorted({arrival.id for arrival in arrivals})):
        change = sa.update(inbox).where(inbox.c.id.in_(chunk), WAITING).values(taken_at=now)
        mine.update(connection.scalars(change.returning(inbox.c.id)))
    return tuple(arrival for arrival in arrivals if arrival.id in mine)


def tidy(connection: sa.Connection, before: datetime) -> int:
    """Forget what nobody will ask for again; see `UnattendedStore.tidy`."""
    events = connection.execute(sa.delete(inbox).where(inbox.c.taken_at < before))
    # Fences begin anew with a forgotten row: `before` must lie so far back that no worker of that time lives.
    forgotten = sa.and_(~DIRTY, work.c.lease_until.is_(None), work.c.dirty_since < before)
    has_row = sa.exists().where(planned.c.key == work.c.key)
    rows = connection.execute(sa.delete(work).where(forgotten, ~has_row))
    return events.rowcount + rows.rowcount
