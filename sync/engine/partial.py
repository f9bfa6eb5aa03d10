"""Goes on with the others while one vendor cannot be read: what it holds is taken for unchanged, nothing goes there.

Called by `sync.engine.reconcile` with what `sync.engine.observe` says is unread. The base waits for a side that was not
seen, so whatever changed there meanwhile is merged when it can be read again, as if we had never looked. An onboarding
about which that vendor left something open (held back, or missing) waits as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from connectors.errors import TryLater
from sync.core.model import PLAN_ITEM, Claim, Commit, Onboarding
from sync.core.plan import Plan
from sync.engine import outcome


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
    results: Sequence[outcome.Result], unread: Mapping[str, TryLater], known: Mapping[str, Onboarding]
) -> None:
    """Have every onboarding that was not seen at all sides looked at again."""
    for result in results:
        for name, error in unread.items():
            if PLAN_ITEM in known[result.plan.key].bound(name):
                result.again_after = max(result.again_after or 0.0, error.delay)
                result.error = result.error or f"{error.code}: {error.message}"


def wait(claim: Claim, error: TryLater) -> Commit:
    """Leave an onboarding as it is, to be looked at later."""
    text = f"{error.code}: {error.message}"
    return Commit(claim, done=False, again_after=outcome.patiently(error.delay, claim), error=text)
