"""Rows through the API: what is accepted, where rows go, what a call takes along."""

from __future__ import annotations

import pytest
import smartsheet
from simulated_smartsheet import Account, refused

VALUES = [
    ("Done", "yes", 1042),
    ("Done", 1, 1042),
    ("Status", "Halted", 1042),
    ("Start", "02/11/2026", 1042),
    ("Start", "2026-11-02T09:00:00Z", 1042),
    ("Owner", "Ada", 1042),
    ("Task", True, 1042),
    ("Task", 2**53 + 2, 1148),
    ("Task", ["a"], 1038),
]


@pytest.mark.parametrize(("title", "value", "code"), VALUES)
def test_a_value_that_does_not_fit_its_column_is_refused_and_names_its_row(account: Account, title, value, code):
    sheet, columns = account.sheet()
    body = [
        {"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "good"}]},
        {"toBottom": True, "cells": [{"columnId": columns[title], "value": value}]},
    ]
    told = refused(account.call("POST", f"/sheets/{sheet}/rows", body), 400, code)
    assert told["detail"] == {"index": 1}
    assert account.get(f"/sheets/{sheet}")["totalRowCount"] == 0
    assert account.get(f"/sheets/{sheet}/version") == {"version": 0}


@pytest.mark.parametrize(
    ("title", "value", "stored"),
    [
        ("Task", "$5,000", 5000.0),
        ("Task", "12%", 0.12),
        ("Done", "true", True),
        ("Start", "soon", "soon"),
        ("Status", "?", "?"),
    ],
)
def test_a_lenient_write_takes_what_the_pages_would_take(account: Account, title, value, stored):
    sheet, columns = account.sheet()
    cell = {"columnId": columns[title], "value": value, "strict": False}
    answer = account.call("POST", f"/sheets/{sheet}/rows", {"toBottom": True, "cells": [cell]}).json()
    assert stored in [cell.get("value") for cell in answer["result"]["cells"]]


def test_text_beyond_4000_characters_is_cut_without_a_word(account: Account):
    sheet, columns = account.sheet()
    account.add(sheet, columns["Task"], "x" * 4001)
    assert account.names(sheet) == ["x" * 4000]


def test_numbers_come_back_as_floats_with_the_text_a_person_sees(account: Account):
    sheet, columns = account.sheet()
    account.add(sheet, columns["Task"], 5, 0.5)
    cells = [row["cells"][0] for row in account.get(f"/sheets/{sheet}")["rows"]]
    assert [(repr(cell["value"]), cell["displayValue"]) for cell in cells] == [("5.0", "5"), ("0.5", "0.5")]


def test_an_empty_string_or_null_empties_a_cell(account: Account):
    sheet, columns = account.sheet()
    rows = account.add(sheet, columns["Task"], "a", "b")
    for row, nothing in zip(rows, ["", None], strict=True):
        body = {"id": row, "cells": [{"columnId": columns["Task"], "value": nothing}]}
        assert account.call("PUT", f"/sheets/{sheet}/rows", body).status_code == 200
    assert all(row["cells"][0] == {"columnId": columns["Task"]} for row in account.get(f"/sheets/{sheet}")["rows"])


def test_a_contact_is_stored_by_address_and_shown_by_name(account: Account):
    sheet, columns = account.sheet()
    account.add(sheet, columns["Owner"], "ada@example.com")
    cell = account.get(f"/sheets/{sheet}", columnIds=columns["Owner"])["rows"][0]["cells"][0]
    assert (cell["value"], cell["displayValue"]) == ("ada@example.com", "Ada Example")


def test_several_choices_need_an_object_value_and_read_as_text_without_level(account: Account):
    columns = [{"title": "Task", "type": "TEXT_NUMBER", "primary": True}]
    columns.append({"title": "Tags", "type": "MULTI_PICKLIST", "options": ["a", "b"]})
    sheet, ids = account.sheet(columns=columns)
    plain = {"toBottom": True, "cells": [{"columnId": ids["Tags"], "value": "a"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", plain), 400, 1235)
    rich = {"columnId": ids["Tags"], "objectValue": {"objectType": "MULTI_PICKLIST", "values": ["a", "b"]}}
    assert account.call("POST", f"/sheets/{sheet}/rows", {"cells": [rich]}).status_code == 200
    assert account.get(f"/sheets/{sheet}")["columns"][1]["type"] == "TEXT_NUMBER"
    whole = account.get(f"/sheets/{sheet}", level=2, include="objectValue")
    assert whole["columns"][1]["type"] == "MULTI_PICKLIST"
    assert whole["rows"][0]["cells"][1]["objectValue"]["values"] == ["a", "b"]


def test_odd_cells_are_refused_with_the_vendors_codes(account: Account):
    sheet, columns = account.sheet()
    task = columns["Task"]
    for cells, code in (
        ([{"value": 1}], 1012),
        ([{"columnId": task}], 1012),
        ([{"columnId": 1, "value": 1}], 1036),
        ([{"columnId": task, "value": 1}, {"columnId": task, "value": 2}], 1037),
        ([{"columnId": task, "value": 1, "objectValue": 2}], 1130),
    ):
        refused(account.call("POST", f"/sheets/{sheet}/rows", [{"toBottom": True, "cells": cells}]), 400, code)
    refused(account.call("PUT", f"/sheets/{sheet}/rows", [{"cells": []}]), 400, 1012)
    refused(account.call("PUT", f"/sheets/{sheet}/rows", [{"id": 5, "cells": []}]), 404, 1006)
    refused(account.call("POST", f"/sheets/{sheet}/rows", [{"id": 5, "cells": []}]), 400, 1032)


def test_a_new_format_leaves_the_value_and_links_between_cells_are_refused(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Task"], "a")
    look = {"columnId": columns["Task"], "format": ",,1,,,,,,,,,,,,,,"}
    assert account.call("PUT", f"/sheets/{sheet}/rows", {"id": row, "cells": [look]}).status_code == 200
    assert account.names(sheet) == ["a"]
    link = {"columnId": columns["Task"], "linkInFromCell": {"sheetId": 1, "rowId": 1, "columnId": 1}}
    refused(account.call("PUT", f"/sheets/{sheet}/rows", {"id": row, "cells": [link]}), 400, 1032)


def test_ids_of_the_wrong_kind_are_refused(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Task"], "a")
    path = f"/sheets/{sheet}/rows"
    refused(account.call("PUT", path, {"id": ["x"], "cells": []}), 400, 1008)
    refused(account.call("PUT", path, {"id": row, "cells": [{"columnId": ["x"], "value": 1}]}), 400, 1036)
    refused(account.call("PUT", path, {"id": row, "parentId": ["x"]}), 400, 1008)
    twice = [{"id": row, "toBottom": True}, {"id": row, "toBottom": True}]
    assert account.call("PUT", path, twice).status_code == 200
    assert account.names(sheet) == ["a"]


def test_partial_success_keeps_the_good_rows_and_names_the_bad_ones(account: Account):
    sheet, columns = account.sheet()
    client = account.sdk()
    rows = [
        smartsheet.models.Row({"toBottom": True, "cells": [{"columnId": columns["Done"], "value": value}]})
        for value in (True, "maybe", False)
    ]
    result = client.Sheets.add_rows_with_partial_success(sheet, rows)
    assert (result.message, result.result_code) == ("PARTIAL_SUCCESS", 3)
    assert [item.index for item in result.failed_items] == [1]
    assert result.failed_items[0].error.error_code == 1042
    assert len(result.result) == 2
    assert account.get(f"/sheets/{sheet}")["totalRowCount"] == 2


def test_more_than_500_rows_in_a_call_are_refused(account: Account):
    sheet, columns = account.sheet()
    rows = [{"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "x"}]}] * 501
    refused(account.call("POST", f"/sheets/{sheet}/rows", rows), 400, 1061)
    assert account.call("POST", f"/sheets/{sheet}/rows", rows[:500]).json()["version"] == 1


def test_a_sheet_holds_no_more_than_20000_rows(account: Account):
    sheet, columns = account.sheet()
    rows = [{"toBottom": True, "cells": [{"columnId": columns["Task"], "value": "x"}]}] * 500
    for _ in range(40):
        assert account.call("POST", f"/sheets/{sheet}/rows", rows).status_code == 200
    refused(account.call("POST", f"/sheets/{sheet}/rows", rows[:1]), 400, 1061)


def test_rows_go_where_the_location_says(account: Account):
    sheet, columns = account.sheet()
    task = columns["Task"]
    a, b = account.add(sheet, task, "a", "b")
    account.add(sheet, task, "top", toTop=True)
    account.add(sheet, task, "a2", parentId=a, toBottom=True)
    account.add(sheet, task, "a1", parentId=a)
    account.add(sheet, task, "before b", siblingId=b, above=True)
    account.add(sheet, task, "after a", siblingId=a)
    assert account.names(sheet) == ["top", "a", "a1", "a2", "after a", "before b", "b"]
    rows = account.get(f"/sheets/{sheet}")["rows"]
    assert [row["rowNumber"] for row in rows] == list(range(1, 8))
    assert rows[2]["parentId"] == a
    assert "siblingId" not in rows[2]
    assert rows[3]["siblingId"] == rows[2]["id"]


def test_rows_of_one_call_must_name_one_place(account: Account):
    sheet, columns = account.sheet()
    a, b = account.add(sheet, columns["Task"], "a", "b")
    cells = [{"columnId": columns["Task"], "value": "x"}]
    mixed = [{"parentId": a, "cells": cells}, {"parentId": b, "cells": cells}]
    refused(account.call("POST", f"/sheets/{sheet}/rows", mixed), 400, 1123)
    assert account.names(sheet) == ["a", "b"]


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"toTop": True, "toBottom": True}, 1062),
        ({"above": True}, 1062),
        ({"indent": 1}, 1062),
        ({"parentId": 5}, 1063),
        ({"siblingId": 5}, 1064),
        ({"siblingId": 5, "parentId": 5}, 1062),
    ],
)
def test_places_that_do_not_exist_are_refused(account: Account, place, code):
    sheet, columns = account.sheet()
    body = {**place, "cells": [{"columnId": columns["Task"], "value": "x"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", body), 400, code)


def test_a_row_moves_with_its_children_and_not_under_itself(account: Account):
    sheet, columns = account.sheet()
    a, b = account.add(sheet, columns["Task"], "a", "b")
    (child,) = account.add(sheet, columns["Task"], "a1", parentId=a)
    assert account.call("PUT", f"/sheets/{sheet}/rows", {"id": a, "toBottom": True}).status_code == 200
    assert account.names(sheet) == ["b", "a", "a1"]
    refused(account.call("PUT", f"/sheets/{sheet}/rows", {"id": a, "parentId": child}), 400, 1063)
    assert account.call("PUT", f"/sheets/{sheet}/rows", {"id": a, "indent": 1}).status_code == 200
    assert [row.get("parentId") for row in account.get(f"/sheets/{sheet}")["rows"]] == [None, b, a]
    assert account.call("PUT", f"/sheets/{sheet}/rows", {"id": child, "outdent": 1}).status_code == 200
    assert [row.get("parentId") for row in account.get(f"/sheets/{sheet}")["rows"]] == [None, b, b]


def test_an_empty_row_takes_no_children(account: Account):
    sheet, columns = account.sheet()
    blank = account.call("POST", f"/sheets/{sheet}/rows", {"toBottom": True}).json()["result"]["id"]
    body = {"parentId": blank, "cells": [{"columnId": columns["Task"], "value": "x"}]}
    refused(account.call("POST", f"/sheets/{sheet}/rows", body), 400, 1185)


def test_deleting_a_parent_deletes_its_children_and_leaves_no_trace(account: Account):
    sheet, columns = account.sheet()
    a, b = account.add(sheet, columns["Task"], "a", "b")
    account.add(sheet, columns["Task"], "a1", parentId=a)
    client = account.sdk()
    refused(account.call("DELETE", f"/sheets/{sheet}/rows", ids=f"{a},5"), 404, 1006)
    assert [gone.value for gone in client.Sheets.delete_rows(sheet, [a, 5], ignore_rows_not_found=True).result] == [a]
    whole = account.get(f"/sheets/{sheet}")
    assert [row["id"] for row in whole["rows"]] == [b]
    assert (whole["totalRowCount"], whole["version"]) == (1, 3)
    refused(account.call("GET", f"/sheets/{sheet}/rows/{a}"), 404, 1006)


def test_an_endless_url_is_refused_with_a_page(account: Account):
    sheet, _ = account.sheet()
    answer = account.call("DELETE", f"/sheets/{sheet}/rows", ids=",".join(["1" * 16] * 600))
    assert (answer.status_code, answer.headers["Content-Type"][:9]) == (414, "text/html")


def test_locks_bind_editors_and_not_admins(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Key"], "k1")
    write = {"id": row, "cells": [{"columnId": columns["Key"], "value": "k2"}]}
    assert account.call("PUT", f"/sheets/{sheet}/rows", write).status_code == 200
    account.vendor.act("share", {"sheet": sheet, "access": "EDITOR"})
    refused(account.call("PUT", f"/sheets/{sheet}/rows", write), 403, 1039)
    account.vendor.act("lock", {"sheet": sheet, "row": row})
    refused(account.call("PUT", f"/sheets/{sheet}/rows", {"id": row, "cells": []}), 403, 1050)
    refused(account.call("DELETE", f"/sheets/{sheet}/rows", ids=str(row)), 403, 1092)
    account.vendor.act("share", {"sheet": sheet, "access": "VIEWER"})
    refused(account.call("PUT", f"/sheets/{sheet}/rows", write), 403, 1004)


def test_a_project_sheet_guards_what_it_calculates(account: Account):
    columns = [{"title": "Task", "type": "TEXT_NUMBER", "primary": True}]
    columns += [{"title": "Start", "type": "DATE"}, {"title": "End", "type": "DATE"}]
    sheet, ids = account.sheet(columns=columns)
    (parent,) = account.add(sheet, ids["Task"], "phase")
    account.add(sheet, ids["Task"], "task", parentId=parent)
    account.vendor.act("set_dependencies", {"sheet": sheet, "columns": {"start": "Start", "end": "End"}})
    end = {"id": parent, "cells": [{"columnId": ids["End"], "value": "2026-12-01"}]}
    refused(account.call("PUT", f"/sheets/{sheet}/rows", end), 400, 1080)
    start = {"id": parent, "cells": [{"columnId": ids["Start"], "value": "2026-12-01"}]}
    refused(account.call("PUT", f"/sheets/{sheet}/rows", start), 400, 1155)


def test_a_cells_history_tells_each_value_with_its_author_newest_first(account: Account):
    sheet, columns = account.sheet()
    (row,) = account.add(sheet, columns["Task"], "a")
    account.vendor.act(
        "set_cell", {"sheet": sheet, "row": row, "column": "Task", "value": "b", "who": "cleo@example.com"}
    )
    past = account.sdk().Cells.get_cell_history(sheet, row, columns["Task"]).data
    assert [cell.value for cell in past] == ["b", "a"]
    assert past[0].modified_by.email == "cleo@example.com"
