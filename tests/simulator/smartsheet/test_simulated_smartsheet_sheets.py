"""Sheets, columns and containers: names, copies, moves, lists with their lag, and what stays out of sight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import smartsheet
from simulated_smartsheet import COLUMNS, WORKSPACE, Account, refused

PRIMARY = {"title": "Task", "type": "TEXT_NUMBER", "primary": True}


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ([{"title": "A", "type": "TEXT_NUMBER"}], 1055),
        ([PRIMARY, {"title": "B", "type": "TEXT_NUMBER", "primary": True}], 1055),
        ([{"title": "A", "type": "DATE", "primary": True}], 1057),
        ([PRIMARY, {"title": "Task", "type": "DATE"}], 1056),
        ([PRIMARY, {"title": "A", "type": "DURATION"}], 1142),
        ([PRIMARY, {"title": "A", "type": "PREDECESSOR"}], 1142),
        ([PRIMARY, {"title": "A", "type": "DATETIME"}], 1089),
        ([PRIMARY, {"title": "A", "type": "BLOB"}], 1008),
        ([PRIMARY, {"title": "A"}], 1012),
        ([PRIMARY, {"type": "DATE"}], 1012),
        ([PRIMARY, {"title": "A" * 51, "type": "DATE"}], 1041),
        ([PRIMARY, {"title": "A", "type": "DATE", "options": ["x"]}], 1060),
        ([PRIMARY, {"title": "A", "type": "DATE", "symbol": "FLAG"}], 1058),
        ([PRIMARY, {"title": "A", "type": "DATE", "systemColumnType": "CREATED_DATE"}], 1079),
        ([PRIMARY, *({"title": f"c{n}", "type": "DATE"} for n in range(400))], 1061),
        ([], 1054),
    ],
)
def test_a_sheet_with_unfit_columns_is_refused_whole(account: Account, columns, code):
    body = {"name": "Plan", "columns": columns}
    refused(account.call("POST", f"/workspaces/{WORKSPACE}/sheets", body), 400, code)
    assert account.get(f"/workspaces/{WORKSPACE}/children") == {"data": []}


def test_a_sheets_name_is_needed_and_has_at_most_50_characters_and_may_repeat(account: Account):
    path = f"/workspaces/{WORKSPACE}/sheets"
    refused(account.call("POST", path, {"columns": COLUMNS}), 400, 1012)
    refused(account.call("POST", path, {"name": "x" * 51, "columns": COLUMNS}), 400, 1041)
    assert account.sheet("x" * 50)[0] != account.sheet("x" * 50)[0]


def test_ids_have_sixteen_digits_and_fit_a_double(account: Account):
    sheet, columns = account.sheet()
    for number in (sheet, *columns.values(), *account.add(sheet, columns["Task"], "a")):
        assert len(str(number)) == 16
        assert number < 2**53


def test_the_list_follows_after_its_lag_while_the_sheet_itself_does_not_lag(account: Account):
    account.vendor.knobs["list_lag_seconds"] = 60
    sheet, columns = account.sheet()
    assert account.get("/sheets")["totalCount"] == 0
    assert [child["id"] for child in account.get(f"/workspaces/{WORKSPACE}/children")["data"]] == [sheet]
    account.world.clock.advance(60)
    assert account.get("/sheets", include="sheetVersion")["data"][0]["version"] == 0
    account.add(sheet, columns["Task"], "a")
    listed = account.get("/sheets", include="sheetVersion")["data"][0]
    assert (listed["version"], listed["modifiedAt"]) == (0, "2026-11-02T09:00:00Z")
    assert account.get(f"/sheets/{sheet}/version") == {"version": 1}
    account.world.clock.advance(60)
    assert account.get("/sheets", include="sheetVersion")["data"][0]["version"] == 1


def test_modified_since_is_inclusive_and_empty_lists_have_page_zero(account: Account):
    sheet, _ = account.sheet()
    client = account.sdk()
    now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    found = client.Sheets.list_sheets(include="sheetVersion", include_all=True, modified_since=now)
    assert [(each.id, each.version) for each in found.data] == [(sheet, 0)]
    assert found.page_size == 30_000
    later = account.get("/sheets", modifiedSince="2026-11-02T09:00:01Z", includeAll="True")
    assert (later["pageNumber"], later["totalPages"], later["totalCount"]) == (0, 0, 0)
    refused(account.call("GET", "/sheets", modifiedSince="yesterday"), 400, 1018)


def test_a_page_past_the_end_is_the_last_one(account: Account):
    for name in "abc":
        account.sheet(name)
    page = account.get("/sheets", page=9, pageSize=2)
    assert (page["pageNumber"], [each["name"] for each in page["data"]]) == (2, ["c"])
    sheet, columns = account.sheet()
    account.add(sheet, columns["Task"], *"abc")
    whole = account.get(f"/sheets/{sheet}", page=9, pageSize=2)
    assert ([row["cells"][0]["value"] for row in whole["rows"]], whole["totalRowCount"]) == (["c"], 3)


def test_an_unchanged_sheet_answers_with_its_version_alone(account: Account):
    sheet, columns = account.sheet()
    account.add(sheet, columns["Task"], "a")
    assert account.get(f"/sheets/{sheet}", ifVersionAfter=1) == {"version": 1}
    assert account.get(f"/sheets/{sheet}", ifVersionAfter=0)["totalRowCount"] == 1


def test_rows_modified_since_is_strict_and_pages_are_cut_before_and_blank_rows_never_come(account: Account):
    sheet, columns = account.sheet()
    old = account.add(sheet, columns["Task"], "a", "b")
    account.world.clock.advance(10)
    account.call("PUT", f"/sheets/{sheet}/rows", {"id": old[1], "cells": [{"columnId": columns["Task"], "value": "c"}]})
    account.call("POST", f"/sheets/{sheet}/rows", {"toBottom": True})

    def since(moment: str, **more: Any) -> list[int]:
        return [row["id"] for row in account.get(f"/sheets/{sheet}", rowsModifiedSince=moment, **more)["rows"]]

    assert since("2026-11-02T09:00:09Z") == [old[1]]
    assert since("2026-11-02T09:00:10Z") == []
    assert since("2026-11-02T09:00:09.900Z", page=1, pageSize=1) == []
    assert since("2026-11-02T09:00:09Z", page=2, pageSize=1) == [old[1]]


def test_a_read_can_be_narrowed_to_columns_and_rows_and_filled_cells(account: Account):
    sheet, columns = account.sheet()
    rows = account.add(sheet, columns["Task"], "a", "b")
    whole = account.get(f"/sheets/{sheet}", rowIds=str(rows[1]), columnIds=f"{columns['Key']},{columns['Task']}")
    assert [column["title"] for column in whole["columns"]] == ["Task", "Key"]
    assert [len(row["cells"]) for row in whole["rows"]] == [2]
    bare = account.get(f"/sheets/{sheet}", rowNumbers="1", exclude="nonexistentCells")
    assert bare["rows"][0]["cells"] == [{"columnId": columns["Task"], "value": "a", "displayValue": "a"}]


def test_system_columns_compute_themselves_and_refuse_writes(account: Account):
    columns = [PRIMARY, {"title": "By", "type": "CONTACT_LIST", "systemColumnType": "MODIFIED_BY"}]
    columns.append({"title": "No", "type": "TEXT_NUMBER", "systemColumnType": "AUTO_NUMBER"})
    sheet, ids = account.sheet(columns=columns)
    account.add(sheet, ids["Task"], "a")
    assert [cell["value"] for cell in account.get(f"/sheets/{sheet}")["rows"][0]["cells"]] == [
        "a",
        "closedwon@example.com",
        "1",
    ]
    body = {"toBottom": True, "cells": [{"columnId": ids["By"], "value": "ada@example.com"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", body), 400, 1046)


def test_columns_can_be_added_renamed_and_deleted_but_not_the_primary_one(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Status"], "Complete")
    client = account.sdk()
    added = client.Sheets.add_columns(sheet, [smartsheet.models.Column({"title": "New", "type": "DATE", "index": 1})])
    assert added.result[0].index == 1
    path = f"/sheets/{sheet}/columns/{columns['Status']}"
    assert account.call("PUT", path, {"title": "State"}).json()["result"]["title"] == "State"
    refused(account.call("PUT", path, {"title": "Task"}), 400, 1056)
    refused(account.call("PUT", path, {"options": ["x"]}), 400, 1090)
    assert account.call("PUT", path, {"type": "PICKLIST", "options": ["x"]}).json()["result"]["options"] == ["x"]
    again = {"id": row, "cells": [{"columnId": columns["Status"], "value": "Complete"}]}
    refused(account.call("PUT", f"/sheets/{sheet}/rows", again), 400, 1042)
    refused(account.call("DELETE", f"/sheets/{sheet}/columns/{columns['Task']}"), 400, 1065)
    client.Sheets.delete_column(sheet, columns["Status"])
    refused(account.call("PUT", f"/sheets/{sheet}/rows", again), 400, 1036)


def test_children_come_by_type_in_pages_of_at_least_100(account: Account):
    folder = account.call("POST", f"/workspaces/{WORKSPACE}/folders", {"name": "F"}).json()["result"]["id"]
    made = [account.sheet(f"s{n}")[0] for n in range(101)]
    path = f"/workspaces/{WORKSPACE}/children"
    refused(account.call("GET", path, maxItems=99), 400, 1018)
    first = account.get(path, childrenResourceTypes="sheets", maxItems=100)
    second = account.get(path, childrenResourceTypes="sheets", maxItems=100, lastKey=first["lastKey"])
    assert [child["id"] for child in first["data"] + second["data"]] == made
    assert "lastKey" not in second
    client = account.sdk()
    folders = client.Workspaces.get_workspace_children(WORKSPACE, children_resource_types=["folders"]).data
    assert [child.id for child in folders] == [folder]


def test_reads_that_the_vendor_switched_off_are_gone(account: Account):
    refused(account.call("GET", f"/workspaces/{WORKSPACE}"), 410, 4005)
    assert account.get(f"/workspaces/{WORKSPACE}/metadata")["name"] == "Onboarding"
    assert account.get("/workspaces", paginationType="token")["data"][0]["id"] == WORKSPACE


def test_a_copy_has_fresh_ids_and_rows_only_when_asked_for(account: Account):
    sheet, columns = account.sheet()
    (parent,) = account.add(sheet, columns["Task"], "a")
    account.add(sheet, columns["Key"], "key", parentId=parent)
    place = {"destinationType": "workspace", "destinationId": WORKSPACE, "newName": "Copy"}
    bare = account.call("POST", f"/sheets/{sheet}/copy", place).json()["result"]["id"]
    full = account.call("POST", f"/sheets/{sheet}/copy", place, include="data").json()["result"]["id"]
    assert account.get(f"/sheets/{bare}")["totalRowCount"] == 0
    whole = account.get(f"/sheets/{full}")
    assert not set(columns.values()) & {column["id"] for column in whole["columns"]}
    assert whole["rows"][1]["parentId"] == whole["rows"][0]["id"]
    assert whole["rows"][1]["cells"][5]["value"] == "key"


def test_a_new_sheet_can_be_made_from_another_one(account: Account):
    sheet, columns = account.sheet("Template")
    account.add(sheet, columns["Task"], "a")
    made = account.call(
        "POST", f"/workspaces/{WORKSPACE}/sheets", {"name": "N", "fromId": sheet}, include="data"
    ).json()
    assert account.names(made["result"]["id"]) == ["a"]
    refused(account.call("POST", f"/workspaces/{WORKSPACE}/sheets", {"name": "N", "fromId": 5}), 404, 1033)


def test_a_folder_copy_may_stop_half_way_and_leave_what_it_made(account: Account):
    folder = account.call("POST", f"/workspaces/{WORKSPACE}/folders", {"name": "F"}).json()["result"]["id"]
    for name in "ab":
        account.call("POST", f"/folders/{folder}/sheets", {"name": name, "columns": COLUMNS})
    account.vendor.knobs["copy_at_most"] = 1
    place = {"destinationType": "workspace", "destinationId": WORKSPACE, "newName": "G"}
    refused(account.call("POST", f"/folders/{folder}/copy", place), 500, 1119)
    twin = account.get(f"/workspaces/{WORKSPACE}/children")["data"][1]["id"]
    assert [child["name"] for child in account.get(f"/folders/{twin}/children")["data"]] == ["a"]


def test_a_sheet_moved_deleted_or_unshared_is_seen_so(account: Account):
    sheet, _ = account.sheet()
    other, _ = account.sheet("Other")
    account.call("POST", f"/sheets/{sheet}/move", {"destinationType": "home"})
    assert [child["id"] for child in account.get(f"/workspaces/{WORKSPACE}/children")["data"]] == [other]
    assert "workspace" not in account.get(f"/sheets/{sheet}")
    account.vendor.act("unshare", {"sheet": other})
    account.sdk().Sheets.delete_sheet(sheet)
    for gone in (sheet, other):
        refused(account.call("GET", f"/sheets/{gone}"), 404, 1006)
    assert account.get("/sheets")["data"] == []


def test_a_renamed_sheet_keeps_its_id_and_version(account: Account):
    sheet, _ = account.sheet()
    account.world.clock.advance(5)
    assert account.call("PUT", f"/sheets/{sheet}", {"name": "New"}).json()["result"]["name"] == "New"
    whole = account.get(f"/sheets/{sheet}")
    assert (whole["name"], whole["version"], whole["modifiedAt"]) == ("New", 0, "2026-11-02T09:00:05Z")


def test_summary_fields_are_typed_and_unique(account: Account):
    sheet, _ = account.sheet()
    path = f"/sheets/{sheet}/summary/fields"
    made = account.call("POST", path, [{"title": "Deal", "type": "TEXT_NUMBER", "objectValue": "006A"}]).json()
    number = made["result"][0]["id"]
    refused(account.call("POST", path, [{"title": "Deal", "type": "TEXT_NUMBER"}]), 400, 1056)
    bad = [{"title": "Go live", "type": "DATE", "objectValue": {"objectType": "DATE", "value": "soon"}}]
    refused(account.call("POST", path, bad), 400, 1042)
    account.call("PUT", path, [{"id": number, "objectValue": "006B"}])
    fields = account.sdk().Sheets.get_sheet_summary_fields(sheet).data
    assert [(field.title, field.display_value) for field in fields] == [("Deal", "006B")]
    account.call("DELETE", path, ids=str(number))
    assert account.get(path)["data"] == []
