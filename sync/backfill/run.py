"""The main path of a backfill: a batch of deals, then the next, each through the engine.

It keeps nothing between runs: what is done already is known to the store, so a run that was killed goes on where it
stopped. Memory does not grow with the number of deals. What another worker on this store is at work on stays with that
worker, and what is urgent goes to whoever is there for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from connectors.base import DealQuery, Record
from sync.backfill.selection import Selection
from sync.core.model import Priority, StoreApi, WorkItem
from sync.engine import Engine, Report

LOOK = 0.25
"""Seconds between two looks whether another worker is done."""

_LEFT = (
    "Left alone: {}. Another worker on this store has them, or they are urgent work that waits for a vendor; "
    "`closedwon status` shows them."
)

Progress: TypeAlias = Callable[[int, int | None, Report], None]
"""Told after each batch: deals seen, deals in all (None while unknown), the numbers so far."""


def backfill(
    engine: Engine,
    query: DealQuery,
    *,
    limit: int | None = None,
    progress: Progress = lambda _seen, _total, _report: None,
) -> Report:
    """Make plans for all deals of a query; see `carry_out`."""
    return carry_out(engine, Selection(engine.connections[engine.crm], query, limit=limit), progress=progress)


def carry_out(
    engine: Engine,
    deals: Selection,
    *,
    progress: Progress = lambda _seen, _total, _report: None,
    go_on: Callable[[], bool] = lambda: True,
) -> Report:
    """Make plans for these deals. Raises what `Engine.drain` raises; what was done stays done.

    `go_on` is asked before each batch; it may take its time (a pause), and False ends the run there.
    """
    total = Report()
    progress(0, deals.total, total)
    batches = deals.batches(engine.settings.batch)
    while go_on() and (batch := next(batches, None)):
        total.add(_bring_about(engine, {record.ref.id: record for record in batch}))
        progress(deals.read, deals.total, total)
    progress(deals.read, deals.total, total)  # a condition may have turned the last ones away
    return total


def _bring_about(engine: Engine, deals: Mapping[str, Record]) -> Report:
    """Make the plans of one batch that are not there yet, and finish what an earlier run left of it."""
    store = engine.store
    begun = {item.key: item for item in store.work_items(keys=[*deals])}
    lent = [key for key, item in begun.items() if _is_others(engine, item) or item.priority < Priority.BACKFILL]
    ours = sorted({*unfinished(store, [*deals]), *begun} - {*lent})
    store.request([key for key in ours if key not in begun], Priority.BACKFILL)
    # Whoever starts a backfill again does not want to wait for what an earlier one put off.
    store.hasten(ours)
    report = engine.drain(ours, deals=deals)
    left = _wait_for_others(engine, [*ours, *lent])
    # What was urgent and is still untouched has nobody else to look after it: it is done now, by whoever claims it.
    if idle := [item.key for item in left if item.key in lent and not item.owner and item.not_before is None]:
        report.add(engine.drain(idle))
        left = store.work_items(keys=[*ours, *lent])
    theirs = sum(1 for item in left if item.key in lent or _is_others(engine, item))
    report.waiting = len(left) - theirs
    if theirs:
        report.notes.append(_LEFT.format(theirs))
    return report


def _wait_for_others(engine: Engine, keys: Sequence[str]) -> tuple[WorkItem, ...]:
    """Wait until nobody else holds any of these, as long as a drain would; return what is not done of them."""
    waited = 0.0
    while True:
        left = engine.store.work_items(keys=keys)
        if waited >= engine.settings.patience or not any(_is_others(engine, item) for item in left):
            return left
        engine.sleep(LOOK)
        waited += LOOK


def _is_others(engine: Engine, item: WorkItem) -> bool:
    """Tell whether another worker holds it; one whose lease ran out holds nothing any more, dead or not."""
    lent = item.lease_until is not None and item.lease_until > engine.now()
    return lent and item.owner not in {"", engine.settings.owner}


def unfinished(store: StoreApi, keys: list[str]) -> list[str]:
    """Leave out deals whose plan is there and which nothing is left to do for."""
    known = store.load(keys)
    return [key for key in keys if not known[key].base or known[key].intents or not known[key].rollup]
