from __future__ import annotations

from datetime import date

import orjson
import pytest
from jira_bench import ADA, plan, task, update, written

from connectors.base import DictMemory, Failed, Kind, PlanRefs, Ref, Update, Written
from connectors.errors import Refused, TryLater
from simulator.jira.schema import Transition

TRANSITION = "POST /rest/api/3/issue/{id}/transitions"


@pytest.fixture
def tracker(bench):
    return bench.connector()


@pytest.fixture
def made(tracker):
    (epic,) = written(tracker, plan())
    return written(tracker, task(epic.ref))[0]


def read(tracker, ref):
    return next(iter(tracker.fetch([PlanRefs(ref)])))


def test_an_edit_is_one_call_whose_answer_shows_what_was_stored(bench, tracker, made):
    fields = {"summary": "  Kick-off  call ", "duedate": date(2026, 12, 24), "timeoriginalestimate": 3630}
    [result], calls = bench.calls(lambda: list(tracker.write([update(made, **fields)])))
    assert calls == {"PUT /rest/api/3/issue/{id}": 1}
    assert result.fields == {"summary": "Kick-off  call", "duedate": date(2026, 12, 24), "timeoriginalestimate": 3600}
    assert result.version
    (record,) = tracker.fetch([PlanRefs(made.ref)])
    assert record.version == result.version
    assert record.fields["summary"] == "Kick-off  call"


def test_an_edit_that_jira_answers_with_nothing_is_tried_later_and_is_no_defect(bench, tracker, made):
    """Found by the soak test: Jira answers `{}` at times, after it has done what it was told."""
    bench.world.faults.add("empty_json", vendor="jira", endpoint="PUT */issue/{id}", after=True)
    (result,) = tracker.write([update(made, summary="Other")])
    assert isinstance(result, Failed)
    assert isinstance(result.error, TryLater)
    assert result.error.code == "JIRA-BODY-01"


def test_every_field_can_be_emptied(tracker, made):
    full = {"description": "Words", "duedate": date(2026, 12, 1), "assignee": ADA, "timeoriginalestimate": 60}
    full |= {"customfield_10015": date(2026, 12, 1), "customfield_10050": "Go-live", "customfield_10051": "Both"}
    (filled,) = written(tracker, update(made, **full))
    assert filled.fields == full
    (emptied,) = written(tracker, update(made, **dict.fromkeys(full)))
    assert emptied.fields == dict.fromkeys(full)


def test_labels_of_people_are_replaced_and_ours_stay_and_are_not_shown(bench, made):
    tracker = bench.connector(fields={made.write.kind: ("labels",)})
    (result,) = written(tracker, update(made, labels=("zulu", "needs sign-off")))
    assert result.fields == {"labels": ("needs_sign-off", "zulu")}
    stored = bench.jira.site.issues.get(made.ref.id).values["labels"]
    assert stored == ("closedwon", "cw-006A-kickoff", "needs_sign-off", "zulu")


def test_what_is_remembered_wrongly_of_a_workflow_is_read_anew_before_a_way_is_said_not_to_exist(bench, made):
    """Found by the soak test: In Review with the steps of In Progress, so that no issue could be closed any more."""
    memory = DictMemory()
    (task_done,) = written(bench.connector(memory=memory), update(made, status="Done"))
    assert task_done.fields["status"] == "Done"
    known = orjson.loads(memory.get("workflow:Task"))
    memory.put("workflow:Task", orjson.dumps({**known, "in review": known["in progress"]}).decode())
    bench.jira.act("set_status", {"issue": made.ref.id, "status": "To Do"})
    (again,) = written(bench.connector(memory=memory), update(made, status="Done"))
    assert again.fields["status"] == "Done"


def test_the_steps_of_one_status_are_not_remembered_as_those_of_another_to_which_a_person_moves_the_issue(bench, made):
    memory, moved = DictMemory(), []
    answer = bench.jira.handle

    def handle(request):
        if request.method == "GET" and request.path.endswith("/transitions") and not moved:
            moved.append(bench.jira.act("set_status", {"issue": made.ref.id, "status": "In Progress"}))
        return answer(request)

    bench.jira.handle = handle
    tracker = bench.connector(memory=memory)
    (result,) = tracker.write([update(made, status="Done")])
    assert (result.error.code, len(moved)) == ("JIRA-CONFLICT-01", 1)
    assert memory.get("workflow:Task") is None
    assert written(tracker, update(made, status="Done"))[0].fields["status"] == "Done"


