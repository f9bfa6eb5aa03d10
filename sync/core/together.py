"""Plans a batch: each onboarding by itself, and of several new deals that are copies of each other only the first.

Called by `sync.engine.reconcile` for what it looks at together, in a preview as for good. Pure: it goes by what was
observed already and asks nothing. A copy of a deal that has its plan is `sync.core.plan`'s business.
"""

from __future__ import annotations

from collections.abc import Iterable

from mappings.model import Deal
from sync.core.plan import is_new, plan
from sync.core.planned import Context, Plan, Snapshot
from sync.core.twins import Kin, Likeness, likeness, twin


def plan_together(snapshots: Iterable[Snapshot], context: Context) -> list[Plan]:
    """Return a plan for each snapshot, in their order; a copy of a deal that is planned here waits with CLONE-01."""
    looked_at = list(snapshots)
    plans = {snapshot.key: plan(snapshot, context) for snapshot in looked_at}
    first: dict[Likeness, Deal] = {}
    for snapshot, deal, like in sorted(_fresh(looked_at), key=lambda found: (found[1].close_date, found[1].key)):
        if not plans[deal.key].steps:
            continue  # held back itself: what holds it is no reason to keep its like waiting
        original = first.setdefault(like, deal)
        other = twin(deal, [Kin(original)]) if original is not deal and not snapshot.decision.own else None
        if other is not None:
            plans[deal.key] = Plan(deal.key, quarantine=(other,))
    return list(plans.values())


def _fresh(snapshots: Iterable[Snapshot]) -> Iterable[tuple[Snapshot, Deal, Likeness]]:
    for snapshot in snapshots:
        if snapshot.deal is not None and is_new(snapshot) and (like := likeness(snapshot.deal)) is not None:
            yield snapshot, snapshot.deal, like
