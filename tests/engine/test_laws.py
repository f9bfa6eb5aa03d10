"""Single laws on the whole engine, each by itself: what flows, who wins, what is counted, who may act."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_life import AUTHORITIES, LAYOUTS, Life, mapping_under, write_calls

from connectors.base import Create
from sync.core.model import PLAN_ITEM, Priority
from sync.demo.stage import Stage
from sync.engine import Report
from sync.store import lanes
from sync.wiring import Plant

TASKS = 4
LEASE = 60
FIELDS = ("status", "name", "due", "owner")

ONE_AUTHORITY = pytest.mark.parametrize("authority", ["tracker first"], indirect=True)
"""For what no authority has a say in."""


@pytest.fixture(params=AUTHORITIES)
def authority(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(database: str, authority: str, layout: str, small_template: str, tmp_path: Path) -> Iterator[Stage]:
    with Stage(
        store=database,
        templates=[small_template],
        mapping=mapping_under(authority, tmp_path),
        sheets={"layout": layout},
        engine={"settle_seconds": 5, "patience_seconds": 30, "lease_seconds": LEASE},
    ) as made:
        made.sweep()
        yield made


@pytest.fixture
def life(stage: Stage) -> Life:
    """One deal with its plan, at rest."""
    life = Life(stage, [stage.win(name="Deal", account="Acme", hours=10)])
    life.rest()
    return life


def edit(life: Life, side: str, field: str, how: int) -> None:
    """Have somebody change a field of the first task at one side; 0 and 1 are two different values."""
    bound = life.known()[life.deals[0]].bound(side)["task_0"].ref
    columns = {"status": "Status", "name": "Task", "due": "Due", "owner": "Owner"}
    with life.stage.simulator.world.lock:
        if side == "sheets":
            value = {
                "status": ["Done", "Blocked"],
                "name": ["First", "Second"],
                "due": ["2027-01-04", "2027-01-05"],
                "owner": ["ben@example.com", "cleo@example.com"],
            }[field][how]
            life.sheet("set_cell", sheet=int(bound.container), row=int(bound.id), column=columns[field], value=value)
        elif field == "status":
            life.jira("set_status", issue=bound.id, status=["Done", "Blocked"][how])
        else:
            fields: dict[str, Any] = {
                "name": {"summary": ["First", "Second"][how]},
                "due": {"duedate": ["2027-01-04", "2027-01-05"][how]},
                "owner": {"assignee": {"accountId": ["5b10a2844c20165700ede22h", "5b10a2844c20165700ede23i"][how]}},
            }[field]
            life.jira("edit_issue", issue=bound.id, fields=fields)


def values(life: Life, field: str) -> str:
    name = {"due": "due_target"}.get(field, field)
    return str(life.known()[life.deals[0]].base["task_0"][name])


WRITTEN = {
    "status": ("done", "blocked"),
    "name": ("First", "Second"),
    "due": ("2027-01-04", "2027-01-05"),
    "owner": ("ben@example.com", "cleo@example.com"),
}


@pytest.mark.parametrize("side", ["tracker", "sheets"])
def test_law_2_a_change_on_one_side_flows_and_never_conflicts(life: Life, side: str) -> None:
    for field in FIELDS:
        edit(life, side, field, 1)
    life.stage.settle()
    report = life.sweep()
    assert report.conflicts == 0
    assert report.updated.total() == 1
    life.rest()
    assert [values(life, field) for field in FIELDS] == [WRITTEN[field][1] for field in FIELDS]
    life.check()


def test_law_3_the_same_change_on_both_sides_writes_to_neither(life: Life) -> None:
    for field in ("name", "due", "owner"):
        edit(life, "tracker", field, 0)
        edit(life, "sheets", field, 0)
    life.stage.settle()
    report = life.sweep()
    assert (report.updated.total(), report.conflicts) == (0, 0)
    assert [values(life, field) for field in ("name", "due", "owner")] == ["First", "2027-01-04", "ben@example.com"]
    life.rest()
    life.check()


def test_law_5_the_authority_wins_a_conflict_and_the_loser_is_in_the_history(life: Life, authority: str) -> None:
    for field in ("name", "due", "owner"):
        edit(life, "tracker", field, 0)
        edit(life, "sheets", field, 1)
    life.stage.settle()
    assert life.sweep().conflicts == 3
    winner = 0 if authority == "tracker first" else 1
    for field in ("name", "due", "owner"):
        assert values(life, field) == WRITTEN[field][winner]
    lost = [event for _, event in life.stage.plant.store.history(life.deals[0]) if event.rule == "conflict:lost"]
    assert {event.source for event in lost} == {"sheets" if winner == 0 else "tracker"}
    kept = " ".join(event.old for event in lost)
    assert WRITTEN["name"][1 - winner] in kept
    assert WRITTEN["owner"][1 - winner] in kept
    life.rest()
    life.check()


def test_law_5_a_loser_is_kept_even_when_the_answer_to_the_winners_write_is_lost(life: Life, authority: str) -> None:
    edit(life, "tracker", "name", 0)
    edit(life, "sheets", "name", 1)
    loser = "smartsheet" if authority == "tracker first" else "jira"
    life.stage.settle()
    life.stage.simulator.world.faults.add("drop_after", vendor=loser, endpoint="PUT *", times=12)
    life.sweep()
    life.stage.simulator.world.faults.clear()
    life.stage.sleep(3600)
    life.rest()
    lost = [event for _, event in life.stage.plant.store.history(life.deals[0]) if event.rule == "conflict:lost"]
    assert any(WRITTEN["name"][1 if authority == "tracker first" else 0] in event.old for event in lost)
    life.check()


@ONE_AUTHORITY
def test_law_8_every_logged_second_is_in_one_bucket_whatever_becomes_of_its_entry(life: Life) -> None:
    stage, site = life.stage, life.stage.simulator.jira.site
    tasks = {i: b.ref.id for i, b in life.known()[life.deals[0]].bound("tracker").items() if i != PLAN_ITEM}
    with stage.simulator.world.lock:
        foreign = life.jira(
            "create_issue", fields={"project": {"key": "ONB"}, "summary": "x", "issuetype": {"name": "Task"}}
        )
        logs = [life.jira("log_time", issue=tasks["task_0"], seconds=n * 60)["worklog"] for n in (10, 20, 30, 40)]
        life.jira("log_time", issue=foreign["id"], seconds=7)
    life.rest()
    assert stage.plant.store.time_totals("tracker") == (6000, 7)
    with stage.simulator.world.lock:
        life.jira("edit_worklog", worklog=logs[0], seconds=61)
        life.jira("delete_worklog", worklog=logs[1])
        life.jira("move_worklog", worklog=logs[2], issue=tasks["task_1"])
        life.jira("move_worklog", worklog=logs[3], issue=foreign["id"])
    life.rest()
    assert life.known()[life.deals[0]].tracked == {"task_0": 61, "task_1": 1800}
    assert stage.plant.store.time_totals("tracker") == (1861, 2407)
    assert sum(log.seconds for log in site.worklogs.by_id.values()) == 1861 + 2407
    life.check()


def test_law_10_what_a_preview_counts_is_what_is_applied(life: Life) -> None:
    edit(life, "tracker", "name", 0)
    edit(life, "sheets", "due", 1)
    new = life.stage.win(name="Another", account="Betatech", hours=5)
    keys = [*life.deals, new]
    life.stage.settle()
    before = write_calls(life.stage)
    plans = life.stage.plant.engine.preview(keys)
    assert write_calls(life.stage) == before
    told = [(step.connection, isinstance(step.write, Create)) for each in plans for step in each.steps]
    life.stage.plant.store.request(keys, Priority.LIVE)
    report = life.stage.plant.engine.drain()
    done = [(name, True) for name, n in report.created.items() for _ in range(n)]
    done += [(name, False) for name, n in report.updated.items() for _ in range(n)]
    assert sorted(told) == sorted(done)
    assert len(told) == 2 * (TASKS + 1) + 2


@ONE_AUTHORITY
def test_law_11_workers_side_by_side_never_make_anything_twice(stage: Stage) -> None:
    deals = [stage.win(name=f"Deal {n}", account=f"Customer {n}") for n in range(6)]
    stage.config.write_text(stage.config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    workers = [stage.open() for _ in range(3)]
    stage.plant.store.request(deals, Priority.LIVE)
    reports: list[Report] = []
    begin = threading.Barrier(len(workers))

    def work(plant: Plant) -> None:
        begin.wait()
        while claims := plant.store.claim("worker", limit=1, lease_seconds=LEASE):
            reports.append(plant.engine.reconcile(claims))

    threads = [threading.Thread(target=work, args=(plant,)) for plant in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for plant in workers:
        plant.close()
    assert sum(report.planned for report in reports) == len(deals)
    assert sum(report.created.total() for report in reports) == 2 * len(deals) * (TASKS + 1)
    life = Life(stage, deals)
    life.rest()
    life.check()
    assert len(stage.simulator.jira.site.issues.by_id) == len(deals) * (TASKS + 1)


def stand_still(stage: Stage, victim: Plant, connection: str, at: int) -> list[Report]:
    """Stop the victim for longer than its lease before its call number `at` of a connection, while another works."""
    taken: list[Report] = []
    before, renew, calls = victim.paces[connection].before, victim.store.renew, 0
    running = threading.Lock()

    def hold(endpoint: str, cost: int = 1) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            with running:
                stage.sleep(LEASE + 5)
                taken.append(stage.plant.engine.drain())
        before(endpoint, cost)

    def renew_while_running(*args: Any) -> Any:
        with running:
            return renew(*args)

    victim.paces[connection].before = hold  # type: ignore[method-assign]
    victim.store.renew = renew_while_running  # type: ignore[method-assign]
    return taken


@ONE_AUTHORITY
@pytest.mark.parametrize("connection", ["crm", "tracker", "sheets"])
def test_law_11_a_worker_that_lost_its_lease_cannot_commit(
    stage: Stage, connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before each call in turn: what it was about to send may still land, then it is told as a double."""
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 0.1)  # a shared sheet's lane is the victim's while it stands still
    for at in range(1, 8):
        deal = stage.win(name=f"Deal {at}", account=f"Customer {at}")
        stage.plant.store.request([deal], Priority.LIVE)
        victim = stage.open()
        taken = stand_still(stage, victim, connection, at)
        late = victim.engine.drain()
        victim.close()
        if not taken:
            break
        assert taken[0].looked >= 1
        assert late.lost_leases == 1
        life = Life(stage, [deal])
        life.rest()
        doubled = {q.item for q in stage.plant.store.quarantined() if q.key == deal}
        held = {q.code for q in stage.plant.store.quarantined()}
        assert held <= {"DUPLICATE-01"}
        proof = stage.prove()
        assert (proof.unequal, proof.lacking, proof.strays) == (0, 0, 0), proof.examples
        assert bool(proof.duplicates) == bool(held), (proof.examples, doubled)
        delete_doubles(stage)
        life.rest()
        life.check()
        assert stage.plant.store.quarantined() == ()
    assert at > 1


