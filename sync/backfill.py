"""Turns the deals of a past time into plans: streams them from the CRM, page by page, through the engine.

Called by `closedwon backfill`, the demo and the tests. It keeps nothing between runs: what is done already is known to
the store, so a run that was killed goes on where it stopped. Memory does not grow with the number of deals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from connectors.base import DealQuery, Record
from sync.core.model import Priority, StoreApi
from sync.engine import Engine, Report

EVERYTHING = 1_000_000
"""More open onboardings than there ever are."""

Progress = Callable[[int, int | None, Report], None]
"""Told after each batch: deals seen, deals in all (None while unknown), the numbers so far."""


def backfill(
    engine: Engine,
    query: DealQuery,
    *,
    limit: int | None = None,
    progress: Progress = lambda _seen, _total, _report: None,
) -> Report:
    """Make plans for all deals of a query. Raises what `Engine.drain` raises; what was done stays done."""
    total = Report()
    deals = engine.connections[engine.crm].deals(query)
    expected = deals.total if limit is None or deals.total is None else min(limit, deals.total)
    progress(0, expected, total)
    seen = 0
    for batch in _batches(islice(deals, limit), engine.settings.batch):
        by_id = {record.ref.id: record for record in batch}
        seen += len(batch)
        engine.store.request(_unfinished(engine.store, list(by_id)), Priority.BACKFILL)
        # Whoever starts a backfill again does not want to wait for what an earlier one put off.
        left = by_id.keys() & {item.key for item in engine.store.work_items(limit=EVERYTHING) if item.not_before}
        engine.store.request(sorted(left), Priority.LIVE)
        total.add(engine.drain(list(by_id), deals=by_id))
        progress(seen, expected, total)
    return total


def _batches(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    stream = iter(records)
    while batch := list(islice(stream, size)):
        yield batch


def _unfinished(store: StoreApi, keys: list[str]) -> list[str]:
    """Leave out deals whose plan is there and which nothing is left to do for."""
    known = store.load(keys)
    return [key for key in keys if not known[key].base or known[key].intents or not known[key].rollup]
