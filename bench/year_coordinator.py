"""The coordinator of a simulated year: looks at what waits for a person, some days after it came up, and decides.

Called by `bench/year.py`. Each decision is kept and its onboarding asked for, as `closedwon amendments apply`, `reject`
and `own` do; the next look carries it out. What is decided, and after how many days, hangs on the seed and the deal.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from sync.core.amendment import parts_of
from sync.core.model import Priority, Quarantine
from sync.core.planned import Decision
from sync.demo.stage import Stage
from sync.engine.sources import decide

AMENDED, SPLIT, CLONED = "AMEND-01", "SPLIT-01", "CLONE-01"
_ALL = 1_000_000
_PATIENCE = (1, 6)
"""After how many days, from and to, somebody gets round to it."""
_WHO = "Cleo Coordinator"


class Coordinator:
    """Somebody who decides."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.decided: Counter[str] = Counter()
        self.no_onboardings: set[str] = set()
        """Deals of which it was said that they belong to another one: no plan is made of them, and that is right."""
        self._stage = stage
        self._seed = seed
        self._done: Counter[str] = Counter()

    def waiting(self) -> list[Quarantine]:
        """Return what waits for a decision, and can be decided."""
        held = self._stage.plant.store.quarantined(limit=_ALL)
        return [one for one in held if one.code in {SPLIT, CLONED} or (one.code == AMENDED and parts_of(one)["parts"])]

    def decide(self, *, at_once: bool = False) -> None:
        """Decide about what has waited long enough; `at_once` about all."""
        store, now = self._stage.plant.store, self._stage.clock.now()
        for key, one in self._ripe(now, at_once=at_once):
            dice = random.Random(f"decision {self._seed} {key} {self._done[key]}")
            whole = at_once or self._done[key] > 0
            self._done[key] += 1
            decide(store, key, self._decision(one, dice, whole=whole))
            store.request([key], Priority.LIVE)

    def _ripe(self, now: datetime, *, at_once: bool) -> Iterator[tuple[str, Quarantine]]:
        """Yield one thing for each deal: who decides about a deal looks again before deciding more about it."""
        waiting = {one.key: one for one in reversed(self.waiting())}
        for key, one in sorted(waiting.items()):
            patience = timedelta(days=random.Random(f"patience {self._seed} {key} {one.code}").randint(*_PATIENCE))
            if at_once or (one.since is not None and now - one.since >= patience):
                yield key, one

    def _decision(self, one: Quarantine, dice: random.Random, *, whole: bool) -> Decision:
        if one.code == CLONED or (one.code == SPLIT and dice.random() < 0.3):
            self.no_onboardings.add(one.key)
            self.decided["belongs"] += 1
            return Decision(_WHO, "the same onboarding", belongs=True)
        if one.code == SPLIT:
            self.decided["own"] += 1
            return Decision(_WHO, own=True)
        ids = sorted(str(part["id"]) for part in parts_of(one)["parts"])
        if dice.random() < 0.3:
            self.decided["rejected"] += 1
            return Decision(_WHO, "agreed by phone", left=frozenset(ids))
        if len(ids) > 1 and not whole and dice.random() < 0.3:
            self.decided["applied in part"] += 1
            return Decision(_WHO, applied=frozenset(ids[: len(ids) // 2]))
        self.decided["applied"] += 1
        return Decision(_WHO, applied=frozenset(ids))
