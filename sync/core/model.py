"""What the engine remembers of an onboarding, as plain data; and what a store must be able to do with it.

Built by `sync.store`, decided upon by the rest of `sync.core`, carried about by `sync.engine`. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from connectors.base import Fields, Kind, Memory, Ref, TimeChanges, TimeEntry

PLAN_ITEM = "plan"
"""The item key of the plan itself (the epic, the sheet); tasks carry their template key."""

ONBOARDING_ITEM = "onboarding"
"""The item key of the CRM's onboarding record."""

WRITE_KEY = "write key"
"""Stands for a vendor's field in what is held back about our identity itself: a record that exists twice."""


class BindingState(StrEnum):
    """Whether a binding's record is there."""

    LIVE = "live"
    MISSING = "missing"
    """The vendor no longer shows the record: a tombstone that only a person may act upon."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Our link from one item of an onboarding to one vendor's record. (key, item, connection) is unique."""

    key: str
    item: str
    connection: str
    kind: Kind
    ref: Ref
    url: str = ""
    state: BindingState = BindingState.LIVE


@dataclass(frozen=True, slots=True)
class Intent:
    """A create about to be sent; while it exists the outcome is unknown. (connection, write_key) is unique."""

    connection: str
    write_key: str
    key: str
    item: str
    kind: Kind
    mark: str
    opened_at: datetime
    name: str = ""


class Severity(StrEnum):
    """How a held-back record or field is treated."""

    HELD = "held"
    """It waits for a person; the rest goes on."""
    WAITING = "waiting"
    """It is tried again by itself."""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Something held back with a stable code. (key, item, connection, field) is unique; `item` "" = the deal."""

    key: str
    item: str
    connection: str
    field: str
    code: str
    message: str
    severity: Severity = Severity.HELD
    since: datetime | None = None
    """When it was first held back; filled by the store."""
    attempt: str = ""
    """What was to be written when the vendor refused it: the same is not tried again, anything else is."""


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Everything remembered of one onboarding.

    `base` holds, per item, the canonical values that all sides last agreed on. `rollup` holds the native roll-up values
    last confirmed by the CRM. `tracked` holds seconds per item from the time entries that are bound to it.
    `deal` holds the canonical deal values which the plan was made from.
    """

    key: str
    template: str = ""
    template_version: str = ""
    deal: Fields = field(default_factory=dict)
    base: Mapping[str, Fields] = field(default_factory=dict)
    rollup: Fields = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    intents: tuple[Intent, ...] = ()
    tracked: Mapping[str, int] = field(default_factory=dict)
    held: tuple[Quarantine, ...] = ()

    def bound(self, connection: str) -> dict[str, Binding]:
        """Return this connection's bindings by item."""
        return {b.item: b for b in self.bindings if b.connection == connection}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the append-only history: who changed what from what to what, by which rule."""

    key: str
    item: str
    field: str
    old: str
    new: str
    source: str
    """The connection (or `engine`) whose value this is."""
    rule: str
    """Why: `created`, `changed`, `conflict:lost`, `missing`, `adopted`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to act on one onboarding until the lease ends; `fence` grows with every claim of the key."""

    key: str
    fence: int
    requested: int
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """What one reconcile of one onboarding leaves behind; written in one transaction, guarded by the claim's fence.

    `base`, `deal`, `rollup`, `quarantine`: None leaves what was; a quarantine replaces all of the key's. `done` False
    leaves the key dirty, to be looked at again after `again_after` seconds.
    """

    claim: Claim
    template: str | None = None
    template_version: str | None = None
    deal: Fields | None = None
    base: Mapping[str, Fields] | None = None
    rollup: Fields | None = None
    missing: tuple[Binding, ...] = ()
    events: tuple[Event, ...] = ()
    quarantine: tuple[Quarantine, ...] | None = None
    done: bool = True
    again_after: float = 0.0
    error: str = ""


class LeaseLost(Exception):
    """Another worker holds the key now; nothing of the commit was written. Drop the result and go on."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One line of `status`: the work row of a key."""

    key: str
    requested: int
    done: int
    priority: int
    not_before: datetime | None
    attempts: int
    failures: int
    owner: str
    lease_until: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Document:
    """A small JSON document; (kind, key, name) is unique, `key` is an onboarding's or "", `at` when it was written."""

    kind: str
    key: str
    name: str
    value: Mapping[str, Any]
    at: datetime


class Priority:
    """Lower drains first."""

    LIVE = 0
    RECONCILE = 10
    BACKFILL = 20


