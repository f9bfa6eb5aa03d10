"""Proves that hours add up: the vendor's entries, the stored ones and the ledger's buckets, to the second.

Called by `sync.verify` and `sync.engine.recount`. It reads a vendor's time in full, complete rather than cheap,
and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.base import Connector, Kind, PlanRefs, Record, Ref, TimeEntry
from mappings.model import Untranslatable
from sync.core.hours import ledger_of
from sync.core.planned import Context
from sync.core.records import RecordsStore
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time
from sync.engine.sheet_hours import entry_id, seconds_in


@dataclass
class Audit:
    """One connection's time, in seconds; `off` counts the entries that are not in their one place."""

    connection: str
    vendor: int = 0
    stored: int = 0
    in_buckets: int = 0
    off: int = 0
    held: int = 0
    """Entries on records which the vendor no longer shows, that wait for a person with those."""
    examples: list[str] = field(default_factory=list)


def audits(
    store: RecordsStore,
    timed: Mapping[str, Connector],
    shown: Mapping[str, Mapping[str, Record]],
    context: Context,
) -> list[Audit]:
    """Hold the entries of each connection against its vendor, then all buckets against the entries.

    `timed` are the connections that have time entries, `shown` all records by connection and write key: some have
    columns in which people enter hours. Raises the connectors' errors: half a proof is none.
    """
    columns = {rule.lenses[0].connection for rule in context.mappings.task.timed}
    found = {name: Audit(name) for name in sorted({*timed, *columns})}
    stored = {name: stored_time(store, name) for name in found}
    for name, connector in timed.items():
        _compare(found[name], stored[name], connector, store)
    for name in columns:
        _compare_columns(found[name], stored[name], shown[name].values(), context)
    placed: dict[str, dict[str, int]] = {name: {} for name in found}
    for connection, name in _in_buckets(store, context):
        if connection in placed:
            placed[connection][name] = placed[connection].get(name, 0) + 1
    for connection, counts in placed.items():
        _count(found[connection], stored[connection], counts)
    return list(found.values())


def stored_time(store: RecordsStore, connection: str) -> dict[str, TimeEntry]:
    """Return all stored entries of a connection by id."""
    known: dict[str, TimeEntry] = {}
    after = ""
    while page := store.entries(connection, after=after):
        known.update((entry.id, entry) for entry in page)
        after = page[-1].id
    return known


def _in_buckets(store: RecordsStore, context: Context) -> Iterator[tuple[str, str]]:
    """Yield connection and id of every entry in every bucket."""
    rules, today = context.mappings.hours, context.today
    for dossier in dossiers(store):
        for placed in ledger_of(dossier, rules, today).entries:
            yield placed.logged.connection, placed.logged.entry.id
    for placed in loose_time(store, rules, today):
        yield placed.logged.connection, placed.logged.entry.id


def _compare(audit: Audit, stored: Mapping[str, TimeEntry], connector: Connector, store: RecordsStore) -> None:
    """Compare entry by entry."""
    shown, differing = shown_time(stored, connector)
    kept = of_the_gone(audit.connection, [stored[n] for n in differing if n not in shown], connector, store)
    for name in differing:
        if name in kept:
            audit.held += 1
            continue
        audit.off += 1
        theirs, ours = _told(shown.get(name)), _told(stored.get(name))
        audit.examples.append(f"{audit.connection}: time entry {name} is {theirs} there and {ours} here")
    audit.vendor = sum(entry.seconds for entry in shown.values())
    audit.stored = sum(entry.seconds for entry in stored.values())


def shown_time(stored: Mapping[str, TimeEntry], connector: Connector) -> tuple[dict[str, TimeEntry], tuple[str, ...]]:
    """Return all entries as the vendor has them now, and the ids of those that differ from the stored ones.

    What differs at first is asked for by id: a feed may keep its last minute to itself.
    """
    shown = {entry.id: entry for entry in connector.time_entries()}
    differing = [name for name in sorted({*shown, *stored}) if _facts(shown.get(name)) != _facts(stored.get(name))]
    fresh = {entry.id: entry for entry in connector.time_entries(differing)} if differing else {}
    for name in differing:
        shown.pop(name, None)
    shown |= fresh
    return shown, tuple(name for name in differing if _facts(shown.get(name)) != _facts(stored.get(name)))


def of_the_gone(
    connection: str, lacking: Sequence[TimeEntry], connector: Connector, store: RecordsStore
) -> frozenset[str]:
    """Name those of the entries that a vendor lacks which lie on a bound record that it does not show either.

    The record may be deleted or hidden from us, which nobody can tell apart: it is held back as MISSING-01 or
    PLAN-GONE-01, and its time stays where it is until a person has acted.
    """
    records = sorted({entry.record_id for entry in lacking})
    bound = sorted(store.keys_of(connection, records)) if records else []
    visible = {r.ref.id for r in connector.fetch([PlanRefs(Ref(name)) for name in bound])} if bound else set()
    gone = set(bound) - visible
    return frozenset(entry.id for entry in lacking if entry.record_id in gone)


def _compare_columns(
    audit: Audit, stored: Mapping[str, TimeEntry], records: Iterable[Record], context: Context
) -> None:
    """Compare the hours that people entered in columns; what is no number is held back elsewhere, and left out here."""
    rules = [rule for rule in context.mappings.task.timed if rule.lenses[0].connection == audit.connection]
    there: dict[str, int] = {}
    left_out: set[str] = set()
    for record in records:
        for rule in rules if record.kind is Kind.TASK else ():
            name = entry_id(record.ref.id, rule)
            try:
                there[name] = seconds_in(rule, record.fields)
            except Untranslatable:
                left_out.add(name)
    for name in sorted({*there, *stored} - left_out):
        theirs, ours = there.get(name, 0), stored[name].seconds if name in stored else 0
        audit.vendor += theirs
        audit.stored += ours
        if theirs != ours:
            audit.off += 1
            audit.examples.append(f"{audit.connection}: the hours in {name} are {theirs} s there and {ours} s here")


def _count(audit: Audit, stored: Mapping[str, TimeEntry], counts: Mapping[str, int]) -> None:
    audit.in_buckets = sum(stored[name].seconds * count for name, count in counts.items() if name in stored)
    for name in sorted(stored):
        if counts.get(name, 0) != 1:
            audit.off += 1
            where = "no bucket" if name not in counts else f"{counts[name]} buckets"
            audit.examples.append(f"{audit.connection}: time entry {name} lies in {where}")


def _facts(entry: TimeEntry | None) -> tuple[object, ...]:
    return () if entry is None else (entry.record_id, entry.author, entry.seconds, entry.started)


def _told(entry: TimeEntry | None) -> str:
    return "not there" if entry is None else f"{entry.seconds} s on record {entry.record_id}"
