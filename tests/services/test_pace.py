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
        pace.took(n / 100, "")
    assert pace.seen == pytest.approx(100, rel=0.1)
    pace.slow(2.0, "")
    pace.slow(2.1, "")
    assert pace.rate == pytest.approx(pace.seen / 2), "two answers within a second are one"
    first = pace.reserve(3.0, 5.0)
    second = pace.reserve(3.0, 5.0)
    assert first == 0
    assert second == pytest.approx(1 / pace.rate - LATE)
    pace.follow({}, 2.5)
    assert pace.rate == pytest.approx(pace.seen / 2), "what was heard this second is in no table yet"
    pace.follow({"": 70.0}, 3.1)
    assert pace.rate == 70.0
    pace.follow({}, 4.0)
    assert pace.rate is None
    single = Pace(trying=frozenset([""]))
    assert (single.claim(), single.slice(256, 4)) == (1, 1)
    limited = Pace(ceiling=14)
    assert (limited.slice(256, 4), limited.claim()) == (14, 56)
    assert [limited.reserve(0.0, 0.1) is None for _ in range(3)] == [False, False, True]


def test_each_relay_is_as_fast_as_it_says_and_the_one_in_use_counts() -> None:
    used = "first"
    pace = Pace(in_use=lambda: used)
    for n in range(200):
        pace.took(n / 100, "first")
        pace.took(n / 10, "second")
    assert (pace.seen_of("first"), pace.seen_of("second")) == (pytest.approx(100, rel=0.1), pytest.approx(10, rel=0.1))
    pace.slow(20.0, "first")
    pace.slow(20.1, "second")
    assert pace.rate == pytest.approx(50, rel=0.1), "half of what it took itself"
    used = "second"
    assert pace.rate == pytest.approx(5, rel=0.1), "an answer of the other one a moment ago is another answer"
    pace.follow({"first": 40.0, "second": 4.0}, 21.05)
    assert (pace.limits["first"], pace.rate) == (40.0, pytest.approx(5, rel=0.1)), "what was heard this second is in no table yet"
    pace.follow({"first": 40.0}, 21.2)
    assert pace.rate is None, "who asked for nothing is open"
    pace.trying = frozenset(["first"])
    assert (pace.single, pace.slice(256, 4)) == (False, 10)
    used, pace.ceiling = "first", 30
    assert (pace.single, pace.slice(256, 4), pace.rate) == (True, 1, 30)
    pace.slow(30.0, "first")
    assert pace.rate == 15, "of what was in force"
    nameless = Pace()
    for n in range(20):
        nameless.took(n / 100, "captured")
    assert nameless.seen == pytest.approx(100, rel=0.1), "where no relay is named, whatever took them"


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
