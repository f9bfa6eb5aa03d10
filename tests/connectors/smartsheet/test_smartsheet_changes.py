"""What somebody else edited is reported until it is known, and what we wrote ourselves is not."""

from __future__ import annotations

import random

import pytest
from smartsheet_account import DEAL, Account, a_plan, plan_create, rows, task_create, written

from connectors.base import DictMemory, Kind, PlanRefs, Update
from connectors.errors import Refused
from connectors.smartsheet import SmartsheetConnector
from connectors.smartsheet.notes import SheetNote


def test_a_read_does_not_make_a_persons_edit_old_news(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    start = sheets.changes("").cursor
    account.people("tick_row", plan.id, row=1)
    rows(sheets, plan)  # a preview, or the reconcile of another onboarding in the same sheet
    assert sheets.changes(start).touched == {plan.id}


def test_an_edit_between_two_of_our_writes_is_reported(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    start = sheets.changes("").cursor
    account.people("tick_row", plan.id, row=1)
    written(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Status": "Blocked"})]))
    assert sheets.changes(start).touched == {plan.id}


def test_a_write_after_a_reported_edit_is_no_news(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("tick_row", plan.id, row=1)
    known = sheets.changes(sheets.changes("").cursor).cursor
    written(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Status": "Done"})]))
    assert sheets.changes(known).touched == frozenset()


def test_an_edit_is_reported_although_the_list_of_sheets_lags(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    account.vendor.knobs["list_lag_seconds"] = 65
    cursor = sheets.changes("").cursor
    account.people("tick_row", plan.id, row=1)
    touched = set()
    for _ in range(5):
        account.world.clock.advance(30)
        changes = sheets.changes(cursor)
        cursor = changes.cursor
        touched |= changes.touched
    assert touched == {plan.id}


def test_an_edit_is_reported_once_over_a_day_of_sweeps(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    cursor = sheets.changes("").cursor
    reported = 0
    for minute in range(0, 24 * 60, 2):
        if minute == 600:
            account.people("tick_row", plan.id, row=1)
        account.world.clock.advance(120)
        changes = sheets.changes(cursor)
        cursor = changes.cursor
        reported += len(changes.touched)
    assert reported == 1


def test_the_cursor_never_goes_back_and_never_reaches_now(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    cursor = sheets.changes("").cursor
    seen = [cursor]
    for _ in range(4):
        account.world.clock.advance(600)
        account.people("tick_row", plan.id, row=1)
        cursor = sheets.changes(cursor).cursor
        seen.append(cursor)
    moments = [text.split('"')[3] for text in seen]
    assert moments == sorted(moments)
    assert moments[-1] == "2026-11-02T09:35:00Z", "five minutes before 09:40"


@pytest.mark.parametrize("cursor", ["yesterday", "{}", "[]", '{"since": "soon", "reported": {}}'])
def test_a_cursor_that_is_none_of_ours_is_refused_and_not_taken_for_none(
    sheets: SmartsheetConnector, cursor: str
) -> None:
    with pytest.raises(Refused, match="Reset it"):
        sheets.changes(cursor)


def test_a_sheet_that_we_forgot_is_reported_until_it_was_read(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets, "kickoff")
    restored = account.connector(memory=DictMemory())
    cursor = restored.changes("").cursor
    assert restored.changes(cursor).touched == {plan.id}
    list(restored.fetch([PlanRefs(plan)]))
    known = restored.changes(cursor).cursor
    assert restored.changes(known).touched == frozenset()


def test_deleted_and_copied_rows_touch_their_sheet(account: Account, sheets: SmartsheetConnector) -> None:
    plan, (first, _) = a_plan(sheets, "kickoff", "launch")
    cursor = sheets.changes("").cursor
    account.people("delete_row", plan.id, row=2)
    changes = sheets.changes(cursor)
    assert changes.touched == {plan.id}
    assert [record.ref for record in rows(sheets, plan)] == [first.ref]
    account.people("copy_row", plan.id, row=1)
    assert sheets.changes(changes.cursor).touched == {plan.id}
    copies = rows(sheets, plan)
    assert [record.write_key for record in copies] == [f"{DEAL}:kickoff"] * 2
    assert len({record.ref for record in copies}) == 2


def test_an_idle_sweep_costs_one_call_however_many_sheets_there_are(
    account: Account, sheets: SmartsheetConnector
) -> None:
    for n in range(40):
        plan = written(sheets.write([plan_create(f"deal{n}:plan")]))[0].ref
        written(sheets.write([task_create(plan, "kickoff", f"deal{n}")]))
    account.forget()
    cursor = sheets.changes("").cursor
    account.world.clock.advance(3600)
    assert sheets.changes(cursor).touched == frozenset()
    assert account.calls() == {"GET /2.0/sheets": 2}


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_edits_writes_and_reports_hides_an_edit(seed: int) -> None:
    """Follow the note of one sheet against the truth: the edits of others that the engine has not been told of."""
    dice = random.Random(seed)
    note, version, report = SheetNote(quiet=0), 0, 0
    untold: list[int] = []
    for _ in range(300):
        match dice.choice(["edit", "write", "write", "look", "kept"]):
            case "edit":
                version += 1
                untold.append(version)
            case "write":
                version += 1
                note = note.wrote(version)
            case "look":
                report = version if version > note.quiet else report
            case _:
                note = note.reported(report)
                untold = [edit for edit in untold if edit > report]
        assert note.quiet <= version
        assert all(edit > note.quiet for edit in untold)
    assert note.reported(version).quiet == version