def test_a_task_is_brought_from_to_do_to_done_although_there_is_no_shortcut(tracker, made):
    (result,) = written(tracker, update(made, status="Done"))
    assert result.fields == {"status": "Done", "status.category": "done"}


def test_a_way_once_learned_costs_one_read_and_its_hops_also_in_the_next_process(bench, made):
    memory = DictMemory()
    first = bench.connector(memory=memory)
    others = [written(first, task(made.write.plan, f"t{n}"))[0] for n in range(2)]
    written(first, update(made, status="Done"))
    _, calls = bench.calls(lambda: written(first, update(others[0], status="Done")))
    assert calls == {"GET /rest/api/3/issue/{id}": 1, TRANSITION: 3}
    second = bench.connector(memory=memory)
    _, calls = bench.calls(lambda: written(second, update(others[1], status="done")))
    assert calls == {"GET /rest/api/3/issue/{id}": 1, TRANSITION: 3}


def test_a_way_is_learned_from_other_issues_without_moving_ours_through_a_dead_end(bench, tracker, made):
    others = [written(tracker, task(made.write.plan, f"t{n}"))[0] for n in range(2)]
    bench.jira.act("set_status", {"issue": others[0].ref.id, "status": "Blocked"})
    bench.jira.act("set_status", {"issue": others[1].ref.id, "status": "In Review"})
    written(tracker, update(made, status="Done"))
    history = bench.jira.site.issues.get(made.ref.id).history
    hops = [item.new_text for change in history for item in change.items if item.field == "status"]
    assert hops == ["In Progress", "In Review", "Done"]


def test_edits_and_status_of_one_update_both_arrive(tracker, made):
    (result,) = written(tracker, update(made, summary="Kick-off", status="In Progress"))
    assert result.fields == {"summary": "Kick-off", "status": "In Progress", "status.category": "indeterminate"}
    assert read(tracker, made.ref).fields["summary"] == "Kick-off"


def test_a_status_that_is_there_already_costs_no_transition(bench, tracker, made):
    _, calls = bench.calls(lambda: written(tracker, update(made, status="to do")))
    assert calls == {"GET /rest/api/3/issue/{id}": 1}


def test_a_status_that_the_workflow_lacks_is_refused_by_name_and_the_issue_is_not_moved(bench, tracker, made):
    (result,) = tracker.write([update(made, status="Shipped")])
    assert isinstance(result, Failed)
    assert isinstance(result.error, Refused)
    assert (result.error.code, result.error.field) == ("JIRA-TRANSITION-01", "status")
    assert "To Do to Shipped" in result.error.message
    assert bench.jira.site.issues.get(made.ref.id).history == []


def test_a_removed_transition_is_refused_and_the_issue_is_brought_back(bench, tracker, made):
    bench.jira.act("remove_transition", {"transition": "71"})
    (result,) = tracker.write([update(made, status="Done")])
    assert result.error.code == "JIRA-TRANSITION-01"
    assert read(tracker, made.ref).fields["status"] == "To Do"


def test_a_renamed_status_is_found_under_its_new_name(bench, tracker, made):
    written(tracker, update(made, status="Done"))
    written(tracker, update(made, status="To Do"))
    bench.jira.act("rename_status", {"status": "In Review", "name": "Customer Review"})
    (result,) = written(tracker, update(made, status="Done"))
    assert result.fields["status"] == "Done"


def test_a_screen_that_demands_a_resolution_is_refused_unless_the_settings_give_one(bench, tracker, made):
    bench.jira.knobs["resolution_required"] = True
    (result,) = tracker.write([update(made, status="Done")])
    assert (result.error.code, result.error.field) == ("JIRA-SCREEN-01", "status")
    assert "resolution" in result.error.message
    assert read(tracker, made.ref).fields["status"] == "To Do"
    (done,) = written(bench.connector(resolution="Duplicate"), update(made, status="Done"))
    assert done.fields["status"] == "Done"
    assert bench.jira.site.issues.get(made.ref.id).resolution == "10002"


