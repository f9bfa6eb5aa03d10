"""Each notice once by each channel: by however many processes, whatever fails, and wherever one of them dies."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest
from dossier_desk import task
from notices_desk import TODAY, Clock, Letterbox, letterbox
from rounds_desk import RULES, SOUND, Rounds, doubting, standing, subjects

from sync.core.notices import Notice, Rung
from sync.notices.marks import KIND, Doubt, Marks
from sync.notices.pauses import Failing, failing
from sync.notices.rounds import AGAIN
from sync.store import Store


def test_of_many_rounds_at_once_one_sends(rounds: Rounds, box: Letterbox) -> None:
    tellers = [rounds() for _ in range(4)]
    tight = [standing(contracted_hours=100, used_hours=90)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda teller: teller.run(tight, SOUND), tellers))
    assert len(box.arrived) == 1


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


@pytest.fixture
def mail() -> Iterator[Letterbox]:
    """A second channel."""
    with letterbox() as made:
        yield made


def test_what_one_channel_did_not_take_is_tried_again_there_alone_and_stops_no_other(
    rounds: Rounds, box: Letterbox, mail: Letterbox, clock: Clock, store: Store
) -> None:
    both, tight = rounds(team=box.address, mail=mail.address), standing(contracted_hours=100, used_hours=75)
    mail.broken = True
    for used in (75, 75, 90, 90):
        done = both.run([replace(tight, used_hours=used)], SOUND)
        assert [each.channels for each in done.owed] == [("mail",)]
        clock.advance(hours=2)
    assert (len(box.arrived), mail.asked) == (2, 4)
    assert failing(store, ["mail", "team"]) == (Failing("mail", TODAY, 4),)
    mail.broken = False
    done = both.run([replace(tight, used_hours=90)], SOUND)
    assert (subjects(done.sent), done.owed, done.refused) == (["Acme: 90% of the contracted hours are used"], [], {})
    clock.advance(hours=2)
    assert both.run([replace(tight, used_hours=90)], SOUND).as_json() == both.run([], SOUND).as_json()
    assert (len(box.arrived), mail.subjects) == (2, ["Acme: 90% of the contracted hours are used"])
    assert failing(store, ["mail", "team"]) == ()


def test_a_digest_comes_once_a_day_by_each_channel_with_what_is_new_there(
    rounds: Rounds, box: Letterbox, mail: Letterbox, clock: Clock
) -> None:
    both = rounds(rules=replace(RULES, ladder=(Rung(1, "owner"),)), team=box.address, mail=mail.address)
    first = task("data", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    more = task("auth", date(2026, 11, 9), date(2026, 11, 13), audience="customer", owner="ben@us.com")
    mail.broken = True
    both.run([standing(first)], SOUND)
    mail.broken = False
    clock.advance(hours=2)
    both.run([standing(first, more)], SOUND)  # the team had its digest today, so it hears of the new one tomorrow
    assert (box.subjects, mail.subjects) == (["1 task of a customer is overdue"], ["2 tasks of customers are overdue"])
    clock.advance(days=1)
    both.run([standing(first, more)], SOUND)
    clock.advance(days=1)
    both.run([standing(first, more)], SOUND)
    assert (box.subjects[1:], mail.subjects[1:]) == (["2 tasks of customers are overdue"], [])


def test_a_channel_that_is_added_later_hears_nothing_old_and_one_that_is_taken_away_is_owed_nothing(
    rounds: Rounds, box: Letterbox, mail: Letterbox, store: Store
) -> None:
    tight = [standing(contracted_hours=100, used_hours=75)]
    store.keep(KIND, "deal", "hours:deal::0.7", {"state": "sent", "to": "", "subject": "of an old store"})
    assert rounds(team=box.address, mail=mail.address).run(tight, doubting("x", "1")).owed == []
    mail.broken = True
    rounds(team=box.address, mail=mail.address).run([], doubting("y", "2"))
    alone = rounds(team=box.address).run(tight, doubting("y", "2"))
    assert (alone.sent, alone.owed, alone.unread, len(box.arrived)) == ([], [], [], 2)


def died_while_sending(marks: Marks, notice: Notice, *, left: tuple[str, ...], by: str) -> None:
    """Leave behind what a process leaves that died while it sent something."""
    told = marks.told()
    assert marks.begin(notice, told, ("mail", "team"))
    marks.sending(notice, left, by, told.doubt(by, notice))


def test_of_one_that_died_the_channel_it_was_at_hears_it_once_more_told_so_and_never_a_third_time(
    rounds: Rounds, box: Letterbox, mail: Letterbox, clock: Clock, store: Store
) -> None:
    both, marks = rounds(mail=mail.address, team=box.address), Marks(store, clock)
    tight = [standing(contracted_hours=100, used_hours=75)]
    (notice,) = both.run(tight, SOUND, dry=True).sent
    died_while_sending(marks, notice, left=("team",), by="team")  # mail has it, the team perhaps
    clock.advance(minutes=61)
    both.run(tight, SOUND)
    assert (mail.arrived, [each["message"].splitlines()[2] for each in box.arrived]) == ([], [AGAIN])
    later = replace(notice, tells=("hours:deal::0.7", "hours:deal::0.85"))
    for _ in range(2):
        died_while_sending(marks, later, left=("mail", "team"), by="mail")
        clock.advance(minutes=61)
    assert marks.told().doubt("mail", later) is Doubt.TWICE
    both.run([standing(contracted_hours=100, used_hours=90)], SOUND)
    assert (mail.arrived, len(box.arrived)) == ([], 2)
    assert AGAIN not in box.arrived[1]["message"]
