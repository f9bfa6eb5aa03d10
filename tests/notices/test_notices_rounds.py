"""Notices as they are decided, held back and sent over real HTTP, each once, by however many processes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dossier_desk import dossier_of, task
from notices_desk import Clock, Letterbox, letterbox
from pydantic import SecretStr

from mappings.calendar import BusinessCalendar
from mappings.practice import Court, CourtRules
from sync.core.court import courts
from sync.core.dossier import Task
from sync.core.notices import Notice, NoticeRules, Quality, Rung, Standing, quiet_until
from sync.notices import Channel, Post, Quiet, Round, Sent
from sync.notices.rounds import KIND
from sync.store import Store

CALENDAR = BusinessCalendar("US")
NY = ZoneInfo("America/New_York")
RULES = NoticeRules(
    people=(("manager", "boss@us.com"), ("operator", "ops@us.com")),
    domains=frozenset({"us.com"}),
)
NEVER = Quiet(time(0), time(0), NY)
MANAGER = task("call", owner="cleo@us.com", role="onboarding_manager")
LAUNCH = task("launch", date(2026, 12, 1), date(2026, 12, 1), milestone=True)


@pytest.fixture
def box() -> Iterator[Letterbox]:
    with letterbox() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: str, clock: Clock) -> Iterator[Store]:
    with Store.open(database, clock=clock) as opened:
        yield opened


Rounds = Callable[..., Round]


@pytest.fixture
def rounds(store: Store, clock: Clock, box: Letterbox) -> Rounds:
    def make(quiet: Quiet = NEVER, rules: NoticeRules = RULES, **channels: str) -> Round:
        ways = [Channel(name, SecretStr(url)) for name, url in (channels or {"team": box.address}).items()]
        routes = {kind: [way.name for way in ways] for kind in ("hours", "risk", "overdue", "unproven")}
        return Round(store=store, post=Post(ways, routes), rules=rules, quiet=quiet, calendar=CALENDAR, now=clock)

    return make


def standing(*tasks: Task, **changes: Any) -> Standing:
    known = dossier_of(MANAGER, *tasks, LAUNCH, launch_item="launch", target_launch=date(2026, 12, 1))
    today = changes.pop("today", date(2026, 11, 16))
    return replace(Standing(known, courts(known, CourtRules(), CALENDAR, today)), **changes)


def subjects(notices: list[Notice]) -> list[str]:
    return [notice.subject for notice in notices]


def test_of_the_thresholds_crossed_the_highest_is_told_once_however_often_it_is_crossed(
    rounds: Rounds, box: Letterbox
) -> None:
    teller = rounds()
    for used in (69, 72, 72, 60, 71, 99, 90, 100, 120):
        teller.run([standing(contracted_hours=100, used_hours=used, period="2026-11")], Quality())
    assert box.subjects == [
        "Acme: 72% of the contracted hours are used",
        "Acme: 99% of the contracted hours are used",
        "Acme: 100% of the contracted hours are used",
    ]
    assert box.arrived[0]["message"] == "For cleo@us.com\n\n72 of 100 hours; 28 are left."
    teller.run([standing(contracted_hours=100, used_hours=75, period="2026-12")], Quality())
    assert len(box.arrived) == 4


def test_a_launch_is_told_to_be_at_risk_once_for_each_target(rounds: Rounds, box: Letterbox) -> None:
    teller = rounds()
    late = standing(launch_p50=date(2026, 12, 8))
    for each in (late, late, standing(launch_p50=date(2026, 12, 1)), late):
        teller.run([each], Quality())
    assert box.subjects == ["Acme: the launch on 2026-12-01 is at risk"]
    assert "The forecast is 2026-12-08, 5 business days later." in box.arrived[0]["message"]
    moved = replace(LAUNCH, due_target=date(2026, 12, 4))
    known = dossier_of(MANAGER, moved, launch_item="launch")
    teller.run([replace(late, known=known)], Quality())
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
        teller.run([standing(mine, other, ours, today=today)], Quality())
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
    done = rounds(rules=only_owners).run([told_of], Quality())
    assert [notice.to for notice in done.sent] == told


def test_what_rests_on_data_that_is_not_proven_waits_and_the_operator_is_told_once_per_incident(
    rounds: Rounds, box: Letterbox
) -> None:
    teller = rounds()
    risky = [standing(contracted_hours=100, used_hours=90, launch_p50=date(2026, 12, 8))]
    broken = Quality(("3 records are unequal",), incident="2026-11-15")
    first = teller.run(risky, broken)
    again = teller.run(risky, broken)
    assert subjects(first.sent) == ["The plans are not proven equal"]
    assert {notice.why_held for notice in first.held} == {"3 records are unequal"}
    assert (again.sent, len(again.held)) == ([], 2)
    teller.run(risky, Quality(("1 record is unequal",), incident="2026-11-16"))
    assert box.subjects == ["The plans are not proven equal"] * 2
    loose = teller.run(risky, Quality(unattributed_share=0.06))
    assert {notice.why_held for notice in loose.held} == {"6% of the logged time belongs to no onboarding"}
    assert len(teller.run(risky, Quality(unattributed_share=0.04)).sent) == 2


def test_in_quiet_hours_a_person_is_not_disturbed_but_told_afterwards(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    quiet = Quiet(time(18), time(8), NY, {"cleo@us.com": ZoneInfo("Europe/Berlin")})
    teller = rounds(quiet)
    tight = [standing(contracted_hours=100, used_hours=90)]
    clock.now = datetime(2026, 11, 16, 18, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert subjects(teller.run(tight, Quality()).waiting) == ["Acme: 90% of the contracted hours are used"]
    broken = teller.run(tight, Quality(("x",), incident="1"))
    assert subjects(broken.sent) == ["The plans are not proven equal"]
    clock.now = datetime(2026, 11, 17, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    teller.run(tight, Quality())
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


def test_of_many_rounds_at_once_one_sends(rounds: Rounds, box: Letterbox) -> None:
    tellers = [rounds() for _ in range(4)]
    tight = [standing(contracted_hours=100, used_hours=90)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda teller: teller.run(tight, Quality()), tellers))
    assert len(box.arrived) == 1


def test_a_channel_that_fails_stops_no_other_and_is_tried_again(rounds: Rounds, box: Letterbox) -> None:
    tight = [standing(contracted_hours=100, used_hours=90)]
    both = rounds(gone="json://127.0.0.1:9/", team=box.address)
    box.broken = True
    assert subjects(both.run(tight, Quality()).failed) == ["Acme: 90% of the contracted hours are used"]
    box.broken = False
    assert len(both.run(tight, Quality()).sent) == 1
    assert len(box.arrived) == 1


def test_one_that_died_while_sending_is_told_again_after_an_hour(
    rounds: Rounds, store: Store, box: Letterbox, clock: Clock
) -> None:
    tight = [standing(contracted_hours=100, used_hours=90)]
    store.keep(KIND, "deal", "hours:deal::0.85", {"state": "begun", "at": "then"})
    rounds().run(tight, Quality())
    assert box.arrived == []
    clock.advance(minutes=61)
    rounds().run(tight, Quality())
    rounds().run(tight, Quality())
    assert len(box.arrived) == 1


def test_a_personal_channel_reaches_the_person_and_a_dry_round_sends_nothing(rounds: Rounds, box: Letterbox) -> None:
    personal = rounds(mail=box.address + "mail/{to}")
    tight = [standing(contracted_hours=100, used_hours=90)]
    dry = personal.run(tight, Quality(), dry=True)
    assert (subjects(dry.sent), box.arrived) == (["Acme: 90% of the contracted hours are used"], [])
    personal.run(tight, Quality())
    assert [each["path"] for each in box.arrived] == ["/mail/cleo@us.com"]
    assert box.arrived[0]["message"] == "90 of 100 hours; 10 are left."
    nobody = replace(tight[0], known=replace(tight[0].known, key="other", tasks=(LAUNCH,)))
    assert personal.run([nobody], Quality()) == Sent()


def test_a_channels_secret_reaches_no_log_and_no_document(
    rounds: Rounds, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    teller = rounds(team="json://user:s3cret-of-ours@127.0.0.1:9/")
    done = teller.run([standing(contracted_hours=100, used_hours=90)], Quality())
    assert len(done.failed) == 1
    assert "s3cret-of-ours" not in caplog.text + repr(done) + repr(store.kept(KIND)) + repr(teller.__dict__)


def test_sixty_days_of_rounds_tell_nothing_twice(rounds: Rounds, box: Letterbox, clock: Clock) -> None:
    teller = rounds()
    late = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    for _ in range(60):
        today = clock().date()
        teller.run([standing(late, contracted_hours=10, used_hours=20, launch_p50=today, today=today)], Quality())
        clock.advance(days=1)
    told = [(each["title"], each["message"].splitlines()[0]) for each in box.arrived]
    assert len(told) == len(set(told)) == 5
