from dataclasses import replace
from datetime import date

import pytest

from connectors.base import Kind
from mappings.load import DEFAULT_MAPPINGS, load_mappings
from mappings.model import HeldBack
from mappings.translate import corrections, deal_from, is_won, to_canonical, to_native

ROW = {
    "Task": "Kickoff call",
    "Phase": "Kickoff",
    "Status": "Not started",
    "Done": False,
    "Owner": "ada@example.com",
    "Start": date(2026, 3, 9),
    "Due": date(2026, 3, 10),
    "Estimated hours": 3.0,
    "Tracked hours": 0.5,
    "Audience": "Both",
}
ISSUE = {
    "summary": "Kickoff call",
    "issuetype": "Task",
    "status": "To Do",
    "customfield_10050": "Kickoff",
    "assignee": "5b10a2844c20165700ede21g",
    "customfield_10015": date(2026, 3, 9),
    "duedate": date(2026, 3, 10),
    "timeoriginalestimate": 10800,
    "customfield_10051": "Both",
    "description": "Agree.",
}
CANONICAL = {
    "name": "Kickoff call",
    "status": "not_started",
    "owner": "ada@example.com",
    "start_target": date(2026, 3, 9),
    "due_target": date(2026, 3, 10),
    "estimated_hours": 3.0,
}


@pytest.mark.parametrize(("connection", "native"), [("sheets", ROW), ("tracker", ISSUE)])
def test_both_vendors_records_of_a_task_mean_the_same(default, connection, native):
    assert to_canonical(default.task, connection, native) == (CANONICAL, ())


@pytest.mark.parametrize(("connection", "native"), [("sheets", ROW), ("tracker", ISSUE)])
def test_writing_a_task_gives_the_native_record(default, connection, native):
    full = {**CANONICAL, "phase": "Kickoff", "audience": "both", "kind": "task", "description": "Agree."}
    assert to_native(default.task, connection, {**full, "tracked_hours": 0.5}) == native


def test_an_unchanged_record_needs_no_correction(default):
    assert corrections(default.task, "sheets", ROW, {**CANONICAL, "phase": "Kickoff", "tracked_hours": 0.5}) == {}
    assert corrections(default.task, "tracker", ISSUE, {**CANONICAL, "description": "New"}) == {}


def test_a_ticked_box_means_done_and_moves_the_status_beside_it(default):
    ticked = {**ROW, "Done": True}
    values, _ = to_canonical(default.task, "sheets", ticked, CANONICAL)
    assert values["status"] == "done"
    assert corrections(default.task, "sheets", ticked, values) == {"Status": "Done"}
    settled = {**ticked, "Status": "Done"}
    assert to_canonical(default.task, "sheets", settled, values)[0]["status"] == "done"


def test_a_status_set_to_done_ticks_the_box(default):
    changed = {**ROW, "Status": "Done"}
    values, _ = to_canonical(default.task, "sheets", changed, CANONICAL)
    assert corrections(default.task, "sheets", changed, values) == {"Done": True}


def test_a_finer_native_status_is_left_alone(default):
    review = {**ISSUE, "status": "In Review"}
    assert corrections(default.task, "tracker", review, {"status": "in_progress"}) == {}
    assert corrections(default.task, "tracker", review, {"status": "done"}) == {"status": "Done"}


def test_an_unmapped_status_is_a_problem_of_that_field_and_the_others_are_read(default):
    values, problems = to_canonical(default.task, "tracker", {**ISSUE, "status": "Parked"}, CANONICAL)
    assert "status" not in values
    assert values["due_target"] == date(2026, 3, 10)
    assert [(p.field, p.code) for p in problems] == [("status", "MAP-VALUE-01")]
    assert "Parked" in problems[0].message
    assert "tracker.status" in problems[0].message


@pytest.mark.parametrize(("connection", "field"), [("sheets", "Task"), ("sheets", "Status"), ("tracker", "summary")])
def test_a_name_or_status_that_somebody_emptied_is_held_and_goes_nowhere(default, connection, field):
    native = {**(ROW if connection == "sheets" else ISSUE), field: None}
    values, problems = to_canonical(default.task, connection, native, CANONICAL)
    assert [p.code for p in problems] == ["MAP-EMPTY-01"]
    assert problems[0].field not in values
    assert values["due_target"] == date(2026, 3, 10)


def test_a_field_that_the_record_does_not_show_says_nothing(default):
    values, problems = to_canonical(default.task, "sheets", {"Task": "A"}, CANONICAL)
    assert (values, problems) == ({"name": "A"}, ())
    assert corrections(default.task, "sheets", {"Task": "A"}, CANONICAL) == {"Task": "Kickoff call"}