def delete_doubles(stage: Stage) -> None:
    """Do what DUPLICATE-01 says: delete the rest."""
    for held in stage.plant.store.quarantined():
        for place in held.attempt.splitlines():
            number, _, container = place.partition("@")
            with stage.simulator.world.lock:
                if held.connection == "tracker":
                    stage.simulator.jira.act("delete_issue", {"issue": number})
                elif held.item == PLAN_ITEM:
                    stage.simulator.smartsheet.act("delete_sheet", {"sheet": int(number)})
                else:
                    stage.simulator.smartsheet.act("delete_row", {"sheet": int(container), "row": int(number)})


@ONE_AUTHORITY
def test_one_that_changes_faster_than_it_can_be_brought_about_does_not_hold_a_run_up(
    life: Life, small_template: str
) -> None:
    """Somebody asks for a look at the same deal again whenever it was looked at."""
    engine, store = life.stage.plant.engine, life.stage.plant.store
    engine._progress = lambda _report: store.request(life.deals, Priority.LIVE)
    store.request(life.deals, Priority.LIVE)
    report = engine.drain()
    assert report.looked == 10
    assert report.waiting == 1
    assert any("faster" in note for note in report.notes)


@ONE_AUTHORITY
def test_a_deal_that_is_neither_won_nor_known_costs_nothing(life: Life, new_database: Callable[[], str]) -> None:
    stage = life.stage
    with stage.simulator.world.lock:
        org = stage.simulator.salesforce.org
        account = org.insert("Account", {"Name": "Prospect"})
        fields = {"Name": "Open", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2027-01-01"}
        org.insert("Opportunity", fields)
    stage.settle()
    before = sum(stage.simulator.world.calls.values())
    report = stage.sweep()
    assert report.looked == 0
    assert sum(stage.simulator.world.calls.values()) - before <= 5
    assert stage.plant.store.counts()["dirty"] == 0


@ONE_AUTHORITY
def test_a_sheet_that_people_rename_stays_the_plans_own_and_is_proven(life: Life) -> None:
    stage, key = life.stage, life.deals[0]
    place = life.known()[key].bound("sheets")["task_0"].ref
    sheet = stage.simulator.smartsheet.state.sheets[int(place.container)]
    with stage.simulator.world.lock:
        life.sheet("rename_sheet", sheet=sheet.id, name="Acme, our launch")
    edit(life, "tracker", "status", 0)
    life.look_at_all()
    life.rest()
    assert values(life, "status") == "done"
    assert sheet.name == "Acme, our launch"
    assert [made.id for made in stage.simulator.smartsheet.state.sheets.values()] == [sheet.id]
    life.check_sound()
    life.check_quiet()


@ONE_AUTHORITY
def test_a_plan_that_is_gone_is_told_once_and_heals_when_it_is_back(life: Life, layout: str) -> None:
    stage, key = life.stage, life.deals[0]
    sheet = stage.simulator.smartsheet.state.sheets[int(life.known()[key].bound("sheets")["task_0"].ref.container)]
    with stage.simulator.world.lock:
        life.sheet("unshare", sheet=sheet.id)
    edit(life, "tracker", "status", 0)
    life.look_at_all()
    assert [(q.item, q.code) for q in stage.plant.store.quarantined()] == [(PLAN_ITEM, "PLAN-GONE-01")]
    rolled = next(r for r in stage.simulator.salesforce.org.rows("Onboarding__c") if r["Deal_Key__c"] == key)
    assert rolled["Tasks_Done__c"] == 1
    life.check_sound()
    life.check_quiet()
    with stage.simulator.world.lock:
        life.sheet("share", sheet=sheet.id, access="OWNER")
    life.look_at_all()
    assert stage.plant.store.quarantined() == ()
    assert values(life, "status") == "done"
    assert stage.plant.store.counts()["missing"] == 0
    life.rest()
    life.check()
