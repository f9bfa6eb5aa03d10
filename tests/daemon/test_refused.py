"""A vendor that refuses us concerns that vendor only: left alone, longer each time, while the others go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from daemon_rig import daemon, work

from connectors.errors import NotAuthorised, Paused
from connectors.pace import Pace
from simulator.faults import Rule
from sync.core.model import PLAN_ITEM
from sync.daemon import Daemon
from sync.demo.stage import Stage
from sync.work import Gate

REFUSED = NotAuthorised("Jira refuses the token. Make a new one.", code="JIRA-AUTH-01")


class Watch:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def gate_of(watch: Watch) -> Gate:
    return Gate("tracker", Pace(), clock=watch, sleep=lambda _seconds: None)


def test_a_gate_that_was_refused_stays_closed_longer_each_time_up_to_a_quarter_of_an_hour() -> None:
    watch = Watch()
    gate = gate_of(watch)
    waits = []
    for _ in range(6):
        told = gate.refuse(REFUSED)
        waits.append(told.delay)
        with pytest.raises(Paused, match="Make a new one") as closed:
            gate.before("GET /x")
        assert (closed.value.code, gate.code) == ("JIRA-AUTH-01", "JIRA-AUTH-01")
        watch.now += told.delay
        gate.before("GET /x")
        assert gate.code == ""
    assert waits == [60, 120, 240, 480, 900, 900]


def test_after_a_long_peace_a_refusal_is_a_new_one() -> None:
    watch = Watch()
    gate = gate_of(watch)
    gate.refuse(REFUSED)
    watch.now += 86_400
    assert gate.refuse(REFUSED).delay == 60


def test_many_who_are_refused_at_once_wait_for_the_same_moment() -> None:
    watch = Watch()
    gate = gate_of(watch)
    gate.refuse(REFUSED)
    watch.now += 20
    assert gate.refuse(REFUSED).delay == 40


def test_an_answer_that_was_on_its_way_does_not_open_it() -> None:
    gate = gate_of(Watch())
    gate.before("GET /x")
    gate.refuse(REFUSED)
    gate.after("GET /x", 200, {}, 0.1)
    assert gate.code == "JIRA-AUTH-01"


@pytest.fixture
def running(stage: Stage) -> Iterator[tuple[Stage, Daemon, str]]:
    """A daemon with one onboarding at rest; in the end everything is equal."""
    key = stage.win(name="Acme", account="Acme", hours=100)
    made = daemon(stage)
    look(stage, made)
    look(stage, made)
    yield stage, made, key
    stage.simulator.world.faults.clear()
    for _ in range(3):
        stage.sleep(900)
        look(stage, made)
    assert made.troubles() == {}
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert stage.plant.store.counts()["dirty"] == 0


def look(stage: Stage, made: Daemon) -> None:
    stage.settle()
    made.sweep()
    work(made)


def refusal(stage: Stage, vendor: str, endpoint: str = "*", status: int = 401) -> Rule:
    return stage.simulator.world.faults.add(
        "status", vendor=vendor, endpoint=endpoint, times=None, args={"status": status}
    )


def act(stage: Stage, vendor: str, action: str, **args: Any) -> None:
    with stage.simulator.world.lock:
        stage.simulator.vendors[vendor].act(action, args)


def tick(stage: Stage, key: str, item: str) -> None:
    ref = stage.plant.store.load([key])[key].bound("sheets")[item].ref
    act(stage, "smartsheet", "tick_row", sheet=int(ref.container), row=int(ref.id), who="pat@customer.example")


def tasks_done(stage: Stage) -> float:
    (row,) = stage.simulator.salesforce.org.rows("Onboarding__c")
    return float(row["Tasks_Done__c"] or 0)


def items(stage: Stage, key: str, connection: str) -> set[str]:
    return stage.plant.store.load([key])[key].bound(connection).keys() - {PLAN_ITEM}


def test_jira_refuses_and_the_sheets_and_the_crm_go_on_without_it(running: tuple[Stage, Daemon, str]) -> None:
    stage, made, key = running
    refused = refusal(stage, "jira")
    other = stage.win(name="Betatech", account="Betatech")
    tick(stage, key, min(items(stage, key, "sheets") - items(stage, key, "tracker")))
    look(stage, made)
    assert tasks_done_of(stage, key) == 1
    assert PLAN_ITEM in stage.plant.store.load([other])[other].bound("sheets")
    assert made.troubles() == {"tracker": "JIRA-AUTH-01"}
    assert made.ailments() == {}
    assert stage.plant.store.counts()["held"] == 0
    asked = refused.hits
    made.sweep()
    work(made)
    assert refused.hits == asked  # not even asked: each attempt may count towards locking the account


def tasks_done_of(stage: Stage, key: str) -> float:
    (row,) = [row for row in stage.simulator.salesforce.org.rows("Onboarding__c") if row["Opportunity__c"] == key]
    return float(row["Tasks_Done__c"] or 0)


def test_the_crm_refuses_and_peoples_work_flows_between_jira_and_the_sheets(
    running: tuple[Stage, Daemon, str],
) -> None:
    stage, made, key = running
    item = min(items(stage, key, "sheets") & items(stage, key, "tracker"))
    refusal(stage, "salesforce")
    tick(stage, key, item)
    look(stage, made)
    issue = stage.plant.store.load([key])[key].bound("tracker")[item].ref.id
    assert stage.simulator.jira.site.issue(issue).status.name == "Done"
    assert tasks_done_of(stage, key) == 0
    assert made.troubles()["crm"] == "SF-SESSION-01"
    assert made.worker.trouble == ""
    assert stage.plant.store.counts()["dirty"] == 1  # its roll-up is owed
    stage.simulator.world.faults.clear()
    stage.sleep(900)
    look(stage, made)
    assert tasks_done_of(stage, key) == 1


def test_jira_refuses_a_write_alone_and_what_was_done_elsewhere_is_kept(running: tuple[Stage, Daemon, str]) -> None:
    stage, made, key = running
    item = min(items(stage, key, "sheets") & items(stage, key, "tracker"))
    bound = stage.plant.store.load([key])[key]
    issue, row = bound.bound("tracker")[item].ref, bound.bound("sheets")[item].ref
    refusal(stage, "jira", "POST /rest/api/3/issue/{id}/transitions", 403)
    refusal(stage, "jira", "PUT /rest/api/3/issue/{id}", 403)
    tick(stage, key, item)
    act(stage, "jira", "edit_issue", issue=issue.id, fields={"duedate": "2027-06-01"}, who="ada@example.com")
    look(stage, made)
    shown = stage.simulator.smartsheet.state.sheets[int(row.container)].rows[int(row.id)]
    assert date(2027, 6, 1).isoformat() in {str(cell.value) for cell in shown.cells.values()}
    assert made.troubles()["tracker"].startswith("JIRA-AUTH")
    assert made.worker.trouble == ""


def test_a_command_that_a_person_waits_for_still_ends_when_it_is_refused(stage: Stage) -> None:
    stage.win(name="Acme", account="Acme")
    stage.settle()
    stage.sweep()
    refusal(stage, "jira")
    stage.plant.store.request(stage.plant.store.keys(), 0)
    with pytest.raises(NotAuthorised):
        stage.plant.engine.drain()
