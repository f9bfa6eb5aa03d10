"""What several processes share besides work: whose turn a scheduled job is, and what is left of a quota.

Called by `sync.store.store` only. Each answer is given in a transaction that holds the row, so no two get the same.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from sync.core.unattended import Rate
from sync.store.database import insert_new
from sync.store.schema import quota, schedule

_MINUTE = 60.0

_JOB = sa.select(schedule).where(schedule.c.job == sa.bindparam("at")).with_for_update()
_QUOTA = sa.select(quota).where(quota.c.connection == sa.bindparam("at")).with_for_update()


def fire(connection: sa.Connection, job: str, now: datetime, next_due: datetime, by: str) -> bool:
    """Tell whether a job is to be run now; see `UnattendedStore.fire`."""
    first = {"job": job, "due_at": next_due, "last_fired_at": None, "fired_by": ""}
    connection.execute(insert_new(connection, schedule), first)
    row = connection.execute(_JOB, {"at": job}).one()
    change = sa.update(schedule).where(schedule.c.job == job)
    if row.due_at <= now:
        connection.execute(change.values(due_at=next_due, last_fired_at=now, fired_by=by))
        return True
    # A caller whose clock is behind may still name the moment that has just been fired: it is no tighter schedule.
    if next_due < row.due_at and (row.last_fired_at is None or next_due > row.last_fired_at):
        connection.execute(change.values(due_at=next_due))
    return False


def spend(connection: sa.Connection, at: str, cost: float, rate: Rate, reserve: float, now: datetime) -> float:
    """Take units from a bucket that leaks at the rate and holds the burst; see `UnattendedStore.spend`."""
    connection.execute(insert_new(connection, quota), {"connection": at, "window_start": now, "used": 0.0})
    row = connection.execute(_QUOTA, {"at": at}).one()
    per_second = rate.per_minute / _MINUTE
    # Clocks of several machines differ a little: time never runs backwards here.
    elapsed = max(0.0, (now - row.window_start).total_seconds())
    used: float = max(0.0, row.used - elapsed * per_second)
    cost = min(cost, rate.burst)
    over = used + cost - max(cost, rate.burst - reserve)
    if over > 0:
        return over / per_second
    change = sa.update(quota).where(quota.c.connection == at)
    connection.execute(change.values(window_start=max(now, row.window_start), used=used + cost))
    return 0.0


def spent(connection: sa.Connection, at: str, rate: Rate, now: datetime) -> float:
    """Return how many units are in the bucket; see `UnattendedStore.spent`."""
    row = connection.execute(sa.select(quota).where(quota.c.connection == at)).one_or_none()
    if row is None:
        return 0.0
    elapsed: float = max(0.0, (now - row.window_start).total_seconds())
    left: float = row.used - elapsed * rate.per_minute / _MINUTE
    return max(0.0, left)
