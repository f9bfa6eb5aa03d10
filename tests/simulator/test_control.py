"""The simulator as one object and its control API, as any other program would use it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.app import Simulator
from simulator.clock import Clock
from simulator.jira.people import ACTIONS as JIRA_ACTIONS
from simulator.smartsheet.people import ACTIONS as SMARTSHEET_ACTIONS

SMARTSHEET = {"Authorization": "Bearer simulator-token"}
JIRA = ("closedwon@example.com", "simulator-token")
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
COLUMNS = [
    {"title": "Task", "type": "TEXT_NUMBER", "primary": True},
    {"title": "Done", "type": "CHECKBOX"},
    {"title": "Due", "type": "DATE"},
]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(seed=3, clock=Clock(START, frozen=True)) as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Simulator:
    with running.world.lock:
        running.world.clock.set(START)
        running.control.reset()
    return running


def control(simulator: Simulator, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
    return requests.request(method, simulator.urls["control"] + path, json=body, params=params, timeout=10)


def make_sheet(simulator: Simulator, rows: int = 0) -> int:
    base = simulator.urls["smartsheet"] + "/2.0/sheets"
    made = requests.post(base, json={"name": "Plan", "columns": COLUMNS}, headers=SMARTSHEET, timeout=10).json()[
        "result"
    ]
    task, _, due = (column["id"] for column in made["columns"])
    cells = [{"columnId": task, "value": "a"}, {"columnId": due, "value": "2026-12-01"}]
    body = [{"toBottom": True, "cells": cells}] * rows
    if rows:
        assert requests.post(f"{base}/{made['id']}/rows", json=body, headers=SMARTSHEET, timeout=10).ok
    number: int = made["id"]
    return number


def test_every_vendor_and_the_control_api_answer_on_their_own_ports(simulator: Simulator):
    assert set(simulator.urls) == {*simulator.vendors, "control"}
    assert len(set(simulator.urls.values())) == len(simulator.urls)
    assert control(simulator, "GET", "/health").json()["vendors"] == sorted(simulator.vendors)
    assert requests.get(simulator.urls["jira"] + "/rest/api/3/myself", auth=JIRA, timeout=10).ok


def test_calls_are_counted_per_endpoint_and_the_control_apis_own_are_not(simulator: Simulator):
    make_sheet(simulator)
    control(simulator, "GET", "/state")
    counted = control(simulator, "GET", "/calls").json()
    assert counted["endpoints"]["smartsheet"] == {"POST /2.0/sheets": 1}
    assert sum(counted["total"].values()) == 1
    (entry,) = control(simulator, "GET", "/log", last=5).json()["calls"]
    assert entry == {"vendor": "smartsheet", "endpoint": "POST /2.0/sheets", "target": "/2.0/sheets", "status": 200}
    control(simulator, "DELETE", "/calls")
    assert control(simulator, "GET", "/calls").json()["total"]["smartsheet"] == 0


def test_the_state_shows_what_all_vendors_hold(simulator: Simulator):
    sheet = make_sheet(simulator, rows=2)
    whole = control(simulator, "GET", "/state").json()
    assert set(whole) == set(simulator.vendors)
    part = control(simulator, "GET", "/state", vendor="smartsheet").json()["smartsheet"]
    assert part == whole["smartsheet"]
    assert [(each["id"], len(each["rows"])) for each in part["sheets"]] == [(sheet, 2)]


def test_a_fault_can_be_planted_seen_and_cleared(simulator: Simulator):
    rule = {"fault": "status", "vendor": "smartsheet", "args": {"status": 418}}
    assert control(simulator, "POST", "/faults", rule).status_code == 200
    assert requests.get(simulator.urls["smartsheet"] + "/2.0/sheets", headers=SMARTSHEET, timeout=10).status_code == 418
    told = control(simulator, "GET", "/faults").json()
    assert (told["hits"], told["rules"][0]["hits"]) == ({"status": 1}, 1)
    assert control(simulator, "DELETE", "/faults").json() == {"rules": [], "hits": {}}


def test_the_clock_can_be_set_advanced_frozen_and_sped_up(simulator: Simulator):
    set_to = control(simulator, "POST", "/clock", {"freeze": True, "set": "2027-01-01T00:00:00+00:00", "advance": 90})
    assert set_to.json()["now"] == "2027-01-01T00:01:30+00:00"
    control(simulator, "POST", "/clock", {"freeze": False, "rate": 1_000_000})
    first = control(simulator, "GET", "/clock").json()["epoch_ms"]
    assert control(simulator, "GET", "/clock").json()["epoch_ms"] - first > 60_000
    control(simulator, "POST", "/clock", {"freeze": True, "rate": 1})


def test_what_is_due_happens_when_the_clock_is_advanced(simulator: Simulator):
    control(simulator, "POST", "/knobs/smartsheet", {"list_lag_seconds": 30})
    make_sheet(simulator)
    base = simulator.urls["smartsheet"] + "/2.0/sheets"
    assert requests.get(base, headers=SMARTSHEET, timeout=10).json()["totalCount"] == 0
    control(simulator, "POST", "/clock", {"advance": 30})
    assert requests.get(base, headers=SMARTSHEET, timeout=10).json()["totalCount"] == 1


def test_the_courier_can_be_made_unreliable(simulator: Simulator):
    assert control(simulator, "POST", "/courier", {"loss": 0.5}).json()["knobs"]["loss"] == 0.5


def test_a_person_can_be_sent_to_do_one_thing(simulator: Simulator):
    sheet = make_sheet(simulator, rows=1)
    body = {"vendor": "smartsheet", "action": "tick_row", "args": {"sheet": sheet, "row": 1, "who": "dan@example.com"}}
    assert control(simulator, "POST", "/people", body).json()["version"] == 2
    row = simulator.smartsheet.dump()["sheets"][0]["rows"][0]
    assert row["cells"]["Done"] is True


def make_issues(simulator: Simulator, number: int) -> None:
    for each in range(number):
        fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": f"Task {each}"}
        simulator.jira.act("create_issue", {"fields": fields})


def test_people_edit_on_their_own_and_the_same_seed_gives_the_same_day(simulator: Simulator):
    def day() -> tuple[list[Any], Any]:
        simulator.control.reset()
        make_sheet(simulator, rows=5)
        make_issues(simulator, 5)
        done = control(simulator, "POST", "/people", {"steps": 60}).json()["done"]
        return done, simulator.smartsheet.dump()

    done, state = day()
    assert day() == (done, state)
    kinds = {(step["vendor"], step["action"]) for step in done}
    assert kinds >= {
        ("jira", "log_time"),
        ("jira", "close_task"),
        ("smartsheet", "tick_row"),
        ("smartsheet", "move_date"),
        ("smartsheet", "comment"),
    }
    assert kinds & {("smartsheet", "rename_column"), ("jira", "rename_status")}


def test_people_who_are_refused_leave_and_the_day_goes_on(simulator: Simulator):
    make_issues(simulator, 2)
    for kind in simulator.jira.site.schema.types.values():
        kind.workflow.transitions.clear()
    done = control(simulator, "POST", "/people", {"steps": 30}).json()["done"]
    assert {step["action"] for step in done} >= {"log_time"}
    assert "close_task" not in {step["action"] for step in done}


def test_a_reset_forgets_everything_but_the_time(simulator: Simulator):
    make_sheet(simulator)
    control(simulator, "POST", "/faults", {"fault": "html"})
    control(simulator, "POST", "/knobs/smartsheet", {"list_lag_seconds": 30})
    control(simulator, "POST", "/clock", {"advance": 30})
    control(simulator, "POST", "/reset")
    assert control(simulator, "GET", "/state").json()["smartsheet"]["sheets"] == []
    assert control(simulator, "GET", "/faults").json()["rules"] == []
    assert control(simulator, "GET", "/knobs/smartsheet").json()["list_lag_seconds"] == 0
    assert control(simulator, "GET", "/clock").json()["now"] == "2026-11-02T09:00:30+00:00"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "hint"),
    [
        ("GET", "/nowhere", None, 404, "GET / lists"),
        ("POST", "/faults", {"vendor": "jira"}, 400, "give a rule"),
        ("POST", "/faults", {"fault": "html", "chance": 1}, 400, "its parts are"),
        ("POST", "/clock", {"jump": 1}, 400, "the clock takes"),
        ("POST", "/clock", {"set": "2027-01-01T00:00:00"}, 400, "time zone"),
        ("POST", "/clock", {"advance": "soon"}, 400, "number of seconds"),
        ("POST", "/knobs/smartsheet", {"lag": 1}, 400, "list_lag_seconds"),
        ("GET", "/knobs/netsuite", None, 404, "smartsheet"),
        ("POST", "/people", {"vendor": "smartsheet", "action": "dance"}, 400, "docs/simulator.md"),
        ("POST", "/people", {"vendor": "smartsheet", "action": "tick_row", "args": {"sheet": "X"}}, 400, "no sheet"),
        ("POST", "/people", [], 400, "JSON object"),
        ("GET", "/log?last=all", None, 400, "not a number"),
    ],
)
def test_a_wrong_request_is_told_what_to_do(simulator: Simulator, method, path, body, status, hint):
    answer = control(simulator, method, path, body)
    assert answer.status_code == status
    assert hint in answer.json()["error"]


def test_the_manual_names_every_endpoint_knob_and_action(simulator: Simulator):
    manual = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
    names = [*control(simulator, "GET", "/").json()["endpoints"], *simulator.smartsheet.knobs]
    names += [*SMARTSHEET_ACTIONS, *JIRA_ACTIONS]
    assert [name for name in names if f"`{name}`" not in manual] == []
