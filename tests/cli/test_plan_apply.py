"""`plan` and `apply`: what is told is what is done, or nothing is."""

from __future__ import annotations

import threading
import time

import orjson
import pytest
from cli_desk import Desk

FAR_BACK = ("--won-since", "2020-01-01")


def test_a_plan_tells_every_write_its_reason_and_its_price_and_writes_nothing(desk: Desk) -> None:
    deal = desk.win("Acme [/b]")
    ran = desk.run("plan", *FAR_BACK)
    assert ran.code == 0
    assert f"Acme [/b]: Acme [/b] ({deal}, small)" in ran.out
    assert "create task prepare at tracker: not there yet" in ran.out
    assert "Task: Finish Acme [/b]" in ran.out
    assert "upsert onboarding onboarding at crm: roll-up of" in ran.out
    assert "tracker: 3 creates, 0 updates, 0 roll-ups; 2 calls to write" in ran.out
    assert "sheets: 3 creates, 0 updates, 0 roll-ups; 2 calls to write" in ran.out
    assert "left today" in ran.out
    assert desk.records() == (0, 0, 0)


def test_a_plan_as_json_is_one_object_with_the_price_and_the_quota(desk: Desk) -> None:
    deal = desk.win("Acme")
    told = desk.script("plan", *FAR_BACK, "--json", "--out", "p.json").json
    assert told["keys"] == [deal]
    assert told["summary"]["crm"]["rollups"] == 1
    assert told["summary"]["crm"]["quota_left"] > 0
    assert {step["reason"] for step in told["plans"][0]["steps"]} == {"not there yet"}
    assert orjson.loads((desk.folder / "p.json").read_bytes()) == told


def test_law_10_what_apply_does_is_what_the_plan_told(desk: Desk) -> None:
    desk.win("Acme")
    desk.win("Beta")
    told = desk.run("plan", *FAR_BACK, "--out", "p.json", "--json").json["summary"]
    done = desk.script("apply", "p.json", "--json")
    assert done.code == 0
    _same_numbers(told, done.json)
    assert desk.run("verify").code == 0


def test_law_10_holds_for_changes_and_hours_too(desk: Desk) -> None:
    desk.win("Acme")
    assert desk.run("backfill", *FAR_BACK).code == 0
    issues = [issue.id for issue in desk.simulator.jira.site.issues.by_id.values()]
    desk.act("jira", "edit_issue", issue=issues[1], fields={"summary": "Renamed"}, who="ada@example.com")
    desk.act("jira", "close_task", issue=issues[2], who="ada@example.com")
    told = desk.run("plan", "--out", "p.json", "--json").json["summary"]
    assert told["sheets"]["updates"] == 2
    assert told["crm"]["rollups"] == 1
    _same_numbers(told, desk.run("apply", "p.json", "--json").json)
    assert "Nothing to write: all sides agree." in desk.run("plan").out


def _same_numbers(told: dict[str, dict[str, int]], done: dict[str, object]) -> None:
    created, updated, calls = done["created"], done["updated"], done["calls"]
    assert isinstance(created, dict)
    assert isinstance(updated, dict)
    assert isinstance(calls, dict)
    for name, part in told.items():
        assert created.get(name, 0) == part["creates"]
        assert updated.get(name, 0) == part["updates"]
        assert part["calls"] <= calls[name] <= part["at_most"]
    assert done["rollups_written"] == told["crm"]["rollups"]


def test_a_plan_is_refused_when_its_deal_was_edited_since(desk: Desk) -> None:
    deal = desk.win("Acme")
    desk.run("plan", *FAR_BACK, "--out", "p.json")
    desk.act("salesforce", "edit_deal", id=deal, fields={"Name": "Acme, twice as large"})
    desk.script("apply", "p.json").refused(4, "APPLY-01", "Nothing was written", "make a new file", deal)
    assert desk.records() == (0, 0, 0)
    desk.run("reconcile")
    assert desk.records() == (0, 0, 0)  # a refused plan leaves no work behind


def test_a_plan_is_refused_when_somebody_made_it_true_meanwhile(desk: Desk) -> None:
    desk.win("Acme")
    desk.run("plan", *FAR_BACK, "--out", "p.json")
    assert desk.run("backfill", *FAR_BACK).code == 0
    before = desk.records()
    error = desk.run("apply", "p.json", "--json")
    assert error.code == 4
    assert error.json["error"]["code"] == "APPLY-01"
    assert desk.records() == before


def test_a_plan_is_refused_when_the_world_moves_between_the_look_and_the_write(desk: Desk) -> None:
    deal = desk.win("Acme")
    desk.run("plan", *FAR_BACK, "--out", "p.json")
    faults = desk.simulator.world.faults
    faults.add("delay", vendor="salesforce", endpoint="GET *query*", args={"seconds": 0.5})

    def edit_after_the_first_look() -> None:
        while not faults.hits:
            time.sleep(0.01)
        desk.act("salesforce", "edit_deal", id=deal, fields={"Name": "Acme, moved"})

    editor = threading.Thread(target=edit_after_the_first_look)
    editor.start()
    desk.run("apply", "p.json").refused(4, "APPLY-01", "moved while", "What was done before stays done")
    editor.join()
    assert desk.records() == (0, 0, 0)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"{", "this is no plan file"),
        (b'{"format": "closedwon-plan-1", "keys": []}', "this is no plan file of this version"),
        (b"[]", "this is no plan file"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_plan_file_of_this_version_is_refused(desk: Desk, content: bytes | None, what: str) -> None:
    if content is not None:
        (desk.folder / "p.json").write_bytes(content)
    desk.run("apply", "p.json").refused(3, "p.json:1:1", what, "Make one with `closedwon plan --out FILE`")


def test_a_plan_file_that_somebody_edited_is_refused(desk: Desk) -> None:
    desk.win("Acme")
    desk.run("plan", *FAR_BACK, "--out", "p.json")
    file = desk.folder / "p.json"
    file.write_bytes(file.read_bytes().replace(b"Prepare Acme", b"Prepare Evil"))
    desk.run("apply", "p.json").refused(3, "somebody edited them", "Make one with `closedwon plan --out FILE`")
    assert desk.records() == (0, 0, 0)


def test_a_plan_for_a_file_that_cannot_be_written_says_so(desk: Desk) -> None:
    desk.run("plan", "--out", "no/such/folder/p.json").refused(3, "no/such/folder/p.json", "Check the path")
