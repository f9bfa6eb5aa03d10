"""What explaining needs of a store beyond what the engine needs: whole histories and time entries one by one.

Implemented by `sync.store.Store`; used by `sync.engine.dossiers` and by the hours ledger. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from connectors.base import TimeEntry
from sync.core.dossier import Logged
from sync.core.model import Event, StoreApi


class RecordsStore(StoreApi, Protocol):
    """A store that can be asked for every entry behind a number. Every method is one transaction."""

    def logged(self, keys: Sequence[str]) -> dict[str, tuple[Logged, ...]]:
        """Return the time entries of onboardings, oldest first; one without any is absent."""
        ...

    def loose(self, *, after: tuple[str, str] = ("", ""), limit: int = 1000) -> tuple[Logged, ...]:
        """Page through time entries on records that belong to no plan, by (connection, id)."""
        ...

    def entries(self, connection: str, *, after: str = "", limit: int = 5000) -> tuple[TimeEntry, ...]:
        """Page through a connection's time entries by id, wherever they belong."""
        ...

    def time_places(self, connection: str, records: Sequence[str]) -> tuple[int, int]:
        """Return (seconds of the entries on these records, seconds that belong to one item or to none); they are equal.

        Both are worked out as of one moment, the second by the way in which hours are given to items.
        """
        ...

    def advanced_at(self, connection: str, feed: str) -> datetime | None:
        """Tell when a feed was last read to its end, moved on or not; None: never."""
        ...

    def histories(self, keys: Sequence[str]) -> dict[str, tuple[tuple[datetime, Event], ...]]:
        """Return the whole history of onboardings, oldest first; one without any is absent."""
        ...

    def note(self, events: Sequence[Event]) -> None:
        """Append to the history what happened outside of a reconcile: a person's word."""
        ...
