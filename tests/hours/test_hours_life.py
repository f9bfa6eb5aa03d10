"""Hours through a life: logged, edited, moved, deleted at the vendor, and to the second in the ledger and the CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors.base import TimeEntry
from sync.core.hours import Bucket, Ledger, ledger_of
from sync.demo.stage import Stage
from sync.engine.dossiers import dossiers
from sync.engine.ledgers import loose_time
from sync.engine.recount import recount
from sync.engine.report import Report


@pytest.fixture
def stage(database: str) -> Iterator[Stage]:
    with Stage(store=database) as stage:
        stage.sweep()
        yield stage


def act(stage: Stage, action: str, **args: Any) -> dict[str, Any]:
    with stage.simulator.world.lock:
        return dict(stage.simulator.jira.act(action, args))


def issues(stage: Stage, key: str) -> dict[str, str]:
    return {b.item: b.ref.id for b in stage.plant.store.load([key])[key].bindings if b.connection == "tracker"}


def won(stage: Stage, name: str = "Acme", **deal: Any) -> tuple[str, dict[str, str]]:
    key = stage.win(name=name, account=name, hours=40, **deal)
    stage.sweep()
    return key, issues(stage, key)


def book(stage: Stage, key: str) -> Ledger:
    context = stage.plant.engine.context()
    (dossier,) = dossiers(stage.plant.store, [key])
    return ledger_of(dossier, context.mappings.hours, context.today)


def caught_up(stage: Stage) -> None:
    """Let Jira's silent minute pass, take in the changes, and see every second proved."""
    stage.settle()
    stage.sweep()
    proof = stage.prove()
    assert proof.sound, proof.examples
    seconds = proof.seconds["tracker"]
    assert seconds["vendor"] == seconds["stored"] == seconds["in_buckets"] == _at_the_vendor(stage)


def _at_the_vendor(stage: Stage) -> int:
    with stage.simulator.world.lock:
        logs = stage.simulator.jira.site.worklogs.by_id.values()
        return sum(log.seconds for log in logs)


def in_crm(stage: Stage, key: str) -> dict[str, Any]:
    crm = stage.plant.connections["crm"]
    return next(dict(record.fields) for record in crm.inventory() if record.write_key == key)


def test_edits_moves_and_deletions_are_carried_through_to_the_second(stage: Stage) -> None:
    key, issue = won(stage)
    other, others = won(stage, "Other")
    logs = [
        act(stage, "log_time", issue=issue["handoff_call"], seconds=seconds, who="ada@example.com")["worklog"]
        for seconds in (3600, 1801, 59)
    ]
    caught_up(stage)
    assert (book(stage, key).counted, book(stage, other).counted) == (5460, 0)
    act(stage, "edit_worklog", worklog=logs[0], seconds=7199)
    act(stage, "move_worklog", worklog=logs[1], issue=others["handoff_call"])
    act(stage, "delete_worklog", worklog=logs[2])
    caught_up(stage)
    assert (book(stage, key).counted, book(stage, other).counted) == (7199, 1801)
    assert in_crm(stage, key)["Hours_Tracked__c"] == 2.0
    assert in_crm(stage, other)["Hours_Remaining__c"] == 39.5


def test_time_logged_in_jiras_silent_minute_is_not_lost_by_looking_too_early(stage: Stage) -> None:
    key, issue = won(stage)
    stage.settle()
    for _ in range(8):
        act(stage, "log_time", issue=issue["handoff_call"], seconds=61, who="ada@example.com")
        stage.sleep(25)
        stage.sweep()
    caught_up(stage)
    assert book(stage, key).counted == 8 * 61


def test_time_on_the_epic_counts_and_time_on_a_foreign_issue_is_unattributed(stage: Stage) -> None:
    key, issue = won(stage)
    act(stage, "log_time", issue=issue["plan"], seconds=600, who="ada@example.com")
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Something else"}
    foreign = act(stage, "create_issue", fields=fields)["key"]
    act(stage, "log_time", issue=foreign, seconds=700, who="ada@example.com")
    caught_up(stage)
    context = stage.plant.engine.context()
    loose = list(loose_time(stage.plant.store, context.mappings.hours, context.today))
    assert [(placed.bucket, placed.seconds) for placed in loose] == [(Bucket.UNATTRIBUTED, 700)]
    assert book(stage, key).sums(lambda placed: placed.logged.item)["plan"][Bucket.COUNTED] == 600


