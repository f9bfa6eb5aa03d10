"""`closedwon forecast`: from an own store, on a file of past work, and where there is not enough to go by."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_desk import Desk
from forecast_desk import CALENDAR, life, lines

from connectors.base import Fields, Kind, Ref
from sync.core.dossier import Dossier
from sync.core.hindsight import as_of
from sync.core.model import PLAN_ITEM, Binding, Commit, Event, Priority
from sync.store import Store

TODAY = datetime.now(UTC).date()
UNDER_WAY = "006under00000000001"


def keep(desk: Desk, dossiers: Sequence[Dossier]) -> None:
    """Live these onboardings into the desk's own store, each change on its day."""
    now = datetime(2020, 1, 1, tzinfo=UTC)
    with Store.open(f"sqlite:///{desk.folder / 'closedwon.db'}", clock=lambda: now) as store:
        told = sorted((line for known in dossiers for line in known.history), key=lambda line: line[0])
        for known in dossiers:
            commit(store, known, ())
            bound = [Binding(known.key, PLAN_ITEM, "tracker", Kind.PLAN, Ref(known.key))]
            bound += [Binding(known.key, t.item, "tracker", Kind.TASK, Ref(known.key + t.item)) for t in known.tasks]
            store.bind(bound)
            entries = [
                replace(each.entry, id=f"{known.key}{each.item}", record_id=known.key + each.item)
                for each in known.logged
            ]
            store.put_time("tracker", entries)
        by_key = {known.key: known for known in dossiers}
        for at, event in told:
            now = at
            commit(store, as_of(by_key[event.key], at.date()), (event,))


def commit(store: Store, known: Dossier, events: tuple[Event, ...]) -> None:
    base: dict[str, Fields] = {PLAN_ITEM: known.plan}
    for task in known.tasks:
        base[task.item] = {
            "name": task.name,
            "status": task.status,
            "audience": task.audience,
            "milestone": task.milestone,
            "depends_on": task.depends_on,
            "start_target": task.start_target,
            "due_target": task.due_target,
            "start_baseline": task.baseline_start,
            "due_baseline": task.baseline_due,
            "estimated_hours": task.estimated_hours,
        }
    store.request([known.key], Priority.LIVE)
    (claim,) = store.claim("test", limit=1, lease_seconds=60, keys=[known.key])
    done = Commit(
        claim, template="saas", template_version="1", deal={"contracted_hours": 60.0}, base=base, events=events
    )
    assert store.commit([done]) == ()


def under_way() -> Dossier:
    """An onboarding that began twenty business days ago, as of yesterday."""
    (known,) = life(1, seed=5, begin=CALENDAR.add(TODAY, -20))
    history = tuple((at, replace(event, key=UNDER_WAY)) for at, event in known.history)
    return as_of(replace(known, key=UNDER_WAY, history=history), TODAY - timedelta(days=1))


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
