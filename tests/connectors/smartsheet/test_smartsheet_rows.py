"""Rows: what fits is written, what does not is refused by itself, and people's changes to columns are survived."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import Any

import pytest
from smartsheet_account import DEAL, Account, a_plan, failures, plan_create, rows, task_create, written

from connectors.base import Create, DictMemory, Failed, Kind, PlanRefs, Ref, Update, Value, Wanted, Written
from connectors.errors import Refused
from connectors.smartsheet import SmartsheetConnector

ADD_ROWS = "POST /2.0/sheets/{id}/rows"
SET_ROWS = "PUT /2.0/sheets/{id}/rows"
COLUMNS = "GET /2.0/sheets/{id}/columns"


def update(ref: Ref, item: str = "kickoff", **fields: Value) -> Update:
    return Update(f"{DEAL}:{item}", Kind.TASK, ref, fields)


def test_one_bad_row_is_refused_and_the_others_of_its_call_are_written(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets)
    creates = [task_create(plan, "a"), task_create(plan, "b", Status="Someday"), task_create(plan, "c")]
    results = list(sheets.write(creates))
    assert [(type(result), result.write.write_key) for result in results] == [
        (Written, f"{DEAL}:a"),
        (Failed, f"{DEAL}:b"),
        (Written, f"{DEAL}:c"),
    ]
    error = results[1].error  # type: ignore[union-attr]
    assert isinstance(error, Refused)
    assert (error.code, error.field) == ("SS-VALUE-01", "Status")
    assert account.calls()[ADD_ROWS] == 1
    assert [record.write_key for record in rows(sheets, plan)] == [f"{DEAL}:a", f"{DEAL}:c"]


def test_one_bad_update_is_refused_and_the_others_of_its_call_are_written(sheets: SmartsheetConnector) -> None:
    plan, (a, b, c) = a_plan(sheets, "a", "b", "c")
    results = list(
        sheets.write(
            [
                update(a.ref, "a", Status="Done"),
                update(b.ref, "b", Status="Someday"),
                update(c.ref, "c", Status="Blocked"),
            ]
        )
    )
    assert [type(result) for result in results] == [Written, Failed, Written]
    assert [record.fields["Status"] for record in rows(sheets, plan)] == ["Done", "Not started", "Blocked"]


def test_a_row_that_a_person_deleted_is_refused_alone(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (a, b) = a_plan(sheets, "a", "b")
    account.people("delete_row", plan.id, row=1)
    results = {
        r.write.write_key: r for r in sheets.write([update(a.ref, "a", Done=True), update(b.ref, "b", Done=True)])
    }
    gone = results[f"{DEAL}:a"]
    assert isinstance(gone, Failed)
    assert isinstance(gone.error, Refused)
    assert isinstance(results[f"{DEAL}:b"], Written)


def test_a_call_refused_for_one_row_goes_again_without_it(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    body = {"errorCode": 1042, "message": "no", "refId": "x", "detail": {"index": 1}}
    account.fault("status", ADD_ROWS, args={"status": 400, "body": body})
    results = list(sheets.write([task_create(plan, item) for item in ("a", "b", "c")]))
    assert {r.write.write_key: type(r) for r in results} == {
        f"{DEAL}:a": Written,
        f"{DEAL}:b": Failed,
        f"{DEAL}:c": Written,
    }
    assert [record.write_key for record in rows(sheets, plan)] == [f"{DEAL}:a", f"{DEAL}:c"]


def test_calls_hold_500_rows_and_one_sheet(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    other = written(sheets.write([plan_create("deal2:plan")]))[0].ref
    creates = [task_create(plan, f"t{n}") for n in range(501)]
    account.forget()
    tasks = written(sheets.write([*creates, task_create(other, "kickoff", "deal2")]))
    assert account.calls() == {ADD_ROWS: 3}
    assert len({task.ref for task in tasks}) == 502
    account.forget()
    written(sheets.write([update(t.ref, t.write.write_key, Done=True) for t in tasks]))
    assert account.calls() == {SET_ROWS: 3}


def test_two_updates_of_one_row_are_carried_out_in_order_and_not_in_one_call(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    written(sheets.write([update(task.ref, Status="Blocked"), update(task.ref, Status="Done")]))
    assert account.calls()[SET_ROWS] == 2
    assert rows(sheets, plan)[0].fields["Status"] == "Done"


def test_a_renamed_column_goes_on_to_work(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("rename_column", plan.id, column="Status", title="Stand")
    account.forget()
    written(sheets.write([update(task.ref, Status="Done"), task_create(plan, "launch")]))
    assert account.calls() == {ADD_ROWS: 1, SET_ROWS: 1}
    assert [record.fields["Status"] for record in rows(sheets, plan)] == ["Done", "Not started"]


def test_a_column_deleted_and_made_again_is_learned_and_the_write_repeated(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("rename_column", plan.id, column="Phase", title="Old")
    account.people("delete_column", plan.id, column="Old")
    account.people("rename_column", plan.id, column="Estimated hours", title="Phase")
    account.forget()
    (done,) = written(sheets.write([update(task.ref, Phase="Plan")]))
    assert account.calls() == {SET_ROWS: 2, COLUMNS: 1}
    assert done.fields == {"Phase": "Plan"}


def test_a_deleted_column_is_refused_by_name_and_other_fields_still_go(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("delete_column", plan.id, column="Phase")
    (failed,) = failures(sheets.write([update(task.ref, Phase="Plan")]))
    assert isinstance(failed.error, Refused)
    assert (failed.error.code, failed.error.field) == ("SS-COLUMN-01", "Phase")
    written(sheets.write([update(task.ref, Status="Done")]))
    assert "Phase" not in rows(sheets, plan)[0].fields, "what a sheet cannot show is not an empty value"


def test_without_a_key_column_no_row_is_created(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.people("delete_column", plan.id, column="Closedwon key")
    (failed,) = failures(sheets.write([task_create(plan, "launch")]))
    assert failed.error.code == "SS-COLUMN-03"
    assert len(account.sheets()[0]["rows"]) == 1


def test_rows_are_written_by_a_process_that_never_saw_the_sheet(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    fresh = account.connector(memory=DictMemory())
    account.forget()
    written(fresh.write([task_create(plan, "launch")]))
    assert account.calls() == {ADD_ROWS: 1, COLUMNS: 1}


def test_a_bound_row_without_its_key_is_still_read(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task, _) = a_plan(sheets, "kickoff", "launch")
    account.people("set_cell", plan.id, row=1, column="Closedwon key", value="")
    account.people("add_row", plan.id, cells={"Task": "A coordinator's own row"})
    assert next((r.ref, r.write_key) for r in rows(sheets, plan, task.ref)) == (task.ref, "")
    assert [r.write_key for r in rows(sheets, plan)] == [f"{DEAL}:launch"]


def test_a_sheet_longer_than_a_page_is_read_whole(
    account: Account, sheets: SmartsheetConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.smartsheet.reading.PAGE", 10)
    plan, _ = a_plan(sheets, *(f"t{n}" for n in range(30)))
    account.forget()
    assert [r.write_key for r in rows(sheets, plan)] == [f"{DEAL}:t{n}" for n in range(30)]
    assert account.calls() == {"GET /2.0/sheets/{id}": 3}


def test_half_an_answer_about_a_sheet_is_no_empty_sheet(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.fault("status", "GET /2.0/sheets/{id}", args={"status": 200, "body": {"version": 1}})
    with pytest.raises(Exception, match="less than the whole sheet"):
        rows(sheets, plan)


CASES: list[tuple[str, Value, Value]] = [
    ("Task", "x" * 5000, "x" * 4000),
    ("Task", "", None),
    ("Task", "  spaces stay  ", "  spaces stay  "),
    ("Task", "€ 😀 <b>", "€ 😀 <b>"),
    ("Estimated hours", 8, 8.0),
    ("Estimated hours", 0, 0.0),
    ("Estimated hours", 0.1, 0.1),
    ("Estimated hours", "eight", "eight"),
    ("Done", None, False),
    ("Done", True, True),
    ("Due", date(2027, 2, 28), date(2027, 2, 28)),
    ("Due", datetime(2027, 2, 28, 23, 0, tzinfo=UTC), date(2027, 2, 28)),
    ("Due", None, None),
    ("Owner", "ada@example.com", "ada@example.com"),
    ("Owner", None, None),
    ("Status", "Blocked", "Blocked"),
    ("Phase", ("a", "b"), "a, b"),
]


@pytest.mark.parametrize(("title", "value", "shown"), CASES)
def test_a_value_is_foretold_stored_answered_and_read_alike(
    sheets: SmartsheetConnector, title: str, value: Value, shown: Value
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    (done,) = written(sheets.write([update(task.ref, **{title: value})]))
    (record,) = rows(sheets, plan)
    assert sheets.normalise(Kind.TASK, {title: value}) == {title: shown}
    assert done.fields == {title: shown}
    assert record.fields[title] == shown
    assert type(record.fields[title]) is type(shown)


def test_text_that_a_person_typed_into_a_date_comes_as_text(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.people("set_cell", plan.id, row=1, column="Due", value="next week")
    assert rows(sheets, plan)[0].fields["Due"] == "next week"


def test_many_threads_write_one_sheet_one_after_the_other(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    results: list[Any] = []

    def run(number: int) -> None:
        results.extend(sheets.write([task_create(plan, f"t{number}-{n}") for n in range(5)]))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(isinstance(result, Written) for result in results)
    assert len(rows(sheets, plan)) == 40
    assert sheets.changes("").touched == frozenset(), "all versions are known to be ours"


def test_a_key_that_was_copied_is_found_twice(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("copy_row", plan.id, row=1)
    found = list(sheets.find([Wanted(f"{DEAL}:kickoff", Kind.TASK, plan, "")]))
    assert task.ref in {record.ref for record in found}
    assert len(found) == 2


def test_tasks_of_several_plans_are_looked_up_by_one_read_each(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "a", "b")
    account.forget()
    wanted = [Wanted(f"{DEAL}:{item}", Kind.TASK, plan, "") for item in ("a", "b", "never")]
    assert [r.write_key for r in sheets.find(wanted)] == [f"{DEAL}:a", f"{DEAL}:b"]
    assert account.calls() == {"GET /2.0/sheets/{id}": 1}


def test_a_plan_is_read_once_although_asked_for_twice(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "a")
    account.forget()
    list(sheets.fetch([PlanRefs(plan), PlanRefs(plan)]))
    assert account.calls() == {"GET /2.0/sheets/{id}": 1}


def test_a_create_with_no_values_still_carries_its_key(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    written(sheets.write([Create(f"{DEAL}:x", Kind.TASK, {"Task": None}, plan=plan)]))
    assert [r.write_key for r in rows(sheets, plan)] == [f"{DEAL}:x"]
