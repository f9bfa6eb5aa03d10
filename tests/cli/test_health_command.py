"""`closedwon health`: the colour with its reason, whose move it is, and a person's word that ends by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cli_desk import Desk
from forecast_desk import life
from lived_store import TODAY, UNDER_WAY, keep, under_way

from sync.store import Store

TOMORROW = (TODAY + timedelta(days=1)).isoformat()


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """A store in which three onboardings have launched and one is under way."""
    keep(desk, [*life(3, every=7), under_way()])
    return desk


def test_open_onboardings_are_shown_with_their_reasons_and_whose_move_it_is(lived: Desk) -> None:
    before = lived.calls()
    ran = lived.run("health", "--json")
    assert ran.code == 0
    (one,) = ran.json["onboardings"]
    assert one["key"] == UNDER_WAY
    assert one["computed"] == one["health"] in {"green", "amber", "red"}
    assert one["override"] is None
    assert one["moves"], "somebody has to move"
    assert {move["court"] for move in one["moves"]} <= {"us", "customer", "carrier"}
    text = lived.run("health", UNDER_WAY).out
    assert one["reason"] in " ".join(text.split())
    assert "move since" in text
    assert UNDER_WAY in lived.run("health").out
    assert lived.calls() == before


def test_a_persons_word_is_kept_noted_and_taken_back(lived: Desk) -> None:
    words = ("--reason", "New date agreed by phone", "--until", TOMORROW, "--by", "Ada")
    ran = lived.run("health", UNDER_WAY, "--set", "amber", *words, "--json")
    (one,) = ran.json["onboardings"]
    assert (ran.code, one["health"]) == (0, "amber")
    assert one["override"] == {"color": "amber", "reason": words[1], "until": TOMORROW, "by": "Ada"}
    assert one["reason"].startswith(f"{words[1]} (set by Ada until {TOMORROW}; computed: ")
    assert "set by Ada" in lived.run("health", UNDER_WAY).out
    cleared = lived.run("health", UNDER_WAY, "--clear", "--by", "Ben", "--json")
    assert cleared.json["onboardings"][0]["override"] is None
    with Store.open(f"sqlite:///{lived.folder / 'closedwon.db'}", clock=lambda: datetime.now(UTC)) as store:
        told = [
            (event.source, event.old, event.new) for _, event in store.history(UNDER_WAY) if event.rule == "override"
        ]
        assert UNDER_WAY in {item.key for item in store.work_items()}, "the CRM is to be told"
    said = f"amber until {TOMORROW}: {words[1]}"
    assert told == [("Ben", said, ""), ("Ada", "", said)]


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "amber"),
        ("--set", "amber", "--reason", "Because"),
        ("--set", "amber", "--reason", " ", "--until", TOMORROW),
        ("--set", "amber", "--reason", "Because", "--until", "2020-01-01"),
        ("--set", "amber", "--clear", "--reason", "Because", "--until", TOMORROW),
        ("--until", TOMORROW),
        ("--by", "Ada"),
    ],
)
def test_a_word_without_reason_or_last_day_is_refused(lived: Desk, words: tuple[str, ...]) -> None:
    ran = lived.run("health", UNDER_WAY, *words)
    assert ran.code == 2
    assert "HEALTH-02" in ran.err
    assert lived.run("health", UNDER_WAY, "--json").json["onboardings"][0]["override"] is None


def test_an_unknown_deal_and_a_word_for_many_are_refused(lived: Desk) -> None:
    assert "HEALTH-01" in lived.run("health", "006nobody").err
    assert "HEALTH-01" in lived.run("health", "006nobody", "--clear").err
    assert "HEALTH-02" in lived.run("health", "--clear").err


def test_the_rules_in_force_can_be_shown(lived: Desk) -> None:
    rules = {rule["rule"]: rule for rule in lived.run("health", "--rules", "--json").json["rules"]}
    assert (rules["hours_used"]["amber"], rules["hours_used"]["red"]) == ("from 0.85", "above 1")
    assert "days_late" in lived.run("health", "--rules").out
