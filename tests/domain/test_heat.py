"""Moments in UTC on the clocks of their readers: weekday and hour, also where the offset is no whole hour or has just changed."""

from datetime import UTC, datetime

from nurture.domain.heat import Counted, heat_maps, tallies


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) // 60  # type: ignore[misc,arg-type]


LETTERS = [
    Counted("sequence:a", "Asia/Kathmandu", at(2026, 3, 2, 4, 15), 8, 2),  # 10:00 on Monday
    Counted("sequence:a", "Pacific/Auckland", at(2026, 3, 1, 21, 45), 2, 1),  # 10:45 on Monday
    Counted("sequence:b", None, at(2026, 3, 29, 1, 0), 5, 0),  # three in the morning: Berlin has just moved its clocks
]
ACTS = [Counted("sequence:a", "Asia/Kathmandu", at(2026, 3, 1, 18, 15), 3)]  # midnight of Monday


def test_a_heat_map_counts_by_the_readers_own_clock() -> None:
    maps = heat_maps(LETTERS, ACTS, "Europe/Berlin")
    assert sorted(maps) == ["", "sequence:a", "sequence:b"]
    whole = maps[""]
    assert (whole.letters[0][10], whole.answered[0][10], whole.rate(0, 10)) == (10, 3, 0.3)
    assert (whole.letters[6][3], sum(map(sum, whole.letters))) == (5, 15)
    assert (whole.busiest(), whole.total, whole.rate(0, 0)) == ((0, 0), 3, None)
    assert (maps["sequence:b"].busiest(), maps["sequence:b"].letters[6][3], maps["sequence:a"].letters[0][10]) == (None, 5, 10)


def test_tallies_count_by_hour_for_everybody_and_each_lane() -> None:
    found = tallies(LETTERS, ACTS, "Europe/Berlin")
    assert (found[""].letters[10], found[""].letters[3], found[""].acts[0]) == (10, 5, 3)
    assert (sum(found["sequence:b"].acts), found["sequence:a"].acts[0]) == (0, 3)
