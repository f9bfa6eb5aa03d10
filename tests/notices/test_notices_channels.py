"""Channels of notices over real HTTP: whom they reach, what becomes of one that fails, and that their secrets stay so."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from notices_desk import Clock, Letterbox
from pydantic import SecretStr
from rounds_desk import CALENDAR, LAUNCH, MANAGER, NEVER, RULES, SOUND, Rounds, standing, subjects

from sync.notices.marks import KIND
from sync.notices.post import BadChannel, Channel, Post
from sync.notices.rounds import Round
from sync.store import Store


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
