"""Every failure that Smartsheet and the network are known for ends in the right error, and in no second record."""

from __future__ import annotations

from typing import Any

import pytest
from smartsheet_account import (
    DEAL,
    PLAN_KEY,
    Account,
    a_plan,
    failures,
    plan_create,
    rows,
    task_create,
    written,
)

from connectors.base import Create, Failed, Kind, Ref, Update, Wanted, Written
from connectors.errors import ConnectorError, NotAuthorised, Refused, TryLater, Unknown
from connectors.smartsheet import SmartsheetConnector

ADD_ROWS = "POST /2.0/sheets/{id}/rows"
SET_ROWS = "PUT /2.0/sheets/{id}/rows"
ADD_SHEET = "POST /2.0/workspaces/{id}/sheets"
LIST = "GET /2.0/sheets"

LOST: list[tuple[str, dict[str, Any]]] = [
    ("drop_after", {}),
    ("truncate", {}),
    ("error_4002", {"after": True}),
    ("error_4004", {"after": True}),
    ("error_4000", {"after": True}),
    ("html_502", {"after": True}),
    ("captive_portal", {"after": True}),
    ("status", {"after": True, "args": {"status": 200, "body": []}}),
    ("status", {"after": True, "args": {"status": 200, "body": {"resultCode": 0}}}),
]
"""Committed, and the answer lost in some way."""

UNDONE: list[tuple[str, dict[str, Any]]] = [
    ("rate_limited", {}),
    ("rate_limited", {"args": {"retry_after": "7"}}),
    ("rate_limited", {"args": {"retry_after": "0.5"}}),
    ("rate_limited", {"args": {"retry_after": "Mon, 02 Nov 2026 09:00:20 GMT"}}),
    ("html_429", {}),
    ("html_429", {"args": {"retry_after": "3"}}),
]
"""Nothing was done, and trying again soon is right."""


@pytest.mark.parametrize(("fault", "parts"), LOST)
def test_rows_committed_without_an_answer_are_unknown_and_then_found_not_doubled(
    account: Account, sheets: SmartsheetConnector, fault: str, parts: dict[str, Any]
) -> None:
    plan, _ = a_plan(sheets)
    creates = [task_create(plan, item) for item in ("kickoff", "launch")]
    account.fault(fault, ADD_ROWS, **parts)
    failed = failures(sheets.write(creates))
    assert [type(result.error) for result in failed] == [Unknown, Unknown]
    assert account.calls()[ADD_ROWS] == 1
    wanted = [Wanted(create.write_key, Kind.TASK, plan, "") for create in creates]
    assert sorted(record.write_key for record in sheets.find(wanted)) == [f"{DEAL}:kickoff", f"{DEAL}:launch"]
    assert len(rows(sheets, plan)) == 2


@pytest.mark.parametrize(("fault", "parts"), LOST)
def test_a_sheet_committed_without_an_answer_is_unknown_and_then_found_not_doubled(
    account: Account, sheets: SmartsheetConnector, fault: str, parts: dict[str, Any]
) -> None:
    account.fault(fault, ADD_SHEET, **parts)
    (failed,) = failures(sheets.write([plan_create()]))
    assert type(failed.error) is Unknown
    assert account.calls() == {ADD_SHEET: 1}
    (found,) = sheets.find([Wanted(PLAN_KEY, Kind.PLAN, None, "", "Acme onboarding")])
    assert (found.ref.id, found.write_key) == (str(account.sheets()[0]["id"]), PLAN_KEY)
    assert len(written(sheets.write([task_create(found.ref)]))) == 1, "an adopted sheet's columns are learned"


@pytest.mark.parametrize(("fault", "parts"), UNDONE)
def test_a_refusal_to_work_now_is_waited_for_and_repeated_once(
    account: Account, sheets: SmartsheetConnector, fault: str, parts: dict[str, Any]
) -> None:
    plan, _ = a_plan(sheets)
    account.fault(fault, ADD_ROWS, **parts)
    assert len(written(sheets.write([task_create(plan)]))) == 1
    assert account.calls()[ADD_ROWS] == 2
    assert len(rows(sheets, plan)) == 1


@pytest.mark.parametrize(
    ("args", "seconds"),
    [({}, 60), ({"retry_after": "7"}, 7), ({"retry_after": "Mon, 02 Nov 2026 09:00:20 GMT"}, 20)],
)
def test_the_pause_is_the_one_smartsheet_asks_for(
    account: Account, sheets: SmartsheetConnector, args: dict[str, Any], seconds: int
) -> None:
    account.fault("rate_limited", LIST, args=args)
    before = account.world.clock.now()
    sheets.changes("")
    assert (account.world.clock.now() - before).total_seconds() == seconds


