from __future__ import annotations

import pytest
from jira_bench import plan, task, update, wanted, written

from connectors.base import DictMemory, Kind, Ref

FETCH = "POST /rest/api/3/issue/bulkfetch"
SEARCH = "GET /rest/api/3/search/jql"
PLAIN = {Kind.PLAN: ("summary",), Kind.TASK: ("summary",)}


@pytest.fixture
def tracker(bench):
    return bench.connector(fields=PLAIN)


def someone_creates(bench, count=1, **fields):
    given = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "By hand"} | fields
    return [bench.jira.act("create_issue", {"fields": given}) for _ in range(count)]


def test_the_mark_costs_one_call_in_a_projects_life_and_rises_with_what_is_created(bench):
    memory = DictMemory()
    tracker = bench.connector(memory=memory)
    someone_creates(bench, 7)
    marks, calls = bench.calls(lambda: [tracker.mark(), tracker.mark()])
    assert (marks, calls) == (["7", "7"], {SEARCH: 1})
    written(tracker, plan())
    assert bench.calls(tracker.mark) == ("8", {})
    assert bench.calls(bench.connector(memory=memory).mark) == ("8", {})


def test_the_mark_of_an_empty_project_is_zero(bench, tracker):
    assert bench.calls(lambda: [tracker.mark(), tracker.mark()])[0] == ["0", "0"]
    assert bench.world.calls["jira", SEARCH] == 1


def test_a_mark_taken_while_the_index_lags_is_too_low_and_still_finds(bench, tracker):
    bench.jira.knobs["search_lag_seconds"] = 120
    someone_creates(bench, 30)
    mark = tracker.mark()
    assert int(mark) < 30
    (made,) = written(tracker, plan())
    assert [r.ref for r in tracker.find([wanted(made.write, mark)])] == [made.ref]


def test_what_was_just_created_is_found_while_the_search_does_not_show_it(bench, tracker):
    bench.jira.knobs["search_lag_seconds"] = 3600
    mark = tracker.mark()
    (epic,) = written(tracker, plan())
    made = written(tracker, *(task(epic.ref, f"t{n}") for n in range(3)))
    asked = [wanted(w.write, mark) for w in (epic, *made)]
    found, calls = bench.calls(lambda: list(tracker.find(asked)))
    assert {(r.kind, r.write_key, r.ref) for r in found} == {
        (w.write.kind, w.write.write_key, w.ref) for w in (epic, *made)
    }
    assert SEARCH not in calls
    assert calls == {FETCH: 2}


def test_what_was_never_created_is_not_found(bench, tracker):
    mark = tracker.mark()
    someone_creates(bench, 5)
    assert list(tracker.find([wanted(plan(), mark)])) == []


def test_nothing_wanted_costs_nothing(bench, tracker):
    assert bench.calls(lambda: list(tracker.find([]))) == ([], {})


def test_every_duplicate_of_a_write_key_is_returned(bench, tracker):
    mark = tracker.mark()
    first, second = written(tracker, plan())[0], written(tracker, plan())[0]
    found = list(tracker.find([wanted(first.write, mark)]))
    assert [r.ref for r in found] == [first.ref, second.ref]


def test_a_persons_clone_has_our_labels_and_is_no_duplicate(bench, tracker):
    mark = tracker.mark()
    (made,) = written(tracker, plan())
    labels = list(bench.jira.site.issues.get(made.ref.id).values["labels"])
    someone_creates(bench, labels=labels)
    assert [r.ref for r in tracker.find([wanted(made.write, mark)])] == [made.ref]


def test_a_gap_of_deleted_issues_does_not_end_the_look_up(bench):
    memory = DictMemory()
    tracker = bench.connector(fields=PLAIN, memory=memory)
    mark = tracker.mark()
    for issue in someone_creates(bench, 1100):
        bench.jira.act("delete_issue", {"issue": issue["id"]})
    (made,) = written(tracker, plan())
    # The store lived on, so the highest number that we saw is known; the look-up does not stop below it.
    assert made.url.endswith("ONB-1101")
    assert [r.ref for r in tracker.find([wanted(made.write, mark)])] == [made.ref]


def test_what_was_moved_to_another_project_is_found_and_does_not_raise_the_mark(bench, tracker):
    mark = tracker.mark()
    (made,) = written(tracker, plan())
    for _ in range(3):
        someone_creates(bench)
    (other,) = someone_creates(bench)
    bench.jira.act("move_issue", {"issue": other["id"], "project": "OPS"})
    bench.jira.act("move_issue", {"issue": made.ref.id, "project": "OPS"})
    assert [r.ref for r in tracker.find([wanted(made.write, mark)])] == [made.ref]
    assert tracker.mark() == "4"


def test_a_create_that_lands_late_is_found_once_it_landed(bench, tracker):
    mark = tracker.mark()
    bench.fault("late_commit", "POST /rest/api/3/issue/bulk", args={"seconds": 30})
    (result,) = tracker.write([plan()])
    assert list(tracker.find([wanted(result.write, mark)])) == []
    bench.world.clock.advance(31)
    assert [r.write_key for r in tracker.find([wanted(result.write, mark)])] == ["006A:plan"]


def test_what_is_found_is_a_whole_record_under_its_plan(tracker):
    mark = tracker.mark()
    (epic,) = written(tracker, plan())
    (made,) = written(tracker, task(epic.ref))
    (found,) = tracker.find([wanted(made.write, mark)])
    assert found.ref == Ref(made.ref.id, epic.ref.id)
    assert found.fields == {"summary": "Kickoff"}
    assert found.version
    assert found.url == made.url


def test_the_inventory_lists_all_that_is_ours_doubles_included_while_the_search_lags(bench, tracker):
    bench.jira.knobs["search_lag_seconds"] = 3600
    someone_creates(bench, 3)
    (epic,) = written(tracker, plan())
    made = written(tracker, *(task(epic.ref, f"t{n}") for n in range(3)))
    (double,) = written(tracker, task(epic.ref, "t0"))
    listed = {(r.kind, r.ref, r.write_key) for r in tracker.inventory()}
    assert listed == {(w.write.kind, w.ref, w.write.write_key) for w in (epic, *made, double)}


def test_the_inventory_of_a_project_whose_first_thousands_are_gone_is_complete(bench):
    tracker = bench.connector(fields=PLAIN)
    for issue in someone_creates(bench, 1100):
        bench.jira.act("delete_issue", {"issue": issue["id"]})
    (epic,) = written(bench.connector(fields=PLAIN), plan())
    assert [r.ref for r in tracker.inventory()] == [epic.ref]


def test_a_price_is_what_the_writes_then_cost(bench, tracker):
    plans = [plan(f"006{n}") for n in range(51)]
    results, calls = bench.calls(lambda: written(tracker, *plans))
    assert tracker.price(plans) == sum(calls.values()) == 2
    changes = [update(r, summary="Changed") for r in results[:3]]
    _, calls = bench.calls(lambda: written(tracker, *changes))
    assert tracker.price(changes) == sum(calls.values()) == 3
