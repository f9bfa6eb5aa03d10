"""`closedwon report`: files for customers and for us, from the store alone."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from cli_desk import TODAY, Desk
from lived_store import UNDER_WAY, keep, under_way


@pytest.fixture
def planned(desk: Desk) -> tuple[Desk, str]:
    """An onboarding that has just been planned."""
    assert desk.run("reconcile").code == 0
    key = desk.win("Acme")
    assert desk.run("reconcile").code == 0
    return desk, key


def test_a_report_is_for_the_customer_unless_one_says_otherwise(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    before = desk.calls()
    ran = desk.run("report", "weekly", key)
    assert (ran.code, desk.calls()) == (0, before)
    assert ran.out.startswith("# Onboarding of Acme: weekly status")
    assert "ada@example.com" not in ran.out
    ours = desk.run("report", "weekly", key, "--audience", "internal")
    assert "Internal: not for the customer" in ours.out
    assert "ada@example.com" in ours.out


@pytest.mark.parametrize(("name", "begins"), [("a.html", b"<!doctype"), ("a.xlsx", b"PK"), ("a.csv", b"\xef\xbb\xbf")])
def test_the_files_name_tells_the_format(planned: tuple[Desk, str], tmp_path: Path, name: str, begins: bytes) -> None:
    desk, key = planned
    ran = desk.run("report", "weekly", key, "--out", str(tmp_path / name))
    assert (ran.code, ran.out) == (0, "")
    once = (tmp_path / name).read_bytes()
    assert once.startswith(begins)
    assert desk.run("report", "weekly", key, "--out", str(tmp_path / name)).code == 0
    assert (tmp_path / name).read_bytes() == once


def test_json_is_the_model_of_the_page(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    page = desk.run("report", "weekly", key, "--json").json
    assert page["day"] == TODAY
    assert page["blocks"][0]["kind"] == "figures"
    whole = desk.run("report", "weekly", "--portfolio", "--json").json
    assert [row[0] for row in whole["blocks"][1]["rows"]] == ["Acme"]


def test_what_does_not_go_together_is_refused_before_anything_is_opened(desk: Desk) -> None:
    for words in (
        ("report", "weekly"),
        ("report", "weekly", "006000000000000AAA", "--portfolio"),
        ("report", "weekly", "--portfolio", "--audience", "customer"),
        ("report", "weekly", "006000000000000AAA", "--format", "xlsx"),
    ):
        desk.run(*words, "--config", "nowhere.yaml").refused(2, "REPORT-02")


def test_an_unknown_deal_and_a_day_to_come_are_refused(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    desk.run("report", "weekly", "006000000000000AAA").refused(2, "REPORT-01", "006000000000000AAA")
    desk.run("report", "weekly", key, "--as-of", "2199-01-01").refused(2, "REPORT-02", "2199-01-01")
    desk.run("report", "weekly", key, "--format", "ics").refused(2, "REPORT-02", "calendar")


def launch(desk: Desk) -> None:
    """Have all tasks closed: a plan without a launch milestone launches then."""
    for issue in [each.key for each in desk.simulator.jira.site.issues.by_id.values() if each.type != "Epic"]:
        desk.act("jira", "close_task", issue=issue, who="ada@example.com")
    with desk.simulator.world.lock:
        desk.simulator.world.clock.advance(180)
    assert desk.run("reconcile").code == 0


def test_evidence_is_refused_before_the_launch_and_an_acceptance_is_kept_once(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    desk.run("report", "evidence", key).refused(4, "REPORT-03", "has not launched")
    launch(desk)
    assert "Not recorded yet" in desk.run("report", "evidence", key).out
    given = ("report", "evidence", key, "--accepted-by", "Dana Field", "--on", TODAY)
    first = desk.run(*given)
    assert (first.code, "Dana Field" in first.out) == (0, True)
    assert desk.run(*given).out == desk.run("report", "evidence", key).out == first.out
    other = ("report", "evidence", key, "--accepted-by", "Eve", "--on", TODAY)
    desk.run(*other).refused(4, "REPORT-04", "Dana Field", "--correct")
    assert "Eve" in desk.run(*other, "--correct").out


def test_an_acceptance_that_is_none_is_refused(desk: Desk) -> None:
    for words in (
        ("--accepted-by", "Dana"),
        ("--on", TODAY),
        ("--correct",),
        ("--accepted-by", "x" * 121, "--on", TODAY),
        ("--accepted-by", "a\x07b", "--on", TODAY),
    ):
        desk.run("report", "evidence", "006000000000000AAA", *words).refused(2, "REPORT-02")


def test_a_month_is_one_that_has_begun(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    assert "Left at the end" in desk.run("report", "hours", key, "--month", TODAY[:7]).out
    assert desk.run("report", "hours", "--portfolio").code == 0
    for month in ("2199-01", "last"):
        desk.run("report", "hours", key, "--month", month).refused(2, "REPORT-02", month)


def test_a_month_is_issued_once_and_said_so(desk: Desk) -> None:
    keep(desk, [under_way()])
    last = (date.fromisoformat(TODAY).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    words = ("report", "hours", UNDER_WAY, "--month", last, "--issue", "--by")
    first = desk.run(*words, "Ada")
    assert first.code == 0
    assert ": 1. Issued before, and as they were: 0." in first.err
    again = desk.run(*words, "Ben", "--audience", "internal")
    assert ": 0. Issued before, and as they were: 1." in again.err
    assert "when Ada issued it" in again.out
    assert "issued on " in desk.run("report", "hours", UNDER_WAY, "--month", last).out
    for wrong in (("--by", "Ada"), ("--issue", "--as-of", "2026-01-31"), ("--issue", "--month", TODAY[:7])):
        desk.run("report", "hours", UNDER_WAY, *wrong).refused(2, "REPORT-02")


def test_an_agenda_and_a_calendar_are_written(planned: tuple[Desk, str], tmp_path: Path) -> None:
    desk, key = planned
    assert "Since the last meeting" in desk.run("report", "agenda", key, "--since", "2026-01-01").out
    desk.run("report", "calendar", key, "--format", "ics").refused(2, "REPORT-02", "calendar")
    assert "Milestones" in desk.run("report", "calendar", key).out


def test_what_an_ics_of_today_told_is_kept_and_told_alike(desk: Desk) -> None:
    keep(desk, [under_way()])
    words = ("report", "calendar", UNDER_WAY, "--audience", "internal", "--format", "ics")
    once = desk.run(*words)
    assert (once.code, desk.run(*words).out) == (0, once.out)
    assert b"calendar issued" in b"".join(path.read_bytes() for path in desk.folder.glob("closedwon.db*"))


def minutes(desk: Desk, key: str, *rows: str) -> str:
    """Write the stub of today's meeting with these lines filled in; returns the file's name."""
    assert desk.run("report", "minutes", key, "--out", "minutes.md").code == 0
    path = desk.folder / "minutes.md"
    text = path.read_text(encoding="utf-8")
    for number, row in enumerate(rows, start=1):
        text = text.replace(f"| {number} |  |  |  |  |", f"| {number} | {row} |")
    path.write_text(text, encoding="utf-8")
    return path.name


def test_minutes_that_come_back_become_tasks_once_and_the_agenda_knows_the_meeting(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    name = minutes(desk, key, "Send the list | ada@example.com | | us", "Name a lead | | | both")
    before = desk.calls()
    ran = desk.run("report", "minutes", key, "--take", name, "--json")
    assert (len(ran.json["added"]), ran.json["known"], desk.calls()) == (2, [], before)
    assert "create task action_" in desk.run("plan").out
    assert desk.run("reconcile").code == 0
    issues, _, _ = desk.records()
    again = desk.run("report", "minutes", key, "--take", name, "--json").json
    assert (again["added"], len(again["known"])) == ({}, 2)
    assert desk.run("reconcile").code == 0
    assert desk.records()[0] == issues
    agenda = desk.run("report", "agenda", key).out
    assert "Name a lead" in agenda
    assert "Send the list" not in agenda
    assert "Send the list" in desk.run("report", "agenda", key, "--audience", "internal").out


def test_minutes_with_mistakes_add_nothing(planned: tuple[Desk, str]) -> None:
    desk, key = planned
    other = desk.win("Betatech")
    assert desk.run("reconcile").code == 0
    name = minutes(desk, key, "Good | | | us", "Bad | nobody | |", "Strange | eve@example.com | | us")
    desk.run("report", "minutes", key, "--take", name).refused(3, "MINUTES-01", "no e-mail")
    name = minutes(desk, key, "Strange | eve@example.com | | us")
    desk.run("report", "minutes", key, "--take", name).refused(3, "MINUTES-01", "tracker does not know eve@example.com")
    name = minutes(desk, key, "Good | | | us")
    desk.run("report", "minutes", other, "--take", name).refused(3, "MINUTES-02", "another onboarding")
    desk.run("report", "minutes", "006000000000000AAA", "--take", name).refused(2, "REPORT-01")
    desk.run("report", "minutes", key, "--take", "nowhere.md").refused(3, "FILES-03")
    desk.run("report", "minutes", key, "--take", name, "--on", TODAY).refused(2, "REPORT-02")
    assert desk.run("report", "minutes", key, "--take", name).code == 0
    name = minutes(desk, key, "Other words | | | us")
    desk.run("report", "minutes", key, "--take", name).refused(4, "MINUTES-03", "Good", "number of its own")
