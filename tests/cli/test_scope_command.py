"""`closedwon scope`: plans against what was sold, deals that wait for their handoff, and the same in `closedwon plan`."""

from __future__ import annotations

from typing import Any

import pytest
from cli_desk import TODAY, Desk

from mappings.load import DEFAULT_MAPPINGS

LINES = [{"product": "Gold care", "family": "Support", "quantity": 1, "price": 100}]


@pytest.fixture
def expecting(desk: Desk) -> Desk:
    """A desk whose mapping has expectations, and whose tasks take five hours."""
    text = DEFAULT_MAPPINGS.read_text(encoding="utf-8")
    wanted = "deals:\n  handoff: {required: [kickoff_notes]}\n"
    text = text.replace("deals:\n", wanted, 1).replace("launch_days: 120", "launch_days: 30")
    (desk.folder / "mapping.yaml").write_text(text, encoding="utf-8")
    desk.configure(mapping="mapping.yaml")
    desk.run("reconcile", "--changed")
    return desk


def win(desk: Desk, name: str, **deal: Any) -> str:
    return desk.win(name, **{"fields": {"Kickoff_Notes__c": "Ring twice"}, **deal})


def test_what_differs_from_what_was_sold_is_told_before_and_after_the_plan_is_made(expecting: Desk) -> None:
    key = win(expecting, "Acme", hours=4, lines=LINES)
    told = expecting.run("plan", "--deal", key, "--json").json["scope"][key]
    codes = ["SCOPE-UNPLANNED-01", "SCOPE-HOURS-01", "SCOPE-LAUNCH-01"]
    assert [flag["code"] for flag in told] == codes
    assert "Scope: " in expecting.run("plan", "--deal", key).out
    assert expecting.run("reconcile", "--deal", key).code == 0
    calls = expecting.calls()
    ran = expecting.run("scope", key, "--json")
    assert ran.code == 8
    [one] = ran.json["onboardings"]
    assert [flag["code"] for flag in one["flags"]] == codes
    assert "5 hours, and 4 are contracted" in one["flags"][1]["text"]
    assert expecting.calls() == calls
    assert "Gold care was sold, and nothing in the plan is there for it" in expecting.run("scope").out


def test_a_plan_file_holds_with_its_flags(expecting: Desk) -> None:
    win(expecting, "Acme", hours=4)
    assert expecting.run("plan", "--won-since", TODAY, "--out", "plan.json").code == 0
    assert expecting.run("apply", "plan.json").code == 0


def test_deals_that_wait_for_sales_are_listed_with_what_is_missing(expecting: Desk) -> None:
    key = win(expecting, "Late", fields={})
    expecting.run("reconcile", "--deal", key)
    ran = expecting.run("scope", key)
    assert ran.code == 8
    assert "HANDOFF-01" in ran.out
    assert "Kickoff_Notes__c is empty" in ran.out
    assert expecting.run("scope", "--json").json["waiting"][0]["key"] == key


def test_what_is_as_sold_ends_well_and_an_unknown_deal_does_not(desk: Desk) -> None:
    desk.run("reconcile", "--changed")
    key = desk.win("Acme")
    desk.run("reconcile", "--deal", key)
    ran = desk.run("scope")
    assert (ran.code, ran.out) == (0, "1 of 1 plans are as sold; 0 deals wait for sales to hand over.\n")
    desk.run("scope", "006000000000000AAA").refused(2, "SCOPE-02", "No plan is known for 006000000000000AAA")
