"""Reads a vendor's time in full and mends the ledger by it: what no feed told, such as the time of a deleted issue.

Called by `reconcile --all` and the daemon's weekly full look; `verify` finds what it mends. Time on a record that is
bound to us and no longer shown stays, as everything does that only a person may judge.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.base import Capability, Connector, TimeChanges
from connectors.errors import ConnectorError, NotAuthorised
from sync.core.records import RecordsStore
from sync.engine.audit import of_the_gone, shown_time, stored_time
from sync.engine.report import Report


def recount(connections: Mapping[str, Connector], *, store: RecordsStore, report: Report) -> frozenset[str]:
    """Mend the ledger of every connection with time; return the onboardings concerned, which are marked dirty.

    A connection that fails is noted in the report; the others go on. Raises NotAuthorised.
    """
    dirty: set[str] = set()
    for name, connector in connections.items():
        if Capability.TIME not in connector.capabilities:
            continue
        try:
            dirty |= _recount(name, connector, store)
        except NotAuthorised:
            raise
        except ConnectorError as error:
            report.failures[error.code] += 1
            report.notes.append(f"{name}: {error.message}")
    return frozenset(dirty)


def _recount(name: str, connector: Connector, store: RecordsStore) -> frozenset[str]:
    since = store.cursor(name, "time")
    if not since:
        return frozenset()  # the first sweep reads all there is
    stored = stored_time(store, name)
    shown, differing = shown_time(stored, connector)
    lacking = [stored[entry] for entry in differing if entry not in shown]
    kept = of_the_gone(name, lacking, connector, store)
    entries = tuple(shown[entry] for entry in differing if entry in shown)
    removed = tuple(entry.id for entry in lacking if entry.id not in kept)
    if not (entries or removed):
        return frozenset()
    # Nothing of it counts if a sweep was quicker: it may know entries as they are later.
    return store.take_time(name, TimeChanges(since, entries, removed), since=since)
