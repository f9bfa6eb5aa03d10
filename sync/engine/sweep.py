"""Asks every connection what changed, and marks the onboardings concerned dirty.

Called by `Engine.sweep`, and by `sync.receiver` where a stream of events has a gap. What a vendor says is a hint only:
the cursor moves on once the keys are marked on disk, and nothing that came along is used for anything else.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Capability, Changes, Connector
from connectors.errors import ConnectorError, NotAuthorised
from mappings.hours import COUNTED
from mappings.model import MappingSet
from mappings.translate import is_won
from sync.core.model import Priority, StoreApi
from sync.core.records import RecordsStore
from sync.engine.report import Report
from sync.engine.unplanned import attribute


def sweep(
    connections: Mapping[str, Connector], *, store: RecordsStore, mappings: MappingSet, report: Report
) -> frozenset[str]:
    """Mark what changed dirty, then move the cursors on; return the keys.

    A connection that fails keeps its cursor and is noted in the report; the others go on. At most five calls when
    nothing changed. Raises NotAuthorised.
    """
    dirty: set[str] = set()
    for name, connector in connections.items():
        try:
            dirty |= _changes(name, connector, store, mappings)
            if Capability.TIME in connector.capabilities:
                dirty |= _time(name, connector, store, mappings, report)
        except NotAuthorised:
            raise
        except ConnectorError as error:
            report.failures[error.code] += 1
            report.notes.append(f"{name}: {error.message}")
    return frozenset(dirty)


def look_back(name: str, connector: Connector, cursor: str, *, store: StoreApi, mappings: MappingSet) -> frozenset[str]:
    """Mark dirty what changed since a cursor, and all that is known, since events of that time were lost.

    The connection's own cursor stays where it is, so that a sweep under way is not disturbed. Returns the keys that
    changed; the others wait behind what is urgent. Raises ConnectorErrors before anything is marked.
    """
    keys = _concerned(name, connector, connector.changes(cursor), store, mappings)
    after = ""
    while known := store.keys(after=after):
        store.request(known, Priority.RECONCILE)
        after = known[-1]
    store.request(sorted(keys), Priority.LIVE)
    return frozenset(keys)


def _changes(name: str, connector: Connector, store: StoreApi, mappings: MappingSet) -> set[str]:
    changes = connector.changes(store.cursor(name, "changes"))
    keys = _concerned(name, connector, changes, store, mappings)
    store.request(sorted(keys), Priority.LIVE)
    store.advance(name, "changes", changes.cursor)
    return keys


def _concerned(name: str, connector: Connector, changes: Changes, store: StoreApi, mappings: MappingSet) -> set[str]:
    """Return the onboardings that changes concern: won deals, and whatever else is ours."""
    if Capability.DEALS in connector.capabilities:
        won = {record.ref.id for record in changes.deals if is_won(record, mappings)}
        known = store.load(sorted(changes.touched))
        return won | {key for key, o in known.items() if o.base or o.bindings or o.intents or o.held}
    return {key for keys in store.keys_of(name, sorted(changes.touched)).values() for key in keys}


def _time(name: str, connector: Connector, store: RecordsStore, mappings: MappingSet, report: Report) -> set[str]:
    """Take in what changed in time; each second of it must then lie in one place, or our ledger has a defect."""
    since = store.cursor(name, "time")
    changes = connector.time_changes(since)
    records = {entry.record_id for entry in changes.entries}
    inside: frozenset[str] = frozenset()
    if mappings.hours.unplanned == COUNTED:
        inside = attribute(name, connector, records, store=store)
        store.request(sorted(inside), Priority.LIVE)
    keys = inside | store.take_time(name, changes, since=since)
    stored, placed = store.time_places(name, sorted(records))
    if stored != placed:
        report.failures["HOURS-01"] += 1
    return set(keys)
