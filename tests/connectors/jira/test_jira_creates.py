from __future__ import annotations

from datetime import date

import pytest
from jira_bench import ADA, plan, task, wanted, written

from connectors.base import Create, Failed, Kind, PlanRefs, Ref, Upsert, Written
from connectors.errors import Unknown

BULK = "POST /rest/api/3/issue/bulk"
FETCH = "POST /rest/api/3/issue/bulkfetch"
PLAIN = {Kind.PLAN: ("summary", "status"), Kind.TASK: ("summary", "status", "duedate")}


@pytest.fixture
def tracker(bench):
    return bench.connector()


@pytest.fixture
def epic(tracker):
    return written(tracker, plan())[0].ref


def test_an_issue_is_created_with_its_write_key_and_read_back_as_it_was_written(bench, tracker):
    (epic,) = written(tracker, plan(duedate=date(2027, 2, 1)))
    fields = {
        "summary": "Kick-off call",
        "description": "First line\n\nThird line",
        "duedate": date(2026, 12, 1),
        "assignee": ADA,
        "timeoriginalestimate": 5400,
        "customfield_10015": date(2026, 11, 30),
        "customfield_10050": "Kick-off",
        "customfield_10051": "Customer",
    }
    (made,) = written(tracker, task(epic.ref, **fields))
    plan_record, task_record = sorted(tracker.fetch([PlanRefs(epic.ref, (made.ref,))]), key=lambda r: r.kind)
    assert plan_record.fields["duedate"] == date(2027, 2, 1)
    assert task_record.fields == {**fields, "status": "To Do", "status.category": "new"}
    assert task_record.write_key == "006A:kickoff"
    assert task_record.ref.container == epic.ref.id
    assert task_record.url == made.url == f"{bench.url}/browse/ONB-2"
    assert tracker.normalise(Kind.TASK, fields) == fields


def test_a_backfill_costs_the_floor_of_calls(bench):
    tracker = bench.connector(fields=PLAIN)
    keys = [f"006{n:03d}" for n in range(120)]

    def backfill():
        tracker.mark()
        plans = written(tracker, *(plan(key, status="To Do") for key in keys))
        tracker.mark()
        return written(
            tracker,
            *(task(p.ref, f"t{n}", key, status="To Do") for p, key in zip(plans, keys, strict=True) for n in range(3)),
        )

    tasks, calls = bench.calls(backfill)
    assert len(tasks) == 360
    # 1 for the mark, 1 for each type's first status: once per project and per process, whatever the size.
    assert calls == {BULK: 3 + 8, "GET /rest/api/3/search/jql": 1, "GET /rest/api/3/issue/{id}": 2}


def test_plans_and_their_tasks_are_fetched_a_thousand_a_call(bench):
    tracker = bench.connector(fields=PLAIN)
    (epic,) = written(tracker, plan())
    tasks = written(tracker, *(task(epic.ref, f"t{n}") for n in range(1100)))
    asked = [PlanRefs(epic.ref, tuple(t.ref for t in tasks))]
    records, calls = bench.calls(lambda: list(tracker.fetch(asked)))
    assert calls == {FETCH: 2}
    assert {r.write_key for r in records} == {"006A:plan", *(f"006A:t{n}" for n in range(1100))}


def test_a_site_that_grants_only_a_hundred_a_call_is_asked_for_no_more(bench, epic):
    tracker = bench.connector()
    tasks = written(tracker, *(task(epic, f"t{n}") for n in range(150)))
    asked = [PlanRefs(epic, tuple(t.ref for t in tasks))]
    assert len(list(tracker.fetch(asked))) == 151
    _, calls = bench.calls(lambda: list(tracker.fetch(asked)))
    assert calls == {FETCH: 2}


def test_deleted_and_unknown_records_do_not_come_and_others_do(bench, tracker, epic):
    kept, gone = written(tracker, task(epic, "kept"), task(epic, "gone"))
    bench.jira.act("delete_issue", {"issue": gone.ref.id})
    records = list(tracker.fetch([PlanRefs(epic, (kept.ref, gone.ref, Ref("999999", epic.id)))]))
    assert {r.ref.id for r in records} == {epic.id, kept.ref.id}


def test_an_issue_of_a_person_has_no_write_key(bench, tracker, epic):
    made = bench.jira.act(
        "create_issue",
        {
            "fields": {
                "project": {"key": "ONB"},
                "issuetype": {"name": "Task"},
                "summary": "By hand",
                "labels": ["closedwon"],
            }
        },
    )
    (record,) = tracker.fetch([PlanRefs(Ref(""), (Ref(made["id"]),))])
    assert record.write_key == ""


def test_one_bad_record_of_a_batch_is_refused_and_the_others_exist(bench, tracker, epic):
    writes = [task(epic, "a"), task(epic, "b", assignee="nobody"), task(Ref("999999"), "c"), task(epic, "d")]
    results = {r.write.write_key.partition(":")[2]: r for r in tracker.write(writes)}
    assert isinstance(results["a"], Written)
    assert isinstance(results["d"], Written)
    assert (results["b"].error.code, results["b"].error.field) == ("JIRA-USER-01", "assignee")
    assert (results["c"].error.code, results["c"].error.field) == ("JIRA-PARENT-01", "parent")
    assert bench.jira.site.issues.get(results["d"].ref.id).properties["closedwon"] == {"key": "006A:d"}


