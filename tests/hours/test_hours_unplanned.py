"""Time on an issue that somebody added to a plan's epic counts for that onboarding, where the mapping says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mappings.load import DEFAULT_MAPPINGS
from sync.core.dossier import UNPLANNED
from sync.core.hours import Ledger, ledger_of
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose


@pytest.fixture
def stage(database: str, tmp_path: Path) -> Iterator[Stage]:
    path = tmp_path / "mapping.yaml"
    text = DEFAULT_MAPPINGS.read_text()
    path.write_text(text.replace("\naudiences:", "\nhours: {unplanned: counted}\naudiences:", 1))
    with Stage(store=database, mapping=str(path)) as stage:
        stage.sweep()
        yield stage


def won(stage: Stage, name: str) -> tuple[str, str]:
    """Win a deal; returns its key and its epic."""
    key = stage.win(name=name, account=name, hours=40)
    stage.sweep()
    bound = stage.plant.store.load([key])[key].bindings
    return key, next(b.ref.id for b in bound if b.connection == "tracker" and b.item == "plan")


def act(stage: Stage, action: str, **args: object) -> dict[str, object]:
    with stage.simulator.world.lock:
        return dict(stage.simulator.jira.act(action, args))


def added(stage: Stage, **fields: object) -> str:
    made = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Added", **fields}
    return str(act(stage, "create_issue", fields=made)["key"])


def caught_up(stage: Stage) -> None:
    stage.settle()
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples


def book(stage: Stage, key: str) -> Ledger:
    context = stage.plant.engine.context()
    (dossier,) = dossiers(stage.plant.store, [key])
    return ledger_of(dossier, context.mappings.hours, context.today)


def test_time_under_a_plans_epic_counts_and_reaches_the_crm(stage: Stage) -> None:
    key, epic = won(stage, "Acme")
    act(stage, "log_time", issue=added(stage, parent={"id": epic}), seconds=5400)
    act(stage, "log_time", issue=added(stage), seconds=600)
    caught_up(stage)
    assert [(placed.logged.item, placed.seconds) for placed in book(stage, key).entries] == [(UNPLANNED, 5400)]
    assert book(stage, key).counted == 5400
    assert [one.entry.seconds for one in loose(stage.plant.store)] == [600]
    crm = {record.write_key: record.fields for record in stage.plant.connections["crm"].inventory()}
    assert (crm[key]["Hours_Tracked__c"], crm[key]["Hours_Remaining__c"]) == (1.5, 38.5)


def test_an_issue_moved_to_another_epic_takes_its_time_along_when_more_is_logged(stage: Stage) -> None:
    key, epic = won(stage, "Acme")
    other, other_epic = won(stage, "Other")
    issue = added(stage, parent={"id": epic})
    act(stage, "log_time", issue=issue, seconds=5400)
    caught_up(stage)
    act(stage, "edit_issue", issue=issue, fields={"parent": {"id": other_epic}})
    act(stage, "log_time", issue=issue, seconds=60)
    caught_up(stage)
    assert (book(stage, key).total, book(stage, other).counted) == (0, 5460)


def test_only_new_time_on_strange_issues_costs_a_call(stage: Stage) -> None:
    _, epic = won(stage, "Acme")
    act(stage, "log_time", issue=added(stage, parent={"id": epic}), seconds=5400)
    caught_up(stage)
    stage.settle()
    stage.sweep()
    before = stage.simulator.world.count("jira")
    stage.sweep()
    assert stage.simulator.world.count("jira") - before <= 3
