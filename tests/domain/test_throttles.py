"""Half when asked for less, the same step more each second, open again after ten minutes; and when somebody rests."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.throttles import (
    LEAST_RATE,
    OPEN_AFTER,
    RESTS,
    Bucket,
    Throttle,
    rested,
    sentence,
    slowed,
    welcomed,
    written_rates,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_a_rate_halves_and_rises_by_the_same_step_each_second() -> None:
    half = slowed(Throttle(), 100, "slow down", NOW)
    assert half.rate_at(NOW) == 50
    assert half.rate_at(NOW + MINUTE) == pytest.approx(100)
    assert half.rate_at(NOW + 2 * MINUTE) == pytest.approx(150)
    assert half.rate_at(NOW + OPEN_AFTER) is None
    quarter = slowed(half, 100, "slow down", NOW + 2 * SECOND)
    assert quarter.rate == pytest.approx(50 * (1 + 2 / 60) / 2)
    assert slowed(half, 100, "again", NOW + SECOND / 2) == half, "answers within a second are one"
    assert slowed(half, 10, "slow down", NOW + MINUTE).rate == 5, "what it really took counts, not what it was allowed"


def test_a_rate_of_which_nothing_is_known_starts_low_and_never_ends_at_nothing() -> None:
    state = slowed(Throttle(), 0.0, "slow down", NOW)
    assert state.rate == 1.0
    for n in range(1, 30):
        state = slowed(state, 0.0, "slow down", NOW + n * 2 * SECOND)
    assert state.rate == LEAST_RATE


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(0, 1200)), max_size=30))
def test_no_history_makes_a_rate_of_nothing_or_more_than_was_seen(history: list[tuple[float, float]]) -> None:
    state, now = Throttle(), NOW
    for seen, wait in history:
        now += timedelta(seconds=wait)
        state = slowed(state, seen, "x", now)
        assert state.rate is not None
        assert state.rate >= LEAST_RATE
        assert state.rate_at(now + timedelta(days=1)) is None, "it always opens again by itself"
        later = [state.rate_at(now + timedelta(seconds=s)) or float("inf") for s in (0, 10, 100, 1000)]
        assert later == sorted(later)


def test_rests_grow_and_one_letter_ends_them() -> None:
    state, waits = Throttle(), []
    for _ in range(4):
        state = rested(state, "refused", NOW)
        assert state.away_until is not None
        assert state.away(NOW)
        assert not state.away(state.away_until)
        waits.append(state.away_until - NOW)
    assert waits == [*RESTS, RESTS[-1]]
    assert welcomed(state) == Throttle(reason="refused")
    assert state.away_until is not None
    for after, trying in ((-SECOND, False), (timedelta(0), True), (timedelta(hours=23), True), (timedelta(days=1), False)):
        assert state.trying(state.away_until + after) is trying
    forgotten = rested(state, "refused", state.away_until + timedelta(days=2))
    assert (forgotten.trips, forgotten.away_until) == (1, state.away_until + timedelta(days=2) + RESTS[0]), "it begins anew"
    assert state.quiet(state.away_until + timedelta(days=1))
    assert welcomed(state).quiet(NOW)


def test_each_state_has_its_sentence() -> None:
    assert sentence("domain:gmail.com", Throttle(), NOW) == ""
    slow = sentence("domain:gmail.com", slowed(Throttle(), 5, "unusual rate", NOW), NOW)
    assert slow == "gmail.com takes 2.5 letters a second for now, and more by and by: unusual rate"
    away = rested(Throttle(), "bad password", NOW)
    assert "nothing goes to smtp.example.com:587 until 09:15 UTC: bad password" in sentence("relay:smtp.example.com:587", away, NOW)
    assert "nurture resume" in sentence("relay:smtp.example.com:587", away, NOW)
    assert "one letter first" in sentence("relay:smtp.example.com:587", away, NOW + timedelta(hours=1))


def test_a_bucket_holds_a_second_and_fills_at_its_rate() -> None:
    bucket = Bucket(5)
    bucket.fill(5, 10.0)
    assert bucket.room() == 1
    bucket.take(1)
    assert (bucket.room(), bucket.wait()) == (0, pytest.approx(0.2))
    bucket.fill(5, 10.2)
    assert bucket.room() == 1
    bucket.fill(5, 99.0)
    assert bucket.room() == 5, "a rest is no credit"
    slow = Bucket(0.1)
    slow.fill(0.1, 1.0)
    slow.take(1)
    assert slow.wait() == pytest.approx(10)
    slow.fill(0.1, 11.5)
    assert slow.room() == 1


def test_rates_as_they_are_written() -> None:
    assert written_rates("") == {}
    assert written_rates("gmail.com=5/s, Web.DE = 120/m,gmx.net=3600/h") == {"gmail.com": 5, "web.de": 2, "gmx.net": 1}
    for bad in ("gmail.com", "gmail.com=5", "gmail.com=0/s", "gmail=5/s", "gmail.com=5/week", "a b.com=1/s", "gmail.com=nan/s", "gmail.com=inf/s"):
        with pytest.raises(ValueError, match=r"gmail\.com=5/s, outlook\.com=100/m"):
            written_rates(bad)