def test_a_pause_longer_than_our_patience_is_not_slept_through(account: Account) -> None:
    sheets = account.connector(patience=5)
    plan, _ = a_plan(sheets)
    account.fault("rate_limited", ADD_ROWS, args={"retry_after": "900"})
    (failed,) = failures(sheets.write([task_create(plan)]))
    assert isinstance(failed.error, TryLater)
    assert (failed.error.delay, failed.error.scope, failed.error.code) == (900, "connection", "SS-RATE-01")
    assert account.calls()[ADD_ROWS] == 1


def test_maintenance_is_put_off_and_stops_the_rest_of_the_batch(account: Account, sheets: SmartsheetConnector) -> None:
    plans = [written(sheets.write([plan_create(f"deal{n}:plan")]))[0].ref for n in range(3)]
    account.fault("maintenance_4001", ADD_ROWS, times=None)
    failed = failures(sheets.write([task_create(plan, "kickoff", f"deal{n}") for n, plan in enumerate(plans)]))
    assert {(type(result.error), result.error.code) for result in failed} == {(TryLater, "SS-MAINT-01")}
    assert account.calls()[ADD_ROWS] == 1


@pytest.mark.parametrize(("fault", "kind"), [("token_expired", NotAuthorised), ("maintenance_4001", TryLater)])
def test_plans_that_cannot_be_made_now_cost_one_call_and_not_one_each(
    account: Account, sheets: SmartsheetConnector, fault: str, kind: type[ConnectorError]
) -> None:
    plan, _ = a_plan(sheets)
    account.forget()
    account.fault(fault, times=None)
    failed = failures(sheets.write([*(plan_create(f"deal{n}:plan") for n in range(5)), task_create(plan)]))
    assert [type(result.error) for result in failed] == [kind] * 6
    assert account.calls() == {ADD_SHEET: 1}


def test_a_sheet_that_another_program_keeps_busy_stops_no_other_sheet(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    other, (second,) = written(sheets.write([plan_create("deal2:plan")]))[0].ref, a_plan(sheets, "launch")[1]
    account.fault("error_4004", SET_ROWS, times=4)
    results = list(
        sheets.write(
            [
                Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Done": True}),
                Update(f"{DEAL}:launch", Kind.TASK, second.ref, {"Done": True}),
                task_create(other, "kickoff", "deal2"),
            ]
        )
    )
    by_key = {result.write.write_key: result for result in results}
    assert isinstance(by_key["deal2:kickoff"], Written)
    assert isinstance(by_key[f"{DEAL}:launch"], Written)
    busy = by_key[f"{DEAL}:kickoff"]
    assert isinstance(busy, Failed)
    assert isinstance(busy.error, TryLater)
    assert rows(sheets, plan)[0].fields["Done"] is False


def test_a_connection_cut_before_the_request_is_unknown_for_a_create(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, _ = a_plan(sheets)
    account.fault("drop_before", ADD_ROWS)
    (failed,) = failures(sheets.write([task_create(plan)]))
    assert type(failed.error) is Unknown, "we cannot tell this from a cut after the commit"
    assert list(sheets.find([Wanted(failed.write.write_key, Kind.TASK, plan, "")])) == []


def test_rows_that_land_late_are_found_once_they_are_there(account: Account, sheets: SmartsheetConnector) -> None:
    plan, _ = a_plan(sheets)
    account.fault("late_commit", ADD_ROWS, args={"seconds": 5})
    (failed,) = failures(sheets.write([task_create(plan)]))
    assert type(failed.error) is Unknown
    wanted = [Wanted(failed.write.write_key, Kind.TASK, plan, "")]
    assert list(sheets.find(wanted)) == []
    account.world.clock.advance(6)
    assert len(list(sheets.find(wanted))) == 1


@pytest.mark.parametrize(("fault", "parts"), [*LOST[:7], ("drop_before", {})])
def test_setting_values_is_repeated_since_that_ends_the_same(
    account: Account, sheets: SmartsheetConnector, fault: str, parts: dict[str, Any]
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.fault(fault, SET_ROWS, **parts)
    written(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Status": "Done"})]))
    assert account.calls()[SET_ROWS] == 2
    (record,) = rows(sheets, plan)
    assert record.fields["Status"] == "Done"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "truncate", "html_502", "captive_portal", "error_4002"])
def test_a_read_is_repeated_and_then_put_off(account: Account, sheets: SmartsheetConnector, fault: str) -> None:
    account.fault(fault, LIST)
    sheets.changes("")
    assert account.calls()[LIST] == 2
    account.fault(fault, LIST, times=None)
    with pytest.raises(TryLater):
        sheets.changes("")
    assert account.calls()[LIST] == 2 + 4


@pytest.mark.parametrize("fault", ["token_missing", "token_invalid", "token_expired"])
def test_a_refused_token_in_mid_batch_stops_the_batch_and_nothing_is_lost(
    account: Account, sheets: SmartsheetConnector, fault: str
) -> None:
    plans = [written(sheets.write([plan_create(f"deal{n}:plan")]))[0].ref for n in range(3)]
    account.fault(fault, ADD_ROWS, skip=1, times=None)
    results = list(sheets.write([task_create(plan, "kickoff", f"deal{n}") for n, plan in enumerate(plans)]))
    assert [type(result) for result in results] == [Written, Failed, Failed]
    assert {type(result.error) for result in results if isinstance(result, Failed)} == {NotAuthorised}
    assert account.calls()[ADD_ROWS] == 2


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        ("not_found", "SS-WORKSPACE-01", NotAuthorised),
        ("not_authorised", "SS-ACCESS-02", NotAuthorised),
        ("plan", "SS-ACCESS-02", NotAuthorised),
        ("gone_4005", "SS-REFUSED-01", Refused),
    ],
)
def test_a_sheet_that_may_not_be_made_says_why(
    account: Account, sheets: SmartsheetConnector, fault: str, code: str, kind: type[ConnectorError]
) -> None:
    account.fault(fault, ADD_SHEET)
    (failed,) = failures(sheets.write([plan_create()]))
    assert (type(failed.error), failed.error.code) == (kind, code)


