"""What the relay can carry: a full minute passes on to the next, a full window to the one after it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from nurture.domain.capacity import Load, minute_of
from nurture.domain.warming import WarmUp

OPENS = datetime(2026, 3, 4, 10, tzinfo=UTC)
CLOSES = OPENS + timedelta(hours=2)
MINUTE = timedelta(minutes=1)


def test_two_hours_at_fourteen_a_second_carry_a_tenth_less_than_100_800() -> None:
    load = Load.of(14, {})
    carried = load.per_minute * 120
    assert carried == 90_720
    assert carried + carried // 9 == 100_800


def test_a_full_minute_passes_on_and_then_back_and_then_away() -> None:
    load = Load.of(1 / 54, {})  # one letter a minute
    assert load.per_minute == 1
    wanted = OPENS + 118 * MINUTE + timedelta(seconds=30)
    taken = []
    for _ in range(120):
        moment = load.room(OPENS, CLOSES, wanted)
        assert moment is not None
        load.take(moment)
        taken.append((moment - OPENS) // MINUTE)
    assert taken[:4] == [118, 119, 117, 116]
    assert sorted(taken) == list(range(120))
    assert load.room(OPENS, CLOSES, wanted) is None
    assert load.room(OPENS, CLOSES, OPENS) is None
    assert load.room(CLOSES, CLOSES + MINUTE, CLOSES) == CLOSES


def test_what_waits_already_counts() -> None:
    load = Load.of(1 / 54, {minute_of(OPENS): 1})
    assert load.room(OPENS, CLOSES, OPENS) == OPENS + MINUTE


@given(st.integers(0, 119), st.integers(0, 59), st.integers(1, 119), st.sets(st.integers(0, 119)))
def test_the_place_found_is_free_and_inside(start: int, seconds: int, length: int, full: set[int]) -> None:
    opens = OPENS + start * MINUTE + timedelta(seconds=seconds)
    closes = opens + length * MINUTE
    load = Load.of(1 / 54, {minute_of(OPENS) + n: 1 for n in full})
    moment = load.room(opens, closes, opens)
    if moment is not None:
        assert opens <= moment < closes
        assert load.taken[minute_of(moment)] == 0
    else:
        assert all(load.taken[m] for m in range(minute_of(opens), minute_of(closes - timedelta(microseconds=1)) + 1))


def test_the_warm_up_bounds_each_day_of_the_workspace_less_a_tenth_for_service() -> None:
    plan = WarmUp(OPENS.date(), 10, 2.0, 1000)
    berlin = ZoneInfo("Europe/Berlin")
    load = Load.of(None, {minute_of(OPENS): 2}, plan, berlin, gone={OPENS.date(): 3})
    found = []
    for n in range(9):
        moment = load.room(OPENS, CLOSES, OPENS + n * MINUTE)
        if moment is None:
            break
        load.take(moment)
        found.append(moment)
    assert len(found) == 9 - 2 - 3, "nine of ten, less what waits and what has left"
    assert load.room(OPENS, CLOSES, OPENS) is None
    tomorrow = OPENS + timedelta(days=1)
    second = 0
    while (moment := load.room(tomorrow, tomorrow + timedelta(hours=2), tomorrow)) is not None:
        load.take(moment)
        second += 1
    assert second == 18
    late = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    assert load.room(late, late + MINUTE, late) is None, "half past midnight in Berlin is the second day"
    free = tomorrow + timedelta(days=30)
    assert all(load.room(free, free + MINUTE, free) == free for _ in range(50)), "no ceiling after the warm-up"


def test_a_sample_of_people_has_its_part_of_the_day() -> None:
    load = Load.of(None, {}, WarmUp(OPENS.date(), 1000), every=10)
    taken = 0
    while (moment := load.room(OPENS, CLOSES, OPENS)) is not None:
        load.take(moment)
        taken += 1
    assert taken == 90
