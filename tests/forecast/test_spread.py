"""Quantiles keep their promise: also where outcomes come in lumps, and where they drift."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest

from sync.core.spread import ATOM, Aim, Mixture, Sample

DAY = date(2026, 1, 1)


def test_a_mixture_weighs_each_list_as_told() -> None:
    mixture = Mixture([(0.25, [1.0, 2.0]), (0.5, [10.0])])
    assert [mixture.at(level).value for level in (0.25, 0.26, 0.5, 0.51, 0.98)] == [1.0, 2.0, 2.0, 10.0, 10.0]
    assert mixture.upto(2.0) == 0.5
    assert mixture.below(2.0) == 0.25


def test_the_quantile_is_the_smallest_seen_value_with_that_share_up_to_it() -> None:
    dice = random.Random(5)
    for _ in range(200):
        lists = [sorted(float(dice.randint(0, 9)) for _ in range(dice.randint(1, 12))) for _ in range(3)]
        whole = [dice.random() for _ in lists]
        parts = [(share / sum(whole) / len(values), values) for share, values in zip(whole, lists, strict=True)]
        mixture, level = Mixture(parts), dice.uniform(0.02, 0.98)
        seen = sorted({value for values in lists for value in values})
        expected = next(value for value in seen if mixture.upto(value) >= level)
        assert mixture.at(level).value == expected


def test_a_sample_keeps_what_began_last() -> None:
    sample = Sample(2)
    for number in (3, 1, 2):
        sample.add(DAY + timedelta(days=number), float(number))
    assert sample.values == [2.0, 3.0]
    sample.forget(DAY + timedelta(days=3))
    assert sample.values == [3.0]


@pytest.mark.parametrize("level", [0.5, 0.8])
@pytest.mark.parametrize("lump", [0.0, 0.3, 0.7, 0.95])
def test_coverage_comes_to_the_level_whatever_share_of_outcomes_is_one_lump(level: float, lump: float) -> None:
    dice, aim = random.Random(7), Aim(level)
    seen = Sample(200)
    covered = []
    for number in range(3000):
        outcome = 1.0 if dice.random() < lump else dice.lognormvariate(0, 0.8)
        if number >= 30:
            value, lower = aim.choose(Mixture([(1 / len(seen.values), seen.values)]))
            covered.append(outcome <= value - (0.001 if lower else 0.0))
            aim.note(covered=covered[-1])
        seen.add(DAY + timedelta(days=number), outcome)
    assert sum(covered) / len(covered) == pytest.approx(level, abs=0.03)


def test_coverage_comes_back_after_outcomes_doubled() -> None:
    dice, aim = random.Random(8), Aim(0.8)
    seen = Sample(10_000)
    covered = []
    for number in range(3000):
        outcome = dice.lognormvariate(0, 0.5) * (2 if number > 1000 else 1)
        if number >= 30:
            value, _ = aim.choose(Mixture([(1 / len(seen.values), seen.values)]))
            covered.append(outcome <= value)
            aim.note(covered=covered[-1])
        seen.add(DAY + timedelta(days=number), outcome)
    assert sum(covered[-1500:]) / 1500 == pytest.approx(0.8, abs=0.03)


def test_the_side_of_a_lump_is_changed_before_the_level_is() -> None:
    aim = Aim(0.5)
    lump = Mixture([(0.2, [0.5]), (0.6, [1.0]), (0.2, [2.0])])
    said = []
    for _ in range(12):
        value, lower = aim.choose(lump)
        assert value == 1.0
        assert aim.level == 0.5
        said.append(lower)
        aim.note(covered=not lower)
    assert True in said
    assert False in said


def test_a_rare_value_is_no_lump() -> None:
    values = [float(number) for number in range(99)]
    assert 1 / len(values) < ATOM
    # The level falls into the first half of what this one value stands for, where a lump would be said a hair lower.
    assert Aim(0.8).choose(Mixture([(1 / len(values), values)])) == (79.0, False)
