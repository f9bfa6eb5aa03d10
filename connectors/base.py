"""The contract that every connector fulfils; with the plain records that cross it, which all are imported from here.

Implemented by `connectors.<vendor>` and by third parties (entry-point group `closedwon.connectors`), held to by
`connectors.conformance`, called by `sync.engine`, `sync.doctor` and the other shells above. It knows no vendor. Its
words stand by subject in `records`, `writes`, `asking`, `describing` and `host`; where each stands is nobody's concern.

Values cross in the vendor's own field names but as plain Python: no vendor JSON, no rich text, no vendor's date
strings. What they *mean* is said by `mappings`, never here. A connector never decides what to write, never holds state
but caches and its `Memory`, never sleeps for longer than its pace demands, and never logs a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from connectors.asking import Changes, DealQuery, Deals, PlanRefs, TimeChanges
from connectors.describing import FieldSchema, Finding, Level, Schema
from connectors.host import DictMemory, FreeMeter, Memory, Meter
from connectors.records import Fields, Kind, Record, Ref, TimeEntry, Value
from connectors.writes import Create, Failed, Update, Upsert, Wanted, Write, WriteResult, Written

__all__ = [
    "Capability",
    "Changes",
    "Connector",
    "Create",
    "DealQuery",
    "Deals",
    "DictMemory",
    "Failed",
    "FieldSchema",
    "Fields",
    "Finding",
    "FreeMeter",
    "Kind",
    "Level",
    "Memory",
    "Meter",
    "PlanRefs",
    "Record",
    "Ref",
    "Schema",
    "TimeChanges",
    "TimeEntry",
    "Update",
    "Upsert",
    "Value",
    "Wanted",
    "Write",
    "WriteResult",
    "Written",
]


class Capability(StrEnum):
    """What a connector can do; the engine gives each connection its part by these."""

    DEALS = "deals"
    """Reads deals and takes roll-ups: `deals`, `changes`, `write` of Upserts."""
    TASKS = "tasks"
    """Holds plans and tasks: `fetch`, `changes`, `find`, `write` of Creates and Updates."""
    TIME = "time"
    """Has time entries: `time_changes`, `time_entries`, `containers`."""


class Connector(Protocol):
    """One configured vendor. Methods not covered by `capabilities` raise NotImplementedError and are never called.

    Reads raise ConnectorErrors. `write` never raises for a vendor's failure: each write gets its own result.
    """

    name: str
    capabilities: frozenset[Capability]

    def deals(self, query: DealQuery) -> Deals:
        """Stream deals with their line items and links, in a stable order, a page held at a time.

        By ids: those that exist, won or not. By dates: won ones only.
        """
        ...

    def changes(self, cursor: str) -> Changes:
        """Say what may have changed; "" as cursor means from now on. Idle cost: 1 call, however many records."""
        ...

    def time_changes(self, cursor: str) -> TimeChanges:
        """Say which time entries changed; "" as cursor means from the beginning. Idle cost: 2 calls."""
        ...

    def time_entries(self, ids: Sequence[str] | None = None) -> Iterator[TimeEntry]:
        """Read time entries in full, or just these as they are now: what `verify` holds the ledger against.

        A removed one does not come. Of those changed within the vendor's lag some may lack, unless asked for by id.
        """
        ...

    def containers(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Say which record holds each of these (a task's plan, a sub-task's task); what nothing holds is absent."""
        ...

    def fetch(self, plans: Sequence[PlanRefs]) -> Iterator[Record]:
        """Read plans and their tasks as they are now, past any search index.

        A record that was asked for and does not come is missing *or invisible*: never delete anything for it.
        """
        ...

    def mark(self) -> str:
        """Return a note to keep with an intent before a create, for `find`; "" where none is needed."""
        ...

    def find(self, wanted: Sequence[Wanted]) -> Iterator[Record]:
        """Look up creates of unknown outcome by a way without lag; several records for one key are duplicates."""
        ...

    def write(self, writes: Sequence[Write]) -> Iterator[WriteResult]:
        """Carry writes out in as few calls as the vendor allows; yield results as calls complete, any order."""
        ...

    def price(self, writes: Sequence[Write]) -> int:
        """Return how many calls `write` would need for these; makes none. Retries are not foreseen."""
        ...

    def inventory(self) -> Iterator[Record]:
        """List every record here that carries a write key of ours, doubles included: what `verify` counts and compares.

        Complete rather than cheap. Where a vendor's index lags, it is read by a way that does not.
        """
        ...

    def normalise(self, kind: Kind, fields: Fields) -> Fields:
        """Return the values as this vendor would store and show them (lengths, precision), without a call."""
        ...

    def describe(self) -> Schema:
        """Read the vendor's present schema."""
        ...

    def check(self) -> Iterable[Finding]:
        """Check sign-in, permissions and settings for `doctor`; a vendor's failure becomes a finding, never raises."""
        ...

    def close(self) -> None:
        """Close sessions."""
        ...
