"""Hours that people enter in a column of a sheet are time entries: edited, emptied and deleted with their rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mappings.load import DEFAULT_MAPPINGS
from sync.core.hours import Bucket, Ledger, ledger_of
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers

ITEM = "kickoff_call"


@pytest.fixture(params=["sheet_per_onboarding", "portfolio"])
def stage(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[Stage]:
    mapping = YAML(typ="safe").load(DEFAULT_MAPPINGS.read_text())
    mapping["objects"]["task"]["fields"]["hours_spent"] = {
        "type": "number",
        "direction": "to ledger only",
        "at": {"sheets": {"field": "Hours spent", "column": {"type": "TEXT_NUMBER"}}},
    }
    path = tmp_path / "mapping.yaml"
    with path.open("w") as file:
        YAML().dump(mapping, file)
    with Stage(store=database, mapping=str(path), sheets={"layout": request.param}) as stage:
        stage.sweep()
        yield stage


def won(stage: Stage) -> str:
    key = stage.win(name="Acme", account="Acme", hours=40)
    stage.sweep()
    return key


def enter(stage: Stage, key: str, value: Any) -> None:
    bound = {b.item: b.ref for b in stage.plant.store.load([key])[key].bindings if b.connection == "sheets"}
    with stage.simulator.world.lock:
        sheet, row = bound[ITEM].container, bound[ITEM].id
        stage.simulator.smartsheet.act(
            "set_cell", {"sheet": sheet, "row": row, "column": "Hours spent", "value": value}
        )
    caught_up(stage)


def caught_up(stage: Stage) -> None:
    stage.settle()
    stage.sweep()


def book(stage: Stage, key: str) -> Ledger:
    context = stage.plant.engine.context()
    (dossier,) = dossiers(stage.plant.store, [key])
    return ledger_of(dossier, context.mappings.hours, context.today)


def remaining(stage: Stage, key: str) -> Any:
    records = stage.plant.connections["crm"].inventory()
    return next(r.fields["Hours_Remaining__c"] for r in records if r.write_key == key)


def test_a_number_in_the_column_is_an_entry_through_edits_and_emptying(stage: Stage) -> None:
    key = won(stage)
    enter(stage, key, 1.3333333)
    (placed,) = book(stage, key).entries
    assert (placed.bucket, placed.seconds, placed.logged.item) == (Bucket.COUNTED, 4800, ITEM)
    assert (remaining(stage, key), stage.prove().seconds["sheets"]["vendor"]) == (38.67, 4800)
    day = placed.logged.entry.started
    enter(stage, key, 2)
    (placed,) = book(stage, key).entries
    assert (placed.seconds, placed.logged.entry.started) == (7200, day)
    assert remaining(stage, key) == 38
    proof = stage.prove()
    assert proof.sound, proof.examples
    enter(stage, key, "")
    assert book(stage, key).entries == ()
    assert remaining(stage, key) == 40
    assert stage.prove().sound


def test_what_was_taken_is_not_taken_again_and_a_preview_takes_nothing(stage: Stage) -> None:
    key = won(stage)
    enter(stage, key, 3)
    before = stage.plant.store.entries("sheets")
    stage.settle()
    writes = stage.simulator.world.count("smartsheet")
    stage.plant.engine.store.request([key], 0)
    report = stage.plant.engine.drain([key])
    assert (report.updated.total(), report.rollups) == (0, 0)
    assert stage.plant.store.entries("sheets") == before
    assert stage.simulator.world.count("smartsheet") > writes  # it looked


def test_less_than_nothing_is_rejected_and_what_is_no_number_is_held_back_with_the_last_number_kept(
    stage: Stage,
) -> None:
    key = won(stage)
    enter(stage, key, -2)
    assert book(stage, key).seconds[Bucket.REJECTED] == -7200
    enter(stage, key, 4)
    enter(stage, key, "half a day")
    assert book(stage, key).counted == 4 * 3600
    (held,) = stage.plant.store.quarantined()
    assert (held.connection, held.field) == ("sheets", "Hours spent")


def test_verify_tells_a_number_that_has_not_been_taken_in(stage: Stage) -> None:
    key = won(stage)
    enter(stage, key, 4)
    store = stage.plant.store
    (kept,) = store.entries("sheets")
    store.drop_time("sheets", [kept.id])
    proof = stage.prove()
    assert proof.time_off == 1
    assert proof.examples[-1].endswith("are 14400 s there and 0 s here")


def test_a_deleted_row_takes_its_hours_away(stage: Stage) -> None:
    key = won(stage)
    enter(stage, key, 4)
    bound = {b.item: b.ref for b in stage.plant.store.load([key])[key].bindings if b.connection == "sheets"}
    with stage.simulator.world.lock:
        stage.simulator.smartsheet.act("delete_row", {"sheet": bound[ITEM].container, "row": bound[ITEM].id})
    caught_up(stage)
    assert book(stage, key).entries == ()
    assert stage.plant.store.entries("sheets") == ()