def test_tracked_hours_come_from_the_ledger_and_no_cell_can_change_them(default):
    assert to_canonical(default.task, "ledger", {"tracked_seconds": 5400})[0] == {"tracked_hours": 1.5}
    assert "tracked_hours" not in to_canonical(default.task, "sheets", {**ROW, "Tracked hours": 99.0})[0]
    assert corrections(default.task, "sheets", {**ROW, "Tracked hours": 99.0}, {"tracked_hours": 1.5}) == {
        "Tracked hours": 1.5
    }


def test_what_is_only_read_is_never_corrected(default):
    assert corrections(default.task, "ledger", {"tracked_seconds": 0}, {"tracked_hours": 1.5}) == {}


def test_roll_ups_are_written_and_never_read(default):
    assert to_canonical(default.onboarding, "crm", {"Health__c": "Red"}) == ({}, ())
    assert to_native(default.onboarding, "crm", {"health": "amber", "tasks_done": 3, "hours_tracked": 1.234}) == {
        "Health__c": "Amber",
        "Tasks_Done__c": 3.0,
        "Hours_Tracked__c": 1.23,
    }


def test_the_shipped_mapping_names_each_native_field_once(default):
    assert default.task.fields_of("sheets")[:4] == ("Task", "Phase", "Status", "Done")
    assert default.plan.fields_of("tracker") == ("summary", "duedate")
    assert "Account.Name" in default.deal.fields_of("crm")
    assert default.task.kind is Kind.TASK
    assert default.task.rule("status").authority == ("tracker", "sheets")
    with pytest.raises(KeyError):
        default.task.rule("colour")


def test_the_shipped_mapping_tells_which_columns_a_sheet_needs(default):
    columns = {column.title: column for column in default.columns("sheets")}
    assert list(columns) == list(ROW)
    assert [c.title for c in columns.values() if c.primary] == ["Task"]
    assert columns["Status"].options == ("Not started", "In progress", "Blocked", "Done", "Cancelled")
    assert columns["Audience"].hidden
    assert columns["Tracked hours"].locked
    assert default.columns("tracker") == ()


def test_the_audience_decides_where_a_task_lives(default):
    assert default.homes("internal") == ("tracker",)
    assert default.homes("customer") == ("sheets",)
    assert default.homes("both") == ("tracker", "sheets")


def test_a_deal_is_read_with_its_lines(default, make_record):
    deal = deal_from(make_record(), default)
    assert (deal.key, deal.name, deal.account, deal.owner) == (
        "0065e00000AbCdEAAV",
        "Acme rollout",
        "Acme",
        "zoe@example.com",
    )
    assert (deal.close_date, deal.amount, deal.fields["stage"]) == (date(2026, 3, 2), 1000.0, "Closed Won")
    assert [(x.product, x.code, x.family, x.quantity) for x in deal.lines] == [
        ("Core", "CORE", "Software", 1.0),
        ("SAP link", "INT-SAP", "Integration", 2.0),
    ]


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"Account__dot__Name": None}, "DEAL-REQUIRED-01", "account (Account.Name)"),
        ({"Name": "  "}, "DEAL-REQUIRED-01", "name (Name)"),
        ({"CloseDate": None}, "DEAL-REQUIRED-01", "close date (CloseDate)"),
        ({"CloseDate": "soon"}, "MAP-DATE-01", "close date (CloseDate)"),
        ({"Contracted_Hours__c": -1.0}, "DEAL-CHECK-01", "Contracted_Hours__c"),
    ],
)
def test_a_deal_that_lacks_what_a_plan_needs_is_held_back_and_says_where(default, make_record, fields, code, words):
    with pytest.raises(HeldBack) as held:
        deal_from(make_record(**fields), default)
    assert held.value.code == code
    assert words in held.value.message


def test_a_line_with_an_odd_quantity_holds_the_deal_back(default, make_record):
    with pytest.raises(HeldBack, match="quantity"):
        deal_from(make_record(({"Product2.Name": "Core", "Quantity": "some"},)), default)


def test_a_deal_without_lines_or_owner_is_still_a_deal(default, make_record):
    deal = deal_from(make_record((), Owner__dot__Email=None), default)
    assert (deal.owner, deal.lines) == ("", ())


def test_only_a_won_deal_that_is_still_there_counts(default, make_record):
    assert is_won(make_record(), default)
    assert not is_won(make_record(IsWon=False), default)
    assert not is_won(make_record(IsWon=None), default)
    assert not is_won(replace(make_record(), deleted=True), default)


def test_the_digest_changes_with_the_meaning_and_not_with_a_comment(default, tmp_path):
    text = DEFAULT_MAPPINGS.read_text()
    path = tmp_path / "m.yaml"
    path.write_text("# another comment\n" + text)
    assert load_mappings(path).digest == default.digest
    path.write_text(text.replace("  country: US", "  country: DE"))
    assert load_mappings(path).digest != default.digest


def test_people_whom_a_connection_does_not_know_are_named(default):
    assert default.users.unmapped("tracker", ("ada@example.com", "zoe@example.com", "")) == ("zoe@example.com",)
    assert default.users.unmapped("sheets", ("zoe@example.com",)) == ()
