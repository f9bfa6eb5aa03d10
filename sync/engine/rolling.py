"""Brings a batch's roll-ups to the CRM: works them out, leaves what it refused before, writes the rest, takes note.

Called by `sync.engine.reconcile` once plans were applied, and by `sync.engine.daily` for what changes merely because a
day has passed. What could not be asked for is left as it was. It never reads
from the CRM: that its roll-up equals what is confirmed here, `verify` proves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from connectors.base import Fields
from sync.core.judgement import Told
from sync.core.model import PLAN_ITEM, Onboarding
from sync.core.planned import Context, Plan, Step
from sync.core.records import RecordsStore
from sync.core.rollup_step import roll_up_step
from sync.engine import outcome
from sync.engine.apply import Applied
from sync.engine.lessons import Lessons, lessons
from sync.engine.lessons import told as told_of
from sync.engine.partial import as_it_was
from sync.engine.report import Report

Write: TypeAlias = Callable[[Sequence[Plan], Mapping[str, Onboarding]], Mapping[str, Applied]]
"""Sends steps to the CRM, 200 onboardings a call; returns by connection what came of it."""


@dataclass(frozen=True, slots=True)
class RollUps:
    """Works roll-ups out and has them written."""

    store: RecordsStore
    context: Context
    write: Write
    settle_seconds: float
    now: datetime

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
            sent = self.write([replace(Plan(step.key), steps=(step,)) for step in steps], known)
            one = sent.get(crm, Applied())
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
        if not results:
            return []
        context, steps = self.context, []
        learned = lessons(self.store, context.mappings.calendar, context.today)
        facts = told_of(self.store, [result.plan.key for result in results])
        for result in results:
            key = result.plan.key
            step, fields = roll_up_step(
                result.plan,
                known[key],
                context,
                told=facts[key].and_then(result.events, self.now),
                experience=learned.experience,
                held=result.quarantine,
            )
            rollups[key] = outcome.RollUp(known[key].rollup)
            if step is None:
                continue
            before = [q for q in known[key].held if q.connection == context.crm]
            attempt = repr(sorted(fields.items())) if before else ""
            refused = [q for q in before if q.attempt == attempt]
            rollups[key].quarantine += refused
            if not refused:
                steps.append(step)
        return steps


def could_stand(onboarding: Onboarding, *, context: Context, told: Told, learned: Lessons) -> Iterator[Fields]:
    """Yield what the CRM may show of an onboarding as it is remembered: as of today, then as of days before.

    A roll-up was worked out when its onboarding was last looked at, at the latest when a day's round last went through
    all of them. Nothing is yielded where there is nothing to roll up.
    """
    plan = as_remembered(onboarding)
    for day in learned.days(context.today):
        step, _ = roll_up_step(
            plan,
            replace(onboarding, rollup={}),
            replace(context, today=day),
            told=told,
            experience=learned.experience,
            held=onboarding.held,
        )
        if step is None:
            return
        yield step.write.fields


def as_remembered(onboarding: Onboarding) -> Plan:
    """Return an onboarding's plan as the store has it, with nothing to do."""
    title = str(onboarding.base.get(PLAN_ITEM, {}).get("title") or onboarding.key)
    return Plan(
        onboarding.key,
        title,
        onboarding.template,
        onboarding.template_version,
        deal=onboarding.deal,
        base=onboarding.base,
    )
