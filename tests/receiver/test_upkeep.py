"""Webhooks that stay alive: what the daemon's hourly look puts right, what it leaves to a person, what it tells."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import orjson
import pytest
from hooks_rig import act, install, serving, until

from sync.cli.app import main
from sync.core.model import PLAN_ITEM
from sync.daemon import Daemon, Schedules
from sync.demo.stage import Stage
from sync.health import Metrics
from sync.hooks import Upkeep
from sync.receiver import Receiver
from sync.work import WorkerSettings


@pytest.fixture
def receiver(stage: Stage) -> Iterator[Receiver]:
    """A receiver that has told all vendors of itself; its own worker does nothing, so that a lost event is lost."""
    stage.win(name="Acme", account="Acme")
    stage.sweep()
    with serving(stage, working=False) as receiver:
        for connection in ("tracker", "sheets"):
            install(stage, receiver, connection)
        yield receiver


def upkeep(stage: Stage, receiver: Receiver) -> Upkeep:
    return Upkeep(connections=stage.plant.connections, store=stage.plant.store, url=receiver.url, now=stage.clock.now)


def kept(stage: Stage, connection: str) -> dict:
    return next(dict(one.value) for one in stage.plant.store.kept("webhooks", "") if one.name == connection)


def drop(stage: Stage, status: str) -> None:
    """Have Smartsheet switch its webhook off, which forgets what waited."""
    with stage.simulator.world.lock:
        [hook] = stage.simulator.smartsheet.webhooks.all.values()
        hook.enabled, hook.status = False, status


def status_of(stage: Stage) -> str:
    [hook] = stage.simulator.smartsheet.webhooks.all.values()
    return hook.status


def test_webhooks_that_are_well_cost_one_call_a_connection_and_are_told_as_they_are(stage, receiver):
    before = stage.plant.calls()
    assert upkeep(stage, receiver).look() is False
    spent = {name: count - before[name] for name, count in stage.plant.calls().items()}
    assert spent == {"crm": 0, "tracker": 1, "sheets": 1}
    assert kept(stage, "sheets") == {"code": "", "states": {"ENABLED": 1}}
    assert kept(stage, "tracker") == {"code": "", "states": {"enabled": 1}}
    assert upkeep(stage, receiver).troubles() == {}


def test_a_webhook_that_smartsheet_dropped_is_enabled_again_and_what_it_did_not_tell_is_found_by_looking(stage):
    stage.win(name="Acme", account="Acme")
    stage.sweep()
    stage.simulator.smartsheet.knobs["webhook_retries"] = 0
    with serving(stage, working=False) as receiver:
        install(stage, receiver, "sheets")
        url, port = receiver.url, receiver.port
    row = next(b for b in stage.plant.store.bindings_of("sheets") if b.item != PLAN_ITEM)
    act(stage, "smartsheet", "tick_row", sheet=row.ref.container, row=int(row.ref.id), who="dan@example.com")
    until(lambda: status_of(stage) == "DISABLED_CALLBACK_FAILED")
    with serving(stage, working=False, port=port) as receiver:
        assert receiver.url == url
        assert upkeep(stage, receiver).look() is True
        assert status_of(stage) == "ENABLED"
        assert kept(stage, "sheets") == {"code": "", "states": {"ENABLED": 1}}
        assert stage.plant.store.take_events(10) == ()  # Smartsheet tells nothing of the gap
        stage.settle()
        stage.sweep()
    task = next(b for b in stage.plant.store.bindings_of("tracker") if b.item == row.item)
    assert stage.simulator.jira.site.issue(task.ref.id).status.name == "Done"


@pytest.mark.parametrize("status", ["DISABLED_BY_OWNER", "DISABLED_ADMINISTRATIVE", "DISABLED_APP_REVOKED"])
def test_what_a_person_switched_off_stays_off_and_is_told(stage, receiver, status):
    drop(stage, status)
    look = upkeep(stage, receiver)
    assert look.look() is False
    assert status_of(stage) == status
    assert kept(stage, "sheets") == {"code": "WEBHOOK-DISABLED-01", "states": {status: 1}}
    assert look.troubles() == {"webhooks of sheets": "WEBHOOK-DISABLED-01"}


def test_jiras_webhook_which_only_a_person_can_switch_off_is_told_and_left(stage, receiver):
    with stage.simulator.world.lock:
        [hook] = stage.simulator.jira.site.webhooks.by_id.values()
        hook.enabled = False
    look = upkeep(stage, receiver)
    look.look()
    assert not hook.enabled
    assert look.troubles() == {"webhooks of tracker": "WEBHOOK-DISABLED-01"}


def test_what_new_plans_live_in_is_registered_too_once_somebody_began(stage, receiver):
    stage.win(name="Betatech", account="Betatech")
    stage.sweep()
    assert upkeep(stage, receiver).look() is True  # it was not watched for a while
    assert kept(stage, "sheets") == {"code": "", "states": {"ENABLED": 2}}
    assert len(stage.simulator.jira.site.webhooks.by_id) == 1


def test_the_first_webhook_is_a_persons_to_register(stage):
    stage.win(name="Acme", account="Acme")
    stage.sweep()
    with serving(stage, working=False) as receiver:
        look = upkeep(stage, receiver)
        assert look.look() is False
    assert stage.simulator.smartsheet.webhooks.all == {}
    assert stage.simulator.jira.site.webhooks.by_id == {}
    lacking = "WEBHOOK-LACKING-01"
    assert look.troubles() == {"webhooks of sheets": lacking, "webhooks of tracker": lacking}


def test_a_sheet_that_is_gone_is_nobodys_concern(stage, receiver):
    stage.win(name="Betatech", account="Betatech")
    stage.sweep()
    upkeep(stage, receiver).look()
    with stage.simulator.world.lock:
        first, *_ = stage.simulator.smartsheet.webhooks.all.values()
        first.enabled, first.status, first.sheet = False, "DISABLED_SCOPE_INACCESSIBLE", 1
    look = upkeep(stage, receiver)
    look.look()
    assert look.troubles() == {}


def test_a_vendor_that_cannot_be_asked_changes_nothing_of_what_is_known(stage, receiver):
    look = upkeep(stage, receiver)
    look.look()
    known = kept(stage, "sheets")
    refusal = {"status": 503, "headers": {"Retry-After": "100"}}
    stage.simulator.world.faults.add("status", vendor="smartsheet", times=None, args=refusal)
    assert look.look() is False
    assert kept(stage, "sheets") == known


def test_a_missing_right_to_look_after_them_is_told_by_its_own_code(stage, receiver):
    refusal = {"status": 403}
    endpoint = "GET /rest/webhooks/1.0/webhook"
    stage.simulator.world.faults.add("status", vendor="jira", endpoint=endpoint, times=None, args=refusal)
    look = upkeep(stage, receiver)
    look.look()
    assert look.troubles() == {"webhooks of tracker": "JIRA-AUTH-03"}
    assert kept(stage, "sheets")["code"] == ""


def test_trouble_is_in_the_daemons_pages_figures_and_status_until_somebody_renews(stage, receiver, capsys):
    with stage.config.open("a", encoding="utf-8") as file:
        file.write(f"receiver: {{url: '{receiver.url}'}}\n")
    metrics = Metrics()
    metrics.read(stage.plant.store, stage.clock.now)
    daemon = Daemon(
        engine=stage.plant.engine,
        store=stage.plant.store,
        gates={},
        metrics=metrics,
        schedules=Schedules({"webhooks": "0 * * * *"}),
        settings=WorkerSettings("one"),
        now=stage.clock.now,
        hurry=threading.Event(),
        upkeep=upkeep(stage, receiver),
    )
    drop(stage, "DISABLED_BY_OWNER")
    daemon.fire_due()
    stage.sleep(3600)
    daemon.fire_due()
    daemon._running["webhooks"].result(30)
    assert daemon.troubles() == {"webhooks of sheets": "WEBHOOK-DISABLED-01"}
    assert daemon.ailments() == {}  # a restart would not help
    assert 'closedwon_webhooks{connection="sheets",state="DISABLED_BY_OWNER"} 1.0' in metrics.text().decode()

    def told(*words: str) -> dict:
        capsys.readouterr()
        assert main([*words, "--config", str(stage.config), "--json"]) == 0
        return orjson.loads(capsys.readouterr().out)

    assert told("status")["connections"]["sheets"]["webhooks"]["code"] == "WEBHOOK-DISABLED-01"
    told("webhooks", "renew")
    assert daemon.troubles() == {}
    assert told("status")["connections"]["sheets"]["webhooks"]["states"] == {"ENABLED": 1}
