"""The main path over real HTTP: plans and tasks are made in both layouts, read, and watched for changes."""

from __future__ import annotations

from datetime import date

from smartsheet_account import DEAL, PLAN_KEY, Account, a_plan, plan_create, rows, task_create, written

from connectors.base import Kind, PlanRefs, Update
from connectors.smartsheet import SmartsheetConnector


def test_a_plan_and_its_tasks_cost_two_calls(account: Account, sheets: SmartsheetConnector) -> None:
    plan, tasks = a_plan(sheets, "kickoff", "train", "launch")
    assert account.calls() == {"POST /2.0/workspaces/{id}/sheets": 1, "POST /2.0/sheets/{id}/rows": 1}
    assert [task.ref.container for task in tasks] == [plan.id] * 3
    assert tasks[0].fields == {"Task": "Do kickoff", "Status": "Not started", "Due": date(2026, 12, 1)}
    assert tasks[0].url.endswith(f"?rowId={tasks[0].ref.id}")


def test_what_was_written_is_read_back(sheets: SmartsheetConnector) -> None:
    plan, tasks = a_plan(sheets, "kickoff", "launch")
    records = list(sheets.fetch([PlanRefs(plan, tuple(task.ref for task in tasks))]))
    assert records[0].kind is Kind.PLAN
    assert (records[0].fields, records[0].write_key) == ({"name": "Acme onboarding"}, PLAN_KEY)
    assert [(r.ref, r.write_key) for r in records[1:]] == [(t.ref, t.write.write_key) for t in tasks]
    assert records[1].fields == {
        "Task": "Do kickoff",
        "Phase": None,
        "Status": "Not started",
        "Done": False,
        "Owner": None,
        "Start": None,
        "Due": date(2026, 12, 1),
        "Estimated hours": None,
    }


def test_portfolio_sheets_are_shared_and_filled_before_a_new_one_is_made(
    account: Account, portfolio: SmartsheetConnector
) -> None:
    plans = [written(portfolio.write([plan_create(f"deal{n}:plan", f"Deal {n}", size=4)]))[0].ref for n in range(4)]
    assert [plans[0].id == plans[1].id, plans[1].id == plans[2].id, plans[2].id == plans[3].id] == [True, False, True]
    tasks = [task_create(plan, f"t{t}", f"deal{n}") for n, plan in enumerate(plans) for t in range(4)]
    assert len(written(portfolio.write(tasks))) == 16
    assert account.calls() == {"POST /2.0/workspaces/{id}/sheets": 2, "POST /2.0/sheets/{id}/rows": 2}
    assert {sheet["name"] for sheet in account.sheets()} == {"Closedwon portfolio 0001", "Closedwon portfolio 0002"}
    deals = [row["cells"]["Deal"] for sheet in account.sheets() for row in sheet["rows"]]
    assert sorted(deals) == [f"Deal {n}" for n in range(4) for _ in range(4)]


def test_portfolio_plans_of_one_sheet_are_read_with_one_call(account: Account, portfolio: SmartsheetConnector) -> None:
    plans = [written(portfolio.write([plan_create(f"deal{n}:plan", f"Deal {n}", size=2)]))[0].ref for n in range(3)]
    written(portfolio.write([task_create(plan, "kickoff", f"deal{n}") for n, plan in enumerate(plans)]))
    account.forget()
    records = list(portfolio.fetch([PlanRefs(plan) for plan in plans]))
    assert account.calls() == {"GET /2.0/sheets/{id}": 1}
    assert [(r.ref, r.fields["name"]) for r in records if r.kind is Kind.PLAN] == [
        (plan, f"Deal {n}") for n, plan in enumerate(plans)
    ]
    assert [r.write_key for r in records if r.kind is Kind.TASK] == [f"deal{n}:kickoff" for n in range(3)]


def test_an_update_changes_these_fields_and_no_others(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    fields = {"Status": "Done", "Done": True, "Due": None, "Estimated hours": 2.5, "Owner": "ada@example.com"}
    account.forget()
    (done,) = written(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, fields)]))
    assert account.calls() == {"PUT /2.0/sheets/{id}/rows": 1}
    assert done.fields == fields
    (record,) = rows(sheets, plan)
    assert {title: record.fields[title] for title in fields} == fields
    assert record.fields["Task"] == "Do kickoff"


def test_our_own_writes_are_no_changes_and_an_idle_sweep_is_one_call(
    account: Account, sheets: SmartsheetConnector
) -> None:
    _, (task, _) = a_plan(sheets, "kickoff", "launch")
    written(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Done": True})]))
    account.forget()
    assert sheets.changes("").touched == frozenset()
    assert account.calls() == {"GET /2.0/sheets": 1}


def test_a_persons_edit_is_reported_and_not_again_once_the_cursor_was_kept(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    start = sheets.changes("").cursor
    account.people("set_cell", plan.id, row=1, column="Status", value="Done")
    first = sheets.changes(start)
    assert first.touched == {plan.id}
    assert sheets.changes(start).touched == {plan.id}, "the engine died before it kept the first answer"
    assert sheets.changes(first.cursor).touched == frozenset()