def test_a_batch_of_which_every_record_is_bad_gives_each_its_own_reason(tracker, epic):
    results = list(tracker.write([task(epic, "a", assignee="nobody"), task(epic, "b", customfield_10051="Mars")]))
    assert {r.error.code for r in results} == {"JIRA-USER-01", "JIRA-FIELD-01"}


def test_a_batch_refused_as_a_whole_is_halved_until_the_record_to_blame_stands_alone(bench, tracker, epic):
    body = {"errorMessages": ["Invalid request payload."], "errors": {}}
    bench.fault("status", BULK, times=3, args={"status": 400, "body": body})
    results = list(tracker.write([task(epic, f"t{n}") for n in range(4)]))
    failed = [r for r in results if isinstance(r, Failed)]
    assert [f.error.code for f in failed] == ["JIRA-REQUEST-01"]
    assert len(bench.issues()) == 1 + 3


def test_a_new_task_is_brought_into_the_status_it_should_have(tracker, epic):
    made = written(tracker, task(epic, "a", status="In Progress"), task(epic, "b", status="To Do"))
    records = tracker.fetch([PlanRefs(Ref(""), tuple(w.ref for w in made))])
    assert [r.fields["status"] for r in records] == ["In Progress", "To Do"]


def test_a_new_task_exists_although_its_status_cannot_be_reached(bench, tracker, epic):
    (made,) = written(tracker, task(epic, status="Shipped"))
    assert made.fields is None
    assert len(bench.issues()) == 2


def test_a_task_may_name_its_own_issue_type(bench, epic):
    tracker = bench.connector(fields={Kind.TASK: ("summary", "issuetype")})
    (made,) = written(tracker, task(epic, issuetype="Milestone"))
    (record,) = tracker.fetch([PlanRefs(Ref(""), (made.ref,))])
    assert record.fields["issuetype"] == "Milestone"


def test_a_thing_that_is_no_create_and_no_update_is_refused(tracker):
    (result,) = tracker.write([Upsert("006A:onboarding", Kind.ONBOARDING, {})])
    assert result.error.code == "JIRA-UPSERT-01"


def test_too_long_values_are_stored_as_normalise_says(tracker, epic):
    fields = {
        "summary": "Line\none " + "\U0001f600" * 300,
        "description": "a  \r\nb\n\n",
        "customfield_10050": "y" * 300,
    }
    tracker.describe()
    list(tracker.fetch([PlanRefs(epic)]))
    expected = tracker.normalise(Kind.TASK, fields)
    assert len(expected["summary"]) == 9 + 123
    assert len(expected["customfield_10050"]) == 255
    (made,) = written(tracker, task(epic, **fields))
    (record,) = tracker.fetch([PlanRefs(Ref(""), (made.ref,))])
    assert {name: record.fields[name] for name in fields} == expected


def test_a_write_key_beyond_what_a_label_holds_still_identifies_the_record(bench, tracker, epic):
    key = "006A:" + "very long item " * 30
    (made,) = written(tracker, Create(key, Kind.TASK, {"summary": "Long"}, plan=epic))
    labels = bench.jira.site.issues.get(made.ref.id).values["labels"]
    assert all(len(label) <= 255 and " " not in label for label in labels)
    (record,) = tracker.fetch([PlanRefs(Ref(""), (made.ref,))])
    assert record.write_key == key


def test_writes_from_several_threads_create_each_issue_once(bench, epic):
    tracker = bench.connector(parallel=4)
    made = written(tracker, *(task(epic, f"t{n}") for n in range(230)))
    assert len({m.ref.id for m in made}) == 230
    assert len(bench.issues()) == 231


# -- what fails, and what it leaves behind


@pytest.mark.parametrize(
    ("fault", "parts", "error", "code"),
    [
        ("drop_after", {}, Unknown, "HTTP-BROKEN-01"),
        ("truncate", {}, Unknown, "HTTP-BROKEN-01"),
        ("html", {"after": True, "args": {"status": 200}}, Unknown, "HTTP-BODY-01"),
        ("error_500", {"after": True}, Unknown, "JIRA-DOWN-01"),
        ("error_502", {"after": True}, Unknown, "JIRA-DOWN-01"),
        ("unavailable", {"after": True, "args": {"retry_after": 1}}, Unknown, "JIRA-DOWN-01"),
        ("unavailable", {"after": True}, Unknown, "JIRA-DOWN-01"),
        ("empty_json", {"after": True}, Unknown, "JIRA-CREATE-01"),
        ("status", {"after": True, "args": {"status": 408}}, Unknown, "JIRA-DOWN-01"),
    ],
)
def test_a_create_that_landed_without_an_answer_is_unknown_found_again_and_not_doubled(
    bench, tracker, epic, fault, parts, error, code
):
    mark = tracker.mark()
    bench.fault(fault, BULK, **parts)
    results = list(tracker.write([task(epic, "a"), task(epic, "b")]))
    assert [(type(r.error), r.error.code) for r in results] == [(error, code)] * 2
    found = list(tracker.find([wanted(r.write, mark) for r in results]))
    assert sorted(r.write_key for r in found) == ["006A:a", "006A:b"]
    assert len(bench.issues()) == 3
