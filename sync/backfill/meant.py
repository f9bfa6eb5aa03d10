"""Counts which deals mean the same existing plan, before a backfill takes one over or foretells that it would.

Called by `closedwon backfill --adopt`, `--dry-run` and `--shadow`, where the mapping says by what an existing plan is
known. It reads the deals once more, from the CRM alone, and only where they are more than one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from connectors.base import Record
from sync.backfill.selection import Selection
from sync.engine import Engine
from sync.engine.claims import Claims, remembered
from sync.engine.observe import Observed, unobserved


@contextmanager
def counted(engine: Engine, chosen: Selection) -> Iterator[None]:
    """Let the recogniser know, inside, of all deals between the days, conditions and limits aside, and of those held.

    Whoever names deals by id decides about them: only these can be rivals of each other.
    """
    claims = Claims()
    engine.recogniser.claims = claims
    try:
        if not chosen.query.ids:
            for one in remembered(engine.store):
                claims.add(*one)
        size = engine.settings.batch
        if chosen.matching is None or chosen.matching > size:
            stream = iter(engine.connections[engine.crm].deals(chosen.query))
            while batch := list(islice(stream, size)):
                _count(engine, claims, batch)
        yield
    finally:
        engine.recogniser.claims = None
        claims.close()


def _count(engine: Engine, claims: Claims, batch: list[Record]) -> None:
    deals = {record.ref.id: record for record in batch}
    snapshots = unobserved(engine.store.load([*deals]), deals, engine.mappings)
    seen = engine.sources.inform(Observed(snapshots=snapshots))
    for connection, text, deal in engine.recogniser.meant(seen.snapshots, engine.context()):
        claims.add(connection, text, deal)
