"""Each sweep that takes time in checks that every second of it lies in one place; a defect of ours is told by code."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from connectors.base import Kind, Ref
from sync.core.model import Binding
from sync.demo.stage import Stage
from sync.store import ledger


@pytest.fixture
def twice(database: str) -> Stage:
    """A stage where two items are bound to one issue, on which time is logged."""
    with Stage(store=database) as stage:
        stage.sweep()
        key = stage.win(name="Acme", account="Acme")
        stage.sweep()
        store = stage.plant.store
        issue = next(b for b in store.load([key])[key].bindings if b.item == "handoff_call")
        store.bind([Binding(key, "another", "tracker", Kind.TASK, Ref(issue.ref.id, issue.ref.container))])
        with stage.simulator.world.lock:
            stage.simulator.jira.act("log_time", {"issue": issue.ref.id, "seconds": 90})
        stage.settle()
        yield stage


def test_time_on_a_record_that_two_items_are_bound_to_lies_in_one_place(twice: Stage) -> None:
    assert not twice.sweep().failures
    (entry,) = twice.plant.store.entries("tracker")
    assert twice.plant.store.time_places("tracker", [entry.record_id, "unknown"]) == (90, 90)


def test_a_ledger_that_counts_a_second_twice_is_told(twice: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_ITS_OWNER", sa.true())
    assert twice.sweep().failures == {"HOURS-01": 1}
