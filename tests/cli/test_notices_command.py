"""`closedwon notices`: what it says, sends, holds back and refuses, and what it never shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cli_desk import Desk
from forecast_desk import life
from lived_store import TODAY, UNDER_WAY, keep, under_way
from notices_desk import Letterbox, letterbox

ROUTES = {kind: ["team"] for kind in ("hours", "risk", "overdue", "unproven")}


@pytest.fixture
def box() -> Iterator[Letterbox]:
    with letterbox() as made:
        yield made


def wanted(address: Any, **changes: Any) -> dict[str, Any]:
    """A section that has nobody wait and asks for no proof."""
    given = {"channels": {"team": address}, "routes": ROUTES, "quiet": {"begin": "00:00", "end": "00:00"}}
    return {**given, "digest": "00:00", "proof_days": 0, **changes}


def test_without_a_section_it_says_what_to_write(desk: Desk) -> None:
    desk.run("notices").refused(3, "NOTICE-03", "docs/notices.md")


def test_a_launch_at_risk_is_shown_then_told_once_with_what_was_lost(desk: Desk, box: Letterbox) -> None:
    desk.configure(notices=wanted(box.address))
    known = under_way()
    tasks = tuple(replace(task, due_target=TODAY) if task.item == "launch" else task for task in known.tasks)
    keep(desk, [*life(4, every=7), replace(known, tasks=tasks)])
    desk.run("reconcile", "--changed")
    shown = desk.run("notices", "--dry-run", "--json")
    assert (shown.code, box.asked) == (0, 0)
    (risk,) = [notice for notice in shown.json["sent"] if notice["kind"] == "risk"]
    assert (risk["key"], shown.json["dry_run"]) == (UNDER_WAY, True)
    assert f"the launch on {TODAY} is at risk" in risk["subject"]
    calls = desk.calls()
    assert desk.run("notices").code == 0
    assert risk["subject"] in box.subjects
    assert desk.run("notices").out == "Nothing is due.\n"
    assert desk.calls() == calls


def test_what_is_not_proven_is_held_back_until_verify_was_run(desk: Desk, box: Letterbox) -> None:
    desk.configure(notices=wanted(box.address, proof_days=8))
    desk.run("reconcile", "--changed")
    ran = desk.run("notices")
    assert ran.code == 0
    assert "The plans are not proven equal" in ran.out
    assert "`closedwon verify` does it" in box.arrived[0]["message"]
    assert desk.run("verify").code == 0
    assert desk.run("notices", "--json").json["held"] == []


def test_a_channel_that_takes_nothing_is_named_and_its_secret_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "json://bot:s3cret-of-ours@127.0.0.1:9/")
    desk.configure(notices=wanted({"env": "TEAM"}, proof_days=8))
    desk.run("reconcile", "--changed")
    for words in (("notices",), ("--log-level", "debug", "notices", "--json")):
        ran = desk.run(*words)
        ran.refused(6, "NOTICE-01: Channel team did not take something")
        assert "s3cret" not in ran.out + ran.err
    assert "Notice channel team took nothing since " in desk.run("status").out
    (found,) = [each for each in desk.run("doctor", "--json").json["findings"] if each["code"] == "NOTICE-01"]
    assert "in 2 rounds" in found["message"]
    assert "notices.channels.team" in found["repair"]
    kept = b"".join(path.read_bytes() for path in desk.folder.glob("closedwon.db*"))
    assert b"s3cret" not in kept


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        (wanted("slack://a/b/c"), "a secret may not stand in this file. Refer to it: {env: NAME}"),
        (wanted({"env": "NOWHERE"}), "the environment has no NOWHERE"),
        (wanted("json://127.0.0.1", routes={"risk": ["taem"]}), "there is no channel 'taem'. Did you mean 'team'?"),
        (wanted("json://127.0.0.1", handles={"mail": {}}), "there is no channel 'mail'"),
        (wanted("json://127.0.0.1", quiet={"begin": "noon"}), "this is no time of day"),
        (wanted("json://127.0.0.1", zones={"ben@us.com": "Europe/Berln"}), "no such time zone"),
        (wanted("json://127.0.0.1", ladder=[{"days": 1, "to": "boss"}]), "nobody is meant"),
        (wanted("json://127.0.0.1", people={"manager": "boss"}), "this is no e-mail address"),
        (wanted("json://127.0.0.1", hours=[0]), "greater than 0"),
        (wanted("json://127.0.0.1", routs={}), "unknown key 'routs'. Did you mean 'routes'?"),
    ],
)
def test_a_wrong_section_is_refused_at_its_place(desk: Desk, section: dict[str, Any], reason: str) -> None:
    desk.configure(notices=section)
    desk.run("notices", "--dry-run").refused(3, "FILES-01", "config.yaml:", reason)


def test_an_address_that_is_none_is_refused_without_being_shown(desk: Desk) -> None:
    (desk.folder / "team").write_text("s3cret-and-nothing-else", encoding="utf-8")
    desk.configure(notices=wanted({"file": "team"}))
    ran = desk.run("notices", "--dry-run")
    ran.refused(3, "NOTICE-02", "notice channel team")
    assert "s3cret" not in ran.out + ran.err
    assert desk.run("daemon", "--port", "0").code == 3
