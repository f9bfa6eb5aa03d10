"""What a round of notices finds to tell, to whom and when, and what it holds back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from dossier_desk import dossier_of, task
from notices_desk import Clock, Letterbox
from rounds_desk import CALENDAR, LAUNCH, MANAGER, NY, RULES, SOUND, Rounds, doubting, standing, subjects

from mappings.practice import Court, CourtRules
from sync.core.court import courts
from sync.core.notices import Doubt, NoticeRules, Quality, Rung, Standing, quiet_until
from sync.notices.rounds import Quiet, Sent


def test_of_the_thresholds_crossed_the_highest_is_told_once_however_often_it_is_crossed(
    rounds: Rounds, box: Letterbox
) -> None:
    teller = rounds()
    for used in (69, 72, 72, 60, 71, 99, 90, 100, 120):
        teller.run([standing(contracted_hours=100, used_hours=used, period="2026-11")], SOUND)
    assert box.subjects == [
        "Acme: 72% of the contracted hours are used",
        "Acme: 99% of the contracted hours are used",
        "Acme: 100% of the contracted hours are used",
    ]
    assert box.arrived[0]["message"] == "For cleo@us.com\n\n72 of 100 hours; 28 are left."
    teller.run([standing(contracted_hours=100, used_hours=75, period="2026-12")], SOUND)
    assert len(box.arrived) == 4


def test_a_launch_is_told_to_be_at_risk_once_for_each_target(rounds: Rounds, box: Letterbox) -> None:
    teller = rounds()
    late = standing(launch_p50=date(2026, 12, 8))
    for each in (late, late, standing(launch_p50=date(2026, 12, 1)), late):
        teller.run([each], SOUND)
    assert box.subjects == ["Acme: the launch on 2026-12-01 is at risk"]
    assert "The forecast is 2026-12-08, 5 business days later." in box.arrived[0]["message"]
    moved = replace(LAUNCH, due_target=date(2026, 12, 4))
    known = dossier_of(MANAGER, moved, launch_item="launch")
    teller.run([replace(late, known=known)], SOUND)
    assert len(box.arrived) == 2


def test_a_task_of_the_customers_climbs_the_ladder_in_one_digest_for_each_person(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    teller = rounds()
    mine = task(
        "data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com", name="Send data"
    )
    other = task(
        "sso", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com", name="Send keys"
    )
    ours = task("ours", date(2026, 11, 2), date(2026, 11, 2), owner="ben@us.com")
    for day in range(25):
        today = clock().date()
        teller.run([standing(mine, other, ours, today=today)], SOUND)
        clock.advance(days=1)
        if not day:
            assert [each["message"].splitlines()[0] for each in box.arrived] == ["For ben@us.com"]
            assert box.arrived[0]["message"].splitlines()[2:] == [
                "Acme: Send data, due 2026-11-13, 1 business day overdue",
                "Acme: Send keys, due 2026-11-13, 1 business day overdue",
            ]
    assert [each["message"].splitlines()[0] for each in box.arrived] == [
        "For ben@us.com",
        "For cleo@us.com",
        "For boss@us.com",
    ]
    assert {each["title"] for each in box.arrived} == {"2 tasks of customers are overdue"}


def test_a_task_that_comes_to_a_digest_later_is_told_wherever_it_stands_in_it(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    teller = rounds(rules=replace(RULES, ladder=(Rung(1, "owner"),)))
    first = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    then = task("auth", date(2026, 11, 9), date(2026, 11, 16), audience="customer", owner="ben@us.com")
    for day in range(6):
        teller.run([standing(then, first, today=clock().date())], SOUND)
        assert len(box.arrived) == (1 if day == 0 else 2)
        clock.advance(days=1)
    assert "Auth" in box.arrived[1]["message"]


def test_a_person_has_one_digest_a_day_from_its_time_on_where_he_lives(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    quiet = Quiet(time(0), time(0), NY, {"ben@us.com": tokyo}, digest=time(8, 30))
    teller = rounds(quiet, replace(RULES, ladder=(Rung(1, "owner"),)))
    first = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    more = task("auth", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    clock.now = datetime(2026, 11, 17, 8, 29, tzinfo=tokyo)
    assert len(teller.run([standing(first)], SOUND).waiting) == 1
    clock.advance(minutes=1)
    assert len(teller.run([standing(first)], SOUND).sent) == 1
    clock.now = datetime(2026, 11, 17, 23, 59, tzinfo=tokyo)  # in New York it is the same day still, and the next one
    assert teller.run([standing(more, first)], SOUND) == teller.run([standing(more, first)], SOUND, dry=True) == Sent()
    clock.now = datetime(2026, 11, 18, 8, 30, tzinfo=tokyo)
    assert len(teller.run([standing(more, first)], SOUND).sent) == 1


@pytest.mark.parametrize(
    ("rules", "audience", "told"),
    [
        (RULES, "customer", []),
        (replace(RULES, tell_customers=True), "customer", ["it@acme.com"]),
        (replace(RULES, tell_customers=True), "internal", []),
    ],
)
def test_customers_are_told_of_their_own_tasks_and_only_when_that_is_wanted(
    rounds: Rounds, rules: NoticeRules, audience: str, told: list[str]
) -> None:
    late = task("data", date(2026, 11, 9), date(2026, 11, 13), audience=audience, owner="it@acme.com")
    domains = CourtRules(domains=frozenset({"us.com"}))
    known = dossier_of(MANAGER, late, LAUNCH, launch_item="launch")
    only_owners = replace(rules, ladder=(Rung(1, "owner"),))
    told_of = Standing(known, courts(known, domains, CALENDAR, date(2026, 11, 16)))
    assert told_of.courts.clocks["data"].now is Court.CUSTOMER
    done = rounds(rules=only_owners).run([told_of], SOUND)
    assert [notice.to for notice in done.sent] == told


def test_what_rests_on_data_that_is_not_proven_waits_and_the_operator_is_told_once_per_incident(
    rounds: Rounds, box: Letterbox
) -> None:
    teller = rounds()
    risky = [standing(contracted_hours=100, used_hours=90, launch_p50=date(2026, 12, 8))]
    broken = doubting("3 records are unequal", "2026-11-15")
    first = teller.run(risky, broken)
    again = teller.run(risky, broken)
    assert subjects(first.sent) == ["The plans are not proven equal"]
    assert {notice.why_held for notice in first.held} == {"3 records are unequal"}
    assert (again.sent, len(again.held)) == ([], 2)
    teller.run(risky, doubting("1 record is unequal", "2026-11-16"))
    assert box.subjects == ["The plans are not proven equal"] * 2
    assert len(teller.run(risky, SOUND).sent) == 2


def test_hours_and_risks_wait_where_too_much_time_is_on_no_task_and_the_operator_hears_of_it_once(
    rounds: Rounds, box: Letterbox
) -> None:
    teller = rounds()
    loose = standing(contracted_hours=100, used_hours=90, launch_p50=date(2026, 12, 8), unattributed_share=0.06)
    first = teller.run([loose], SOUND)
    assert {notice.why_held for notice in first.held} == {"6% of its logged time belongs to no task"}
    assert subjects(first.sent) == ["Acme: its hours and risks are not told"]
    assert teller.run([loose], SOUND).sent == []
    assert len(teller.run([replace(loose, unattributed_share=0.04)], SOUND).sent) == 2


def test_of_two_doubts_the_one_that_stays_is_not_told_again(rounds: Rounds, box: Letterbox) -> None:
    teller = rounds()
    stays, goes = Doubt("3 records are unequal", "proof:1"), Doubt("tracker was last heard long ago", "tracker:1")
    teller.run([], lambda: Quality((stays, goes)))
    teller.run([], lambda: Quality((stays,)))
    assert len(box.arrived) == 1
    teller.run([], lambda: Quality((stays, Doubt("sheets was last heard long ago", "sheets:1"))))
    assert len(box.arrived) == 2


def test_in_quiet_hours_a_person_is_not_disturbed_but_told_afterwards(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    quiet = Quiet(time(18), time(8), NY, {"cleo@us.com": ZoneInfo("Europe/Berlin")})
    teller = rounds(quiet)
    tight = [standing(contracted_hours=100, used_hours=90)]
    clock.now = datetime(2026, 11, 16, 18, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert subjects(teller.run(tight, SOUND).waiting) == ["Acme: 90% of the contracted hours are used"]
    broken = teller.run(tight, doubting("x", "1"))
    assert subjects(broken.sent) == ["The plans are not proven equal"]
    clock.now = datetime(2026, 11, 17, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    teller.run(tight, SOUND)
    assert box.subjects[-1] == "Acme: 90% of the contracted hours are used"


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-10-31T23:00", "2026-11-01T08:00"),  # the night in which clocks go back
        ("2026-11-01T07:59", "2026-11-01T08:00"),
        ("2027-03-13T18:00", "2027-03-14T08:00"),  # and forward
        ("2026-11-01T08:00", None),
        ("2026-11-01T17:59", None),
    ],
)
def test_quiet_hours_end_by_the_wall_clock_also_when_clocks_change(now: str, until: str | None) -> None:
    ends = quiet_until(datetime.fromisoformat(now).replace(tzinfo=NY), NY, time(18), time(8))
    assert (ends and ends.replace(tzinfo=None)) == (until and datetime.fromisoformat(until))


def test_sixty_days_of_rounds_tell_nothing_twice(rounds: Rounds, box: Letterbox, clock: Clock) -> None:
    teller = rounds()
    late = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    for _ in range(60):
        today = clock().date()
        teller.run([standing(late, contracted_hours=10, used_hours=20, launch_p50=today, today=today)], SOUND)
        clock.advance(days=1)
    told = [(each["title"], each["message"].splitlines()[0]) for each in box.arrived]
    assert len(told) == len(set(told)) == 5
