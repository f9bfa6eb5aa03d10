"""The ledger of time entries: every logged second counts once. Called by `sync.store.store` and `.onboardings` only.

An entry belongs to the item that is bound to its record, and to none when nothing is; nothing is ever summed up in
advance, so a total cannot drift from its entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from connectors.base import TimeEntry
from sync.core.dossier import UNPLANNED, Logged
from sync.store.database import any_of, chunks, upsert
from sync.store.schema import bindings, documents, onboardings, time_entries

_ITS_RECORD = (bindings.c.ref_id == time_entries.c.record_id) & (bindings.c.connection == time_entries.c.connection)

# Should two items be bound to one record, the first of them has its time: counted twice it would be invented.
_earlier = bindings.alias("earlier")
_ITS_OWNER = ~sa.exists().where(
    _earlier.c.ref_id == bindings.c.ref_id,
    _earlier.c.connection == bindings.c.connection,
    sa.tuple_(_earlier.c.key, _earlier.c.item) < sa.tuple_(bindings.c.key, bindings.c.item),
)


_ENTRY = tuple(TimeEntry.__dataclass_fields__)

_here = sa.select(bindings.c.key).where(any_of(bindings.c.key)).distinct().cte("here")

# Seconds by item and, in the same statement, the names of records in these plans that are bound to nothing.
_TRACKED = sa.union_all(
    sa.select(bindings.c.key, bindings.c.item, sa.cast(sa.func.sum(time_entries.c.seconds), sa.BigInteger))
    .join_from(bindings, time_entries, _ITS_RECORD)
    .where(bindings.c.key.in_(sa.select(_here.c.key)), _ITS_OWNER)
    .group_by(bindings.c.key, bindings.c.item),
    sa.select(documents.c.key, documents.c.name, sa.null()).where(
        documents.c.kind == UNPLANNED, documents.c.key.in_(sa.select(_here.c.key))
    ),
)

_LOGGED = (
    sa.select(bindings.c.key, bindings.c.item, bindings.c.connection, *(time_entries.c[name] for name in _ENTRY))
    .join_from(bindings, time_entries, _ITS_RECORD)
    .where(any_of(bindings.c.key), _ITS_OWNER)
    .order_by(bindings.c.key, time_entries.c.started, time_entries.c.connection, time_entries.c.id)
)

_LOOSE = (
    sa.select(time_entries.c.connection, *(time_entries.c[name] for name in _ENTRY))
    # A plan that is only just being made has bindings but no tasks yet: its time is nobody's for that moment.
    .where(~sa.exists().where(_ITS_RECORD, bindings.c.key == onboardings.c.key, onboardings.c.base.is_not(None)))
    .order_by(time_entries.c.connection, time_entries.c.id)
)

_INSIDE = sa.select(documents.c.key, documents.c.name).where(documents.c.kind == UNPLANNED, any_of(documents.c.key))

_HOLDERS = sa.select(documents.c.key).where(documents.c.kind == UNPLANNED, any_of(documents.c.name)).distinct()

_STRANGE = (
    sa.select(time_entries.c.connection, *(time_entries.c[name] for name in _ENTRY))
    .where(any_of(time_entries.c.record_id), ~sa.exists().where(_ITS_RECORD))
    .order_by(time_entries.c.connection, time_entries.c.id)
)

_ENTRIES = sa.select(*(time_entries.c[name] for name in _ENTRY)).order_by(time_entries.c.id)

_KNOWN = (
    sa.select(*(time_entries.c[name] for name in _ENTRY))
    .where(time_entries.c.connection == sa.bindparam("at"), any_of(time_entries.c.id))
    .order_by(time_entries.c.id)
    .with_for_update()  # of two feeds read at once, the second compares with what the first one wrote
)

_KEYS = (
    sa.select(bindings.c.key).where(any_of(bindings.c.ref_id), bindings.c.connection == sa.bindparam("at")).distinct()
)


def tracked(connection: sa.Connection, keys: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return seconds by key and item, for keys that fit into one IN list."""
    seconds: defaultdict[str, dict[str, int]] = defaultdict(dict)
    inside: dict[str, str] = {}
    for key, item, total in connection.execute(_TRACKED, {"any_of": keys}):
        if total is None:
            inside[item] = key
        else:
            seconds[key][item] = total
    for key, (_, entry) in _unplanned(connection, inside):
        seconds[key][UNPLANNED] = seconds[key].get(UNPLANNED, 0) + entry.seconds
    return seconds


def logged(connection: sa.Connection, keys: Iterable[str]) -> dict[str, tuple[Logged, ...]]:
    """Return the entries of onboardings, oldest first; see `StoreApi.logged`."""
    found: defaultdict[str, list[Logged]] = defaultdict(list)
    for chunk in chunks(dict.fromkeys(keys)):
        for key, item, at, *entry in connection.execute(_LOGGED, {"any_of": chunk}).all():
            found[key].append(Logged(at, TimeEntry(*entry), key, item))
        inside = {name: key for key, name in connection.execute(_INSIDE, {"any_of": chunk})}
        for key, (at, unplanned) in _unplanned(connection, inside):
            found[key].append(Logged(at, unplanned, key, UNPLANNED))
    return {key: tuple(sorted(entries, key=_in_order)) for key, entries in found.items()}


