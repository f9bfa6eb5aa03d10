"""`closedwon report`: files for customers and for us, from the store alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_desk import TODAY, Desk


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
