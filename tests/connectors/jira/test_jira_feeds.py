from __future__ import annotations

from datetime import UTC, datetime

import pytest
from jira_bench import ADA, plan, task, update, written

from connectors.errors import NotAuthorised, TryLater

SEARCH = "GET /rest/api/3/search/jql"
UPDATED, DELETED = "GET /rest/api/3/worklog/updated", "GET /rest/api/3/worklog/deleted"
LIST = "POST /rest/api/3/worklog/list"


@pytest.fixture
def tracker(bench):
    return bench.connector()


@pytest.fixture
def made(tracker):
    (epic,) = written(tracker, plan())
    return written(tracker, task(epic.ref))[0]


def later(bench, seconds=60.0):
    bench.world.clock.advance(seconds)


# -- issues


def test_an_idle_look_for_changes_is_one_call_and_finds_nothing(bench, tracker, made):
    cursor = tracker.changes("").cursor
    for _ in range(3):
        later(bench, 400)
        changes, calls = bench.calls(lambda: tracker.changes(cursor))  # noqa: B023 - called at once
        cursor = changes.cursor
        assert calls == {SEARCH: 1}
    assert changes.touched == frozenset()


def test_a_change_is_told_once_though_the_overlap_shows_it_again(bench, tracker, made):
    later(bench, 400)
    cursor = tracker.changes("").cursor
    later(bench, 400)
    bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": {"summary": "Changed"}})
    first = tracker.changes(cursor)
    assert first.touched == {made.ref.id}
    later(bench)
    assert tracker.changes(first.cursor).touched == frozenset()


def test_a_second_change_of_an_issue_is_told_again(bench, tracker, made):
    cursor = tracker.changes("").cursor
    for n in range(2):
        later(bench, 5)
        bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": {"summary": f"Changed {n}"}})
        changes = tracker.changes(cursor)
        cursor = changes.cursor
        assert made.ref.id in changes.touched


def test_an_engine_that_lost_the_answer_is_told_everything_again(bench, tracker, made):
    cursor = tracker.changes("").cursor
    later(bench)
    bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": {"summary": "Changed"}})
    assert made.ref.id in tracker.changes(cursor).touched
    assert made.ref.id in tracker.changes(cursor).touched


def test_a_new_process_goes_on_from_the_old_ones_cursor(bench, tracker, made):
    cursor = tracker.changes("").cursor
    later(bench)
    bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": {"summary": "Changed"}})
    assert made.ref.id in bench.connector().changes(cursor).touched


def test_what_the_index_shows_late_is_not_lost(bench, tracker, made):
    later(bench, 1000)
    cursor = tracker.changes("").cursor
    bench.jira.knobs["search_lag_seconds"] = 200
    bench.jira.act("edit_issue", {"issue": made.ref.id, "fields": {"summary": "Changed"}})
    later(bench, 100)
    early = tracker.changes(cursor)
    assert early.touched == frozenset()
    later(bench, 110)
    assert tracker.changes(early.cursor).touched == {made.ref.id}


def test_issues_that_are_not_ours_are_not_told(bench, tracker, made):
    cursor = tracker.changes("").cursor
    later(bench)
    fields = {"project": {"key": "ONB"}, "issuetype": {"name": "Task"}, "summary": "By hand"}
    other = bench.jira.act("create_issue", {"fields": fields})
    assert other["id"] not in tracker.changes(cursor).touched


def test_a_burst_of_changes_is_read_over_all_pages(bench, tracker, made):
    cursor = tracker.changes("").cursor
    tasks = written(tracker, *(task(made.write.plan, f"t{n}") for n in range(260)))
    changes, calls = bench.calls(lambda: tracker.changes(cursor))
    assert {t.ref.id for t in tasks} <= changes.touched
    assert calls[SEARCH] >= 1


def test_a_page_token_that_goes_round_in_circles_ends_in_an_error(bench, tracker, made):
    cursor = tracker.changes("").cursor
    body = {"issues": [], "nextPageToken": "again", "isLast": False}
    bench.fault("status", SEARCH, times=None, args={"status": 200, "body": body, "headers": {"X-AACCOUNTID": "me"}})
    with pytest.raises(TryLater) as caught:
        tracker.changes(cursor)
    assert caught.value.code == "JIRA-SEARCH-01"


def test_a_page_token_that_expired_starts_the_search_over(bench, tracker, made):
    cursor = tracker.changes("").cursor
    body = {"issues": [], "nextPageToken": "old", "isLast": False}
    bench.fault("status", SEARCH, args={"status": 200, "body": body, "headers": {"X-AACCOUNTID": "me"}})
    bench.fault("bad_page_token", SEARCH)
    with pytest.raises(TryLater) as caught:
        tracker.changes(cursor)
    assert caught.value.code == "JIRA-SEARCH-01"
    assert made.ref.id in tracker.changes(cursor).touched


# -- time entries


