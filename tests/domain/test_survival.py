"""Curves against known truth: textbook figures, and invented lives whose half-life is known must give it back within the band."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.curves import ENOUGH, Decay, decay_of, first_purchase_of, said_of_decay, said_of_purchase
from nurture.domain.survival import MONTH, Spell, ranked, survival


def test_the_curve_of_the_textbook() -> None:
    """Remission of leukaemia under 6-MP, weeks (Freireich 1963), as every textbook works it; + is censored: 6 6 6 6+ 7 9+ 10 10+ ..."""
    ended, censored = (6, 6, 6, 7, 10, 13, 16, 22, 23), (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    curve = survival([*(Spell(week, True, 1) for week in ended), *(Spell(week, False, 1) for week in censored)])
    assert [(s.day, round(s.share, 4), s.at_risk) for s in curve.steps] == [
        (6, 0.8571, 21), (7, 0.8067, 17), (10, 0.7529, 15), (13, 0.6902, 12), (16, 0.6275, 11), (22, 0.5378, 7), (23, 0.4482, 6),
    ]  # fmt: skip
    assert [(round(s.low, 3), round(s.high, 3)) for s in curve.steps[:2]] == [(0.620, 0.952), (0.563, 0.923)]
    assert curve.quantile(0.5).days == 23
    assert (curve.people, curve.ended) == (21, 9)


def lives(rng: Random, people: int, half_life: float) -> list[Spell]:
    """Exponential lives that began at any time in 30 months and are watched until today."""
    spells = []
    for _ in range(people):
        life, watched = rng.expovariate(0.693147 / half_life), rng.uniform(0, 30 * MONTH)
        spells.append(Spell(int(min(life, watched)), life <= watched, 1))
    return spells


def test_nineteen_of_twenty_bands_hold_the_true_half_life() -> None:
    held = 0
    for seed in range(100):
        span = survival(lives(Random(seed), 200, 180)).quantile(0.5)
        held += span.low is not None and span.low <= 180 <= (span.high or 10_000)
    assert 90 <= held <= 99


@pytest.mark.parametrize("half_life", [60, 180, 400])
def test_a_decay_gives_back_its_half_life_and_an_eighth_after_three(half_life: float) -> None:
    decay = decay_of(lives(Random(7), 4000, half_life), 5000)
    span = decay.half_life
    assert (span.low or 0) <= half_life <= (span.high or 0)
    assert span.days == pytest.approx(half_life, rel=0.1)
    inside = [p.low <= 0.5 ** (p.month * MONTH / half_life) <= p.high for p in decay.points]
    assert sum(inside) >= 0.8 * len(inside)
    assert decay.points[0].share == decay.points[0].low == 1


spells = st.lists(st.builds(Spell, st.integers(0, 900), st.booleans(), st.integers(1, 9)), max_size=30)


@given(spells)
def test_a_curve_only_falls_inside_its_band_and_grouping_changes_nothing(given_spells: list[Spell]) -> None:
    curve = survival(given_spells)
    shares = [1.0, *(s.share for s in curve.steps)]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= s.low <= s.share <= s.high <= 1 for s in curve.steps)
    one_by_one = survival([Spell(s.days, s.ended, 1) for s in given_spells for _ in range(s.people)])
    assert [s.day for s in one_by_one.steps] == [s.day for s in curve.steps]
    assert [s.share for s in one_by_one.steps] == pytest.approx([s.share for s in curve.steps])


def test_quartiles_of_those_who_are_done() -> None:
    counts = [(day, 1) for day in range(1, 101)]
    assert [ranked(counts, q).days for q in (0.25, 0.5, 0.75)] == [25, 50, 75]
    middle = ranked(counts, 0.5)
    assert (middle.low, middle.high) == (40, 61)  # the 40th and the 61st of a hundred, as the tables have it
    assert ranked([(3, 1)], 0.5).low is None
    assert ranked([], 0.5).days is None


def test_what_is_said_of_a_decay() -> None:
    few = decay_of([Spell(9, True, ENOUGH - 1)], 70)
    assert said_of_decay(few).startswith("Too few people to measure how fast interest decays: 29 who answered")
    measured = said_of_decay(decay_of(lives(Random(7), 4000, 180), 4000))
    assert measured.startswith("Half of those who answered have fallen silent after 5.9 months (5.5 to 6.1)")
    assert "about the eighth of the field" in measured
    assert "more than the eighth" in said_of_decay(decay_of(lives(Random(7), 4000, 500), 4000))
    assert "less than the eighth" in said_of_decay(decay_of(lives(Random(7), 4000, 90), 4000))
    young = said_of_decay(decay_of([Spell(100, False, 90), Spell(50, True, 9)], 120))
    assert young == "After 3 months 91% (83% to 95%) still show a sign: more than half."


def test_what_is_said_of_first_purchases() -> None:
    assert said_of_purchase(first_purchase_of([Spell(90, False, 500)])).startswith("Nobody has bought yet")
    assert said_of_purchase(first_purchase_of([Spell(90, False, 500), Spell(3, True, 9)])).startswith("Too few to measure")
    first = first_purchase_of([Spell(10 * n, True, 1) for n in range(1, 21)] + [Spell(365, False, 480)])
    assert (first.bought, first.people, first.quartiles[1].days, first.of_buyers[1].days) == (20, 500, None, 100)
    assert first.points[-1].month == 11
    assert first.points[-1].share == pytest.approx(20 / 500)
    assert first.points[0].share == first.points[0].high == 0
    said = said_of_purchase(first)
    assert said.startswith("20 of 500 have bought, half of these within 100 days (50 to 160) of joining, a quarter within 50 days")
    assert said.endswith("buy within 11 months: under half of all.")
    keen = first_purchase_of([Spell(n, True, 1) for n in range(1, 81)] + [Spell(365, False, 20)])
    assert keen.quartiles[1].days == 50
    assert "half of all within 50 days" in said_of_purchase(keen)
    assert isinstance(decay_of([], 0), Decay)
