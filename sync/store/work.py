"""The work table: which onboardings are dirty, and who may act on them until when. Called by `sync.store.store` only.

Row locks are always taken in the order of the keys (or without waiting), so no two transactions wait for each other.
Nothing here reads a clock: `now` is an argument.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sync.core.model import Claim, Commit, Priority, WorkItem
from sync.core.unattended import Horizon
from sync.store.database import Row, any_of, chunks, insert, write_many
from sync.store.schema import DIRTY, Moment, work

_URGENT_FIRST = (work.c.priority, work.c.dirty_since, work.c.key)

_IS_FREE = sa.and_(
    DIRTY,
    sa.or_(work.c.not_before.is_(None), work.c.not_before <= sa.bindparam("now")),
    sa.or_(work.c.lease_until.is_(None), work.c.lease_until <= sa.bindparam("now")),
)
_FREE = (
    sa.select(work.c.key, work.c.fence, work.c.requested, work.c.attempts, work.c.priority, work.c.dirty_since)
    .where(_IS_FREE, work.c.priority <= sa.bindparam("up_to"))
    .order_by(*_URGENT_FIRST)
    .limit(sa.bindparam("at_most"))
    .with_for_update(skip_locked=True)  # SQLite needs none of it: its writers go one by one
)
_FREE_OF = _FREE.where(any_of(work.c.key))

_RESTING_OF = (
    sa.select(work.c.key, work.c.fence, work.c.requested, work.c.attempts)
    .where(
        any_of(work.c.key),
        ~DIRTY,
        sa.or_(work.c.lease_until.is_(None), work.c.lease_until <= sa.bindparam("now")),
    )
    .order_by(work.c.key)
    .with_for_update(skip_locked=True)
)

_READY = sa.select(sa.func.min(work.c.priority), sa.func.min(work.c.dirty_since)).where(_IS_FREE)

_BOTH = work.c.lease_until.is_not(None) & work.c.not_before.is_not(None)
_LATER = sa.case((work.c.lease_until > work.c.not_before, work.c.lease_until), else_=work.c.not_before)
_FREE_AT = sa.case((_BOTH, _LATER), else_=sa.func.coalesce(work.c.lease_until, work.c.not_before))
_NEXT = sa.select(sa.type_coerce(sa.func.min(_FREE_AT), Moment())).where(DIRTY, ~_IS_FREE)

_CLAIM = (
    sa.update(work)
    .where(any_of(work.c.key))
    .values(
        owner=sa.bindparam("claimer"),
        lease_until=sa.bindparam("until"),
        fence=work.c.fence + 1,
        attempts=work.c.attempts + 1,
    )
)

_RENEW = sa.update(work).where(any_of(work.c.key)).values(lease_until=sa.bindparam("until"))

_RELEASE = (
    sa.update(work)
    .where(any_of(work.c.key))
    .values(owner="", lease_until=None, not_before=None, attempts=work.c.attempts - 1)
)

_FENCES = (
    sa.select(work.c.key, work.c.fence)
    .where(any_of(work.c.key), work.c.lease_until.is_not(None))
    .order_by(work.c.key)
    .with_for_update()
)
_LOCK = (
    sa.select(work).where(any_of(work.c.key), work.c.lease_until.is_not(None)).order_by(work.c.key).with_for_update()
)

_FINISH = (
    sa.update(work)
    .where(work.c.key == sa.bindparam("claimed"))
    .values(
        {
            name: sa.bindparam(name)
            for name in ("done", "dirty_since", "not_before", "attempts", "failures", "owner", "lease_until", "error")
        }
    )
)


def request(connection: sa.Connection, keys: Iterable[str], priority: int, now: datetime) -> None:
    """Mark keys dirty; see `StoreApi.request`."""
    rows = [
        {
            "key": key,
            "requested": 1,
            "done": 0,
            "priority": priority,
            "dirty_since": now,
            "attempts": 0,
            "failures": 0,
            "owner": "",
            "fence": 0,
            "error": "",
        }
        for key in sorted(set(keys))
    ]
    write_many(connection, _request(connection.dialect.name), rows)


def claim(
    connection: sa.Connection,
    owner: str,
    limit: int,
    lease_until: datetime,
    keys: Sequence[str] | None,
    up_to: int,
    now: datetime,
) -> tuple[Claim, ...]:
    """Take dirty keys; see `StoreApi.claim`."""
    if limit <= 0:
        return ()
    asked = {"now": now, "at_most": limit, "up_to": up_to}
    if keys is None:
        free = [*connection.execute(_FREE, asked)]
    else:
        wanted = chunks(dict.fromkeys(keys))
        free = [row for chunk in wanted for row in connection.execute(_FREE_OF, {**asked, "any_of": chunk})]
    free.sort(key=lambda row: (row.priority, row.dirty_since, row.key))
    taken = free[:limit]
    for chunk in chunks(row.key for row in taken):
        connection.execute(_CLAIM, {"claimer": owner, "until": lease_until, "any_of": chunk})
    return tuple(Claim(row.key, row.fence + 1, row.requested, row.attempts + 1) for row in taken)


def borrow(
    connection: sa.Connection, owner: str, keys: Iterable[str], lease_until: datetime, now: datetime
) -> tuple[Claim, ...]:
    """Take keys that nobody asked for; see `UnattendedStore.borrow`."""
    taken = []
    for chunk in chunks(sorted(set(keys))):
        taken += [*connection.execute(_RESTING_OF, {"now": now, "any_of": chunk})]
    for chunk in chunks(row.key for row in taken):
        connection.execute(_CLAIM, {"claimer": owner, "until": lease_until, "any_of": chunk})
    return tuple(Claim(row.key, row.fence + 1, row.requested, row.attempts + 1) for row in taken)


def renew(connection: sa.Connection, claims: Sequence[Claim], lease_until: datetime) -> tuple[Claim, ...]:
    """Lengthen leases; see `StoreApi.renew`."""
    held = _locked(connection, claims, _FENCES)
    ours = tuple(claim for claim in claims if claim in held)
    for chunk in chunks(claim.key for claim in ours):
        connection.execute(_RENEW, {"until": lease_until, "any_of": chunk})
    return ours


def lock(connection: sa.Connection, claims: Iterable[Claim]) -> dict[Claim, Row]:
    """Lock the work rows of those claims that still hold their key until the transaction ends; return them by claim.

    A lease that ran out is still held while nobody else took the key: the fence decides, not the clock.
    """
    return _locked(connection, claims, _LOCK)


def asked_again(held: Mapping[Claim, Row]) -> frozenset[str]:
    """Return the keys, of claims whose rows are locked, that were requested since they were claimed."""
    return frozenset(claim.key for claim, row in held.items() if row.requested > claim.requested)


def finish(connection: sa.Connection, held: Mapping[Claim, Row], commits: Iterable[Commit], now: datetime) -> None:
    """Free the leases of committed claims, whose rows are locked, and say what is done or when to look again."""
    changes = [_finished(held[commit.claim], commit, now) for commit in commits]
    write_many(connection, _FINISH, changes)


def release(connection: sa.Connection, claims: Sequence[Claim]) -> None:
    """Give claims back; see `StoreApi.release`."""
    for chunk in chunks(claim.key for claim in _locked(connection, claims, _FENCES)):
        connection.execute(_RELEASE, {"any_of": chunk})


def horizon(connection: sa.Connection, now: datetime) -> Horizon:
    """Tell what lies before a worker; see `UnattendedStore.horizon`."""
    ready, oldest = connection.execute(_READY, {"now": now}).one()
    return Horizon(ready, connection.scalar(_NEXT, {"now": now}), oldest)


def cancel(connection: sa.Connection, keys: Iterable[str]) -> None:
    """Forget requests that nobody works on; see `UnattendedStore.cancel`."""
    statement = sa.update(work).where(any_of(work.c.key), DIRTY, work.c.lease_until.is_(None))
    clean = {"done": work.c.requested, "not_before": None, "attempts": 0, "failures": 0, "error": ""}
    for chunk in chunks(sorted(set(keys))):
        connection.execute(statement.values(clean), {"any_of": chunk})


def hasten(connection: sa.Connection, keys: Iterable[str] | None = None) -> None:
    """Make due what waits; see `StoreApi.hasten`."""
    waiting = sa.update(work).where(DIRTY, work.c.not_before.is_not(None)).values(not_before=None)
    if keys is None:
        connection.execute(waiting.where(work.c.error != ""))
        return
    for chunk in chunks(sorted(set(keys))):
        connection.execute(waiting.where(any_of(work.c.key)), {"any_of": chunk})


def owners(connection: sa.Connection) -> tuple[str, ...]:
    """List who holds a lease; see `Store.owners`."""
    return tuple(connection.scalars(sa.select(work.c.owner).where(work.c.lease_until.is_not(None)).distinct()))


def disown(connection: sa.Connection, owner: str) -> None:
    """Free a dead worker's leases; see `Store.disown`."""
    connection.execute(sa.update(work).where(work.c.owner == owner).values(owner="", lease_until=None))


