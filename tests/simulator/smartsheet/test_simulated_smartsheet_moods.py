"""Sign-in, limits, faults, people and discussions: how the account behaves when something is up."""

from __future__ import annotations

import functools

import pytest
import requests
import smartsheet
from simulated_smartsheet import WORKSPACE, Account, refused

from simulator.wire import Request


def test_tokens_that_are_missing_wrong_or_expired_are_told_apart(account: Account):
    bare = functools.partial(requests.get, timeout=5)
    refused(bare(account.base + "/sheets"), 401, 1001)
    refused(bare(account.base + "/users/me"), 403, 1004)
    refused(bare(account.base + "/sheets", headers={"Authorization": "Bearer other"}), 401, 1002)
    account.vendor.knobs["token_expired"] = True
    refused(account.call("GET", "/sheets"), 401, 1003)


def test_the_sdk_learns_who_it_is(account: Account):
    assert account.sdk().Users.get_current_user().email == "closedwon@example.com"


def test_unknown_paths_and_methods_are_told_apart_and_trailing_slashes_ignored(account: Account):
    refused(account.call("GET", "/nowhere"), 404, 1006)
    refused(account.call("PATCH", "/sheets"), 405, 1010)
    assert account.get("/sheets/")["data"] == []
    refused(account.call("POST", f"/workspaces/{WORKSPACE}/sheets"), 400, 1024)
    broken = account.session.post(account.base + "/sheets", data="{", headers={"Content-Type": "application/json"})
    refused(broken, 400, 1008)


def test_the_301st_call_of_a_minute_is_refused_and_heavy_calls_count_ten(account: Account):
    account.vendor.knobs["rate_limited"] = True
    sheet, _ = account.sheet()
    place = {"destinationType": "home", "newName": "c"}
    assert account.call("POST", f"/sheets/{sheet}/copy", place).status_code == 200
    for _ in range(289):
        account.get(f"/sheets/{sheet}/version")
    refused(account.call("GET", f"/sheets/{sheet}/version"), 429, 4003)
    account.world.clock.advance(0.2)
    assert account.call("GET", f"/sheets/{sheet}/version").status_code == 200


@pytest.mark.parametrize(
    ("fault", "error"),
    [("error_4002", "ServerTimeoutExceededError"), ("error_4004", "UnexpectedErrorShouldRetryError")],
)
def test_a_failure_after_the_commit_leaves_the_row_behind(account: Account, fault: str, error: str):
    sheet, columns = account.sheet()
    account.world.faults.add(fault, vendor="smartsheet", endpoint="POST /2.0/sheets/{id}/rows", after=True)
    row = smartsheet.models.Row({"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "a"}]})
    with pytest.raises(getattr(smartsheet.exceptions, error)):
        account.sdk().Sheets.add_rows(sheet, [row])
    assert account.names(sheet) == ["a"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("error_4000", 500, 4000),
        ("maintenance_4001", 503, 4001),
        ("token_invalid", 401, 1002),
        ("not_found", 404, 1006),
        ("gone_4005", 410, 4005),
    ],
)
def test_a_fault_answers_in_the_vendors_words_and_changes_nothing(account: Account, fault: str, status: int, code: int):
    sheet, columns = account.sheet()
    account.world.faults.add(fault, vendor="smartsheet")
    body = {"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "a"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", body), status, code)
    assert account.names(sheet) == []


def test_a_rate_fault_carries_retry_after_only_when_told(account: Account):
    account.world.faults.add("rate_limited", vendor="smartsheet")
    account.world.faults.add("rate_limited", vendor="smartsheet", args={"retry_after": 7})
    assert "Retry-After" not in account.call("GET", "/sheets").headers
    assert account.call("GET", "/sheets").headers["Retry-After"] == "7"
    with pytest.raises(KeyError):
        account.vendor.fault("no such fault", Request("GET", "/2.0/sheets"), {})


def test_rapid_writes_to_one_sheet_are_refused_while_it_is_busy(account: Account):
    sheet, columns = account.sheet()
    other, others = account.sheet("Other")
    account.vendor.knobs["busy_seconds"] = 2
    account.add(sheet, columns["Task"], "a")
    body = {"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "b"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", body), 500, 4004)
    account.add(other, others["Task"], "free")
    account.world.clock.advance(2)
    account.add(sheet, columns["Task"], "b")
    assert account.names(sheet) == ["a", "b"]


