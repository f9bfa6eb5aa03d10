"""The daemon's own decisions, on virtual time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from daemon_rig import daemon, finished, work

from sync.core.model import Priority
from sync.daemon import Schedules
from sync.demo.stage import Stage


def test_a_due_job_is_run_by_one_of_two_daemons_and_not_before_it_is_due(stage: Stage) -> None:
    stage.win(name="Acme", account="Acme")
    stage.settle()
    stage.sweep()
    one, two = (daemon(stage, owner, full="0 * * * *") for owner in ("one", "two"))
    for made in (one, two):
        made.fire_due()
        finished(made)
    assert stage.plant.store.work_items() == ()
    for hour in (1, 2):
        stage.sleep(3600)
        for made in (one, two, one):
            made.fire_due()
            finished(made)
        [item] = stage.plant.store.work_items()
        assert (item.requested - item.done, item.priority) == (hour, Priority.RECONCILE)


def test_a_job_that_was_missed_is_run_once_when_somebody_is_there_again(stage: Stage) -> None:
    made = daemon(stage, cleanup="0 3 * * *")
    made.fire_due()
    stage.plant.store.accept("crm", [("e1", [])])
    stage.plant.store.settle_events(stage.plant.store.take_events(1), lambda *_: "")
    stage.sleep(40 * 86_400)
    made.fire_due()
    finished(made)
    assert stage.plant.store.accept("crm", [("e1", [])]) == 1
    before = dict(made._running)
    made.fire_due()
    assert made._running == before


def test_a_schedule_holds_to_its_own_time_zone_across_the_change_of_clocks() -> None:
    schedules = Schedules({"full": "30 2 * * *"}, "Europe/Amsterdam")
    zone = ZoneInfo("Europe/Amsterdam")
    summer = schedules.next_due("full", datetime(2026, 10, 23, 12, tzinfo=UTC))
    winter = schedules.next_due("full", datetime(2026, 10, 26, 12, tzinfo=UTC))
    assert summer == datetime(2026, 10, 24, 2, 30, tzinfo=zone) == datetime(2026, 10, 24, 0, 30, tzinfo=UTC)
    assert winter == datetime(2026, 10, 27, 2, 30, tzinfo=zone) == datetime(2026, 10, 27, 1, 30, tzinfo=UTC)
    moment = datetime(2026, 10, 24, 12, tzinfo=UTC)
    seen = []
    for _ in range(3):
        due = schedules.next_due("full", moment)
        assert due is not None
        moment = due
        seen.append(moment.astimezone(zone).date().day)
    assert seen == [25, 26, 27]  # once on the day with two half past twos


def test_a_job_without_a_schedule_is_never_due() -> None:
    assert Schedules({"full": ""}).next_due("full", datetime(2026, 11, 21, tzinfo=UTC)) is None


def test_a_vendor_out_of_order_is_left_alone_while_the_others_are_asked_and_taken_up_again_by_itself(
    stage: Stage,
) -> None:
    made = daemon(stage)
    made.sweep()
    outage = stage.simulator.world.faults.add("status", vendor="jira", times=None, args={"status": 503})
    key = stage.win(name="Acme", account="Acme")
    stage.settle()
    made.sweep()
    assert {item.key for item in stage.plant.store.work_items()} == {key}
    assert made.troubles()["tracker"]
    assert made.ailments() == {}
    for _ in range(3):
        work(made)
        made.sweep()
    calls = outage.hits
    made.sweep()
    work(made)
    assert outage.hits == calls  # closed: not even asked
    assert made.troubles() == {"tracker": "PAUSED-01"}
    stage.simulator.world.faults.clear()
    for _ in range(4):
        stage.sleep(400)
        made.sweep()
        work(made)
    assert made.troubles() == {}
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert proof.onboardings == 1


def test_an_idle_cycle_makes_at_most_five_calls(stage: Stage) -> None:
    made = daemon(stage)
    made.sweep()
    stage.sleep(60)
    before = made._metrics.text().decode()
    made.sweep()
    work(made)

    def total(text: str) -> float:
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("closedwon_calls_t"))

    assert total(made._metrics.text().decode()) - total(before) <= 5


def test_an_engaged_brake_stops_all_work_until_it_is_released(stage: Stage) -> None:
    made = daemon(stage)
    stage.plant.store.advance("engine", "brake", "too much")
    stage.plant.store.accept("crm", [("e1", [stage.win(name="Acme", account="Acme")])])
    assert made.worker.step() > 0
    assert made.troubles() == {"worker": "BRAKE-ENGAGED-01"}
    assert stage.plant.store.counts()["dirty"] == 1
    stage.plant.engine.release_brake()
    work(made)
    assert made.troubles() == {}
    assert stage.plant.store.counts()["onboardings"] == 1


@pytest.mark.parametrize("table", ["work", "inbox"])
def test_a_store_that_is_away_stops_nothing_for_good(stage: Stage, table: str) -> None:
    made = daemon(stage)
    database = stage.plant.store._database
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO away")
    stage.win(name="Acme", account="Acme")
    assert made.worker.step() > 0
    assert made.troubles() == {"worker": "STORE-01"}
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE away RENAME TO {table}")
    made.worker.step()
    assert made.troubles() == {}


def test_an_event_of_a_deal_that_is_not_won_makes_no_plan(stage: Stage) -> None:
    made = daemon(stage)
    stage.plant.store.accept("crm", [("e1", ["006000000000000AAA"]), ("e2", ["not an id"])])
    work(made)
    assert stage.plant.store.counts()["onboardings"] == 0
    assert stage.plant.store.counts()["dirty"] == 0


def test_what_waits_too_long_is_seen_in_the_lag(stage: Stage) -> None:
    made = daemon(stage)
    stage.plant.store.request(["006000000000000AAA"], Priority.LIVE)
    stage.sleep(90)
    assert "closedwon_lag_seconds 90.0" in made._metrics.text().decode()
    work(made)
    assert "closedwon_lag_seconds 0.0" in made._metrics.text().decode()


def test_two_sweeps_of_the_same_job_never_run_at_once(stage: Stage) -> None:
    made = daemon(stage, sweep="* * * * *")
    going = threading.Event()
    made._jobs["sweep"] = lambda: str(going.wait(10))
    made.fire_due()
    stage.sleep(60)
    made.fire_due()
    first = made._running["sweep"]
    stage.sleep(60)
    made.fire_due()
    assert made._running["sweep"] is first
    going.set()
    first.result(10)
    stage.sleep(timedelta(minutes=1).total_seconds())
    made.fire_due()
    assert made._running["sweep"] is not first
