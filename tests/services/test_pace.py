"""How fast, and whose turn."""

import pytest

from nurture.services.sending.pace import LATE, Pace, Turns
from nurture.store.claims import DueLane


def test_lanes_take_turns_by_priority_and_service_goes_first() -> None:
    turns = Turns()
    due = [DueLane(1, "sequence:a", 60), DueLane(2, "campaign:b", 20)]
    chosen = [turns.next(due) for _ in range(80)]
    assert sum(lane is not None and lane.id == 1 for lane in chosen) == 60
    assert turns.next([DueLane(9, "service", 0), *due]) == DueLane(9, "service", 0)
    assert turns.next([]) is None


def test_the_pace_slows_on_request_and_then_follows_what_all_share() -> None:
    pace = Pace()
    assert (pace.rate, pace.claim()) == (None, 512)
    pace.begin(0.0)
    for n in range(1, 101):
        pace.took(n / 100)
    assert pace.seen == pytest.approx(100, rel=0.1)
    pace.slow(2.0)
    pace.slow(2.1)
    assert pace.rate == pytest.approx(pace.seen / 2), "two answers within a second are one"
    first = pace.reserve(3.0, 5.0)
    second = pace.reserve(3.0, 5.0)
    assert first == 0
    assert second == pytest.approx(1 / pace.rate - LATE)
    pace.follow(None, 2.5)
    assert pace.rate == pytest.approx(pace.seen / 2), "what was heard this second is in no table yet"
    pace.follow(70.0, 3.1)
    assert pace.rate == 70.0
    pace.follow(None, 4.0)
    assert pace.rate is None
    single = Pace(single=True)
    assert (single.claim(), single.slice(256, 4)) == (1, 1)
    limited = Pace(ceiling=14)
    assert (limited.slice(256, 4), limited.claim()) == (14, 56)
    assert [limited.reserve(0.0, 0.1) is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("tick", [0.001, 0.003, 0.02])
def test_a_clock_that_rings_late_costs_nothing_of_the_rate(tick: float) -> None:
    """Each letter leaves at the first tick at which its place has come; no second holds more than the rate and what may be made up for."""
    pace, rate, left = Pace(ceiling=500), 500, list[float]()
    for n in range(1, round(4 / tick)):
        now = n * tick
        while pace.ahead(now) == 0:
            assert pace.reserve(now, now + 1) == 0
            left.append(now)
    assert len(left) == pytest.approx(4 * rate, rel=0.01, abs=rate * LATE + 1)
    assert max(sum(a <= at < a + 1 for at in left) for a in left[::7]) <= rate * (1 + LATE) + 1
