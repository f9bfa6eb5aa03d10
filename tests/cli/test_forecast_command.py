"""`closedwon forecast`: from an own store, on a file of past work, and where there is not enough to go by."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from cli_desk import Desk
from forecast_desk import life, lines
from lived_store import TODAY, UNDER_WAY, keep, under_way


@pytest.fixture
def lived(desk: Desk) -> Desk:
    """A store in which ten onboardings have launched and one is under way."""
    keep(desk, [*life(10, every=7), under_way()])
    return desk


def test_each_open_onboarding_is_forecast_from_those_that_launched(lived: Desk) -> None:
    before = lived.calls()
    ran = lived.run("forecast", "--json")
    assert ran.code == 0
    assert ran.json["learned_from"] == {"tasks": 160, "launches": 10, "why_not": ""}
    (one,) = ran.json["onboardings"]
    assert one["key"] == UNDER_WAY
    assert TODAY.isoformat() <= one["p50"] <= one["p80"]
    assert 0 <= one["in_time"] <= 1
    assert one["contracted_hours"] == 60.0
    assert 0 < one["hours_p50"] <= one["hours_p80"]
    assert one["critical"][-1]["item"] == "launch"
    assert set(one["lost"]) <= {"us", "customer", "carrier"}
    assert lived.calls() == before


def test_a_single_deal_is_told_in_words_with_what_holds_it_up(lived: Desk) -> None:
    ran = lived.run("forecast", UNDER_WAY)
    assert ran.code == 0
    assert "Launch: P50 20" in ran.out
    assert "What holds the launch up, in this order:" in ran.out
    assert "Learned from 160 finished tasks and 10 launches." in ran.out
    launched = lived.run("forecast", "006000000000000000")
    assert "Launched on 20" in launched.out
    assert UNDER_WAY in lived.run("forecast").out


def test_the_own_history_is_backtested_at_three_moments_of_each_life(lived: Desk, tmp_path: Path) -> None:
    ran = lived.run("forecast", "--backtest", "--json", "--each", "each.csv")
    assert ran.code == 0
    assert ran.json["basis"] == {"launches": 10, "tasks": 160}
    whole = ran.json["scores"]["launch"][0]
    with (tmp_path / "each.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "launch"]
    assert whole["count"] == len(rows) > 15
    assert whole["p50"] == pytest.approx(sum(float(r["actual"]) <= float(r["p50"]) for r in rows) / len(rows))
    assert {row["group"] for row in rows} == {f"at {share}% of its life" for share in (25, 50, 75)}
    assert "at 50% of its life" not in lived.run("forecast", "--backtest").err


def test_a_store_with_too_little_says_not_enough_data(desk: Desk) -> None:
    keep(desk, [*life(1), under_way()])
    ran = desk.run("forecast")
    assert ran.code == 0
    assert "not enough data (16 finished tasks; 30 needed)" in ran.out
    assert "not enough data" in desk.run("forecast", "--backtest").out
    assert desk.run("forecast", "--json").json["onboardings"][0]["p50"] is None


def test_a_file_of_past_work_is_backtested_without_a_configuration(desk: Desk) -> None:
    (desk.folder / "config.yaml").unlink()
    (desk.folder / "past.csv").write_text("\n".join(lines(500)), encoding="utf-8")
    ran = desk.run("forecast", "--backtest", "--history", "past.csv", "--json", "--each", "each.csv")
    assert ran.code == 0
    assert ran.json["basis"] == {"rows": 500, "tasks": 500}
    with (desk.folder / "each.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("hours", "days"):
        whole = ran.json["scores"][name][0]
        mine = [row for row in rows if row["measure"] == name]
        assert whole["count"] == len(mine)
        assert whole["p80"] == pytest.approx(sum(float(r["actual"]) <= float(r["p80"]) for r in mine) / len(mine))
        assert 0.4 <= whole["p50"] <= 0.6
        assert 0.72 <= whole["p80"] <= 0.88
    text = desk.run("forecast", "--backtest", "--history", "past.csv").out
    assert "last 50%" in text
    assert "no tie broken" in text


def test_what_cannot_be_used_is_refused_with_what_to_do(desk: Desk) -> None:
    (desk.folder / "past.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    desk.run("forecast", "--backtest", "--history", "past.csv").refused(3, "HISTORY-01", "Rename its titles")
    desk.run("forecast", "--backtest", "--history", "nowhere.csv").refused(3, "FILES-03")
    desk.run("forecast", "--history", "past.csv").refused(2, "FORECAST-02", "add it")
    desk.run("forecast", "006x", "--backtest").refused(2, "FORECAST-02", "leave the deals out")
    desk.run("forecast", "006x").refused(2, "FORECAST-01", "closedwon forecast")