def items(
    connection: sa.Connection, *, only_open: bool, limit: int, keys: Iterable[str] | None = None
) -> tuple[WorkItem, ...]:
    """List work rows; see `StoreApi.work_items`."""
    query = sa.select(*(work.c[name] for name in WorkItem.__dataclass_fields__))
    if only_open:
        query = query.where(DIRTY)
    if keys is None:
        return tuple(WorkItem(*row) for row in connection.execute(query.order_by(*_URGENT_FIRST).limit(limit)))
    of_these = query.where(any_of(work.c.key))
    wanted = chunks(sorted(set(keys)))
    return tuple(WorkItem(*row) for chunk in wanted for row in connection.execute(of_these, {"any_of": chunk}))


def _locked(connection: sa.Connection, claims: Iterable[Claim], which: sa.Select[Any]) -> dict[Claim, Row]:
    claims = tuple(claims)
    rows: dict[str, Row] = {}
    for chunk in chunks(sorted({claim.key for claim in claims})):
        rows.update((row.key, row) for row in connection.execute(which, {"any_of": chunk}))
    return {claim: row for claim in claims if (row := rows.get(claim.key)) and row.fence == claim.fence}


@functools.cache
def _request(dialect: str) -> sa.Executable:
    statement = insert(dialect, work)
    new = statement.excluded
    more_urgent = sa.or_(~DIRTY, new.priority < work.c.priority)
    return statement.on_conflict_do_update(
        index_elements=[work.c.key],
        set_={
            "requested": work.c.requested + 1,
            "priority": sa.case((more_urgent, new.priority), else_=work.c.priority),
            "dirty_since": sa.case((DIRTY, work.c.dirty_since), else_=new.dirty_since),
            "not_before": sa.case((new.priority <= Priority.LIVE, sa.null()), else_=work.c.not_before),
        },
    )


def _finished(row: Row, commit: Commit, now: datetime) -> dict[str, Any]:
    asked_again = row.requested > commit.claim.requested
    waits = not commit.done and commit.again_after > 0 and not (asked_again and row.priority <= Priority.LIVE)
    return {
        "claimed": commit.claim.key,
        "done": max(row.done, commit.claim.requested) if commit.done else row.done,
        "dirty_since": now if commit.done else row.dirty_since,
        "not_before": now + timedelta(seconds=commit.again_after) if waits else None,
        "attempts": 0 if commit.done else row.attempts,
        "failures": row.failures + 1 if commit.error else 0,
        "owner": "",
        "lease_until": None,
        "error": commit.error,
    }
