"""Notices as they are decided, held back and sent over real HTTP, each once, by however many processes."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dossier_desk import dossier_of, task
from notices_desk import Clock, Letterbox, letterbox
from pydantic import SecretStr

from mappings.calendar import BusinessCalendar
from mappings.practice import Court, CourtRules
from sync.config import load_config
from sync.core.court import courts
from sync.core.dossier import Task
from sync.core.notices import Doubt, Notice, NoticeRules, Quality, Rung, Standing, quiet_until
from sync.notices import BadChannel, Channel, Post, Quiet, Round, Sent
from sync.notices.rounds import KIND
from sync.notices_config import NoticesDoc, RoutesDoc
from sync.store import Store

CALENDAR = BusinessCalendar("US")
NY = ZoneInfo("America/New_York")
RULES = NoticeRules(
    people=(("manager", "boss@us.com"), ("operator", "ops@us.com")),
    domains=frozenset({"us.com"}),
)
SOUND = Quality
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


def doubting(text: str, incident: str) -> Callable[[], Quality]:
    return lambda: Quality((Doubt(text, incident),))


def subjects(notices: list[Notice]) -> list[str]:
    return [notice.subject for notice in notices]


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


def test_of_many_rounds_at_once_one_sends(rounds: Rounds, box: Letterbox) -> None:
    tellers = [rounds() for _ in range(4)]
    tight = [standing(contracted_hours=100, used_hours=90)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda teller: teller.run(tight, SOUND), tellers))
    assert len(box.arrived) == 1


def test_a_channel_that_fails_stops_no_other_and_is_tried_again(rounds: Rounds, box: Letterbox, clock: Clock) -> None:
    tight = [standing(contracted_hours=100, used_hours=90)]
    both = rounds(gone="json://127.0.0.1:9/", team=box.address)
    box.broken = True
    assert subjects(both.run(tight, SOUND).failed) == ["Acme: 90% of the contracted hours are used"]
    box.broken = False
    assert both.run(tight, SOUND).refused == {"gone": 1, "team": 1}  # left alone for some minutes
    clock.advance(minutes=6)
    mended = both.run(tight, SOUND)
    assert (len(mended.sent), mended.refused) == (1, {"gone": 1})
    assert len(box.arrived) == 1


def test_a_channel_that_keeps_failing_is_left_alone_for_an_hour_at_most_but_not_by_a_person(
    rounds: Rounds, box: Letterbox, clock: Clock
) -> None:
    tight = [standing(contracted_hours=100, used_hours=90)]
    teller = rounds()
    box.broken = True
    tries = []
    for quarter in range(24):
        before = box.asked
        teller.run(tight, SOUND)
        tries += [quarter] * (box.asked - before)
        clock.advance(minutes=15)
    assert tries == [0, 1, 2, 4, 7, 11, 15, 19, 23]
    box.broken = False
    assert teller.run(tight, SOUND).sent == []
    assert len(teller.run(tight, SOUND, patient=False).sent) == 1


def test_a_channel_that_fails_some_times_in_a_row_is_not_waited_for_again_in_the_same_round(
    rounds: Rounds, box: Letterbox
) -> None:
    box.broken = True
    many = [standing(contracted_hours=100, used_hours=90) for _ in range(20)]
    each = [replace(one, known=replace(one.known, key=f"deal{n}")) for n, one in enumerate(many)]
    done = rounds().run(each, SOUND)
    assert (len(done.failed), box.asked) == (20, 3)


def test_one_that_died_while_sending_is_told_again_after_an_hour(
    rounds: Rounds, store: Store, box: Letterbox, clock: Clock
) -> None:
    tight = [standing(contracted_hours=100, used_hours=90)]
    store.keep(KIND, "deal", "hours:deal::0.85", {"state": "begun", "at": "then"})
    rounds().run(tight, SOUND)
    assert box.arrived == []
    clock.advance(minutes=61)
    rounds().run(tight, SOUND)
    rounds().run(tight, SOUND)
    assert len(box.arrived) == 1


def test_a_personal_channel_reaches_the_person_and_a_dry_round_sends_nothing(rounds: Rounds, box: Letterbox) -> None:
    personal = rounds(mail=box.address + "mail/{to}")
    tight = [standing(contracted_hours=100, used_hours=90)]
    dry = personal.run(tight, SOUND, dry=True)
    assert (subjects(dry.sent), box.arrived) == (["Acme: 90% of the contracted hours are used"], [])
    personal.run(tight, SOUND)
    assert [each["path"] for each in box.arrived] == ["/mail/cleo@us.com"]
    assert box.arrived[0]["message"] == "90 of 100 hours; 10 are left."
    nobody = replace(tight[0], known=replace(tight[0].known, key="other", tasks=(LAUNCH,)))
    nowhere = personal.run([nobody], SOUND)
    assert (nowhere.sent, subjects(nowhere.unread)) == ([], ["Acme: 90% of the contracted hours are used"])


def test_people_are_called_as_a_channel_knows_them_and_nobody_else_is_reached_by_it(
    store: Store, clock: Clock, box: Letterbox
) -> None:
    ways = [Channel("chat", SecretStr(box.address + "dm/{to}"), {"cleo@us.com": "U0123"})]
    post = Post(ways, {"hours": ["chat"]})
    teller = Round(store=store, post=post, rules=RULES, quiet=NEVER, calendar=CALENDAR, now=clock)
    tight = standing(contracted_hours=100, used_hours=90)
    other = replace(MANAGER, owner="dan@us.com")
    strange = replace(tight, known=replace(tight.known, key="other", tasks=(other, LAUNCH)))
    done = teller.run([tight, strange], SOUND)
    assert [each["path"] for each in box.arrived] == ["/dm/U0123"]
    assert [notice.to for notice in done.unread] == ["dan@us.com"]


def test_an_address_that_is_none_is_refused_without_being_quoted() -> None:
    with pytest.raises(BadChannel, match="notice channel team") as refused:
        Post([Channel("team", SecretStr("slack-s3cret"))], {})
    assert "s3cret" not in str(refused.value)


def test_a_line_break_in_a_customers_name_stays_out_of_a_subject(rounds: Rounds, box: Letterbox) -> None:
    tight = standing(contracted_hours=100, used_hours=90)
    sly = replace(tight, known=replace(tight.known, account="Acme\r\nBcc: all@acme.com"))
    rounds().run([sly], SOUND)
    assert box.subjects == ["Acme Bcc: all@acme.com: 90% of the contracted hours are used"]


def test_a_channels_secret_reaches_no_log_and_no_document(
    rounds: Rounds, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    teller = rounds(team="json://user:s3cret-of-ours@127.0.0.1:9/")
    done = teller.run([standing(contracted_hours=100, used_hours=90)], SOUND)
    assert len(done.failed) == 1
    assert "s3cret-of-ours" not in caplog.text + repr(done) + repr(store.kept(KIND)) + repr(teller.__dict__)


def test_sixty_days_of_rounds_tell_nothing_twice(rounds: Rounds, box: Letterbox, clock: Clock) -> None:
    teller = rounds()
    late = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    for _ in range(60):
        today = clock().date()
        teller.run([standing(late, contracted_hours=10, used_hours=20, launch_p50=today, today=today)], SOUND)
        clock.advance(days=1)
    told = [(each["title"], each["message"].splitlines()[0]) for each in box.arrived]
    assert len(told) == len(set(told)) == 5


def test_the_addresses_that_the_page_shows_are_such_as_apprise_knows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "notices.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\|.*\| `(\w+://[^`]+)` \|$", page, flags=re.MULTILINE)
    assert len(shown) == 5
    Post([Channel(f"n{number}", SecretStr(address)) for number, address in enumerate(shown)], {})


def test_the_section_that_the_page_shows_loads_and_says_what_holds_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TEAM", "CHAT"):
        monkeypatch.setenv(f"CLOSEDWON_NOTICES_{name}", "json://127.0.0.1/")
    root = Path(__file__).parents[2]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "notices-mail").write_text("json://127.0.0.1/{to}", encoding="utf-8")
    section = re.findall(r"```yaml\n(notices:.*?)```", (root / "docs" / "notices.md").read_text("utf-8"), re.DOTALL)[0]
    file = tmp_path / "config.yaml"
    file.write_text((root / "config.yaml").read_text(encoding="utf-8") + "\n" + section, encoding="utf-8")
    shown = load_config(file).notices
    assert shown is not None
    default = NoticesDoc(channels={}, routes=RoutesDoc())
    given = {"channels", "routes", "handles", "people", "zone", "zones"}
    assert shown.model_dump(exclude=given) == default.model_dump(exclude=given)
    assert default.rules(frozenset()) == NoticeRules()
