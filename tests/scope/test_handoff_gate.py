"""The handoff gate in the main path: no plan before sales has filled in what it owes, and no plan ever stopped by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mappings.load import DEFAULT_MAPPINGS, Problems, load_mappings
from mappings.scope import ScopeRules
from sync.core.model import Onboarding
from sync.core.plan import plan
from sync.core.planned import Snapshot
from sync.core.scope import check_known
from sync.core.sold import recalled
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers

TEMPLATE = """
name: small
version: "1"
title: "{{ deal.account }}: {{ deal.name }}"
launch_after_kickoff: 20
roles: {lead: deal.owner}
phases: [Live]
groups:
  - phase: Live
    tasks:
      - {key: call, name: Call, role: lead, start: kickoff, hours: 1}
      - {key: launch, name: Live, milestone: true, role: lead, start: launch}
"""
HANDOFF = "  handoff: {required: [kickoff_notes, contracted_hours]%s}\n"
DEAL = {"name": "First", "account": "Acme", "owner": "ada@example.com"}

Staging = Callable[..., Stage]


def mapping(folder: Path, handoff: str, scope: str = "") -> Path:
    """The mapping that comes with Closedwon, with these sections."""
    text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
    path = folder / "mapping.yaml"
    begin, end = text.index("scope:\n"), text.index("# Where a task lives")
    text = text[:begin] + (scope or text[begin:end]) + text[end:]
    path.write_text(text.replace("deals:\n", "deals:\n" + handoff, 1), encoding="utf-8")
    return path


@contextmanager
def staged(folder: Path, handoff: str, store: str = "") -> Iterator[Stage]:
    (folder / "small.yaml").write_text(TEMPLATE, encoding="utf-8")
    path = str(mapping(folder, handoff))
    with Stage(store=store, mapping=path, templates=[str(folder / "small.yaml")]) as stage:
        stage.sweep()
        yield stage


def edit(stage: Stage, key: str, **fields: object) -> None:
    with stage.simulator.world.lock:
        stage.simulator.salesforce.act("edit_deal", {"id": key, "fields": fields})
    stage.settle()
    stage.sweep()


def known(stage: Stage, key: str) -> Onboarding:
    return stage.plant.store.load([key])[key]


def records(stage: Stage) -> tuple[int, int]:
    return len(stage.simulator.jira.site.issues.by_id), len(stage.simulator.smartsheet.state.sheets)


def test_no_plan_is_made_until_sales_has_handed_over_and_then_it_is_made_by_itself(
    database: str, tmp_path: Path
) -> None:
    with staged(tmp_path, HANDOFF % "", database) as stage:
        nothing = records(stage)
        key = stage.win(**DEAL)
        stage.settle()
        stage.sweep()
        [held] = stage.plant.store.quarantined()
        assert (held.key, held.code) == (key, "HANDOFF-01")
        assert "Kickoff_Notes__c and Contracted_Hours__c are empty" in held.message
        edit(stage, key, Contracted_Hours__c=0)
        [held] = stage.plant.store.quarantined()
        assert "Kickoff_Notes__c is empty" in held.message
        assert (records(stage), known(stage, key).base) == (nothing, {})
        edit(stage, key, Kickoff_Notes__c="Ring twice")
        assert stage.plant.store.quarantined() == ()
        assert {"call", "launch"} <= known(stage, key).base.keys()
        stage.settle()
        proof = stage.prove()
        assert proof.sound, proof.examples
        assert proof.onboardings == 1


def test_a_plan_that_is_there_goes_on_when_a_field_is_emptied(tmp_path: Path) -> None:
    with staged(tmp_path, HANDOFF % "") as stage:
        key = stage.win(**DEAL, hours=10, fields={"Kickoff_Notes__c": "Ring twice"})
        stage.settle()
        stage.sweep()
        edit(stage, key, Kickoff_Notes__c=None)
        record = known(stage, key).bound("tracker")["call"].ref.id
        with stage.simulator.world.lock:
            stage.simulator.jira.act("close_task", {"who": "ada@example.com", "issue": record})
        stage.settle()
        stage.sweep()
        assert known(stage, key).base["call"]["status"] == "done"
        assert [held.code for held in stage.plant.store.quarantined()] == []


def test_a_plan_that_was_begun_and_not_finished_goes_on_too(tmp_path: Path) -> None:
    with staged(tmp_path, HANDOFF % "") as stage:
        key = stage.win(**DEAL, hours=10, fields={"Kickoff_Notes__c": "Ring twice"})
        stage.settle()
        stage.sweep()
        made, context = known(stage, key), stage.plant.engine.context()
        deal = recalled(key, made.deal)
        assert deal is not None
        emptied = replace(deal, fields={**deal.fields, "kickoff_notes": None})
        begun = Onboarding(key, bindings=made.bindings)
        codes = [
            [q.code for q in plan(Snapshot(key, onboarding, emptied, {}), context).quarantine]
            for onboarding in (Onboarding(key), begun)
        ]
        assert codes[0] == ["HANDOFF-01"]
        assert "HANDOFF-01" not in codes[1]


def test_where_the_gate_only_warns_the_plan_is_made_and_the_scope_check_tells(tmp_path: Path) -> None:
    with staged(tmp_path, HANDOFF % ", gate: warn") as stage:
        stage.win(**DEAL, hours=10)
        stage.settle()
        stage.sweep()
        [found] = dossiers(stage.plant.store)
        flags = check_known(found, stage.plant.engine.context())
        assert [(flag.code, flag.item) for flag in flags or ()] == [("SCOPE-HANDOFF-01", "kickoff_notes")]


def test_the_sections_say_what_is_expected(tmp_path: Path) -> None:
    scope = "\nscope: {included: [Platform, Support], launch_days: 120}\n"
    found = load_mappings(mapping(tmp_path, HANDOFF % "", scope)).scope
    fields = {"kickoff_notes": "Kickoff_Notes__c", "contracted_hours": "Contracted_Hours__c"}
    assert found == ScopeRules(frozenset({"Platform", "Support"}), 120, fields, gate=True)
    assert not load_mappings(mapping(tmp_path, HANDOFF % ", gate: warn")).scope.gate


@pytest.mark.parametrize(
    ("handoff", "scope", "words"),
    [
        ("  handoff: {required: [kickof_notes]}\n", "", "deals have no field 'kickof_notes'. Did you mean"),
        ("  handoff: {gate: shut}\n", "", "'shut' is not allowed here"),
        ("", "\nscope: {launch_days: 0}\n", "greater than or equal to 1"),
        ("", "\nscope: {include: [A]}\n", "unknown key 'include'. Did you mean 'included'?"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, handoff: str, scope: str, words: str) -> None:
    with pytest.raises(Problems, match=words.replace("?", r"\?")) as refused:
        load_mappings(mapping(tmp_path, handoff, scope))
    assert "mapping.yaml:" in str(refused.value)
