"""The commands as a user meets them: what they do, what they print, how they end."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import orjson
import pytest
from cli_desk import SCRIPT, TODAY, Desk

SINCE = ("--won-since", "2020-01-01")
COMMANDS = (
    "demo",
    "simulator",
    "doctor",
    "status",
    "verify",
    "release",
    "plan",
    "apply",
    "reconcile",
    "backfill",
    "receiver",
)
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_teaches(desk: Desk, command: str) -> None:
    ran = desk.run(command, "--help")
    assert ran.code == 0
    assert f"Example: closedwon {command}" in ran.out
    assert "Exit codes: 0 " in ran.out
    assert "--json" in ran.out
    assert f"## {command}" in (DOCS / "commands.md").read_text(encoding="utf-8")


def test_the_help_names_all_commands_and_all_exit_codes(desk: Desk) -> None:
    ran = desk.script()
    assert ran.code == 0
    for word in (*COMMANDS, "130", "interrupted"):
        assert word in ran.out


def test_the_version_is_told(desk: Desk) -> None:
    ran = desk.script("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("closedwon 0.")


def test_reconcile_makes_plans_of_deals_won_since_it_first_looked(desk: Desk) -> None:
    assert desk.run("reconcile", "--json").json["looked"] == 0
    desk.win("After")
    done = desk.script("reconcile", "--changed", "--json")
    assert done.code == 0
    assert done.json["planned"] == 1
    assert done.json["rollups_written"] == 1
    assert set(done.json["calls"]) == {"crm", "tracker", "sheets"}
    assert desk.records() == (3, 1, 1)


def test_reconcile_of_one_deal_leaves_the_others(desk: Desk) -> None:
    first, _ = desk.win("Acme"), desk.win("Beta")
    assert desk.run("reconcile", "--deal", first, "--json").json["planned"] == 1
    assert desk.records() == (3, 1, 1)


def test_reconcile_all_mends_what_was_spoilt_behind_our_back(desk: Desk) -> None:
    desk.win("Acme")
    desk.run("backfill", *SINCE)
    spoil(desk)
    desk.run("verify").refused(7, "UNEQUAL-01", "`closedwon reconcile --all`")
    done = desk.run("reconcile", "--all", "--json").json
    assert (done["looked"], sum(done["updated"].values())) == (1, 1)
    assert desk.run("verify").code == 0


def spoil(desk: Desk) -> None:
    sheet = next(iter(desk.simulator.smartsheet.state.sheets.values()))
    desk.act("smartsheet", "set_cell", sheet=sheet.id, row=1, column="Task", value="Spoilt", who="dan@example.com")


def test_backfill_shows_a_bar_on_stderr_and_counts_on_stdout(desk: Desk) -> None:
    for number in range(3):
        desk.win(f"Customer {number}")
    done = desk.script("backfill", *SINCE, "--json")
    assert done.code == 0
    assert done.json["planned"] == 3
    assert "Onboardings" in done.err
    assert "3/3 100%" in done.err
    assert desk.records() == (9, 3, 3)


def test_backfill_takes_no_more_than_its_limit_and_goes_on_from_there(desk: Desk) -> None:
    for number in range(3):
        desk.win(f"Customer {number}")
    assert desk.run("backfill", *SINCE, "--limit", "2", "--json").json["planned"] == 2
    assert desk.run("backfill", *SINCE, "--json").json["planned"] == 1
    again = desk.run("backfill", *SINCE, "--json").json
    assert (again["planned"], again["writes"]) == (0, 0)


def test_backfill_of_other_days_plans_nothing(desk: Desk) -> None:
    desk.win("Acme")
    assert desk.run("backfill", "--won-until", "2020-01-01", "--json").json["planned"] == 0
    assert desk.run("backfill", "--won-since", TODAY, "--won-until", TODAY, "--json").json["planned"] == 1


@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
def test_a_backfill_that_was_killed_goes_on_at_once_where_it_stopped(desk: Desk, fault: str) -> None:
    for number in range(4):
        desk.win(f"Customer {number}")
    desk.configure(engine={"batch": 2})
    victim = subprocess.Popen(
        [SCRIPT, "backfill", *SINCE], cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    rows = "POST /2.0/sheets/{id}/rows"
    desk.simulator.world.faults.add(fault, vendor="smartsheet", endpoint=rows, skip=2, args={"pid": victim.pid})
    victim.communicate(timeout=300)
    assert victim.returncode == -signal.SIGKILL
    done = desk.run("backfill", *SINCE, "--json")
    assert done.code == 0, done.err
    assert done.json["waiting"] == 0
    assert desk.records() == (12, 4, 4)
    proof = desk.run("verify", "--json")
    assert (proof.code, proof.json["onboardings"], proof.json["duplicates"]) == (0, 4, 0)


def test_status_calls_no_vendor_and_shows_what_is_held_back_and_why(desk: Desk) -> None:
    deal = desk.win("Acme", hours=-5)
    desk.run("backfill", *SINCE).refused(8, "HELD-01", "1 onboarding is partly held back", "`closedwon status`")
    before = desk.calls()
    ran = desk.script("status", "--json")
    assert ran.code == 0
    (held,) = ran.json["held"]
    assert (held["key"], held["code"]) == (deal, "DEAL-CHECK-01")
    assert "correct Contracted_Hours__c" in held["message"]
    assert ran.json["counts"]["held"] == 1
    assert "DEAL-CHECK-01" in desk.run("status").out
    assert desk.calls() == before


def test_status_works_while_no_vendor_can_be_reached(desk: Desk) -> None:
    desk.configure(crm={"url": "http://127.0.0.1:1"}, tracker={"url": "http://127.0.0.1:1"})
    assert desk.run("status").code == 0


def test_verify_tells_edits_behind_our_back_with_examples(desk: Desk) -> None:
    desk.win("Acme")
    desk.run("backfill", *SINCE)
    assert desk.run("verify", "--json").json["examples"] == []
    spoil(desk)
    ran = desk.script("verify", "--json")
    assert ran.code == 7
    assert ran.json["unequal"] == 1
    assert "name is 'Prepare Acme' at tracker and differs at sheets" in ran.json["examples"][0]


def test_verify_tells_a_doubled_row_and_a_vanished_issue(desk: Desk) -> None:
    desk.win("Acme")
    desk.run("backfill", *SINCE)
    sheet = next(iter(desk.simulator.smartsheet.state.sheets.values()))
    issue = list(desk.simulator.jira.site.issues.by_id.values())[-1]
    desk.act("smartsheet", "copy_row", sheet=sheet.id, row=1, who="dan@example.com")
    desk.act("jira", "delete_issue", issue=issue.id, who="ada@example.com")
    ran = desk.run("verify", "--json")
    assert ran.code == 7
    assert (ran.json["duplicates"], ran.json["lacking"]) == (1, 1)
    assert any("exists 2 times" in example for example in ran.json["examples"])
    assert any("is not there" in example for example in ran.json["examples"])
    desk.run("verify").refused(7, "delete all but the one that our links lead to")


def test_a_brake_stops_everything_until_a_person_releases_it(desk: Desk) -> None:
    for number in range(3):
        desk.win(f"Customer {number}")
    desk.configure(engine={"brakes": {"floor": 1, "changed_share": 0.3}})
    desk.run("backfill", *SINCE)
    for issue in list(desk.simulator.jira.site.issues.by_id.values())[3:]:
        desk.act("jira", "edit_issue", issue=issue.id, fields={"summary": f"Renamed {issue.id}"}, who="ada@example.com")
    desk.run("reconcile", "--all").refused(4, "BRAKE-SHARE-01", "6 of 9 records at sheets", "`closedwon release`")
    desk.run("reconcile").refused(4, "BRAKE-ENGAGED-01", "`closedwon release`")
    assert "6 of 9 records" in desk.run("status", "--json").json["brake"]
    assert "A brake is engaged" in desk.run("plan").err
    released = desk.run("release", "--json")
    assert (released.code, released.json["released"]) == (0, True)
    assert desk.run("reconcile", "--json").json["updated"] == {"sheets": 6}
    assert desk.run("release").out == "No brake was engaged.\n"


def test_a_sweep_that_could_not_ask_everybody_is_never_green(desk: Desk) -> None:
    desk.run("reconcile")
    desk.simulator.world.faults.add("html", vendor="smartsheet", times=None)
    ran = desk.run("reconcile", "--json")
    ran.refused(6, "1 connection could not be asked what changed", "Run the command again later")
    assert ran.json["notes"]


def test_the_simulator_prints_its_addresses_and_ends_well_by_ctrl_c(desk: Desk) -> None:
    def in_the_foreground() -> None:
        """Take Ctrl-C as a terminal's program does; where these tests run in the background, nobody would."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    serving = subprocess.Popen(
        [SCRIPT, "simulator", "--port", "0", "--json"],
        cwd=desk.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=in_the_foreground,  # noqa: PLW1509 - sets a signal's handler and nothing else
    )
    assert serving.stdout is not None
    told = orjson.loads(serving.stdout.readline())
    assert set(told["urls"]) == {"control", "salesforce", "jira", "smartsheet"}
    serving.send_signal(signal.SIGINT)
    _, err = serving.communicate(timeout=60)
    assert (serving.returncode, err) == (0, b"")


def test_the_demo_ends_with_its_numbers_as_one_json_object(desk: Desk) -> None:
    ran = desk.script("demo", "--svg", "demo.svg")
    assert ran.code == 0
    assert "Vendors fail in the middle of a write" in ran.out
    last = orjson.loads(ran.out.splitlines()[-1])
    assert (last["duplicates"], last["unequal"], last["second_run_writes"]) == (0, 0, 0)
    assert list(last["calls"]) == ["salesforce", "jira", "smartsheet"]
    assert (desk.folder / "demo.svg").read_text(encoding="utf-8").startswith("<svg")
