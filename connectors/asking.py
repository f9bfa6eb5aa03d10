"""What a connector is asked to read or to look for, and the answers that are more than records.

Part of `connectors.base`, from which everybody takes these names. A cursor is the vendor's own time or count, never
ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from connectors.records import Record, Ref, TimeEntry


@dataclass(frozen=True, slots=True)
class DealQuery:
    """Which deals to read: these ids, or those won between two dates (both inclusive, by the deal's close date)."""

    ids: tuple[str, ...] = ()
    won_since: date | None = None
    won_until: date | None = None


@dataclass(frozen=True, slots=True)
class Deals:
    """A stream of deals. The first page has been read already; `total` is what the vendor said the query matches."""

    records: Iterator[Record]
    total: int | None = None

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the records, reading pages as they are needed."""
        return self.records


@dataclass(frozen=True, slots=True)
class PlanRefs:
    """What `fetch` is asked for: an onboarding's plan and its bound tasks at this connection."""

    plan: Ref
    tasks: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What may have changed since a cursor; ids may repeat between calls, since overlaps are meant.

    `touched` holds ids of records or of their containers. `deals` holds the changed deals
    without their line items, so that a sweep stays one call; the engine reads by id those that it needs whole.
    """

    cursor: str
    touched: frozenset[str] = frozenset()
    deals: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeChanges:
    """Time entries added or changed, and ids of removed ones, since a cursor."""

    cursor: str
    entries: tuple[TimeEntry, ...] = ()
    removed: tuple[str, ...] = ()
