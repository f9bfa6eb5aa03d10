"""The CRM shows launch and hours as forecast; what was learned stays for the day, and so a second look writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from forecast_desk import CALENDAR, life

from sync.core.replay import replay
from sync.demo.stage import Stage
from sync.engine.lessons import FORMAT, KIND, LATEST, Lessons, learn, lessons

STATE = replay(life(20), CALENDAR).experience.state()
DAY = 86_400.0


def teach(stage: Stage, **changes: object) -> None:
    today = stage.plant.engine.context().today.isoformat()
    stage.plant.store.keep(KIND, "", LATEST, {"format": FORMAT, "day": today, "state": STATE, **changes})


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(seed=5) as made:
        made.sweep()
        teach(made)
        made.win(name="Deal", account="Acme", hours=80)
        made.settle()
        made.sweep()
        made.settle()
        made.sweep()
        yield made


def test_launch_and_hours_are_shown_as_forecast_and_a_second_look_writes_nothing(stage: Stage) -> None:
    crm = stage.plant.connections["crm"]
    (record,) = crm.inventory()
    fields = record.fields
    assert fields["Forecast_Launch__c"] <= fields["Forecast_Launch_P80__c"]
    assert fields["Hours_Forecast__c"] > 0
    keys = stage.plant.store.keys()
    stage.plant.store.request(keys, 0)
    assert stage.plant.engine.drain().writes == 0
    other = stage.open()
    other.store.request(keys, 0)
    assert other.engine.drain().writes == 0, "another process forecasts alike"
    other.close()
    assert stage.prove().sound
    stage.sleep(3 * DAY)
    assert stage.prove().sound, "the roll-up of three days ago still stands"
    stage.plant.store.request(keys, 0)
    assert stage.plant.engine.drain().rollups == 1, "it moves with the day"
    assert stage.prove().sound


def test_what_was_learned_stays_until_it_is_learned_anew(stage: Stage) -> None:
    store, today = stage.plant.store, stage.plant.engine.context().today
    assert lessons(store, CALENDAR, today).experience.launches == 20
    later = today + timedelta(days=9)
    assert lessons(store, CALENDAR, later).day == today
    assert learn(store, CALENDAR, later).experience.launches == 0, "nothing of this store has launched"
    assert (lessons(store, CALENDAR, later).day, lessons(store, CALENDAR, later).experience.launches) == (later, 0)


def test_what_another_version_kept_is_learned_anew_and_looking_keeps_nothing(stage: Stage) -> None:
    store, today = stage.plant.store, stage.plant.engine.context().today
    teach(stage, format=FORMAT + 1)
    assert lessons(store, CALENDAR, today, keep=False).experience.launches == 0
    (kept,) = store.kept(KIND)
    assert kept.value["format"] == FORMAT + 1


def test_a_roll_up_may_be_of_any_day_since_the_last_round_and_of_no_other() -> None:
    today = date(2026, 11, 20)
    one = Lessons(today - timedelta(days=2), replay((), CALENDAR).experience)
    assert one.days(today) == (today, today - timedelta(days=1), today - timedelta(days=2))
    assert one.days(one.day - timedelta(days=1)) == (one.day - timedelta(days=1),)
    assert len(one.days(today + timedelta(days=400))) == 32
