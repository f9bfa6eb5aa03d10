"""Goes on with the others while one vendor is away or refuses us: what it holds is taken for unchanged.

Called by `sync.engine.reconcile` with what `sync.engine.observe` says is unread. Nothing goes to a home that was not
read. The base waits for a side that was not seen, so whatever changed there meanwhile is merged when it can be read
again, as if we had never looked. An onboarding about which that vendor left something open (held back, or missing)
waits as a whole.

Without the CRM an onboarding that has its plan goes on by what is remembered of its deal: its people's work flows
between the homes, what was held back about the deal stays, and the roll-up waits. One without a plan waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from connectors.errors import NotAuthorised, TryLater
from sync.core.model import PLAN_ITEM, Claim, Commit, Onboarding
from sync.core.planned import Plan
from sync.engine import outcome
from sync.engine.apply import Applied
from sync.engine.recover import Recovery

Refusal: TypeAlias = Callable[[str, NotAuthorised], TryLater]
"""Told that a connection refuses us; says how long it is left alone, or raises what it was told."""


def stops_all(_connection: str, error: NotAuthorised) -> TryLater:
    """Take a refusal for what stops everything, as a command does that a person waits for."""
    raise error


def contain(applied: dict[str, Applied], refused: Refusal) -> dict[str, Applied]:
    """Let refused writes concern their own connection only, where `refused` allows it."""
    for name, one in applied.items():
        error = next((error for _, error in one.failed if isinstance(error, NotAuthorised)), None)
        if error is None:
            continue
        try:
            later = refused(name, error)
        except NotAuthorised:
            continue  # it is raised when what was done is kept
        one.failed = [(step, later if isinstance(error, NotAuthorised) else error) for step, error in one.failed]
    return applied


def withhold(plans: Iterable[Plan], unread: Mapping[str, TryLater], known: Mapping[str, Onboarding]) -> list[Plan]:
    """Leave out what would be written to plans that were not read: updates stay owed, creates come up again."""
    return [_without(each, {name for name in unread if PLAN_ITEM in known[each.key].bound(name)}) for each in plans]


def _without(each: Plan, names: set[str]) -> Plan:
    if not names:
        return each
    kept = tuple(step for step in each.steps if step.connection not in names)
    owed = tuple(step for step in each.steps if step.connection in names and not outcome.creates(step))
    return replace(each, steps=kept, owed=(*each.owed, *owed))


def postpone(
    results: Sequence[outcome.Result],
    unread: Mapping[str, TryLater],
    unasked: Mapping[str, TryLater],
    known: Mapping[str, Onboarding],
) -> None:
    """Have every onboarding that was not seen at all sides looked at again."""
    for result in results:
        key = result.plan.key
        errors = [error for name, error in unread.items() if PLAN_ITEM in known[key].bound(name)]
        for error in (*errors, *([unasked[key]] if key in unasked else ())):
            result.again_after = max(result.again_after or 0.0, error.delay)
            result.error = result.error or f"{error.code}: {error.message}"


def as_it_was(known: Onboarding, crm: str) -> outcome.RollUp:
    """Leave a roll-up as the CRM last confirmed it, with what it refused."""
    return outcome.RollUp(known.rollup, [entry for entry in known.held if entry.connection == crm])


def left(
    recovery: Recovery, waiting: Mapping[str, TryLater], claims: Mapping[str, Claim], known: Mapping[str, Onboarding]
) -> Iterator[Commit]:
    """Leave for later what could not be recovered yet (too young, or at a vendor that is away), and what waits."""
    for key, error in waiting.items():
        yield _wait(claims[key], error)
    for key in (recovery.wait.keys() | recovery.away.keys()) & claims.keys():
        held = recovery.held(known[key])
        if key in recovery.away:
            yield replace(_wait(claims[key], recovery.away[key]), quarantine=held)
        else:
            yield Commit(claims[key], done=False, again_after=recovery.wait[key], quarantine=held)


def _wait(claim: Claim, error: TryLater) -> Commit:
    """Leave an onboarding as it is, to be looked at later."""
    text = f"{error.code}: {error.message}"
    return Commit(claim, done=False, again_after=outcome.patiently(error.delay, claim), error=text)