def test_an_idle_look_for_time_is_two_calls(bench, tracker, made):
    cursor = tracker.time_changes("").cursor
    for _ in range(3):
        later(bench, 100)
        changes, calls = bench.calls(lambda: tracker.time_changes(cursor))  # noqa: B023 - called at once
        cursor = changes.cursor
        assert calls == {UPDATED: 1, DELETED: 1}
        assert changes.entries == changes.removed == ()


def test_logged_time_is_read_with_author_and_moments(bench, tracker, made):
    log = {"issue": made.ref.id, "seconds": 5400, "who": ADA, "started": "2026-11-19T08:30:00.000+0100"}
    entry_id = bench.jira.act("log_time", log)["worklog"]
    logged = bench.world.clock.now()
    later(bench, 61)
    changes, calls = bench.calls(lambda: tracker.time_changes(""))
    (entry,) = changes.entries
    assert calls == {UPDATED: 1, DELETED: 1, LIST: 1}
    assert (entry.id, entry.record_id, entry.author, entry.seconds) == (entry_id, made.ref.id, ADA, 5400)
    assert entry.started == datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
    assert abs((entry.updated - logged).total_seconds()) < 1


def test_time_logged_within_the_feeds_blind_minute_is_told_later(bench, tracker, made):
    cursor = tracker.time_changes("").cursor
    bench.jira.act("log_time", {"issue": made.ref.id, "seconds": 60})
    later(bench, 30)
    early = tracker.time_changes(cursor)
    assert early.entries == ()
    later(bench, 40)
    assert [e.seconds for e in tracker.time_changes(early.cursor).entries] == [60]


def test_changed_moved_and_removed_time_is_told_once(bench, tracker, made):
    (other,) = written(tracker, task(made.write.plan, "other"))
    ids = [bench.jira.act("log_time", {"issue": made.ref.id, "seconds": s})["worklog"] for s in (60, 120, 180)]
    later(bench, 70)
    cursor = tracker.time_changes("").cursor
    later(bench, 70)
    bench.jira.act("edit_worklog", {"worklog": ids[0], "seconds": 600})
    bench.jira.act("move_worklog", {"worklog": ids[1], "issue": other.ref.id})
    bench.jira.act("delete_worklog", {"worklog": ids[2]})
    later(bench, 70)
    changes = tracker.time_changes(cursor)
    assert {(e.id, e.record_id, e.seconds) for e in changes.entries} == {
        (ids[0], made.ref.id, 600),
        (ids[1], other.ref.id, 120),
    }
    assert changes.removed == (ids[2],)
    later(bench)
    again = tracker.time_changes(changes.cursor)
    assert again.entries == again.removed == ()


def test_thousands_of_entries_are_read_over_all_pages_without_loss(bench, tracker, made):
    for n in range(2300):
        bench.jira.act("log_time", {"issue": made.ref.id, "seconds": 60 + n})
        if n % 50 == 0:
            later(bench, 1)
    later(bench, 70)
    changes, calls = bench.calls(lambda: tracker.time_changes(""))
    assert sum(e.seconds for e in changes.entries) == sum(60 + n for n in range(2300))
    assert len({e.id for e in changes.entries}) == 2300
    assert calls == {UPDATED: 3, DELETED: 1, LIST: 3}


def test_time_whose_entries_jira_answers_with_nothing_is_not_passed_over(bench, tracker, made):
    """Found by a simulated year: a body of `{}` was taken for none, and the feed had gone on for good."""
    cursor = tracker.time_changes("").cursor
    bench.jira.act("log_time", {"issue": made.ref.id, "seconds": 60})
    later(bench, 70)
    bench.fault("empty_json", LIST)
    with pytest.raises(TryLater) as caught:
        tracker.time_changes(cursor)
    assert caught.value.code == "JIRA-BODY-01"
    bench.fault("empty_json", LIST)
    with pytest.raises(TryLater):
        list(tracker.time_entries())
    assert [entry.seconds for entry in tracker.time_changes(cursor).entries] == [60]


def test_a_cursor_that_is_not_ours_starts_from_the_beginning(bench, tracker, made):
    bench.jira.act("log_time", {"issue": made.ref.id, "seconds": 60})
    later(bench, 70)
    assert len(tracker.time_changes("gibberish").entries) == 1


# -- an expired token looks like silence


@pytest.mark.parametrize("look", [lambda t: t.changes("0."), lambda t: t.time_changes(""), lambda t: t.changes("")])
def test_silence_from_an_expired_token_is_not_taken_for_silence(bench, tracker, made, look):
    bench.jira.tokens.clear()
    with pytest.raises(NotAuthorised) as caught:
        look(tracker)
    assert caught.value.code in {"JIRA-AUTH-01", "JIRA-AUTH-02"}


def test_an_empty_answer_without_a_signed_in_account_is_not_believed(bench, tracker, made):
    cursor = tracker.changes("").cursor
    bench.fault("status", SEARCH, args={"status": 200, "body": {"issues": [], "isLast": True}})
    with pytest.raises(NotAuthorised) as caught:
        tracker.changes(cursor)
    assert caught.value.code == "JIRA-AUTH-02"
    assert update(made).write_key
