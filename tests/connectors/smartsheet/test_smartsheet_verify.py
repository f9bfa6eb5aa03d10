"""What `plan` and `verify` ask: what writes will cost, and everything here that is ours."""

from __future__ import annotations

from collections import Counter

import pytest
from smartsheet_account import DEAL, PLAN_KEY, Account, a_plan, plan_create, rows, task_create, written

from connectors.base import Create, Kind, Update, Write
from connectors.smartsheet import Layout, SmartsheetConnector


@pytest.mark.parametrize("layout", list(Layout))
def test_the_foretold_calls_are_the_calls_made(account: Account, layout: Layout) -> None:
    connector = account.connector(layout=layout, portfolio_rows=1000)
    creates = [plan_create(f"deal{n}:plan", f"Deal {n}", size=300) for n in range(4)]
    tasks = {n: [(f"t{t}", f"deal{n}") for t in range(300)] for n in range(4)}
    foretold = connector.price(creates)
    plans = [result.ref for result in written(connector.write(creates))]
    assert account.world.count("smartsheet") == foretold
    made = [task_create(plans[n], *task) for n, each in tasks.items() for task in each]
    account.forget()
    results = written(connector.write(made))
    assert account.world.count("smartsheet") == (4 if layout is Layout.SHEET_PER_ONBOARDING else 3)
    updates: list[Write] = [Update(r.write.write_key, Kind.TASK, r.ref, {"Done": True}) for r in results]
    account.forget()
    written(connector.write(updates))
    assert account.world.count("smartsheet") == connector.price(updates)


def test_a_whole_plan_is_priced_before_anything_exists(account: Account) -> None:
    writes: list[Create] = []
    for n in range(50):
        writes.append(plan_create(f"deal{n}:plan", size=25))
        writes += [Create(f"deal{n}:t{t}", Kind.TASK, {}) for t in range(25)]
    assert account.connector().price(writes) == 100
    assert account.connector(layout=Layout.PORTFOLIO).price(writes) == 1 + 3
    assert account.calls() == {}


def test_a_renamed_plan_is_priced_and_made_with_one_call_each(account: Account, sheets: SmartsheetConnector) -> None:
    plans = [r.ref for r in written(sheets.write([plan_create(f"deal{n}:plan") for n in range(3)]))]
    renames = [Update(f"deal{n}:plan", Kind.PLAN, plan, {"name": "New"}) for n, plan in enumerate(plans)]
    account.forget()
    written(sheets.write(renames))
    assert account.world.count("smartsheet") == sheets.price(renames) == 3


def test_the_inventory_holds_all_that_is_ours_doubles_too_and_nothing_else(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets, "kickoff", "launch")
    written(sheets.write([plan_create()]))  # the same plan a second time, as a faulty engine would make it
    account.people("copy_row", plan.id, row=1)
    account.people("add_row", plan.id, cells={"Task": "A coordinator's own row"})
    account.people("move_sheet", plan.id)
    account.people("rename_sheet", written(sheets.write([plan_create("deal2:plan")]))[0].ref.id, name="Private · notes")
    found = Counter((record.kind, record.write_key) for record in sheets.inventory())
    assert found == {
        (Kind.PLAN, PLAN_KEY): 2,
        (Kind.TASK, f"{DEAL}:kickoff"): 2,
        (Kind.TASK, f"{DEAL}:launch"): 1,
    }


def test_the_inventory_of_shared_sheets_holds_all_rows(account: Account, portfolio: SmartsheetConnector) -> None:
    plans = [written(portfolio.write([plan_create(f"deal{n}:plan", size=6)]))[0].ref for n in range(3)]
    made = written(portfolio.write([task_create(plan, "kickoff", f"deal{n}") for n, plan in enumerate(plans)]))
    assert {record.ref for record in portfolio.inventory()} == {result.ref for result in made}
    assert len(rows(portfolio, plans[0])) == 1
