"""While one vendor is out of order: the others go on as far as they can, and nothing is lost or overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.faults import Rule
from sync.core.model import PLAN_ITEM, Commit, Onboarding, Quarantine
from sync.demo.stage import Stage
from sync.engine import Report


@pytest.fixture
def running(stage: Stage) -> Iterator[tuple[Stage, str]]:
    """A stage with one onboarding at rest."""
    key = stage.win(name="Acme", account="Acme", hours=100)
    stage.settle()
    stage.sweep()
    yield stage, key
    stage.simulator.world.faults.clear()
    for _ in range(3):
        stage.settle()
        stage.plant.store.hasten()
        stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    assert stage.plant.store.counts()["dirty"] == 0


def outage(stage: Stage, vendor: str, endpoint: str = "*") -> Rule:
    # A refusal that costs no waiting in place.
    args = {"status": 503, "headers": {"Retry-After": "100"}}
    return stage.simulator.world.faults.add("status", vendor=vendor, endpoint=endpoint, times=None, args=args)


def act(stage: Stage, vendor: str, action: str, **args: Any) -> None:
    with stage.simulator.world.lock:
        stage.simulator.vendors[vendor].act(action, args)


def remembered(stage: Stage, key: str) -> Onboarding:
    return stage.plant.store.load([key])[key]


def tick(stage: Stage, onboarding: Onboarding, item: str) -> None:
    ref = onboarding.bound("sheets")[item].ref
    act(stage, "smartsheet", "tick_row", sheet=int(ref.container), row=int(ref.id), who="pat@customer.example")


def progress(stage: Stage) -> float:
    (row,) = stage.simulator.salesforce.org.rows("Onboarding__c")
    return float(row["Tasks_Done__c"] or 0)


def test_what_only_the_sheet_holds_reaches_the_crm_although_jira_is_away(running: tuple[Stage, str]) -> None:
    stage, key = running
    onboarding = remembered(stage, key)
    alone = sorted(onboarding.bound("sheets").keys() - onboarding.bound("tracker").keys() - {PLAN_ITEM})
    outage(stage, "jira")
    tick(stage, onboarding, alone[0])
    stage.settle()
    report = stage.sweep()
    assert progress(stage) == 1
    assert report.failures["JIRA-DOWN-01"]
    assert stage.plant.store.counts()["dirty"] == 1  # it is looked at again, from all sides
    assert stage.plant.store.counts()["held"] == 0


def test_a_change_that_jira_must_agree_to_waits_for_it_and_nothing_is_sent_there(running: tuple[Stage, str]) -> None:
    stage, key = running
    onboarding = remembered(stage, key)
    both = sorted(onboarding.bound("sheets").keys() & onboarding.bound("tracker").keys() - {PLAN_ITEM})
    issue = stage.simulator.jira.site.issues.by_id[int(onboarding.bound("tracker")[both[0]].ref.id)]
    before = issue.status
    away = outage(stage, "jira", "POST /rest/api/3/issue/bulkfetch")  # a write would succeed, unseen
    tick(stage, onboarding, both[0])
    stage.settle()
    stage.sweep()
    assert away.hits
    assert remembered(stage, key).base[both[0]] == onboarding.base[both[0]]
    assert issue.status == before
    stage.simulator.world.faults.clear()
    stage.plant.store.hasten()
    stage.sweep()
    assert remembered(stage, key).base[both[0]] != onboarding.base[both[0]]
    assert issue.status != before


def test_what_people_changed_on_both_sides_meanwhile_is_a_conflict_whose_loser_is_kept(
    running: tuple[Stage, str],
) -> None:
    stage, key = running
    onboarding = remembered(stage, key)
    both = sorted(onboarding.bound("sheets").keys() & onboarding.bound("tracker").keys() - {PLAN_ITEM})
    item = both[0]
    row, issue = onboarding.bound("sheets")[item].ref, onboarding.bound("tracker")[item].ref
    outage(stage, "jira")
    move = {"who": "cleo@example.com", "days": 7}
    act(stage, "smartsheet", "move_date", sheet=int(row.container), row=int(row.id), column="Due", **move)
    act(stage, "jira", "edit_issue", issue=issue.id, fields={"duedate": "2027-06-01"}, who="ada@example.com")
    stage.settle()
    stage.sweep()
    assert not [event for _, event in stage.plant.store.history(key) if event.rule == "conflict:lost"]
    stage.simulator.world.faults.clear()
    stage.plant.store.hasten()
    stage.settle()
    stage.sweep()
    assert [event.item for _, event in stage.plant.store.history(key) if event.rule == "conflict:lost"] == [item]


def test_a_new_deal_gets_its_sheet_at_once_and_its_issues_when_jira_is_back(running: tuple[Stage, str]) -> None:
    stage, _ = running
    outage(stage, "jira")
    key = stage.win(name="Betatech", account="Betatech")
    stage.settle()
    stage.sweep()
    assert PLAN_ITEM in remembered(stage, key).bound("sheets")
    assert not remembered(stage, key).bound("tracker")
    stage.simulator.world.faults.clear()
    stage.plant.store.hasten()
    stage.settle()
    stage.sweep()
    assert PLAN_ITEM in remembered(stage, key).bound("tracker")


@pytest.mark.parametrize("vendor", ["jira", "smartsheet", "salesforce"])
def test_an_outage_of_any_vendor_holds_nothing_back_and_engages_no_brake(
    running: tuple[Stage, str], vendor: str
) -> None:
    stage, key = running
    outage(stage, vendor)
    for _ in range(3):
        stage.plant.store.request([key], 0)
        stage.sweep()
        stage.settle()
    counts = stage.plant.store.counts()
    assert (counts["held"], counts["missing"]) == (0, 0)
    assert stage.plant.store.cursor("engine", "brake") == ""


def test_a_plan_that_a_person_agreed_to_is_not_carried_out_by_half(running: tuple[Stage, str]) -> None:
    stage, key = running
    onboarding = remembered(stage, key)
    tick(stage, onboarding, min(onboarding.bound("sheets").keys() - {PLAN_ITEM}))
    stage.settle()
    outage(stage, "jira")
    stage.plant.store.request([key], 0)
    asked: list[object] = []
    report = stage.plant.engine.drain([key], consent=asked.append)
    assert asked == []
    assert report.writes == 0


def test_peoples_work_flows_between_the_homes_while_the_crm_is_away_and_the_roll_up_waits(
    running: tuple[Stage, str],
) -> None:
    stage, key = running
    onboarding = remembered(stage, key)
    item = min(onboarding.bound("sheets").keys() & onboarding.bound("tracker").keys() - {PLAN_ITEM})
    outage(stage, "salesforce", "GET /services/data/*/query*")  # a write would succeed, unseen
    tick(stage, onboarding, item)
    stage.settle()
    report = stage.sweep()
    issue = stage.simulator.jira.site.issues.by_id[int(onboarding.bound("tracker")[item].ref.id)]
    assert issue.status.name == "Done"
    assert progress(stage) == 0
    assert report.failures["SF-EDGE-01"]
    assert remembered(stage, key).rollup == onboarding.rollup
    assert remembered(stage, key).deal == onboarding.deal
    assert (stage.plant.store.counts()["held"], stage.plant.store.counts()["dirty"]) == (0, 1)
    stage.simulator.world.faults.clear()
    stage.plant.store.hasten()
    stage.sweep()
    assert progress(stage) == 1


def test_a_deal_without_a_plan_gets_none_while_the_crm_is_away(running: tuple[Stage, str]) -> None:
    stage, _ = running
    key = stage.win(name="Betatech", account="Betatech")
    store = stage.plant.store
    store.request([key], 0)
    [claim] = store.claim("one", limit=1, lease_seconds=60, keys=[key])
    held = Quarantine(key, "", "tracker", "", "ADOPT-01", "The CRM names a plan that is not there.")
    store.commit([Commit(claim, quarantine=(held,))])
    outage(stage, "salesforce")
    store.request([key], 0)
    stage.sweep()
    assert not remembered(stage, key).bindings
    assert [each.code for each in remembered(stage, key).held] == ["ADOPT-01"]


def test_what_was_held_back_about_a_deal_stays_while_the_crm_is_away(running: tuple[Stage, str]) -> None:
    stage, key = running
    with stage.simulator.world.lock:
        stage.simulator.salesforce.act("edit_deal", {"id": key, "fields": {"StageName": "Prospecting"}})
    stage.settle()
    stage.sweep()
    (held,) = remembered(stage, key).held
    assert held.code == "DEAL-GONE-01"
    outage(stage, "salesforce")
    for _ in range(2):
        stage.plant.store.request([key], 0)
        stage.sweep()
        stage.settle()
        assert [(each.code, each.since) for each in remembered(stage, key).held] == [(held.code, held.since)]
    stage.simulator.world.faults.clear()
    with stage.simulator.world.lock:
        stage.simulator.salesforce.act("edit_deal", {"id": key, "fields": {"StageName": "Closed Won"}})


def test_with_the_crm_and_jira_away_what_jira_must_agree_to_waits(running: tuple[Stage, str]) -> None:
    stage, key = running
    before = remembered(stage, key)
    outage(stage, "salesforce")
    outage(stage, "jira")
    tick(stage, before, min(before.bound("sheets").keys() & before.bound("tracker").keys() - {PLAN_ITEM}))
    stage.settle()
    stage.sweep()
    assert remembered(stage, key).base == before.base
    assert stage.plant.store.counts()["dirty"] == 1


def test_a_create_of_unknown_outcome_at_one_vendor_keeps_only_its_own_onboarding_waiting(
    running: tuple[Stage, str],
) -> None:
    stage, first = running
    other = stage.win(name="Betatech", account="Betatech")
    stage.simulator.world.faults.add("drop_after", vendor="jira", endpoint="POST /rest/api/3/issue/bulk")
    stage.settle()
    report = Report()
    stage.plant.engine.sweep(report)
    (claim,) = stage.plant.store.claim("one", limit=10, lease_seconds=60, keys=[other])
    stage.plant.engine.reconcile([claim])
    assert remembered(stage, other).intents
    outage(stage, "jira")
    stage.settle()
    both = remembered(stage, first)
    tick(stage, both, min(both.bound("sheets").keys() - both.bound("tracker").keys() - {PLAN_ITEM}))
    stage.settle()
    stage.plant.store.request([first, other], 0)
    stage.plant.engine.sweep(report)
    claims = stage.plant.store.claim("one", limit=10, lease_seconds=60)
    assert {each.key for each in claims} == {first, other}
    stage.plant.engine.reconcile(claims)
    (row,) = [each for each in stage.simulator.salesforce.org.rows("Onboarding__c") if each["Opportunity__c"] == first]
    assert row["Tasks_Done__c"] == 1
    assert remembered(stage, other).intents
