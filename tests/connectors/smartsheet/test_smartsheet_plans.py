"""Plans: sheets whose names can be found again, and shared sheets that cost no call per plan."""

from __future__ import annotations

import pytest
from smartsheet_account import DEAL, PLAN_KEY, Account, a_plan, failures, plan_create, rows, task_create, written

from connectors.base import DictMemory, Kind, PlanRefs, Record, Update, Wanted
from connectors.errors import Refused, TryLater, Unknown
from connectors.smartsheet import Layout, SmartsheetConnector
from connectors.smartsheet.plans import sheet_name, shown_key, shown_name

ADD_SHEET = "POST /2.0/workspaces/{id}/sheets"
CHILDREN = "GET /2.0/workspaces/{id}/children"
LIST = "GET /2.0/sheets"


def find_plan(connector: SmartsheetConnector, key: str = PLAN_KEY, name: str = "Acme onboarding") -> list[Record]:
    return list(connector.find([Wanted(key, Kind.PLAN, None, "", name)]))


@pytest.mark.parametrize("name", ["Acme", "A very long name of a customer and its many subsidiaries", "", "  a   b "])
@pytest.mark.parametrize("key", [PLAN_KEY, "x", "k" * 23, "k" * 24, "k" * 200])
def test_a_sheets_name_fits_and_ends_in_its_key(sheets: SmartsheetConnector, name: str, key: str) -> None:
    made = sheet_name(name, key)
    assert len(made) <= 50
    assert {"name": shown_name(made)} == sheets.normalise(Kind.PLAN, {"name": name})
    assert shown_key(made) == (key if len(key) <= 23 else "")


def test_long_keys_differ_in_their_names() -> None:
    assert sheet_name("Acme", "k" * 24) != sheet_name("Acme", "k" * 25)


def test_a_sheet_has_the_mappings_columns_and_a_hidden_key(account: Account, sheets: SmartsheetConnector) -> None:
    a_plan(sheets)
    (sheet,) = account.sheets()
    assert sheet["name"] == f"Acme onboarding · {PLAN_KEY}"
    titles = [column["title"] for column in sheet["columns"]]
    assert titles == ["Task", "Phase", "Status", "Done", "Owner", "Start", "Due", "Estimated hours", "Closedwon key"]
    assert [column["hidden"] for column in sheet["columns"]] == [False] * 8 + [True]


