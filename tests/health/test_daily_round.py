"""What changes merely because a day has passed reaches the CRM once a day, from memory, and nothing else is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sync.core.health import Color, Override
from sync.core.judgement import override_values
from sync.core.model import Priority
from sync.demo.stage import Stage
from sync.engine.daily import is_due, roll_on
from sync.engine.lessons import OVERRIDE, WORD

DAY = 86_400.0


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(seed=3) as made:
        made.sweep()
        keys = [made.win(name=f"Deal {number}", account="Acme") for number in range(3)]
        made.settle()
        made.sweep()
        made.settle()
        made.sweep()
        assert set(made.plant.store.keys()) == set(keys)
        yield made


def shown(stage: Stage) -> dict[str, tuple[object, object]]:
    records = stage.plant.connections["crm"].inventory()
    return {record.write_key: (record.fields["Health__c"], record.fields["Health_Reason__c"]) for record in records}


def test_a_day_that_passed_is_told_to_the_crm_without_asking_any_vendor(stage: Stage) -> None:
    plant = stage.plant
    assert {word for word, _ in shown(stage).values()} == {"Green"}
    stage.sleep(20 * DAY)
    assert shown(stage)  # signs in anew
    before = plant.calls()
    first = roll_on(plant.engine, plant.store)
    spent = {name: count - before[name] for name, count in plant.calls().items()}
    assert (first.looked, first.rollups) == (3, 3)
    assert spent == {"crm": 1, "tracker": 0, "sheets": 0}
    assert {word for word, _ in shown(stage).values()} == {"Amber"}
    assert all("is 8 business days overdue" in str(reason) for _, reason in shown(stage).values())
    assert stage.prove().sound
    second = roll_on(plant.engine, plant.store)
    assert (second.looked, second.rollups) == (3, 0)
    assert stage.sweep().writes == 0


def test_verify_holds_a_roll_up_to_a_day_since_the_last_round_and_finds_what_was_tampered_with(stage: Stage) -> None:
    plant = stage.plant
    roll_on(plant.engine, plant.store)
    assert not is_due(plant.engine, plant.store)
    stage.sleep(2 * DAY)
    assert is_due(plant.engine, plant.store)
    assert stage.prove().sound
    record = next(iter(plant.connections["crm"].inventory()))
    people = stage.simulator.salesforce

    def edit(done: object) -> None:
        people.act("edit_record", {"object": "Onboarding__c", "id": record.ref.id, "fields": {"Tasks_Done__c": done}})

    edit(99)
    assert stage.prove().unequal == 1
    edit(record.fields["Tasks_Done__c"])
    assert stage.prove().sound


def test_what_was_asked_for_is_left_to_whoever_reconciles_it(stage: Stage) -> None:
    plant = stage.plant
    stage.sleep(DAY)
    asked, *_ = keys = plant.store.keys()
    plant.store.request([asked], Priority.LIVE)
    assert roll_on(plant.engine, plant.store).looked == len(keys) - 1
    assert [item.key for item in plant.store.work_items()] == [asked]
    plant.engine.drain()
    assert stage.prove().sound
    assert roll_on(plant.engine, plant.store).rollups == 0


def test_a_persons_word_reaches_the_crm_and_ends_by_itself(stage: Stage) -> None:
    plant = stage.plant
    key = plant.store.keys()[1]
    today = plant.engine.context().today
    word = Override(Color.GREEN, "They told us", today + timedelta(days=1), "Ada")
    plant.store.keep(OVERRIDE, key, WORD, override_values(word))
    plant.store.request([key], Priority.LIVE)
    assert plant.engine.drain().rollups == 1
    color, reason = shown(stage)[key]
    assert color == "Green"
    assert str(reason).startswith(f"They told us (set by Ada until {word.until}; computed: ")
    assert stage.prove().sound
    assert plant.engine.drain([key]).writes == 0
    stage.sleep(2 * DAY)
    roll_on(plant.engine, plant.store)
    assert shown(stage)[key][0] != "Green"
    assert plant.store.kept(OVERRIDE) == ()
    assert stage.prove().sound
