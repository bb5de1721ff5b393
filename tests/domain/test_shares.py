"""Shares and how sure they are: against textbook values, and what is said of a list."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.shares import USUAL, benchmark, verdict, wilson
from nurture.domain.words import Engagement

PASSIVE, ACTIVE, FAN = USUAL


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 0, 0.0, 1.0)],
)
def test_intervals_as_in_the_literature(count: int, of: int, low: float, high: float) -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3."""
    assert wilson(count, of) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 400), st.floats(0, 1))
def test_an_interval_holds_its_share_and_narrows_with_more_people(of: int, part: float) -> None:
    count = round(of * part)
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    more = wilson(count * 9, of * 9)
    assert more[1] - more[0] < high - low


@pytest.mark.parametrize("usual", list(USUAL.values()))
def test_about_nineteen_of_twenty_lists_hold_the_truth(usual: float) -> None:
    held = sum(comb(400, n) * usual**n * (1 - usual) ** (400 - n) for n in range(401) if wilson(n, 400)[0] <= usual <= wilson(n, 400)[1])
    assert 0.93 < held < 0.97


def said(passive: int, active: int, fan: int) -> str:
    return verdict(benchmark({PASSIVE: passive, ACTIVE: active, FAN: fan, Engagement.NEW: 500}))


def test_one_honest_sentence() -> None:
    assert said(0, 0, 0) == "Nobody has had enough letters to be judged yet."
    assert said(8, 2, 1) == "Too few people to tell whether this list differs from 80/17/3: 11 can be judged so far."
    assert said(800, 170, 30) == "This list is as usual: no share differs from 80/17/3 by more than chance."
    assert said(710, 170, 120) == "71% passive: clearly fewer than the usual 80%; 12% fans: clearly more than the usual 3%."
    assert said(0, 0, 9) == "0% passive: clearly fewer than the usual 80%; 100% fans: clearly more than the usual 3%."