def test_a_plan_is_renamed_with_one_call_and_keeps_its_key(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    account.forget()
    (done,) = written(sheets.write([Update(PLAN_KEY, Kind.PLAN, plan, {"name": "Acme Ltd"})]))
    assert account.calls() == {"PUT /2.0/sheets/{id}": 1}
    assert done.fields == {"name": "Acme Ltd"}
    assert [record.ref.id for record in find_plan(sheets)] == [plan.id]


def test_a_plan_has_only_a_name(sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    (failed,) = failures(sheets.write([Update(PLAN_KEY, Kind.PLAN, plan, {"owner": "x"})]))
    assert (failed.error.code, getattr(failed.error, "field", "")) == ("SS-NAME-02", "owner")


def test_plans_are_looked_up_by_one_listing(account: Account, sheets: SmartsheetConnector) -> None:
    keys = [f"deal{n}:plan" for n in range(5)]
    written(sheets.write([plan_create(key) for key in keys]))
    account.forget()
    found = list(sheets.find([Wanted(key, Kind.PLAN, None, "") for key in keys]))
    assert {record.write_key for record in found} == set(keys)
    assert account.calls() == {CHILDREN: 1}


def test_a_plan_that_never_landed_is_not_found(account: Account, sheets: SmartsheetConnector) -> None:
    a_plan(sheets)
    assert find_plan(sheets, "deal2:plan") == []


def test_a_plan_that_a_person_moved_is_found(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    account.people("move_sheet", plan.id)
    assert [record.ref for record in find_plan(sheets)] == [plan]


def test_a_listing_of_many_pages_is_read_to_its_end(
    account: Account, sheets: SmartsheetConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.smartsheet.sheets._PAGE", "100")
    plans = written(sheets.write([plan_create(f"deal{n}:plan") for n in range(101)]))
    account.forget()
    found = [find_plan(sheets, plan.write.write_key)[0].ref for plan in (plans[0], plans[-1])]
    assert found == [plans[0].ref, plans[-1].ref]
    assert account.calls() == {CHILDREN: 4}


def test_a_look_up_that_fails_says_so_and_does_not_say_nothing_is_there(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.fault("error_4004", CHILDREN, times=None)
    with pytest.raises(TryLater):
        find_plan(sheets)
    account.fault("error_4002", "GET /2.0/sheets/{id}", times=None)
    with pytest.raises(TryLater):
        list(sheets.find([Wanted(f"{DEAL}:kickoff", Kind.TASK, plan, "")]))


# -- shared sheets


def test_a_backfill_into_shared_sheets_costs_the_floor(account: Account) -> None:
    portfolio = account.connector(layout=Layout.PORTFOLIO)
    plans = written(portfolio.write([plan_create(f"deal{n}:plan", size=25) for n in range(100)]))
    creates = [task_create(plan.ref, f"t{t}", f"deal{n}") for n, plan in enumerate(plans) for t in range(25)]
    written(portfolio.write(creates))
    assert account.calls() == {ADD_SHEET: 1, "POST /2.0/sheets/{id}/rows": 5}


def test_a_killed_process_goes_on_with_the_shared_sheet_that_it_had_made(account: Account) -> None:
    first = account.connector(layout=Layout.PORTFOLIO)
    account.fault("drop_after", ADD_SHEET)
    (failed,) = failures(first.write([plan_create()]))
    assert type(failed.error) is Unknown
    again = account.connector(layout=Layout.PORTFOLIO)
    (plan,) = written(again.write([plan_create()]))
    assert [str(sheet["id"]) for sheet in account.sheets()] == [plan.ref.id]
    assert account.calls() == {ADD_SHEET: 1, CHILDREN: 1}
    assert len(written(again.write([task_create(plan.ref)]))) == 1


def test_a_killed_process_makes_the_shared_sheet_that_never_landed(account: Account) -> None:
    portfolio = account.connector(layout=Layout.PORTFOLIO)
    account.fault("drop_before", ADD_SHEET)
    failures(portfolio.write([plan_create()]))
    written(portfolio.write([plan_create()]))
    written(portfolio.write([plan_create("deal2:plan")]))
    assert len(account.sheets()) == 1


def test_room_that_was_promised_is_remembered_by_the_next_process(account: Account) -> None:
    ids = []
    for n in range(3):
        portfolio = account.connector(layout=Layout.PORTFOLIO, portfolio_rows=10)
        ids.append(written(portfolio.write([plan_create(f"deal{n}:plan", size=5)]))[0].ref.id)
    assert ids[0] == ids[1] != ids[2]


def test_a_plan_larger_than_a_shared_sheet_is_refused(account: Account, portfolio: SmartsheetConnector) -> None:
    (failed,) = failures(portfolio.write([plan_create(size=11)]))
    assert isinstance(failed.error, Refused)
    assert failed.error.code == "SS-SIZE-01"
    assert account.calls() == {}


def test_a_shared_plan_is_found_by_its_rows_when_the_store_was_lost(account: Account) -> None:
    before = account.connector(layout=Layout.PORTFOLIO, portfolio_rows=10)
    plan, (task,) = a_plan(before, "kickoff")
    after = account.connector(DictMemory(), layout=Layout.PORTFOLIO, portfolio_rows=10)
    (found,) = find_plan(after)
    assert (found.ref, found.write_key) == (plan, PLAN_KEY)
    assert [record.ref for record in rows(after, found.ref)] == [task.ref]
    (other,) = written(after.write([plan_create("deal2:plan", "Other", size=9)]))
    assert other.ref.id == plan.id, "one row of ten is taken, and the sheet is gone on with"
    assert find_plan(after, "deal3:plan") == []


def test_a_shared_row_names_its_deal_in_full(account: Account, portfolio: SmartsheetConnector) -> None:
    name = "A very long name of a customer and its many subsidiaries"
    plan = written(portfolio.write([plan_create(name=name)]))[0]
    written(portfolio.write([task_create(plan.ref)]))
    assert account.sheets()[0]["rows"][0]["cells"]["Deal"] == name
    assert plan.fields == portfolio.normalise(Kind.PLAN, {"name": name}) == {"name": name}


def test_a_shared_plan_cannot_be_renamed(account: Account, portfolio: SmartsheetConnector) -> None:
    plan, _ = a_plan(portfolio, "kickoff")
    (failed,) = failures(portfolio.write([Update(PLAN_KEY, Kind.PLAN, plan, {"name": "Acme Ltd"})]))
    assert failed.error.code == "SS-NAME-01"
    (record,) = [r for r in portfolio.fetch([PlanRefs(plan)]) if r.kind is Kind.PLAN]
    assert record.fields == {"name": "Acme onboarding"}


def test_a_second_shared_sheet_of_unknown_outcome_is_not_made_twice(account: Account) -> None:
    portfolio = account.connector(layout=Layout.PORTFOLIO, portfolio_rows=10)
    account.world.faults.add("drop_after", endpoint=ADD_SHEET, skip=1)
    plans = [plan_create(f"deal{n}:plan", size=6) for n in range(3)]
    results = list(portfolio.write(plans))
    assert [type(result).__name__ for result in results] == ["Written", "Failed", "Written"]
    written(portfolio.write(plans[1:2]))
    assert sorted(sheet["name"] for sheet in account.sheets()) == [f"Closedwon portfolio 000{n}" for n in (1, 2, 3)]
