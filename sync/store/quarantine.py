"""What is held back, since when and why. Called by `sync.store.store` and `.onboardings` only."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from sync.core.model import WRITE_KEY, Commit, Quarantine, Severity
from sync.store.database import Row, any_of, chunks
from sync.store.schema import quarantine

_COLUMNS = tuple(quarantine.c[name] for name in Quarantine.__dataclass_fields__)
_HELD = sa.select(*_COLUMNS).where(any_of(quarantine.c.key)).order_by(*quarantine.primary_key)
_FREE = sa.delete(quarantine).where(any_of(quarantine.c.key))


def held(connection: sa.Connection, keys: Sequence[str]) -> dict[str, list[Quarantine]]:
    """Return what is held back by key, for keys that fit into one IN list."""
    found: defaultdict[str, list[Quarantine]] = defaultdict(list)
    for row in connection.execute(_HELD, {"any_of": keys}):
        found[row.key].append(_entry(row))
    return found


def hold_back(
    connection: sa.Connection, commits: Iterable[Commit], now: datetime, *, asked_again: Collection[str] = ()
) -> None:
    """Replace what is held back of each commit's key; what was held back before keeps its `since`.

    What was forgiven while somebody worked on the key stays forgiven: such keys are among those `asked_again`.
    """
    wanted = {commit.claim.key: commit.quarantine for commit in commits if commit.quarantine is not None}
    since: dict[tuple[str, ...], datetime | None] = {}
    forgiven: set[tuple[str, ...]] = set()
    for chunk in chunks(wanted):
        if not (before := held(connection, chunk)):
            continue
        for entry in itertools.chain.from_iterable(before.values()):
            since[_place(entry)] = entry.since
            if entry.key in asked_again and not entry.attempt:
                forgiven.add(_place(entry))
        connection.execute(_FREE, {"any_of": list(before)})
    rows: dict[tuple[str, ...], dict[str, str | datetime | None]] = {}
    for entry in itertools.chain.from_iterable(wanted.values()):
        place = _place(entry)
        attempt = "" if place in forgiven and entry.field != WRITE_KEY else entry.attempt
        rows[place] = _row(replace(entry, since=since.get(place) or entry.since or now, attempt=attempt))
    if rows:
        connection.execute(sa.insert(quarantine), list(rows.values()))


def forgive(connection: sa.Connection, keys: Iterable[str]) -> None:
    """Let refused writes be tried again; see `Store.forgive`."""
    # What is held back about a write key keeps the doubles' places there, and is no refusal.
    statement = sa.update(quarantine).where(any_of(quarantine.c.key), quarantine.c.field != WRITE_KEY)
    for chunk in chunks(keys):
        connection.execute(statement.values(attempt=""), {"any_of": chunk})


def listed(connection: sa.Connection, limit: int) -> tuple[Quarantine, ...]:
    """List what is held back; see `StoreApi.quarantined`."""
    query = sa.select(*_COLUMNS).order_by(quarantine.c.since, *quarantine.primary_key).limit(limit)
    return tuple(_entry(row) for row in connection.execute(query))


def _place(entry: Quarantine) -> tuple[str, ...]:
    return entry.key, entry.item, entry.connection, entry.field


def _entry(row: Row) -> Quarantine:
    return Quarantine(**{**row._mapping, "severity": Severity(row.severity)})  # noqa: SLF001 - its public name


def _row(entry: Quarantine) -> dict[str, str | datetime | None]:
    values = {name: getattr(entry, name) for name in Quarantine.__dataclass_fields__}
    return {**values, "severity": entry.severity.value}