def test_people_edit_as_the_pages_let_them(account: Account):
    sheet, columns = account.sheet()
    a, b = account.add(sheet, columns["Task"], "a", "b")
    act = account.vendor.act
    act("tick_row", {"sheet": "Plan", "row": 1, "who": "dan@example.com"})
    act("set_status", {"sheet": sheet, "row": a, "value": "Halted"})
    act("move_date", {"sheet": sheet, "row": a, "value": "2026-12-01"})
    act("rename_column", {"sheet": sheet, "column": "Status", "title": "State"})
    act("move_row", {"sheet": sheet, "row": a, "to": "bottom"})
    act("add_row", {"sheet": sheet, "cells": {"Task": "c"}, "parent": b})
    act("edit_options", {"sheet": sheet, "column": "State", "options": ["Open"]})
    act("delete_column", {"sheet": sheet, "column": "Owner"})
    act("rename_sheet", {"sheet": sheet, "name": "New plan"})
    whole = account.get(f"/sheets/{sheet}", include="writerInfo")
    assert whole["name"] == "New plan"
    assert [column["title"] for column in whole["columns"]] == ["Task", "Done", "State", "Start", "Key"]
    assert [row["cells"][0]["value"] for row in whole["rows"]] == ["b", "c", "a"]
    assert [cell.get("value") for cell in whole["rows"][2]["cells"][1:4]] == [True, "Halted", "2026-12-01"]
    assert whole["rows"][2]["modifiedBy"]["email"] == "cleo@example.com"
    assert whole["version"] == 9
    act("delete_sheet", {"sheet": sheet})
    refused(account.call("GET", f"/sheets/{sheet}"), 404, 1006)


def test_a_copied_row_carries_the_hidden_key_along(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Key"], "k1")
    twin = account.vendor.act("copy_row", {"sheet": sheet, "row": row})["row"]
    rows = account.get(f"/sheets/{sheet}", columnIds=columns["Key"])["rows"]
    assert [(each["id"], each["cells"][0]["value"]) for each in rows] == [(row, "k1"), (twin, "k1")]


def test_an_action_on_what_is_not_there_says_so(account: Account):
    account.sheet()
    with pytest.raises(LookupError, match="no row"):
        account.vendor.act("tick_row", {"sheet": "Plan", "row": 3})
    with pytest.raises(KeyError):
        account.vendor.act("dance", {"sheet": "Plan"})


def test_comments_count_a_version_and_leave_the_rows_stamp(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Task"], "a")
    account.world.clock.advance(5)
    client = account.sdk()
    comment = smartsheet.models.Comment({"text": "Held back: SF-1"})
    made = client.Discussions.create_discussion_on_row(sheet, row, smartsheet.models.Discussion({"comment": comment}))
    account.vendor.act("comment", {"sheet": sheet, "row": row, "text": "Thanks"})
    found = client.Discussions.get_row_discussions(sheet, row, include="comments").data
    assert [each.comments[0].text for each in found] == ["Held back: SF-1", "Thanks"]
    assert account.get(f"/sheets/{sheet}/rows/{row}")["modifiedAt"] == "2026-11-02T09:00:00Z"
    assert account.get(f"/sheets/{sheet}/version") == {"version": 3}
    theirs = found[1].comments[0].id
    refused(account.call("PUT", f"/sheets/{sheet}/comments/{theirs}", {"text": "x"}), 403, 1004)
    client.Discussions.delete_discussion(sheet, made.result.id)
    assert account.get(f"/sheets/{sheet}/discussions")["totalCount"] == 1


def test_links_and_files_can_be_attached(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Task"], "a")
    link = {"name": "Brief", "url": "https://example.com", "attachmentType": "LINK"}
    assert account.call("POST", f"/sheets/{sheet}/rows/{row}/attachments", link).status_code == 200
    headers = {"Content-Type": "text/plain", "Content-Disposition": 'attachment; filename="a.txt"'}
    account.session.post(f"{account.base}/sheets/{sheet}/attachments", data=b"hi", headers=headers)
    found = account.get(f"/sheets/{sheet}/attachments")["data"]
    assert [(each["name"], each["attachmentType"], each["parentType"]) for each in found] == [
        ("Brief", "LINK", "ROW"),
        ("a.txt", "FILE", "SHEET"),
    ]


def test_a_reset_account_is_as_new_and_the_same_calls_give_the_same_state(account: Account):
    def play() -> object:
        account.vendor.reset()
        sheet, columns = account.sheet()
        account.add(sheet, columns["Task"], "a", "b")
        return account.vendor.dump()

    assert play() == play()
