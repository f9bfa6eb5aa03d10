"""Remaining tasks pushed through the plan: facts stay facts, overdue work slips, and the moods of plans are shared."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean

import pytest

from sync.core.dice import Dice
from sync.core.launch import Likely, Mood, Moods, Node, draw, in_order, run, typical
from sync.core.spread import Mixture

AS_PLANNED = Likely(Mixture([(1.0, [1.0])]))
WILD = Likely(Mixture([(0.1, [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0])]))


def node(item: str, *after: str, planned: int = 5, **more: object) -> Node:
    given = {"likely": AS_PLANNED, "floor": None if after else 0, **more}
    return Node(item, after, planned, **given)  # type: ignore[arg-type]


def test_work_as_planned_ends_as_planned() -> None:
    passage = typical([node("a"), node("b", "a"), node("c", planned=12), node("d", "b", "c", planned=1)], Mood())
    assert passage.ends == {"a": 5, "b": 10, "c": 12, "d": 13}
    assert passage.path_to("d") == ("c", "d")


def test_a_done_task_is_a_fact_and_only_what_is_left_counts() -> None:
    nodes = [node("a", finished=-3), node("b", "a")]
    assert typical(nodes, Mood()).ends == {"a": -3, "b": 2}


def test_a_task_that_is_over_its_time_is_not_done_before_tomorrow() -> None:
    nodes = [node("a", floor=-20), node("b", "a")]
    assert typical(nodes, Mood()).ends == {"a": 5, "b": 10}
    for days in draw([node("a", floor=-20, likely=WILD)], ["a"], Mood(), seed="x"):
        assert days >= 1
    for days in draw([node("a", floor=-1, planned=1, likely=WILD)], ["a"], Mood(), seed="x"):
        assert days >= 1


def test_what_has_taken_long_already_is_drawn_from_what_took_longer() -> None:
    fresh = draw([node("a", floor=0, likely=WILD)], ["a"], Mood(), seed="x")
    late = [days + 8 for days in draw([node("a", floor=-8, likely=WILD)], ["a"], Mood(), seed="x")]
    assert min(late) > 8
    assert mean(late) > mean(fresh)


def test_a_dropped_task_takes_no_time_and_hides_nothing() -> None:
    nodes = [node("a"), node("b", "a", dropped=True), node("c", "b")]
    assert typical(nodes, Mood()).ends["c"] == 10


def test_a_network_is_sorted_and_circles_end() -> None:
    nodes = [node("c", "b"), node("b", "a"), node("a"), node("x", "y"), node("y", "x"), node("z", "nobody")]
    assert [each.item for each in in_order(nodes)] == ["a", "z", "b", "c", "x", "y"]
    assert typical(in_order(nodes), Mood()).path_to("y")


def test_the_same_seed_draws_the_same_days_and_another_does_not() -> None:
    nodes = [node(str(number), likely=WILD) for number in range(5)]
    days = draw(nodes, ["1", "2"], Mood(0, 0.3, 0.9), seed="a")
    assert days == draw(nodes, ["1", "2"], Mood(0, 0.3, 0.9), seed="a")
    assert days != draw(nodes, ["1", "2"], Mood(0, 0.3, 0.9), seed="b")
    assert days == sorted(days)


def test_a_slow_plan_is_slow_throughout() -> None:
    chain = [node("0", likely=WILD), *(node(str(n), str(n - 1), likely=WILD) for n in range(1, 10))]
    calm = draw(chain, ["9"], Mood(), seed="a")
    moody = draw(chain, ["9"], Mood(0, 0.5), seed="a")
    slow = draw(chain, ["9"], Mood(0.5, 0.0), seed="a")
    assert moody[80] - moody[20] > 1.5 * (calm[80] - calm[20])
    assert mean(slow) > 1.3 * mean(calm)


def test_moods_of_plans_are_told_from_the_luck_of_tasks() -> None:
    dice = random.Random(3)

    def plans(mood: float, luck: float) -> Moods:
        moods = Moods()
        for _ in range(200):
            own = dice.gauss(0, mood)
            moods.learn([own + dice.gauss(0, luck) for _ in range(15)])
        return moods

    slow = [0.5] * 10
    assert plans(0.4, 0.4).of(slow).mean == pytest.approx(0.45, abs=0.06)
    assert plans(0.02, 0.8).of(slow).mean < 0.15
    assert plans(0.4, 0.4).of([]).deviation == pytest.approx(0.4, abs=0.06)
    assert plans(0.4, 0.4).of(slow).deviation < 0.2


def test_every_draw_has_its_own_luck() -> None:
    dice = random.Random(1)
    ends = {run([node("a", likely=WILD)], dice.random, Mood(), 0.0).ends["a"] for _ in range(50)}
    assert len(ends) > 5


def test_dice_are_even_and_throw_the_same_for_the_same_seed() -> None:
    dice, again, other = Dice("a"), Dice("a"), Dice("b")
    thrown = [dice.throw() for _ in range(20_000)]
    assert thrown[:50] == [again.throw() for _ in range(50)]
    assert thrown[0] != other.throw()
    assert all(0 <= luck < 1 for luck in thrown)
    tenths = [sum(int(luck * 10) == place for luck in thrown) for place in range(10)]
    assert all(1850 < count < 2150 for count in tenths)
    pairs = sum((one - 0.5) * (two - 0.5) for one, two in pairwise(thrown)) / len(thrown)
    assert abs(pairs) < 0.003


def test_drawing_many_passages_at_once_gives_what_one_after_the_other_gives() -> None:
    nodes = in_order(
        [
            node("done", finished=-4),
            node("late", "done", likely=WILD),
            node("dropped", "late", dropped=True),
            node("overdue", floor=-30, planned=2, likely=WILD),
            node("fixed", "dropped", floor=6, likely=WILD),
            node("free", "fixed", "overdue", planned=3, likely=WILD),
            node("aside", floor=2),
        ]
    )
    mood, dice = Mood(0.1, 0.3, 0.7), Dice("one by one")
    passages = [run(nodes, dice.throw, mood, shift) for shift in mood.shifts(100)]
    for goal in (["free"], ["free", "aside"], ["done"], ["nowhere"]):
        assert draw(nodes, goal, mood, seed="one by one") == sorted(passage.last(goal) for passage in passages)