@pytest.mark.parametrize("action", ["unshare", "delete_sheet"])
def test_a_sheet_out_of_our_sight_holds_back_only_its_own_records(
    account: Account, sheets: SmartsheetConnector, action: str
) -> None:
    lost, (task,) = a_plan(sheets, "kickoff")
    other = written(sheets.write([plan_create("deal2:plan")]))[0].ref
    account.people(action, lost.id)
    results = list(
        sheets.write(
            [
                task_create(lost, "launch"),
                task_create(other, "kickoff", "deal2"),
                Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Done": True}),
            ]
        )
    )
    assert [type(result) for result in results] == [Failed, Written, Failed]
    assert {result.error.code for result in results if isinstance(result, Failed)} == {"SS-GONE-01"}
    assert rows(sheets, lost, task.ref) == []
    assert list(sheets.find([Wanted(f"{DEAL}:kickoff", Kind.TASK, lost, "")])) == []


def test_a_sheet_shared_read_only_holds_back_only_its_own_records(
    account: Account, sheets: SmartsheetConnector
) -> None:
    plan, (task,) = a_plan(sheets, "kickoff")
    account.people("share", plan.id, access="VIEWER")
    (failed,) = failures(sheets.write([Update(f"{DEAL}:kickoff", Kind.TASK, task.ref, {"Done": True})]))
    assert isinstance(failed.error, Refused)
    assert len(rows(sheets, plan)) == 1


def test_a_host_off_the_allow_list_is_an_error_and_not_an_empty_sheet(account: Account) -> None:
    sheets = account.connector(hosts=("api.smartsheet.com",))
    with pytest.raises(Refused, match="allow-list"):
        rows(sheets, Ref("1234567890123456"))


def test_a_wrong_address_is_told_apart_from_a_wrong_workspace(account: Account) -> None:
    sheets = account.connector(url=account.url + "/elsewhere")
    findings = list(sheets.check())
    assert [finding.code for finding in findings if finding.level == "error"] == ["SS-URL-01"]


def test_a_vendor_that_cannot_be_reached_is_tried_again_later(account: Account) -> None:
    sheets = account.connector(url="http://127.0.0.1:9/2.0")
    (failed,) = failures(sheets.write([plan_create()]))
    assert isinstance(failed.error, TryLater), "no byte was sent, so nothing can have been done"


def test_writes_that_smartsheet_has_no_place_for_are_refused(account: Account, sheets: SmartsheetConnector) -> None:
    homeless = Create(f"{DEAL}:kickoff", Kind.TASK, {"Task": "Do"})
    failed = failures(sheets.write([homeless, Create("x", Kind.ONBOARDING, {})]))
    assert [result.error.code for result in failed] == ["SS-WRITE-01"] * 2
    assert account.calls() == {}