def _in_order(logged: Logged) -> tuple[datetime, str, str]:
    return logged.entry.started, logged.connection, logged.entry.id


def _unplanned(connection: sa.Connection, owners: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, TimeEntry]]]:
    """Yield the entries on records that lie in plans and are bound to nothing; `owners` maps those to onboardings."""
    records = sorted({name.partition(":")[2] for name in owners})
    for chunk in chunks(records):
        for at, *entry in connection.execute(_STRANGE, {"any_of": chunk}).all():
            key = owners.get(f"{at}:{entry[1]}")
            if key is not None:
                yield key, (at, TimeEntry(*entry))


def loose(connection: sa.Connection, after: tuple[str, str], limit: int) -> tuple[Logged, ...]:
    """Page through entries on records that are bound to nothing; see `StoreApi.loose`."""
    place = sa.tuple_(time_entries.c.connection, time_entries.c.id)
    query = _LOOSE.where(place > sa.tuple_(*map(sa.literal, after)))
    inside = sa.select(documents.c.name).where(documents.c.kind == UNPLANNED)
    record = time_entries.c.connection + sa.literal(":") + time_entries.c.record_id
    rows = connection.execute(query.where(record.not_in(inside)).limit(limit)).all()
    return tuple(Logged(at, TimeEntry(*entry)) for at, *entry in rows)


def entries(connection: sa.Connection, at: str, after: str, limit: int) -> tuple[TimeEntry, ...]:
    """Page through a connection's entries by id; see `RecordsStore.entries`."""
    query = _ENTRIES.where(time_entries.c.connection == at, time_entries.c.id > after).limit(limit)
    return tuple(TimeEntry(*row) for row in connection.execute(query))


def places(connection: sa.Connection, at: str, records: Iterable[str]) -> tuple[int, int]:
    """Return seconds on records, and those in a place of their own; see `RecordsStore.time_places`."""
    stored = placed = 0
    own = sa.exists().where(_ITS_RECORD)
    joined = sa.select(_seconds(sa.true())).join_from(time_entries, bindings, _ITS_RECORD).where(_ITS_OWNER)
    for chunk in chunks(sorted(set(records))):
        here = (time_entries.c.connection == at) & time_entries.c.record_id.in_(chunk)
        all_, loose_ = connection.execute(sa.select(_seconds(sa.true()), _seconds(~own)).where(here)).one()
        stored += all_
        placed += loose_ + (connection.scalar(joined.where(here)) or 0)
    return stored, placed


def put(connection: sa.Connection, at: str, entries: Iterable[TimeEntry]) -> frozenset[str]:
    """Insert or replace entries; see `StoreApi.put_time`. An entry that is known as it is concerns nobody."""
    new = {entry.id: entry for entry in entries}
    known = _known(connection, at, new)
    changed = [entry for _, entry in sorted(new.items()) if known.get(entry.id) != entry]
    if not changed:
        return frozenset()
    rows = [{"connection": at, **{name: getattr(entry, name) for name in _ENTRY}} for entry in changed]
    connection.execute(upsert(connection, time_entries), rows)
    records: set[str] = set()
    for entry in changed:
        before = known.get(entry.id)
        if before is None or (before.record_id, before.seconds) != (entry.record_id, entry.seconds):
            records |= {entry.record_id} if before is None else {entry.record_id, before.record_id}
    return _keys(connection, at, records)


def drop(connection: sa.Connection, at: str, ids: Iterable[str]) -> frozenset[str]:
    """Remove entries; see `StoreApi.drop_time`."""
    known = _known(connection, at, ids)
    for chunk in chunks(sorted(known)):
        connection.execute(sa.delete(time_entries).where(time_entries.c.connection == at, time_entries.c.id.in_(chunk)))
    return _keys(connection, at, {entry.record_id for entry in known.values()})


def totals(connection: sa.Connection, at: str) -> tuple[int, int]:
    """Return seconds bound to items and seconds unattributed; see `StoreApi.time_totals`."""
    bound = sa.exists().where(_ITS_RECORD)
    query = sa.select(_seconds(bound), _seconds(~bound)).where(time_entries.c.connection == at)
    attributed, unattributed = connection.execute(query).one()
    return attributed, unattributed


def _seconds(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    total = sa.func.sum(sa.case((which, time_entries.c.seconds), else_=0))
    return sa.cast(sa.func.coalesce(total, 0), sa.BigInteger)  # PostgreSQL's sum is a decimal


def _known(connection: sa.Connection, at: str, ids: Iterable[str]) -> dict[str, TimeEntry]:
    known: dict[str, TimeEntry] = {}
    for chunk in chunks(sorted(set(ids))):
        rows = connection.execute(_KNOWN, {"at": at, "any_of": chunk}).all()
        known.update((row[0], TimeEntry(*row)) for row in rows)
    return known


def _keys(connection: sa.Connection, at: str, records: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for chunk in chunks(sorted(records)):
        found.update(connection.scalars(_KEYS, {"at": at, "any_of": chunk}))
        found.update(connection.scalars(_HOLDERS, {"any_of": [f"{at}:{record}" for record in chunk]}))
    return frozenset(found)
