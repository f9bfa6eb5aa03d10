"""The day's round: what changes in the CRM merely because a day has passed. Learns anew, then rolls all up from memory.

Called by the daemon's schedule `rollups` and by `closedwon reconcile`, once a day. It asks no vendor for anything: the
store knows all tasks and hours, and the CRM is told what differs, 200 onboardings a call. An onboarding that somebody
asked for, or that is being worked on, is left alone: whoever does that rolls it up. It shares the work's leases, so no
two workers ever act on one onboarding at once, and a request that comes meanwhile is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from sync.core.model import ONBOARDING_ITEM, Claim, Onboarding, Priority
from sync.core.unattended import UnattendedStore
from sync.engine import outcome
from sync.engine.lease import Lease
from sync.engine.lessons import OVERRIDE, WORD, learn, overrides
from sync.engine.reconcile import BRAKE, Engine
from sync.engine.recover import Recovery
from sync.engine.report import Report
from sync.engine.rolling import as_remembered

PAGE = 200
"""Onboardings that are held at once: as many as one call takes, and not for long."""

_ENGINE, _ROUND = "engine", "rollups"
"""The cursor that keeps the day of the last round."""


def is_due(engine: Engine, store: UnattendedStore) -> bool:
    """Tell whether no round has come to its end today."""
    return store.cursor(_ENGINE, _ROUND) < engine.context().today.isoformat()


def roll_on(engine: Engine, store: UnattendedStore, *, wanted: Callable[[], bool] = lambda: True) -> Report:
    """Make the day's round; `wanted` is asked before each page. Nothing is written while a brake is engaged."""
    if store.cursor(_ENGINE, BRAKE):
        return Report()
    learn(store, engine.mappings.calendar, engine.context().today)
    return roll_all(engine, store, wanted=wanted)


def roll_all(engine: Engine, store: UnattendedStore, *, wanted: Callable[[], bool] = lambda: True) -> Report:
    """Make the round by what was learned before."""
    report, today = Report(), engine.context().today
    if store.cursor(_ENGINE, BRAKE):
        return report
    after = ""
    while keys := store.keys(after=after, limit=PAGE):
        if wanted():
            _roll_page(engine, store, keys, report)
        else:
            store.request(keys, Priority.RECONCILE)  # whoever comes next does the rest
        after = keys[-1]
    _forget_expired(store, today)
    store.advance(_ENGINE, _ROUND, today.isoformat())
    return report


def _roll_page(engine: Engine, store: UnattendedStore, keys: Sequence[str], report: Report) -> None:
    settings = engine.settings
    claims = {claim.key: claim for claim in store.borrow(settings.owner, keys, settings.lease_seconds)}
    report.looked += len(claims)
    written: list[Claim] = []
    late: list[str] = []
    try:
        known = store.load([*claims])
        late += [key for key, onboarding in known.items() if _is_torn(onboarding)]
        results = [_as_it_is(onboarding) for key, onboarding in known.items() if key not in late]
        lease = Lease([*claims.values()], store=store, seconds=settings.lease_seconds, now=engine.now)
        rolled = engine.roll_ups(lease).bring(results, report, ())
        late += [key for key, one in rolled.items() if one.again_after is not None]
        news = [result for result in results if result.plan.key not in late and _is_news(result, rolled)]
        commits = [outcome.commit(each, claims[each.plan.key], rolled, Recovery()) for each in news]
        store.commit(commits)
        written = [commit.claim for commit in commits]
    finally:
        store.release([claim for claim in claims.values() if claim not in written])
        store.request(late, Priority.RECONCILE)


def _is_torn(known: Onboarding) -> bool:
    """Tell whether sides disagree about something that is held back: what counts then, only a look at them can tell."""
    return any(q.item not in {"", ONBOARDING_ITEM} for q in known.held)


def _as_it_is(known: Onboarding) -> outcome.Result:
    """Return what a reconcile would leave that found nothing to do."""
    held = [q for q in known.held if q.item != ONBOARDING_ITEM]
    return outcome.Result(as_remembered(known), known, new=False, base=known.base, events=(), quarantine=held)


def _is_news(result: outcome.Result, rolled: Mapping[str, outcome.RollUp]) -> bool:
    """Tell whether the CRM took something new, or refused something."""
    one = rolled[result.plan.key]
    before = [q for q in result.known.held if q.item == ONBOARDING_ITEM]
    return one.confirmed != result.known.rollup or one.quarantine != before


def _forget_expired(store: UnattendedStore, today: date) -> None:
    """Drop people's words that no roll-up shows any more."""
    for key, word in overrides(store).items():
        if word.until < today:
            store.forget(OVERRIDE, key, WORD)