def test_a_step_that_a_validator_refuses_is_refused_with_the_validators_reason(bench, tracker, made):
    body = {"errorMessages": ["Only the coordinator may start."], "errors": {}}
    bench.fault("status", TRANSITION, times=None, args={"status": 400, "body": body})
    (result,) = tracker.write([update(made, status="In Progress")])
    assert (result.error.code, result.error.field) == ("JIRA-TRANSITION-02", "status")
    assert "Only the coordinator may start." in result.error.message
    assert bench.world.calls["jira", TRANSITION] <= 2


def test_a_walk_that_is_refused_half_way_leads_back_to_where_it_began(bench, tracker, made):
    body = {"errorMessages": ["Only the coordinator may finish."], "errors": {}}
    (other,) = written(tracker, task(made.write.plan, "other"))
    written(tracker, update(other, status="Done"))
    written(tracker, update(other, status="To Do"))
    bench.fault("status", TRANSITION, skip=1, times=2, args={"status": 400, "body": body})
    (result,) = tracker.write([update(other, status="Done")])
    assert result.error.code == "JIRA-TRANSITION-02"
    assert read(tracker, other.ref).fields["status"] == "To Do"


def test_what_a_person_moved_meanwhile_is_not_moved_back(bench, tracker, made):
    written(tracker, update(made, status="Done"))
    written(tracker, update(made, status="In Review"))
    walker = tracker._updater._walker
    standing = walker.look(made.ref.id)
    bench.jira.act("set_status", {"issue": made.ref.id, "status": "Blocked"})
    bench.jira.act("remove_transition", {"transition": "71"})
    with pytest.raises(Refused):
        walker.walk(standing, "Done")
    assert read(tracker, made.ref).fields["status"] == "Blocked"


def test_a_remembered_way_through_a_workflow_that_changed_is_learned_anew(bench, tracker, made):
    (other,) = written(tracker, task(made.write.plan, "other"))
    written(tracker, update(made, status="Done"))
    bench.jira.act("remove_transition", {"transition": "41"})
    (result,) = tracker.write([update(other, status="Done")])
    assert result.error.code == "JIRA-TRANSITION-01"
    assert read(tracker, other.ref).fields["status"] == "To Do"


@pytest.mark.parametrize(
    ("resolution", "fields"), [("Done", {"status": "Done", "status.category": "done"}), ("", None)]
)
def test_a_screen_that_asks_for_more_than_is_remembered_is_read_anew(bench, made, resolution, fields):
    tracker = bench.connector(resolution=resolution)
    (other,) = written(tracker, task(made.write.plan, "other"))
    written(tracker, update(other, status="Done"))
    bench.jira.knobs["resolution_required"] = True
    (result,) = tracker.write([update(made, status="Done")])
    assert fields == (None if isinstance(result, Failed) else result.fields)
    assert fields is not None or result.error.code == "JIRA-SCREEN-01"


def test_no_issue_passes_through_done_on_its_way_to_something_else(bench, tracker, made):
    bench.jira.act("remove_transition", {"transition": "41"})
    schema = bench.jira.site.schema
    schema.type("Task").workflow.transitions.append(Transition("91", "Cancel", "10000", "10004"))
    schema.touch()
    (result,) = tracker.write([update(made, status="In Review")])
    assert result.error.code == "JIRA-TRANSITION-01"
    history = bench.jira.site.issues.get(made.ref.id).history
    hops = [item.new_text for change in history for item in change.items if item.field == "status"]
    assert "Done" not in hops
    assert hops[-1] == "To Do"


def test_a_transition_that_landed_without_an_answer_is_not_taken_twice(bench, tracker, made):
    bench.fault("drop_after", TRANSITION)
    written(tracker, update(made, status="In Progress"))
    assert len(bench.jira.site.issues.get(made.ref.id).history) == 1


def test_a_person_who_moves_the_issue_meanwhile_does_not_stop_the_walk(bench, made):
    memory = DictMemory()
    tracker = bench.connector(memory=memory)
    written(tracker, update(made, status="Done"))
    (other,) = written(tracker, task(made.write.plan, "meanwhile"))
    standing = tracker._updater._walker.look(other.ref.id)
    bench.jira.act("set_status", {"issue": other.ref.id, "status": "In Review"})
    assert tracker._updater._walker.walk(standing, "Done").name == "Done"


