"""What people look at: who changed what, and how much there is of everything. Called by `sync.store.store` only.

History is only ever added to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from sync.core.model import BindingState, Event, Severity
from sync.store.database import any_of, chunks
from sync.store.onboardings import HAS_PLAN
from sync.store.schema import DIRTY, bindings, cursors, history, intents, onboardings, quarantine, time_entries, work

_EVENT = tuple(Event.__dataclass_fields__)

_HISTORIES = (
    sa.select(history.c.at, *(history.c[name] for name in _EVENT))
    .where(any_of(history.c.key))
    .order_by(history.c.key, history.c.id)
)


def add_events(connection: sa.Connection, events: Iterable[Event], now: datetime) -> None:
    """Append to the history."""
    rows = [{"at": now, **{name: getattr(event, name) for name in _EVENT}} for event in events]
    if rows:
        connection.execute(sa.insert(history), rows)


def advanced_at(connection: sa.Connection, at: str, feed: str) -> datetime | None:
    """Tell when a feed's cursor was last kept; see `RecordsStore.advanced_at`."""
    query = sa.select(cursors.c.advanced_at).where(cursors.c.connection == at, cursors.c.feed == feed)
    return connection.scalar(query)


def history_of(connection: sa.Connection, key: str, limit: int) -> tuple[tuple[datetime, Event], ...]:
    """List an onboarding's history; see `StoreApi.history`."""
    query = sa.select(history.c.at, *(history.c[name] for name in _EVENT)).where(history.c.key == key)
    rows = connection.execute(query.order_by(history.c.id.desc()).limit(limit))
    return tuple((row.at, Event(*row[1:])) for row in rows)


def histories(connection: sa.Connection, keys: Iterable[str]) -> dict[str, tuple[tuple[datetime, Event], ...]]:
    """Return the whole history of onboardings, oldest first; see `StoreApi.histories`."""
    found: defaultdict[str, list[tuple[datetime, Event]]] = defaultdict(list)
    for chunk in chunks(dict.fromkeys(keys)):
        for row in connection.execute(_HISTORIES, {"any_of": chunk}).all():
            found[row.key].append((row.at, Event(*row[1:])))
    return {key: tuple(told) for key, told in found.items()}


def counts(connection: sa.Connection) -> dict[str, int]:
    """Count what there is; see `StoreApi.counts`."""
    counted = {
        "onboardings": _count(onboardings, HAS_PLAN),
        "bindings": _count(bindings),
        "open_intents": _count(intents),
        "held": _count(quarantine, quarantine.c.severity == Severity.HELD.value),
        "waiting": _count(quarantine, quarantine.c.severity == Severity.WAITING.value),
        "dirty": _count(work, DIRTY),
        "missing": _count(bindings, bindings.c.state == BindingState.MISSING.value),
        "time_entries": _count(time_entries),
    }
    row = connection.execute(sa.select(*(count.scalar_subquery().label(name) for name, count in counted.items())))
    return {str(name): total for name, total in row.mappings().one().items()}


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table).where(*conditions)
