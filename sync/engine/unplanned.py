"""Finds the onboarding of time on a record that lies in a plan but is no task of ours: an issue that somebody added.

Called by `sync.engine.sweep` where the mapping says `hours: {unplanned: counted}`, for the records of new time alone,
so an idle sweep costs nothing. What was found is kept as a document, `connection:record` under the onboarding's key,
from which `sync.store.ledger` gives the time away: it stands before the time is taken in, so that a kill between the
two loses nothing. It is asked anew whenever time on the record changes.
"""

from __future__ import annotations

from collections.abc import Collection

from connectors.base import Connector
from sync.core.dossier import UNPLANNED
from sync.core.model import StoreApi


def attribute(name: str, connector: Connector, records: Collection[str], *, store: StoreApi) -> frozenset[str]:
    """Note in whose plan these records lie, as far as nothing is bound to them; return the onboardings concerned."""
    bound = store.keys_of(name, sorted(records))
    strange = sorted({record for record in records if record not in bound})
    if not strange:
        return frozenset()
    inside = connector.containers(strange)
    owners = store.keys_of(name, sorted(set(inside.values())))
    found = {record: min(owners[plan]) for record, plan in inside.items() if plan in owners}
    known = {kept.name: kept.key for kept in store.kept(UNPLANNED)}
    concerned: set[str] = set()
    for record in strange:
        before, now = known.get(f"{name}:{record}", ""), found.get(record, "")
        if before and before != now:
            store.forget(UNPLANNED, before, f"{name}:{record}")
        if now:
            store.keep(UNPLANNED, now, f"{name}:{record}", {"container": inside[record]})
        concerned |= {before, now} - {""}
    return frozenset(concerned)
