"""Every logged second lies in exactly one bucket, and the reason says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hours_world import KEY, TASKS, TODAY, ago, book, entry, logged
from hypothesis import given
from hypothesis import strategies as st

from mappings.conditions import Condition
from mappings.hours import HourRules, Rate, Terms
from sync.core.dossier import Logged
from sync.core.hours import Bucket, Ledger, NotConserved, place

RULES = HourRules()
PEOPLE = {"tracker": {"a1": "ada@example.com"}}


def bucket(one: Logged, rules: HourRules = RULES, terms: Terms | None = None) -> tuple[Bucket, str]:
    placed = place(one, rules=rules, terms=terms or Terms(), tasks=TASKS, today=TODAY)
    return placed.bucket, placed.reason


def test_time_on_a_task_of_the_plan_counts() -> None:
    assert bucket(logged()) == (Bucket.COUNTED, "")


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (logged(0), "no time was worked: it is nought or less"),
        (logged(-60), "no time was worked: it is nought or less"),
        (logged(86_401), "one entry of more than 24 hours"),
        (logged(day=date(1999, 12, 31)), "it was started before 2000"),
        (logged(day=TODAY + timedelta(days=2)), "it was started in the future"),
        (logged(-60, key="", item=""), "no time was worked: it is nought or less"),
    ],
)
def test_what_cannot_be_meant_is_rejected_and_says_why(one: Logged, reason: str) -> None:
    assert bucket(one) == (Bucket.REJECTED, reason)


def test_a_whole_day_and_a_start_tomorrow_can_be_meant() -> None:
    assert bucket(logged(86_400))[0] is Bucket.COUNTED
    assert bucket(logged(day=TODAY + timedelta(days=1)))[0] is Bucket.COUNTED


def test_time_on_nobodys_record_is_unattributed() -> None:
    assert bucket(logged(key="", item="")) == (Bucket.UNATTRIBUTED, "its record belongs to no plan")


def test_time_on_the_plan_itself_counts_unless_the_mapping_says_otherwise() -> None:
    assert bucket(logged(item="plan"))[0] is Bucket.COUNTED
    strict = replace(RULES, on_plan="unattributed")
    assert bucket(logged(item="plan"), strict) == (
        Bucket.UNATTRIBUTED,
        "it is logged on the plan itself, not on a task",
    )


def test_time_on_a_record_in_the_plan_that_is_no_task_is_unattributed_unless_it_shall_count() -> None:
    assert bucket(logged(item="unplanned"))[0] is Bucket.UNATTRIBUTED
    assert bucket(logged(item="unplanned"), replace(RULES, unplanned="counted"))[0] is Bucket.COUNTED


def test_time_is_not_billable_by_task_by_author_and_by_rule() -> None:
    assert bucket(logged(item="sales")) == (Bucket.NON_BILLABLE, "its task is not billable")
    by_mail = HourRules(non_billable_authors=frozenset({"ada@example.com"}), people=PEOPLE)
    assert bucket(logged(author="a1"), by_mail) == (Bucket.NON_BILLABLE, "its author's time is not billable")
    by_id = HourRules(non_billable_authors=frozenset({"a1"}))
    assert bucket(logged(author="a1"), by_id)[0] is Bucket.NON_BILLABLE
    short = HourRules(non_billable_when=Condition.compile('entry.hours < 0.1 && task.role == "engineer"'))
    assert bucket(logged(300), short) == (
        Bucket.NON_BILLABLE,
        'by rule: entry.hours < 0.1 && task.role == "engineer"',
    )
    assert bucket(logged(600), short)[0] is Bucket.COUNTED


def test_a_rule_that_has_no_answer_rejects_the_entry_and_loses_nothing() -> None:
    broken = HourRules(non_billable_when=Condition.compile("entry.author"))
    where, reason = bucket(logged(), broken)
    assert where is Bucket.REJECTED
    assert "cannot be applied" in reason


def test_time_before_and_after_the_contracts_term_is_out_of_period() -> None:
    terms = Terms(10, start=ago(10), end=ago(1))
    assert [bucket(logged(day=ago(n)), terms=terms)[0] for n in (11, 10, 1, 0)] == [
        Bucket.OUT_OF_PERIOD,
        Bucket.COUNTED,
        Bucket.COUNTED,
        Bucket.OUT_OF_PERIOD,
    ]
    assert bucket(logged(day=ago(11)), terms=terms)[1] == f"the contract runs from {ago(10)} to {ago(1)}"


def test_the_day_is_that_of_the_business_zone_at_midnight_and_over_a_change_of_the_clock() -> None:
    there = HourRules(zone=ZoneInfo("America/New_York"))
    late = datetime(2026, 11, 1, 3, 59, 59, tzinfo=UTC)  # 23:59:59 on 31 October in New York, in summer time
    days = [
        place(logged(day=at), rules=there, terms=Terms(), today=TODAY).day for at in (late, late + timedelta(seconds=1))
    ]
    assert days == [date(2026, 10, 31), date(2026, 11, 1)]
    # The clock goes back on 1 November: that day has 25 hours, so midnight is at 05:00 UTC from then on.
    after = datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC)
    days = [
        place(logged(day=at), rules=there, terms=Terms(), today=TODAY).day
        for at in (after, after + timedelta(seconds=1))
    ]
    assert days == [date(2026, 11, 1), date(2026, 11, 2)]
    tokyo = datetime(2026, 11, 3, 0, 30, tzinfo=timezone(timedelta(hours=9)))  # as Jira tells it, in the author's zone
    assert place(logged(day=tokyo), rules=there, terms=Terms(), today=TODAY).day == date(2026, 11, 2)


def test_an_hour_is_charged_by_the_weight_of_the_persons_role_or_else_the_tasks() -> None:
    terms = Terms(10, rates={"engineer": Rate(1.0, 150), "architect": Rate(1.5, 220)})
    rules = HourRules(people=PEOPLE, roles={"ada@example.com": "architect"})
    one, other = book(logged(author="a1"), logged(author="b2", number=2), rules=rules, terms=terms).entries
    assert (one.role, one.charged, one.value) == ("architect", 5400, 220)
    assert (other.role, other.charged, other.value) == ("engineer", 3600, 150)


def test_time_of_a_role_without_a_rate_counts_as_it_is_or_is_rejected_as_the_mapping_says() -> None:
    terms = Terms(10, rates={"architect": Rate(1.5, 220)})
    assert book(logged(), terms=terms).entries[0].charged == 3600
    strict = replace(RULES, without_rate="rejected")
    assert bucket(logged(), strict, terms) == (Bucket.REJECTED, "the contract has no rate for engineer")


def test_a_ledger_that_lost_a_second_cannot_be_made() -> None:
    whole = book(logged(60), logged(90, number=2))
    with pytest.raises(NotConserved, match="-90 seconds off"):
        Ledger(KEY, whole.entries[:1], whole.total)
    with pytest.raises(NotConserved, match="60 seconds off"):
        Ledger(KEY, (*whole.entries, whole.entries[0]), whole.total)


def test_sums_by_anything_hold_every_second() -> None:
    whole = book(logged(60), logged(90, item="sales", number=2), logged(0, author="b", number=3))
    assert whole.sums(lambda placed: placed.logged.item)["sales"][Bucket.NON_BILLABLE] == 90
    assert sum(sum(each.values()) for each in whole.sums(lambda placed: placed.author).values()) == 150
    assert (whole.counted, whole.total) == (60, 150)


entries = st.builds(
    lambda seconds, at, author, number, where: Logged(
        "tracker", entry(seconds, at, author=author, number=number), *where
    ),
    st.integers(-10_000, 200_000),
    st.integers(0, 40 * 366 * 86_400).map(
        lambda seconds: datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    st.sampled_from(["ada", "a1", "ben@example.com", ""]),
    st.integers(1, 9),
    st.sampled_from([("", ""), (KEY, "build"), (KEY, "sales"), (KEY, "plan"), (KEY, "unplanned"), (KEY, "gone")]),
)
rules = st.builds(
    HourRules,
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Kiritimati"]).map(ZoneInfo),
    non_billable_authors=st.sampled_from([frozenset(), frozenset({"ada"})]),
    non_billable_when=st.sampled_from(
        [None, *map(Condition.compile, ("entry.hours > 2.0", "entry.author", "!task.billable"))]
    ),
    on_plan=st.sampled_from(["counted", "unattributed"]),
    unplanned=st.sampled_from(["counted", "unattributed"]),
    longest_hours=st.sampled_from([0.5, 24.0]),
    without_rate=st.sampled_from(["counted", "rejected"]),
)
terms = st.builds(
    Terms,
    hours=st.sampled_from([None, 0.0, 12.5]),
    per=st.sampled_from(["term", "month", "year"]),
    start=st.none() | st.dates(date(2020, 1, 1), date(2028, 1, 1)),
    end=st.none() | st.dates(date(2020, 1, 1), date(2028, 1, 1)),
    rates=st.sampled_from([{}, {"engineer": Rate(1.37, 99.5)}]),
)


@given(st.lists(entries, max_size=30), rules, terms)
def test_whatever_the_rules_every_second_is_in_one_bucket(logs: list[Logged], said: HourRules, agreed: Terms) -> None:
    whole = book(*logs, rules=said, terms=agreed)
    assert sum(whole.seconds.values()) == sum(one.entry.seconds for one in logs)
    assert [placed.logged for placed in whole.entries] == logs
    assert all(placed.reason for placed in whole.entries if placed.bucket is not Bucket.COUNTED)
    assert all(placed.charged == 0 for placed in whole.entries if placed.bucket is not Bucket.COUNTED)
    assert book(*logs, rules=said, terms=agreed) == whole