class StoreApi(Protocol):
    """What `sync.store.Store` does, on SQLite and on PostgreSQL alike. Batched; every method is one transaction.

    `Store.open(url, clock=...)` opens and migrates; `clock()` returns an aware datetime; `close()` ends it.
    """

    # -- work: one row per onboarding
    def request(self, keys: Sequence[str], priority: int) -> None:
        """Mark keys dirty: bump `requested`, keep the more urgent priority, clear `not_before` for LIVE requests."""
        ...

    def claim(
        self, owner: str, *, limit: int, lease_seconds: float, keys: Sequence[str] | None = None
    ) -> tuple[Claim, ...]:
        """Take up to `limit` dirty keys (requested > done, due, not leased), urgent first; only of `keys` if given.

        Bumps fence and attempts. Two claimers never get the same key. An expired lease is free for the taking.
        """
        ...

    def renew(self, claims: Sequence[Claim], lease_seconds: float) -> tuple[Claim, ...]:
        """Lengthen the leases; return those claims which are still ours."""
        ...

    def commit(self, commits: Sequence[Commit]) -> tuple[Claim, ...]:
        """Write each commit and finish its claim (`done` = the value of `requested` at the claim); free the lease.

        Each commit stands alone: where its fence is stale nothing of it is written and its claim is in the answer.
        A commit with `error` counts a failure; one without resets failures to 0.
        """
        ...

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back untouched: they stay dirty and are due at once."""
        ...

    def work_items(
        self, *, only_open: bool = True, limit: int = 1000, keys: Sequence[str] | None = None
    ) -> tuple[WorkItem, ...]:
        """List work rows, most urgent first; given `keys`, all of theirs, in any order."""
        ...

    def hasten(self, keys: Sequence[str] | None = None) -> None:
        """Make due at once what waits after a failure, since its cause may be over; or whatever waits of `keys`."""
        ...

    # -- onboardings
    def load(self, keys: Sequence[str]) -> dict[str, Onboarding]:
        """Return what is remembered of these keys; an unknown key gives an empty Onboarding."""
        ...

    def keys(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Page through the keys of all onboardings that have a plan, in order."""
        ...

    def open_intents(self, intents: Sequence[Intent]) -> None:
        """Write intents ahead of creates. One already open for (connection, write_key) stays as it was."""
        ...

    def bind(self, bindings: Sequence[Binding]) -> None:
        """Write bindings (insert or replace by (key, item, connection)) and delete their intents, in one transaction.

        The intent of a binding is the one with the same connection, key and item.
        """
        ...

    def drop_intents(self, connection: str, write_keys: Sequence[str]) -> None:
        """Forget intents whose create was surely refused."""
        ...

    def keys_of(self, connection: str, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Map vendor ids (of bound records or plans) to onboarding keys; unknown ids are absent."""
        ...

    def of_accounts(self, marks: Sequence[str]) -> dict[str, dict[str, Fields]]:
        """Map accounts, by `twins.mark_of`, to what is remembered of their deals, by key; unknown ones are absent."""
        ...

    def bindings_of(self, connection: str, *, after: str = "", limit: int = 5000) -> tuple[Binding, ...]:
        """Page through one connection's bindings in order of onboarding key; a page never splits a key."""
        ...

    # -- time entries (the ledger)
    def put_time(self, connection: str, entries: Sequence[TimeEntry]) -> frozenset[str]:
        """Insert or replace entries by (connection, id); return keys of onboardings whose tracked seconds may change.

        An entry that moved between records names both.
        """
        ...

    def drop_time(self, connection: str, ids: Sequence[str]) -> frozenset[str]:
        """Remove entries; return the keys concerned. An unknown id is no error."""
        ...

    def take_time(self, connection: str, changes: TimeChanges, *, since: str) -> frozenset[str]:
        """Put and drop what a look at the time feed found, urgently request whom it concerns, and move the cursor on.

        Return the keys. Nothing is taken where the cursor is no longer `since`: somebody else read on meanwhile.
        """
        ...

    def time_totals(self, connection: str) -> tuple[int, int]:
        """Return (seconds bound to items, seconds unattributed)."""
        ...

    # -- cursors, memory, schema
    def cursor(self, connection: str, feed: str) -> str:
        """Return the cursor, "" when there is none."""
        ...

    def advance(self, connection: str, feed: str, cursor: str) -> None:
        """Keep the cursor."""
        ...

    def memory(self, connection: str) -> Memory:
        """Return this connection's durable notes, cached for reads."""
        ...

    # -- documents: what needs no table of its own
    def keep(self, kind: str, key: str, name: str, value: Mapping[str, Any]) -> None:
        """Insert or replace a document. Values are JSON: text, numbers, booleans, None, lists, mappings."""
        ...

    def keep_once(self, kind: str, key: str, name: str, value: Mapping[str, Any]) -> bool:
        """Insert a document unless there is one; tell whether it was inserted: of many callers one is told True."""
        ...

    def replace(self, kind: str, key: str, name: str, *, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Replace a document that is still as it was read; tell whether it was."""
        ...

    def forget(self, kind: str, key: str, name: str) -> None:
        """Delete a document; none is no error."""
        ...

    def kept(self, kind: str, key: str | None = None) -> tuple[Document, ...]:
        """List the documents of a kind, of one onboarding or of all, in order of key and name."""
        ...

    # -- what people look at
    def quarantined(self, *, limit: int = 1000) -> tuple[Quarantine, ...]:
        """List what is held back, oldest first."""
        ...

    def history(self, key: str, *, limit: int = 200) -> tuple[tuple[datetime, Event], ...]:
        """List an onboarding's history, newest first."""
        ...

    def counts(self) -> dict[str, int]:
        """Return onboardings, bindings, open intents, held, waiting, dirty, missing, time_entries."""
        ...
