"""The comparison of both arms: its interval holds what it says, also where people differ much and the control is small."""

import random
from collections.abc import Sequence

import pytest

from nurture.domain.lift import Arm, lift


def arm(people: Sequence[tuple[int, int]]) -> Arm:
    """From (letters, answered) of each person."""
    return Arm(
        len(people), sum(n for n, _ in people), sum(r for _, r in people), sum(r * r for _, r in people), sum(n * n for n, _ in people),
        sum(n * r for n, r in people),
    )  # fmt: skip


def drawn(dice: random.Random, people: int, more: float = 0.0) -> Arm:
    """Fans and the lazy, each with five to thirty letters."""
    found = []
    for _ in range(people):
        rate, letters = dice.choice((0.05, 0.2, 0.45, 0.8)) + more, dice.randint(5, 30)
        found.append((letters, sum(dice.random() < rate for _ in range(letters))))
    return arm(found)


def test_without_an_effect_the_interval_covers_zero_in_about_95_of_100() -> None:
    dice = random.Random(3)
    covered = 0
    for _ in range(400):
        found = lift(drawn(dice, 150), drawn(dice, 17))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0 <= found.high
    assert 0.925 <= covered / 400 <= 0.985


def test_people_who_differ_are_worth_fewer_letters() -> None:
    alike, unlike = arm([(20, 10)] * 30), arm([(20, 0), (20, 20)] * 15)
    assert alike.independent() == alike.letters
    assert 25 < unlike.independent() < 35  # each person says no more than one letter


def test_a_real_lift_is_found_and_named() -> None:
    dice = random.Random(5)
    found = lift(drawn(dice, 900, 0.15), drawn(dice, 100))
    assert found.low is not None
    assert 0 < found.low < 0.15 < (found.high or 0)
    assert found.verdict.startswith("The own hour helps: +")
    assert lift(found.random, found.learned).verdict.startswith("The own hour does harm: -")


@pytest.mark.parametrize("small", [arm([(10, 5)] * 9), arm([(1, 1)] * 49), Arm()])
def test_too_little_is_called_too_little(small: Arm) -> None:
    found = lift(drawn(random.Random(1), 50), small)
    assert (found.difference, found.low, found.high) == (None, None, None)
    assert found.verdict.startswith("Too few letters to tell: ")


def test_rates_at_the_ends_stay_shares() -> None:
    nobody, everybody = arm([(10, 0)] * 20), arm([(10, 10)] * 20)
    assert lift(nobody, nobody).difference == 0
    assert lift(nobody, nobody).verdict.startswith("No difference can be told from chance: +0.0 points, between -")
    apart = lift(everybody, nobody)
    assert (apart.difference, apart.high) == (1, 1)
    assert apart.low is not None
    assert 0.5 < apart.low < 1
