"""What is used of each vendor's quota, as any process can tell it from the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from daemon_rig import daemon, work

from connectors.errors import NotAuthorised
from connectors.pace import Pace
from sync.cli.app import main
from sync.core.unattended import Rate
from sync.demo.stage import Stage
from sync.store import Store
from sync.usage import Usage, leave, standings, tidy
from sync.work import Gate


class Watch:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def store(database: str, watch: Watch):
    with Store.open(database, clock=watch) as made:
        yield made


def called(pace: Pace, times: int, left: int | None = None) -> None:
    for _ in range(times):
        pace.before("GET /x")
    if left is not None:
        pace.after("GET /x", 200, {"Sforce-Limit-Info": f"api-usage={15000 - left}/15000"}, 0.1)


def usage(store: Store, watch: Watch, pace: Pace, owner: str = "one", **gates: Gate) -> Usage:
    return Usage(store=store, paces={"crm": pace}, gates=gates, owner=owner, now=watch)


def test_the_pace_of_all_processes_is_one_and_the_newest_word_on_what_is_left_counts(store, watch) -> None:
    one, two = Pace(), Pace()
    first, second = usage(store, watch, one), usage(store, watch, two, "two")
    watch.sleep(30)
    called(one, 10, left=14000)
    first.note()
    watch.sleep(30)
    called(two, 10, left=13900)
    second.note()
    stand = standings(store, watch())["crm"]
    assert (stand.calls_a_minute, stand.allotment, stand.left, stand.told_at) == (20 + 10, 15000, 13900, watch())


def test_who_kept_nothing_for_minutes_has_no_pace_but_what_the_vendor_said_stays(store, watch) -> None:
    pace = Pace()
    mine = usage(store, watch, pace)
    watch.sleep(60)
    called(pace, 10, left=14000)
    mine.note()
    watch.sleep(240)
    stand = standings(store, watch())["crm"]
    assert (stand.calls_a_minute, stand.left) == (0, 14000)
    watch.sleep(86_400)
    tidy(store, watch())
    assert store.kept("usage") == ()


def test_a_process_that_ends_leaves_what_it_was_told_and_no_pace(store, watch) -> None:
    pace = Pace()
    mine = usage(store, watch, pace)
    watch.sleep(60)
    called(pace, 10, left=14000)
    mine.note()
    mine.end()
    assert [one.name for one in store.kept("usage")] == ["crm ended"]
    stand = standings(store, watch())["crm"]
    assert (stand.calls_a_minute, stand.left) == (0, 14000)


def test_who_was_told_nothing_leaves_nothing(store, watch) -> None:
    leave(store, {"crm": Pace()}, watch())
    assert store.kept("usage") == ()


def test_a_closed_gate_is_told_with_its_reason_until_it_opens(store, watch) -> None:
    pace = Pace()
    gate = Gate("crm", pace, clock=watch.seconds, sleep=watch.sleep)
    mine = usage(store, watch, pace, crm=gate)
    gate.refuse(NotAuthorised("No.", code="SF-LOGIN-01"))
    mine.note()
    stand = standings(store, watch())["crm"]
    assert (stand.paused_until, stand.code) == (watch() + timedelta(seconds=60), "SF-LOGIN-01")
    watch.sleep(61)
    assert standings(store, watch())["crm"].paused_until is None


def test_a_vendor_that_asks_all_to_wait_is_told_too(store, watch) -> None:
    pace = Pace()
    gate = Gate("crm", pace, clock=watch.seconds, sleep=watch.sleep)
    mine = usage(store, watch, pace, crm=gate)
    gate.after("GET /x", 429, {"Retry-After": "12"}, 0.1)
    mine.note()
    stand = standings(store, watch())["crm"]
    assert (stand.paused_until, stand.code) == (watch() + timedelta(seconds=12), "")


def test_what_did_not_change_is_written_once_a_minute(store, watch) -> None:
    mine = usage(store, watch, Pace())
    mine.note()
    (first,) = store.kept("usage")
    watch.sleep(30)
    mine.note()
    assert store.kept("usage") == (first,)
    watch.sleep(30)
    mine.note()
    assert store.kept("usage") != (first,)


def test_what_is_spent_of_a_shared_burst_is_told_and_leaks_away(store, watch) -> None:
    rate = Rate(per_minute=60, burst=20)
    assert store.spent("crm", rate) == 0
    store.spend("crm", 12, rate)
    assert store.spent("crm", rate) == 12
    watch.sleep(5)
    assert store.spent("crm", rate) == 7


def test_status_tells_what_is_used_left_reserved_and_paused(stage: Stage, capsys) -> None:
    text = stage.config.read_text(encoding="utf-8")
    at = text.index("  tracker:")
    stage.config.write_text(
        text[:at] + "    pace: {per_minute: 600, burst: 50, shared: true, reserve: 1000}\n" + text[at:],
        encoding="utf-8",
    )
    assert main(["reconcile", "--config", str(stage.config)]) == 0
    capsys.readouterr()
    assert main(["status", "--json", "--config", str(stage.config)]) == 0
    told = orjson.loads(capsys.readouterr().out)["connections"]
    quota = told["crm"]["quota"]
    assert quota["used"] + quota["left"] == quota["allotment"]
    assert quota["used"] > 0
    assert (quota["reserve"], quota["reserve_reached"]) == (1000, False)
    assert (quota["allowed_a_minute"], quota["burst"]) == (600, 50)
    assert told["tracker"]["quota"]["left"] is None
    assert main(["status", "--config", str(stage.config)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("crm: "))
    assert f"{quota['used']} of {quota['allotment']} used today" in line
    assert "1000 kept for others" in line


def test_a_daemon_keeps_it_each_time_it_looks_up(stage: Stage) -> None:
    made = daemon(stage)
    stage.simulator.world.faults.add("status", vendor="jira", times=None, args={"status": 401})
    made.sweep()
    work(made)
    made.fire_due()
    stand = standings(stage.plant.store, stage.clock.now())
    assert stand["crm"].left is not None
    assert stand["tracker"].code == "JIRA-AUTH-01"
    figures = made._metrics.text().decode()
    assert f'closedwon_allotment_left{{connection="crm"}} {stand["crm"].left:.1f}' in figures