def test_what_the_rules_do_not_count_reaches_the_tasks_column_but_not_the_crm(stage: Stage) -> None:
    key, issue = won(stage)
    future = (stage.clock.now() + timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    act(stage, "log_time", issue=issue["kickoff_call"], seconds=3600, started=future)
    act(stage, "log_time", issue=issue["kickoff_call"], seconds=25 * 3600)
    act(stage, "log_time", issue=issue["kickoff_call"], seconds=1800)
    caught_up(stage)
    found = book(stage, key)
    assert (found.seconds[Bucket.REJECTED], found.counted) == (26 * 3600, 1800)
    assert in_crm(stage, key)["Hours_Tracked__c"] == 0.5
    tasks = {r.write_key: r.fields for r in stage.plant.connections["sheets"].inventory()}
    assert float(tasks[f"{key}:kickoff_call"]["Tracked hours"]) == 26.5


def test_verify_tells_every_second_that_is_not_as_the_vendor_has_it(stage: Stage) -> None:
    _, issue = won(stage)
    log = act(stage, "log_time", issue=issue["handoff_call"], seconds=3600)["worklog"]
    caught_up(stage)
    store = stage.plant.store
    (kept,) = store.entries("tracker")
    assert kept.id == log
    act(stage, "edit_worklog", worklog=log, seconds=3599)
    proof = stage.prove()  # in Jira's silent minute: its feed hides the entry, asked for by id it shows
    assert (proof.time_off, proof.sound) == (1, False)
    assert proof.examples == [
        f"tracker: time entry {log} is 3599 s on record {kept.record_id} there and 3600 s on record {kept.record_id} here"
    ]
    act(stage, "delete_worklog", worklog=log)
    assert "is not there there" in stage.prove().examples[0]
    store.put_time("tracker", [TimeEntry("7", "1", "x", 5, kept.started, kept.updated)])
    assert stage.prove().time_off == 2


def recounted(stage: Stage) -> None:
    """What `reconcile --all` does of it."""
    recount(stage.plant.connections, store=stage.plant.store, report=Report())
    stage.plant.engine.drain()


def test_time_of_a_deleted_issue_of_nobody_goes_when_all_is_read_anew(stage: Stage) -> None:
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Something else"}
    foreign = act(stage, "create_issue", fields=fields)["key"]
    act(stage, "log_time", issue=foreign, seconds=700)
    caught_up(stage)
    act(stage, "delete_issue", issue=foreign)  # of which Jira's feed of removed worklogs says nothing
    stage.settle()
    stage.sweep()
    assert (stage.prove().time_off, stage.plant.store.time_totals("tracker")) == (1, (0, 700))
    recounted(stage)
    caught_up(stage)
    assert stage.plant.store.time_totals("tracker") == (0, 0)


def test_time_of_a_deleted_task_stays_until_a_person_has_judged_and_is_told_as_held(stage: Stage) -> None:
    key, issue = won(stage)
    act(stage, "log_time", issue=issue["handoff_call"], seconds=700)
    caught_up(stage)
    act(stage, "delete_issue", issue=issue["handoff_call"])
    stage.settle()
    stage.plant.engine.store.request([key], 0)
    stage.sweep()
    recounted(stage)
    proof = stage.prove()
    assert (proof.sound, proof.seconds["tracker"]["stored"], book(stage, key).counted) == (True, 700, 700)
    assert proof.held >= 2  # the record, and its time
    assert "MISSING-01" in {held.code for held in stage.plant.store.quarantined()}


def test_time_of_a_deleted_task_goes_at_once_where_the_feed_tells_of_it(stage: Stage) -> None:
    key, issue = won(stage)
    stage.simulator.jira.knobs["deleted_issues_in_worklog_feed"] = True
    act(stage, "log_time", issue=issue["handoff_call"], seconds=700)
    caught_up(stage)
    act(stage, "delete_issue", issue=issue["handoff_call"])
    stage.settle()
    stage.sweep()
    assert book(stage, key).total == 0


def test_reading_all_anew_brings_back_what_a_store_lost_and_leaves_alone_what_it_has(stage: Stage) -> None:
    key, issue = won(stage)
    for seconds in (60, 120):
        act(stage, "log_time", issue=issue["handoff_call"], seconds=seconds, who="ada@example.com")
    caught_up(stage)
    store = stage.plant.store
    (first, _) = store.entries("tracker")
    store.drop_time("tracker", [first.id])
    assert recount(stage.plant.connections, store=store, report=Report()) == {key}
    assert book(stage, key).total == 180
    assert recount(stage.plant.connections, store=store, report=Report()) == frozenset()


def test_time_of_somebody_who_left_counts(stage: Stage) -> None:
    key, issue = won(stage)
    act(stage, "log_time", issue=issue["handoff_call"], seconds=900, who="dan@example.com")
    caught_up(stage)
    with stage.simulator.world.lock:
        users = stage.simulator.jira.site.schema.users
        next(user for user in users.values() if user.email == "dan@example.com").active = False
    act(stage, "log_time", issue=issue["handoff_call"], seconds=60, who="ada@example.com")
    caught_up(stage)
    assert book(stage, key).counted == 960