def test_a_deleted_issue_is_refused_and_the_rest_of_the_batch_goes_on(bench, tracker, made):
    (other,) = written(tracker, task(made.write.plan, "other"))
    bench.jira.act("delete_issue", {"issue": made.ref.id})
    results = {r.write.write_key: r for r in tracker.write([update(made, summary="A"), update(other, summary="B")])}
    assert results["006A:kickoff"].error.code == "JIRA-GONE-01"
    assert isinstance(results["006A:other"], Written)


def test_a_moved_issue_is_still_changed_by_its_id(bench, tracker, made):
    bench.jira.act("move_issue", {"issue": made.ref.id, "project": "OPS"})
    (result,) = written(tracker, update(made, summary="Moved along"))
    assert result.url.endswith("/browse/OPS-1")


def test_a_field_that_vanished_is_absent_when_read_and_refused_when_written(bench, tracker, made):
    bench.jira.act("remove_field", {"field": "customfield_10050"})
    fresh = bench.connector()
    (record,) = fresh.fetch([PlanRefs(Ref("0"), (made.ref,))])
    assert "customfield_10050" not in record.fields
    (result,) = fresh.write([update(made, customfield_10050="Kick-off")])
    assert (result.error.code, result.error.field) == ("JIRA-FIELD-02", "customfield_10050")


def test_a_field_taken_off_its_screen_is_refused_by_name(bench, tracker, made):
    bench.fault("field_vanished", "PUT *")
    (result,) = tracker.write([update(made, customfield_10050="Kick-off")])
    assert (result.error.code, result.error.field) == ("JIRA-SCREEN-02", "customfield_10050")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("assignee", "nobody", "JIRA-USER-01"),
        ("customfield_10051", "Everyone", "JIRA-FIELD-01"),
        ("duedate", "tomorrow", "JIRA-FIELD-04"),
        ("status.category", "done", "JIRA-FIELD-03"),
    ],
)
def test_a_value_that_jira_cannot_take_is_refused_with_its_field(tracker, made, name, value, code):
    (result,) = tracker.write([update(made, **{name: value})])
    assert isinstance(result.error, Refused)
    assert (result.error.code, result.error.field) == (code, name)


def test_one_issue_is_never_written_faster_than_jira_allows(bench, tracker, made):
    began = bench.world.clock.now()
    for n in range(120):
        written(tracker, Update("006A:kickoff", made.write.kind, made.ref, {"summary": f"Round {n}"}))
    moments = [change.created for change in bench.jira.site.issues.get(made.ref.id).history]
    assert all(later - first >= 2000 for first, later in zip(moments, moments[19:], strict=False))
    assert all(later - first >= 30_000 for first, later in zip(moments, moments[99:], strict=False))
    assert (bench.world.clock.now() - began).total_seconds() < 60


def test_what_people_typed_untidily_is_read_in_the_form_that_normalise_gives(bench, tracker, made):
    fields = {"summary": "Two  spaces", "description": "Trailing   \n\nblanks\n\n"}
    bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": fields})
    (record,) = tracker.fetch([PlanRefs(Ref(""), (made.ref,))])
    shown = {name: record.fields[name] for name in fields}
    assert shown == {"summary": "Two  spaces", "description": "Trailing\nblanks"}
    assert tracker.normalise(Kind.TASK, shown) == shown


def test_updates_run_side_by_side_when_the_settings_say_so(bench, made):
    tracker = bench.connector(parallel=4)
    tasks = written(tracker, *(task(made.write.plan, f"t{n}") for n in range(100)))
    results = list(tracker.write([update(t, summary=f"New {t.ref.id}") for t in tasks]))
    assert len(results) == 100
    rest = tracker.write([update(t, summary="Never mind") for t in tasks])
    next(rest)
    rest.close()
    assert sum(issue.values["summary"] == "Never mind" for issue in bench.issues()) < 100
    assert all(isinstance(r, Written) and r.fields["summary"] == f"New {r.ref.id}" for r in results)
