from __future__ import annotations

import pytest
from jira_bench import FIELDS, plan, task, update, written

from connectors.base import Kind, Level


@pytest.fixture
def tracker(bench):
    return bench.connector()


def wrong(tracker):
    return {f.code: f for f in tracker.check() if f.level is not Level.OK}


def test_a_well_set_up_project_has_only_good_findings(tracker):
    findings = list(tracker.check())
    assert {f.level for f in findings} == {Level.OK}
    assert {f"JIRA-DOCTOR-0{n}" for n in (1, 2, 3, 4, 5, 6, 7)} == {f.code for f in findings}
    assert any("5b10" in f.message or "closedwon" in f.message.lower() for f in findings)


def test_a_bad_token_is_the_one_finding_and_nothing_is_raised(bench, tracker):
    bench.jira.tokens.clear()
    (finding,) = tracker.check()
    assert (finding.level, finding.code) == (Level.ERROR, "JIRA-AUTH-01")
    assert finding.repair


def test_a_vendor_that_is_down_is_a_finding(bench, tracker):
    bench.fault("error_500", "GET /rest/api/3/mypermissions", times=None)
    finding = wrong(tracker)["JIRA-DOWN-01"]
    assert finding.level is Level.ERROR


def test_each_missing_permission_is_named_with_where_to_grant_it(bench, tracker):
    bench.jira.knobs["denied_permissions"] = ["TRANSITION_ISSUES", "ASSIGN_ISSUES"]
    found = [f for f in tracker.check() if f.code == "JIRA-DOCTOR-02"]
    assert [f.level for f in found] == [Level.ERROR, Level.ERROR]
    assert "TRANSITION_ISSUES" in found[0].repair
    assert "ASSIGN_ISSUES" in found[1].repair


def test_a_project_that_is_not_there_is_named(bench):
    assert "JIRA-GONE-02" in wrong(bench.connector(project="NOPE"))


def test_an_issue_type_that_is_not_there_is_named_with_those_that_are(bench):
    finding = wrong(bench.connector(plan_type="Programme"))["JIRA-DOCTOR-03"]
    assert "Programme" in finding.message
    assert "plan_type" in finding.repair
    assert "Epic" in finding.repair


def test_a_task_type_that_cannot_be_a_plans_child_is_found(bench):
    assert "Sub-task cannot be a child" in wrong(bench.connector(task_type="Sub-task"))["JIRA-DOCTOR-03"].message


def test_a_mapped_field_that_does_not_exist_is_found(bench):
    finding = wrong(bench.connector(fields=FIELDS | {Kind.TASK: ("summary", "customfield_99999")}))["JIRA-FIELD-02"]
    assert "customfield_99999" in finding.message


def test_a_mapped_field_that_is_on_no_create_screen_is_found_by_name(bench):
    bench.jira.site.schema.fields["customfield_10050"].settable = False
    finding = wrong(bench.connector())["JIRA-DOCTOR-04"]
    assert "Phase (customfield_10050)" in finding.message
    assert "Task" in finding.repair


def test_estimates_without_time_tracking_are_found(bench):
    bench.jira.site.schema.fields["timetracking"].settable = False
    assert wrong(bench.connector())["JIRA-DOCTOR-06"].repair


def test_a_field_that_jira_demands_and_no_rule_gives_is_found(bench, tracker):
    meta = {"schema": {"type": "string"}, "operations": ["set"], "required": True, "hasDefaultValue": False}
    fields = [
        {"fieldId": "customfield_10077", "key": "customfield_10077", "name": "Cost centre"} | meta,
        {"fieldId": "parent", "key": "parent", "name": "Parent"} | meta,
    ]
    endpoint = "GET /rest/api/3/issue/createmeta/{id}/issuetypes/{issueTypeId}"
    headers = {"X-AACCOUNTID": "me"}
    bench.fault("status", endpoint, args={"status": 200, "body": {"fields": fields, "total": 2}, "headers": headers})
    found = [f for f in tracker.check() if f.code == "JIRA-DOCTOR-08"]
    assert ["Cost centre" in f.message for f in found] == [True]


def test_a_status_that_cannot_be_left_is_found_once_the_workflow_is_known(bench, tracker):
    bench.jira.act("remove_transition", {"transition": "71"})
    (epic,) = written(tracker, plan())
    statuses = ("To Do", "In Progress", "Blocked", "In Review", "Cancelled")
    for status in statuses:
        (made,) = written(tracker, task(epic.ref, status.replace(" ", "")))
        bench.jira.act("set_status", {"issue": made.ref.id, "status": status})
    (done,) = written(tracker, task(epic.ref, "done"))
    issue = bench.jira.site.issues.get(done.ref.id)
    issue.status = next(s for s in bench.jira.site.schema.statuses.values() if s.name == "Done")
    bench.jira.site.issues.edit(issue, {"summary": "Done"}, who=bench.jira.site.owner.account_id)
    finding = wrong(tracker)["JIRA-DOCTOR-05"]
    assert finding.level is Level.WARNING
    assert "to Done" in finding.message


def test_checking_moves_no_issue_and_changes_nothing(bench, tracker):
    (epic,) = written(tracker, plan())
    (made,) = written(tracker, task(epic.ref))
    written(tracker, update(made, status="Done"))
    before = bench.jira.dump()
    list(tracker.check())
    assert bench.jira.dump() == before


def test_the_schema_shows_types_limits_choices_and_statuses(tracker):
    task_fields = {f.name: f for f in tracker.describe().objects[Kind.TASK]}
    assert task_fields["summary"].max_length == 255
    assert task_fields["summary"].required
    assert task_fields["description"].max_length == 32_767
    assert task_fields["customfield_10050"].max_length == 255
    assert task_fields["customfield_10051"].options == ("Internal", "Customer", "Both")
    assert task_fields["customfield_10015"].type == "date"
    assert task_fields["timeoriginalestimate"].writable
    assert task_fields["status"].options == ("To Do", "In Progress", "Blocked", "In Review", "Done", "Cancelled")
    assert not task_fields["status.category"].writable
    plan_fields = {f.name: f for f in tracker.describe().objects[Kind.PLAN]}
    assert plan_fields["status"].options == ("To Do", "In Progress", "Done")


def test_a_renamed_field_shows_its_new_name_under_the_same_id(bench, tracker):
    bench.jira.act("rename_field", {"field": "customfield_10050", "name": "Stage"})
    fields = {f.name: f for f in tracker.describe().objects[Kind.TASK]}
    assert fields["customfield_10050"].label == "Stage"
