"""`closedwon amendments` and `closedwon upgrade`: what waits, a person's yes or no, and newer templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_desk import TEMPLATE, Desk

DOCS = Path(__file__).parents[2] / "docs"
EACH_LINE = """
  - phase: Work
    for_each: lines
    tasks:
      - {key: connect, name: "Connect {{ line.label }}", role: engineer, start: after prepare, days: 2, hours: 4}
"""


@pytest.fixture
def changed(desk: Desk) -> tuple[Desk, str]:
    """A deal that got a line after its plan was made."""
    (desk.folder / "small.yaml").write_text(TEMPLATE.rstrip() + EACH_LINE, encoding="utf-8")
    desk.run("reconcile")
    key = desk.win("Acme")
    assert desk.run("reconcile", "--deal", key).code == 0
    desk.act("salesforce", "add_line", id=key, product="ERP link", quantity=1, price=10)
    assert desk.run("reconcile", "--deal", key).code == 8
    return desk, key


def test_what_waits_is_shown_without_a_call_and_applied_as_shown(changed: tuple[Desk, str]) -> None:
    desk, key = changed
    calls = desk.calls()
    (told,) = desk.run("amendments", "--json").json["amendments"]
    assert (told["deal"], told["title"], told["reasons"][-1]) == (key, "Acme: Acme", "line added: ERP link, 1")
    (part,) = told["parts"]
    assert (part["kind"], part["item"], part["name"]) == ("add", "connect.erp_link", "Connect ERP link")
    assert desk.run("amendments", key, "--json").json["amendments"] == [told]
    assert "add connect.erp_link “Connect ERP link”" in desk.run("amendments", key).out
    assert desk.calls() == calls
    before = desk.records()
    desk.run("amendments", "apply", key, "--only", "elsewhere").refused(2, "AMEND-03", "connect.erp_link")
    done = desk.run("amendments", "apply", key, "--by", "mona", "--json")
    assert (done.code, sum(done.json["created"].values())) == (0, 2)
    assert desk.records() == (before[0] + 1, before[1], before[2])
    assert desk.run("amendments", "--json").json == {"amendments": [], "twins": {}}
    assert desk.run("verify").code == 0


def test_what_is_rejected_stays_away_with_its_reason(changed: tuple[Desk, str]) -> None:
    desk, key = changed
    before = desk.records()
    assert desk.run("amendments", "reject", key, "--reason", "by phone").code == 0
    assert desk.run("reconcile", "--all").code == 0
    assert desk.records() == before
    desk.run("amendments", "reject", key, "--reason", "twice").refused(2, "AMEND-03", "Nothing waits")
    desk.run("amendments", "006Wx0000000000AAA").refused(2, "AMEND-03", "no plan")


def test_a_newer_template_is_previewed_and_applied_plan_by_plan(desk: Desk) -> None:
    desk.run("reconcile")
    key, other = desk.win("Acme"), desk.win("Beta")
    desk.run("reconcile", "--deal", key, "--deal", other)
    desk.run("upgrade").refused(2, "USAGE-02")
    text = TEMPLATE.replace("hours: 3", "hours: 5").replace("Finish {{", "Close {{")
    file = desk.folder / "small.yaml"
    file.write_text(text, encoding="utf-8")
    desk.run("upgrade", "--all").refused(3, "TEMPLATE-CHANGED-01")
    file.write_text(text.replace('version: "1"', 'version: "2"'), encoding="utf-8")
    before = desk.records()
    told = desk.run("upgrade", "--all", "--json").json
    assert [plan["reasons"] for plan in told["plans"]] == [["template small: version 1 → 2"]] * 2
    fields = {(part["item"], part["field"]): part["new"] for part in told["plans"][0]["parts"]}
    assert fields == {("finish", "name"): "Close Acme", ("finish", "estimated_hours"): 5.0}
    assert desk.run("upgrade", "--all", "--json").json == told
    assert summaries(desk, "Close") == []
    assert desk.run("upgrade", key, "--apply", "--by", "mona").code == 0
    assert summaries(desk, "Close") == ["Close Acme"]
    assert [plan["deal"] for plan in desk.run("upgrade", "--all", "--json").json["plans"]] == [other]
    desk.run("upgrade", key, "--to", "9").refused(2, "UPGRADE-02", "small: 1, 2")
    (back,) = desk.run("upgrade", "--all", "--to", "1", "--json").json["plans"]
    assert (back["deal"], back["reasons"]) == (key, ["template small: version 2 → 1"])
    assert desk.run("upgrade", key, "--to", "1", "--apply").code == 0
    assert summaries(desk, "Close") == []
    assert desk.records() == before
    assert desk.run("verify").code == 0


def summaries(desk: Desk, beginning: str) -> list[Any]:
    found = (issue.summary for issue in desk.simulator.jira.site.issues.by_id.values())
    return [text for text in found if text.startswith(beginning)]


@pytest.mark.parametrize("words", [("amendments",), ("amendments", "apply"), ("amendments", "reject"), ("upgrade",)])
def test_the_help_of_these_commands_teaches(desk: Desk, words: tuple[str, ...]) -> None:
    ran = desk.run(*words, "--help")
    assert ran.code == 0
    assert f"Example: closedwon {words[0]}" in ran.out
    assert "Exit codes: 0 " in ran.out
    assert "--json" in ran.out
    assert f"## {words[0]}" in (DOCS / "commands.md").read_text(encoding="utf-8")
