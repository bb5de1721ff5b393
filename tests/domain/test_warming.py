"""The warm-up's ceiling, day by day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.warming import WarmUp, day_of

START = date(2026, 3, 2)


def test_each_day_takes_more_by_the_same_factor_until_it_is_open() -> None:
    plan = WarmUp(START, 200, 1.5, 1000)
    days = [plan.ceiling(START + timedelta(days=n)) for n in range(-1, 6)]
    assert days == [0, 200, 300, 450, 675, None, None]
    assert plan.ends() == START + timedelta(days=4)
    assert WarmUp(START, 200, 1.5, 50_000).ceiling(START + timedelta(days=13)) == 38_923
    assert WarmUp(START, 200, 1.5, 50_000).ceiling(START + timedelta(days=14)) is None


@given(st.integers(1, 100_000), st.floats(1.01, 10), st.integers(2, 1_000_000))
def test_ceilings_only_grow_and_end(first: int, growth: float, more: int) -> None:
    plan = WarmUp(START, first, growth, first + more)
    end = plan.ends()
    assert plan.ceiling(end) is None
    assert plan.ceiling(end + timedelta(days=10_000)) is None
    if end > START:
        assert plan.ceiling(end - timedelta(days=1)) is not None
        assert plan.ceiling(START) == first
    some = [plan.ceiling(START + timedelta(days=n)) for n in range(40)]
    known = [c for c in some if c is not None]
    assert known == sorted(known)
    assert some[len(known) :] == [None] * (40 - len(known))


def test_as_it_is_written() -> None:
    assert WarmUp.read("2026-03-02 200 x1.5 until 50000") == WarmUp(START, 200, 1.5, 50_000)
    assert WarmUp.read(" 2026-03-02, 200 ") == WarmUp(START, 200)
    assert WarmUp.read("2026-03-02 200 until 9000") == WarmUp(START, 200, 1.5, 9000)
    for bad in ("", "soon", "2026-03-02", "2026-02-30 200", "2026-03-02 0", "2026-03-02 200 x1", "2026-03-02 200 x99", "2026-03-02 200 until 100", "2026-03-02 200 more"):
        with pytest.raises(ValueError, match=r"2026-03-02 200 x1\.5 until 50000"):
            WarmUp.read(bad)


def test_the_day_is_the_workspaces() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert day_of(late, ZoneInfo("Europe/Berlin")) == (date(2026, 3, 3), datetime(2026, 3, 2, 23, 0, tzinfo=UTC))
    assert day_of(late, ZoneInfo("America/New_York")) == (START, datetime(2026, 3, 2, 5, 0, tzinfo=UTC))
