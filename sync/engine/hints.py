"""Reads time entries that a vendor's event spoke of, so that logged hours need not wait for the vendor's feed.

Called by `sync.work.worker` before events become requests. Jira's feed tells of a worklog a minute late at best,
reading it by its id knows no lag. The feed stays the truth: it brings what cannot be read now, and what was removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from connectors.base import Capability, Connector
from connectors.errors import ConnectorError
from connectors.events import TIME_ENTRY
from sync.core.model import Priority, StoreApi
from sync.core.unattended import Arrival


def bring_time(arrivals: Iterable[Arrival], *, connections: Mapping[str, Connector], store: StoreApi) -> None:
    """Put the time entries that events named into the ledger: one look for all of a connection's. Raises the store's.

    What a vendor does not answer now, its feed will.
    """
    named: defaultdict[str, set[str]] = defaultdict(set)
    for arrival in arrivals:
        named[arrival.connection].update(each for each in arrival.ids if each.startswith(TIME_ENTRY))
    for name, ids in named.items():
        connector = connections.get(name)
        if not ids or connector is None or Capability.TIME not in connector.capabilities:
            continue
        try:
            entries = tuple(connector.time_entries(sorted(each.removeprefix(TIME_ENTRY) for each in ids)))
        except ConnectorError:
            continue
        store.request(sorted(store.put_time(name, entries)), Priority.LIVE)
