"""What is judged of an onboarding agrees with itself: what the ledger rejects, no forecast counts as spent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from forecast_desk import CALENDAR, life

from connectors.base import TimeEntry
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from sync.core.dossier import Dossier, Logged
from sync.core.hindsight import as_of
from sync.core.judgement import Basis, judge
from sync.core.replay import replay

MISTYPED = 26 * 3600


def mistyped(known: Dossier) -> Dossier:
    """Somebody logs 26 hours on one day, on a task that is still open."""
    task = next(task for task in known.tasks if task.open and task.billable and task.estimated_hours > 0)
    (like, *_) = (one for one in known.logged if one.item)
    entry: TimeEntry = replace(like.entry, id="mistyped", seconds=MISTYPED)
    tasks = tuple(replace(t, tracked_seconds=t.tracked_seconds + MISTYPED) if t is task else t for t in known.tasks)
    logged: tuple[Logged, ...] = (*known.logged, replace(like, item=task.item, entry=entry))
    return replace(known, tasks=tasks, logged=logged)


def test_hours_that_the_ledger_rejects_are_no_part_of_what_a_plan_will_have_cost() -> None:
    lives = life(20)
    basis = Basis(load_mappings(DEFAULT_MAPPINGS), lives[0].target_launch, replay(lives[1:], CALENDAR).experience)
    known = as_of(lives[0], basis.today - timedelta(days=30))
    before, after = judge(known, basis), judge(mistyped(known), basis)
    assert after.ledger.counted == before.ledger.counted
    assert before.hours_forecast
    assert after.hours_forecast
    assert after.hours_forecast < before.hours_forecast + 13
