"""`closedwon hours`: the numbers, the entries behind them, and files that an office program may open without harm."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from cli_desk import Desk

FORMULA = "=HYPERLINK(0)"


@pytest.fixture
def worked(desk: Desk) -> tuple[Desk, str]:
    """An onboarding with time on a task, too much of it in one entry, and time on somebody else's issue."""
    assert desk.run("reconcile").code == 0
    key = desk.win("Acme")
    assert desk.run("reconcile").code == 0
    issues = {issue.summary: issue.key for issue in desk.simulator.jira.site.issues.by_id.values()}
    log(desk, issues["Prepare Acme"], 5400)
    log(desk, issues["Prepare Acme"], 90_000)
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": FORMULA}
    log(desk, desk.act("jira", "create_issue", fields=fields)["key"], 600)
    with desk.simulator.world.lock:
        desk.simulator.world.clock.advance(180)
    assert desk.run("reconcile").code == 0
    return desk, key


def log(desk: Desk, issue: str, seconds: int) -> None:
    desk.act("jira", "log_time", issue=issue, seconds=seconds, who="ada@example.com")


def test_every_second_is_told_with_its_bucket_and_what_to_do(worked: tuple[Desk, str]) -> None:
    desk, key = worked
    ran = desk.run("hours", "--json")
    assert ran.code == 8
    assert ran.json["conserved"] == {"stored": 96_000, "in_buckets": 96_000, "off": 0}
    assert ran.json["seconds"] == {
        "counted": 5400,
        "non_billable": 0,
        "out_of_period": 0,
        "unattributed": 600,
        "rejected": 90_000,
    }
    (one,) = ran.json["onboardings"]
    assert (one["key"], one["contracted"], one["counted"], one["remaining"]) == (key, 40.0, 1.5, 38.5)
    assert one["exhaustion"]["why"].startswith("not enough data")
    (wrong,) = one["to_fix"]
    assert (wrong["seconds"], wrong["reason"]) == (90_000, "one entry of more than 24 hours")
    assert (wrong["author"], wrong["what_to_do"]) == (
        "ada@example.com",
        "Correct or delete the entry where it was made.",
    )
    assert [loose["reason"] for loose in ran.json["unattributed"]] == ["its record belongs to no plan"]
    assert "entries" not in one


def test_one_deal_shows_its_entries_and_an_unknown_one_is_refused(worked: tuple[Desk, str]) -> None:
    desk, key = worked
    (one,) = desk.run("hours", key, "--entries", "--json").json["onboardings"]
    assert sorted(entry["seconds"] for entry in one["entries"]) == [5400, 90_000]
    ran = desk.run("hours", key, "--entries")
    assert (ran.code, "5400" in ran.out, "one entry of more than 24" in ran.out) == (8, True, True)
    desk.run("hours", key, "006000000000000AAA").refused(2, "HOURS-02", "006000000000000AAA")


def test_time_on_records_of_no_plan_alone_is_no_reason_to_end_otherwise_than_well(desk: Desk) -> None:
    assert desk.run("reconcile").code == 0
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "Support"}
    log(desk, desk.act("jira", "create_issue", fields=fields)["key"], 600)
    with desk.simulator.world.lock:
        desk.simulator.world.clock.advance(180)
    assert desk.run("reconcile").code == 0
    ran = desk.run("hours")
    assert ran.code == 0
    assert "Seconds stored: 600; in buckets: 600; off: 0." in ran.out


def test_the_files_hold_every_entry_and_no_formula(worked: tuple[Desk, str], tmp_path: Path) -> None:
    desk, key = worked
    table, book = tmp_path / "hours.csv", tmp_path / "hours.xlsx"
    assert desk.run("hours", "--csv", str(table), "--xlsx", str(book)).code == 8
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["Seconds"]) for row in rows) == 96_000
    assert {row["Deal"] for row in rows} == {key, ""}
    sheets: Any = openpyxl.load_workbook(book)
    assert sheets.sheetnames == ["Summary", "Periods", "Entries", "To fix"]
    seconds = [row[9] for row in sheets["Entries"].iter_rows(min_row=2, values_only=True)]
    assert sum(seconds) == 96_000
    assert sheets["Summary"]["C2"].value == 40
    assert len(list(sheets["To fix"].iter_rows(min_row=2))) == 2
    once = book.read_bytes()
    desk.run("hours", "--xlsx", str(book))
    assert book.read_bytes() == once


def test_a_defect_of_the_ledger_ends_with_exit_code_7(
    worked: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = worked
    monkeypatch.setattr("sync.cli.hours.loose_time", lambda *_: iter(()))
    ran = desk.run("hours")
    assert ran.code == 7
    assert "HOURS-01: The buckets are -600 seconds off" in ran.err
