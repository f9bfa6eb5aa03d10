"""Brings a batch's roll-ups to the CRM: works them out, leaves what it refused before, writes the rest, takes note.

Called by `sync.engine.reconcile` once plans were applied. What could not be asked for is left as it was. It never reads
from the CRM: that its roll-up equals what is confirmed here, `verify` proves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from sync.core.model import Onboarding
from sync.core.planned import Context, Plan, Step
from sync.core.records import RecordsStore
from sync.core.rollup_step import roll_up_step
from sync.engine import outcome
from sync.engine.apply import Applied
from sync.engine.partial import as_it_was
from sync.engine.report import Report

Write: TypeAlias = Callable[[Sequence[Plan], Mapping[str, Onboarding]], Applied]
"""Sends steps to the CRM, 200 onboardings a call."""


@dataclass(frozen=True, slots=True)
class RollUps:
    """Works roll-ups out and has them written."""

    store: RecordsStore
    context: Context
    write: Write
    settle_seconds: float

    def bring(
        self, results: Sequence[outcome.Result], report: Report, unasked: Collection[str]
    ) -> dict[str, outcome.RollUp]:
        """Return by key what the CRM confirmed and what is owed."""
        crm = self.context.crm
        rollups = {r.plan.key: as_it_was(r.known, crm) for r in results if r.plan.key in unasked}
        asked = [result for result in results if result.plan.key not in unasked]
        known = {result.plan.key: result.known for result in asked}
        # What was just made has its links in the store alone.
        known |= self.store.load([r.plan.key for r in asked if any(map(outcome.creates, r.plan.steps))])
        steps = self._steps(asked, known, rollups)
        if steps:
            one = self.write([replace(Plan(step.key), steps=(step,)) for step in steps], known)
            report.rollups += one.updated
            settle = self.settle_seconds
            outcome.take_roll_ups(steps, one, rollups, settle_seconds=settle, codes=report.failures)
        return rollups

    def _steps(
        self,
        results: Sequence[outcome.Result],
        known: Mapping[str, Onboarding],
        rollups: dict[str, outcome.RollUp],
    ) -> list[Step]:
        logged = self.store.logged([key for key, onboarding in known.items() if onboarding.tracked])
        steps = []
        for result in results:
            key = result.plan.key
            step, fields = roll_up_step(result.plan, known[key], self.context, logged.get(key, ()))
            rollups[key] = outcome.RollUp(known[key].rollup)
            if step is None:
                continue
            before = [q for q in known[key].held if q.connection == self.context.crm]
            attempt = repr(sorted(fields.items())) if before else ""
            refused = [q for q in before if q.attempt == attempt]
            rollups[key].quarantine += refused
            if not refused:
                steps.append(step)
        return steps
