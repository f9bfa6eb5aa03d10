"""Actions of minutes become tasks by the main path: once, guarded, at every side that is to see them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from connectors.base import Fields
from mappings.load import DEFAULT_MAPPINGS
from mappings.templates import TaskSpec
from sync.core.draft import task_values
from sync.core.model import PLAN_ITEM, Priority
from sync.demo.stage import Stage
from sync.engine.actions import Added, Busy, Differs, add_tasks

DAY = date(2026, 11, 2)


@pytest.fixture
def planned(database: str) -> Iterator[tuple[Stage, str]]:
    with Stage(store=database) as stage:
        stage.sweep()
        key = stage.win(name="Platform", account="Acme")
        stage.settle()
        assert stage.sweep().planned == 1
        yield stage, key


def tasks(stage: Stage, **names: str) -> dict[str, Fields]:
    """One task for each audience, named so."""
    found = {}
    for audience, name in names.items():
        item = f"action_20261102_{len(found) + 1}"
        spec = TaskSpec(item, "Actions", name, "", audience, False, "", "ada@example.com", DAY, DAY, 0.0)
        found[item] = task_values(spec, stage.plant.mappings.task)
    return found


def add(stage: Stage, key: str, wanted: dict[str, Fields]) -> Added:
    return add_tasks(stage.plant.store, key, wanted, owner="minutes")


def summaries(stage: Stage) -> list[str]:
    return [issue.summary for issue in stage.simulator.jira.site.issues.by_id.values()]


def test_actions_are_made_where_their_readers_are_and_taking_them_again_adds_nothing(
    planned: tuple[Stage, str],
) -> None:
    stage, key = planned
    wanted = tasks(stage, internal="Ours", customer="Theirs", both="Together")
    calls = stage.plant.calls()
    assert tuple(add(stage, key, wanted).names) == tuple(wanted)
    assert stage.plant.calls() == calls
    (before,) = stage.plant.engine.preview([key])
    assert sorted((step.item[-1], step.connection) for step in before.steps) == [
        ("1", "tracker"),
        ("2", "sheets"),
        ("3", "sheets"),
        ("3", "tracker"),
    ]
    report = stage.sweep()
    assert (report.created["tracker"], report.created["sheets"]) == (2, 2)
    again = add(stage, key, wanted)
    assert (again.names, again.known) == ({}, tuple(wanted))
    stage.settle()
    assert stage.sweep().writes == 0
    assert [summaries(stage).count(name) for name in ("Ours", "Theirs", "Together")] == [1, 0, 1]
    proof = stage.prove()
    assert (proof.unequal, proof.duplicates, proof.lacking) == (0, 0, 0)


def test_an_action_that_people_renamed_is_the_same_and_one_in_other_words_is_refused(
    planned: tuple[Stage, str],
) -> None:
    stage, key = planned
    add(stage, key, tasks(stage, both="Send the list"))
    stage.sweep()
    (issue,) = (i for i in stage.simulator.jira.site.issues.by_id.values() if i.summary == "Send the list")
    with stage.simulator.world.lock:
        stage.simulator.jira.act("edit_issue", {"issue": issue.key, "fields": {"summary": "Send the whole list"}})
    stage.settle()
    stage.sweep()
    assert add(stage, key, tasks(stage, both="Send the list")).names == {}
    with pytest.raises(Differs, match="Send the list"):
        add(stage, key, tasks(stage, both="Something else"))
    stage.settle()
    stage.sweep()
    (item,) = tasks(stage, both="")
    assert stage.plant.store.load([key])[key].base[item]["name"] == "Send the whole list"


def test_a_kill_after_taking_and_a_lost_answer_make_nothing_twice(planned: tuple[Stage, str]) -> None:
    stage, key = planned
    add(stage, key, tasks(stage, both="Once"))
    stage.plant.close()  # whoever took them is gone
    stage.simulator.world.faults.add("drop_after", vendor="jira", endpoint="POST /rest/api/3/issue/bulk", times=1)
    stage.plant = stage.open()
    stage.sweep()
    stage.settle()
    stage.sweep()
    assert summaries(stage).count("Once") == 1


def test_nothing_is_added_while_another_worker_has_the_onboarding(planned: tuple[Stage, str]) -> None:
    stage, key = planned
    store = stage.plant.store
    store.request([key], Priority.LIVE)
    (claim,) = store.claim("another", limit=1, lease_seconds=600, keys=[key])
    with pytest.raises(Busy):
        add(stage, key, tasks(stage, both="Wait"))
    assert set(store.load([key])[key].base) & {"action_20261102_1"} == set()
    store.release([claim])
    assert add(stage, key, tasks(stage, both="Wait")).names
    assert PLAN_ITEM in store.load([key])[key].base


def test_an_amended_deal_leaves_what_a_meeting_agreed_on(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    at_once = "\namendments: {tasks_added: apply, tasks_dropped: apply, dates: apply}\n"
    mapping.write_text(DEFAULT_MAPPINGS.read_text(encoding="utf-8") + at_once, encoding="utf-8")
    with Stage(mapping=str(mapping)) as stage:
        stage.sweep()
        key = stage.win(name="Platform", account="Acme")
        stage.sweep()
        add(stage, key, tasks(stage, both="Send the list"))
        stage.sweep()
        line = {"id": key, "product": "SSO", "family": "SSO", "quantity": 1, "price": 900.0}
        with stage.simulator.world.lock:
            stage.simulator.salesforce.act("add_line", line)
        stage.settle()
        stage.sweep()
        base = stage.plant.store.load([key])[key].base
        assert base["action_20261102_1"]["status"] == "not_started"
        assert {"sso_metadata", "sso_setup"} <= set(base)
        assert summaries(stage).count("Send the list") == 1
