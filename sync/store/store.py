"""The store: `StoreApi` and `UnattendedStore` (`sync.core`) on SQLite or PostgreSQL.

Opened by `sync.wiring`, used by the engine, the worker, the receiver and the commands.

Every method is one transaction, and what it wrote is on the disk when it returns. The statements live beside, by table;
here stands only what belongs together. It decides nothing and reads no clock but the one it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from connectors.base import Fields, Memory, TimeChanges, TimeEntry
from sync.core.dossier import Logged
from sync.core.model import Binding, Claim, Commit, Document, Event, Intent, Onboarding, Priority, Quarantine, WorkItem
from sync.core.unattended import Arrival, Horizon, KeyOf, Rate
from sync.store import documents, inbox, ledger, notes, onboardings, quarantine, shared, views, work
from sync.store.database import Database
from sync.store.migrate import migrate


class Store:
    """Everything that must outlive a process. Safe to share between threads, and between processes by its address."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._memories: dict[str, Memory] = {}

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime]) -> Self:
        """Open the store at `sqlite:///file` or `postgresql://…` and bring its tables up to date.

        Raises ValueError for another address, `StoreUnavailable` when the database cannot be used, and `StoreTooNew`
        when a newer Closedwon wrote it. `clock` returns an aware datetime, by which leases are judged.
        """
        database = Database.open(url)
        try:
            migrate(database)
        except BaseException:
            database.close()
            raise
        return cls(database, clock=clock)

    def close(self) -> None:
        """Close all connections to the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- work

    def request(self, keys: Sequence[str], priority: int) -> None:
        """Mark keys dirty; a request of a key that is being worked on makes it dirty again afterwards."""
        with self._database.write() as connection:
            work.request(connection, keys, priority, self._clock())

    def claim(
        self,
        owner: str,
        *,
        limit: int,
        lease_seconds: float,
        keys: Sequence[str] | None = None,
        up_to: int = Priority.BACKFILL,
    ) -> tuple[Claim, ...]:
        """Take up to `limit` dirty keys that are due and free, urgent first; no two claimers get the same."""
        with self._database.write() as connection:
            now = self._clock()
            return work.claim(connection, owner, limit, now + timedelta(seconds=lease_seconds), keys, up_to, now)

    def borrow(self, owner: str, keys: Sequence[str], lease_seconds: float) -> tuple[Claim, ...]:
        """Take those of the keys that are clean and free; a request that comes meanwhile makes them dirty as ever."""
        with self._database.write() as connection:
            now = self._clock()
            return work.borrow(connection, owner, keys, now + timedelta(seconds=lease_seconds), now)

    def horizon(self) -> Horizon:
        """Tell whether there is work and how urgent, or when there will be. Changes nothing."""
        with self._database.read() as connection:
            return work.horizon(connection, self._clock())

    def renew(self, claims: Sequence[Claim], lease_seconds: float) -> tuple[Claim, ...]:
        """Lengthen the leases; return those claims which are still ours."""
        with self._database.write() as connection:
            return work.renew(connection, claims, self._clock() + timedelta(seconds=lease_seconds))

    def commit(self, commits: Sequence[Commit]) -> tuple[Claim, ...]:
        """Write what reconciles leave behind and free their leases; return the claims that were lost meanwhile.

        Of a lost claim nothing is written. A claim is lost when its key was claimed again, or was given back.
        """
        with self._database.write() as connection:
            now = self._clock()
            held = work.lock(connection, (commit.claim for commit in commits))
            written = sorted((c for c in commits if c.claim in held), key=lambda commit: commit.claim.key)
            onboardings.save(connection, written)
            onboardings.mark_missing(connection, (binding for commit in written for binding in commit.missing))
            views.add_events(connection, (event for commit in written for event in commit.events), now)
            quarantine.hold_back(connection, written, now, asked_again=work.asked_again(held))
            work.finish(connection, held, written, now)
        return tuple(commit.claim for commit in commits if commit.claim not in held)

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back untouched: they stay dirty and are due at once."""
        with self._database.write() as connection:
            work.release(connection, claims)

    def cancel(self, keys: Sequence[str]) -> None:
        """Forget requests of keys that nobody works on; what is being worked on goes on."""
        with self._database.write() as connection:
            work.cancel(connection, keys)

    def hasten(self, keys: Sequence[str] | None = None) -> None:
        """Make due at once what waits after a failure, since its cause may be over; or whatever waits of `keys`."""
        with self._database.write() as connection:
            work.hasten(connection, keys)

    def owners(self) -> tuple[str, ...]:
        """List the workers that hold a lease, ended ones included."""
        with self._database.read() as connection:
            return work.owners(connection)

    def disown(self, owner: str) -> None:
        """Free the leases of a worker that is known to be dead: what it held is due again at once.

        Fences stay, so that a worker wrongly taken for dead cannot commit either.
        """
        with self._database.write() as connection:
            work.disown(connection, owner)

    def work_items(
        self, *, only_open: bool = True, limit: int = 1000, keys: Sequence[str] | None = None
    ) -> tuple[WorkItem, ...]:
        """List work rows, most urgent first; given `keys`, all of theirs, in any order."""
        with self._database.read() as connection:
            return work.items(connection, only_open=only_open, limit=limit, keys=keys)

    # -- onboardings

    def load(self, keys: Sequence[str]) -> dict[str, Onboarding]:
        """Return what is remembered of these keys as of one moment; an unknown key gives an empty Onboarding."""
        with self._database.read() as connection:
            return onboardings.load(connection, keys)

    def keys(self, *, after: str = "", limit: int = 1000) -> tuple[str, ...]:
        """Page through the keys of all onboardings that have a plan, in order."""
        with self._database.read() as connection:
            return onboardings.keys(connection, after, limit)

    def open_intents(self, intents: Sequence[Intent]) -> None:
        """Write intents ahead of creates; one that is already open stays as it was."""
        with self._database.write() as connection:
            onboardings.open_intents(connection, intents)

    def bind(self, bindings: Sequence[Binding]) -> None:
        """Write bindings, replacing those of the same (key, item, connection), and delete their intents."""
        with self._database.write() as connection:
            onboardings.bind(connection, bindings)

    def drop_intents(self, connection: str, write_keys: Sequence[str]) -> None:
        """Forget intents whose create was surely refused."""
        with self._database.write() as database:
            onboardings.drop_intents(database, connection, write_keys)

    def keys_of(self, connection: str, ids: Sequence[str]) -> dict[str, frozenset[str]]:
        """Map vendor ids (of bound records or of what contains them) to onboarding keys; unknown ids are absent."""
        with self._database.read() as database:
            return onboardings.keys_of(database, connection, ids)

    def of_accounts(self, marks: Sequence[str]) -> dict[str, dict[str, Fields]]:
        """Map accounts, by their marks, to what is remembered of their deals, by key; unknown ones are absent."""
        with self._database.read() as database:
            return onboardings.of_accounts(database, marks)

    def bindings_of(self, connection: str, *, after: str = "", limit: int = 5000) -> tuple[Binding, ...]:
        """Page through one connection's bindings in order of key.

        A page never splits a key, so a key with more than `limit` bindings makes a longer page. Empty at the end.
        """
        with self._database.read() as database:
            return onboardings.bindings_of(database, connection, after, limit)

    # -- time entries

    def put_time(self, connection: str, entries: Sequence[TimeEntry]) -> frozenset[str]:
        """Insert or replace entries; return the keys whose tracked seconds changed, both where an entry moved.

        Entries that are known as they are change nothing, since feeds overlap.
        """
        with self._database.write() as database:
            return ledger.put(database, connection, entries)

    def drop_time(self, connection: str, ids: Sequence[str]) -> frozenset[str]:
        """Remove entries; return the keys concerned. An unknown id is no error."""
        with self._database.write() as database:
            return ledger.drop(database, connection, ids)

    def take_time(self, connection: str, changes: TimeChanges, *, since: str) -> frozenset[str]:
        """Take over what a look at the time feed found, and request the onboardings concerned; return their keys.

        All in one transaction with the cursor, and nothing of it where the cursor is no longer `since`: whoever read
        the feed at the same time and was quicker may know entries as they are later, or that they are gone.
        """
        with self._database.write() as database:
            now = self._clock()
            if not notes.move_on(database, connection, "time", since, changes.cursor, now):
                return frozenset()
            keys = ledger.put(database, connection, changes.entries)
            keys |= ledger.drop(database, connection, changes.removed)
            work.request(database, keys, Priority.LIVE, now)
        return keys

    def time_totals(self, connection: str) -> tuple[int, int]:
        """Return (seconds bound to items, seconds unattributed)."""
        with self._database.read() as database:
            return ledger.totals(database, connection)

    def logged(self, keys: Sequence[str]) -> dict[str, tuple[Logged, ...]]:
        """Return the time entries of onboardings, oldest first; one without any is absent."""
        with self._database.read() as database:
            return ledger.logged(database, keys)

    def loose(self, *, after: tuple[str, str] = ("", ""), limit: int = 1000) -> tuple[Logged, ...]:
        """Page through time entries on records that are bound to nothing, by (connection, id)."""
        with self._database.read() as database:
            return ledger.loose(database, after, limit)

    def entries(self, connection: str, *, after: str = "", limit: int = 5000) -> tuple[TimeEntry, ...]:
        """Page through a connection's time entries by id, wherever they belong."""
        with self._database.read() as database:
            return ledger.entries(database, connection, after, limit)

    def time_places(self, connection: str, records: Sequence[str]) -> tuple[int, int]:
        """Return (seconds of the entries on these records, seconds that belong to one item or to none); they are equal.

        Both are worked out as of one moment, the second by the way in which hours are given to items.
        """
        with self._database.read() as database:
            return ledger.places(database, connection, records)

    # -- cursors and memory

    def cursor(self, connection: str, feed: str) -> str:
        """Return the cursor, "" when there is none."""
        with self._database.read() as database:
            return notes.cursor(database, connection, feed)

    def advance(self, connection: str, feed: str, cursor: str) -> None:
        """Keep the cursor."""
        with self._database.write() as database:
            notes.advance(database, connection, feed, cursor, self._clock())

    def memory(self, connection: str) -> Memory:
        """Return this connection's durable notes, the same object each time."""
        return self._memories.setdefault(connection, notes.StoredMemory(self._database, connection))

    def advanced_at(self, connection: str, feed: str) -> datetime | None:
        """Tell when a feed was last read to its end, moved on or not; None: never."""
        with self._database.read() as database:
            return views.advanced_at(database, connection, feed)

    # -- documents

    def keep(self, kind: str, key: str, name: str, value: Mapping[str, Any]) -> None:
        """Insert or replace a document."""
        with self._database.write() as connection:
            documents.keep(connection, kind, key, name, value, self._clock())

    def keep_once(self, kind: str, key: str, name: str, value: Mapping[str, Any]) -> bool:
        """Insert a document unless there is one; tell whether it was inserted."""
        with self._database.write() as connection:
            return documents.keep_once(connection, kind, key, name, value, self._clock())

    def replace(self, kind: str, key: str, name: str, *, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Replace a document that is still as it was read; tell whether it was."""
        with self._database.write() as connection:
            now = self._clock()
            return documents.replace(connection, kind=kind, key=key, name=name, old=old, new=new, now=now)

    def forget(self, kind: str, key: str, name: str) -> None:
        """Delete a document; none is no error."""
        with self._database.write() as connection:
            documents.forget(connection, kind, key, name)

    def kept(self, kind: str, key: str | None = None) -> tuple[Document, ...]:
        """List the documents of a kind, of one onboarding or of all, in order of key and name."""
        with self._database.read() as connection:
            return documents.kept(connection, kind, key)

    # -- what people look at

    def forgive(self, keys: Sequence[str], priority: int) -> None:
        """Request onboardings, and let what vendors refused of them be tried once more: a person mended its cause.

        Both in one transaction, so that a worker which is at one of them now can neither undo nor miss it.
        """
        with self._database.write() as connection:
            work.request(connection, keys, priority, self._clock())
            quarantine.forgive(connection, keys)

    def quarantined(self, *, limit: int = 1000) -> tuple[Quarantine, ...]:
        """List what is held back, oldest first."""
        with self._database.read() as connection:
            return quarantine.listed(connection, limit)

    def history(self, key: str, *, limit: int = 200) -> tuple[tuple[datetime, Event], ...]:
        """List an onboarding's history, newest first."""
        with self._database.read() as connection:
            return views.history_of(connection, key, limit)

    def note(self, events: Sequence[Event]) -> None:
        """Append to the history what happened outside of a reconcile: a person's word."""
        with self._database.write() as connection:
            views.add_events(connection, events, self._clock())

    def histories(self, keys: Sequence[str]) -> dict[str, tuple[tuple[datetime, Event], ...]]:
        """Return the whole history of onboardings, oldest first; one without any is absent."""
        with self._database.read() as connection:
            return views.histories(connection, keys)

    def counts(self) -> dict[str, int]:
        """Return onboardings, bindings, open_intents, held, waiting, dirty, missing and time_entries."""
        with self._database.read() as connection:
            return views.counts(connection)

    # -- running unattended

    def accept(self, connection: str, events: Sequence[tuple[str, Sequence[str]]]) -> int:
        """Keep events, each (event id, vendor ids); on disk when it returns. Return how many were new."""
        with self._database.write() as database:
            return inbox.accept(database, connection, events, self._clock())

    def take_events(self, limit: int) -> tuple[Arrival, ...]:
        """Return the oldest events that nobody has settled."""
        with self._database.read() as connection:
            return inbox.take(connection, limit)

    def settle_events(self, arrivals: Sequence[Arrival], key_of: KeyOf) -> frozenset[str]:
        """Request the onboardings that these events touch, urgently, and mark the events taken; return the keys."""
        with self._database.write() as connection:
            now = self._clock()
            keys = inbox.keys(connection, inbox.settle(connection, arrivals, now), key_of)
            work.request(connection, keys, Priority.LIVE, now)
        return keys

    def fire(self, job: str, now: datetime, next_due: datetime, by: str = "") -> bool:
        """Tell whether a job is to be run now, by this caller and no other, and note when it is due next."""
        with self._database.write() as connection:
            return shared.fire(connection, job, now, next_due, by)

    def spend(self, connection: str, cost: float, rate: Rate, reserve: float = 0.0) -> float:
        """Take `cost` units of what all processes share and return 0.0; or take nothing and return seconds to wait."""
        with self._database.write() as database:
            return shared.spend(database, connection, cost, rate, reserve, self._clock())

    def spent(self, connection: str, rate: Rate) -> float:
        """Return how many units of the burst are used now, by all processes."""
        with self._database.read() as database:
            return shared.spent(database, connection, rate, self._clock())

    def tidy(self, before: datetime) -> int:
        """Forget events settled before a moment, and work rows of keys that never got a plan; return how many."""
        with self._database.write() as connection:
            return inbox.tidy(connection, before)
