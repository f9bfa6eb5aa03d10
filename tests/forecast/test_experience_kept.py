"""What was learned can be kept and taken up again: nobody can tell the difference by what is forecast from it."""

from __future__ import annotations

from datetime import date, timedelta

import orjson
from forecast_desk import CALENDAR, life
from hypothesis import given
from hypothesis import strategies as st

from mappings.calendar import BusinessCalendar
from sync.core.dice import Dice
from sync.core.experience import Experience, network
from sync.core.forecast import forecast
from sync.core.hindsight import as_of
from sync.core.launch import draw, run
from sync.core.replay import replay

PAST = life(20)


def test_kept_experience_forecasts_to_the_hundredth_what_it_did_before() -> None:
    learned = replay(PAST, CALENDAR).experience
    again = Experience.of(orjson.loads(orjson.dumps(learned.state())))
    assert again.state() == learned.state()
    assert (again.tasks, again.launches) == (320, 20)
    for known in PAST[::5]:
        assert known.kickoff is not None
        day = known.kickoff + timedelta(days=14)
        found = forecast(as_of(known, day), again, day, CALENDAR)
        assert found == forecast(as_of(known, day), learned, day, CALENDAR)
        assert found.p50


def test_kept_experience_goes_on_learning_as_if_it_had_never_been_put_away() -> None:
    learned = replay(PAST, CALENDAR).experience
    again = Experience.of(learned.state())
    more = network(PAST[0], date(2026, 1, 1), CALENDAR)
    assert more.nodes
    for experience in (learned, again):
        for aim in experience.launch_aims:
            aim.note(covered=False)
        experience.learn_launch(())
    assert again.state() == learned.state()


def test_many_draws_take_the_same_passages_as_single_ones() -> None:
    learned = replay(PAST, CALENDAR).experience
    for known in PAST[::4]:
        assert known.kickoff is not None
        day = known.kickoff + timedelta(days=9)
        plan, mood = network(as_of(known, day), day, CALENDAR, learned), learned.mood(())
        dice = Dice("x")
        singly = sorted(run(plan.nodes, dice.throw, mood, shift).last(plan.ending) for shift in mood.shifts(40))
        assert draw(plan.nodes, plan.ending, mood, seed="x", draws=40) == singly


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_business_days_between_two_days_are_those_that_one_can_count(first: int, second: int) -> None:
    calendar = BusinessCalendar("US", "CA", frozenset({date(2026, 11, 27)}))
    start, end = (date(2022, 1, 1) + timedelta(days=day) for day in sorted((first, second)))
    counted = sum(calendar.is_business_day(start + timedelta(days=day)) for day in range(1, (end - start).days + 1))
    assert calendar.between(start, end) == counted
    assert calendar.between(end, start) == -counted
