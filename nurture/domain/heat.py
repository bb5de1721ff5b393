"""Counts by the reader's own clock: the heat map of a list, and the tallies that personal hours are learned from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from nurture.domain.rhythm import HOURS, Tally

WEEKDAYS = 7
ANSWERED_WITHIN_DAYS = 3
Grid = list[list[int]]


@dataclass(frozen=True, slots=True)
class Counted:
    """So many at one moment: `minute` counts from 1970 UTC, `zone` is that of the readers when the letter was handed over (None: the
    workspace's). `answered`: of these letters, those acted on within three days.
    """

    lane: str
    zone: str | None
    minute: int
    count: int
    answered: int = 0


def _empty() -> Grid:
    return [[0] * HOURS for _ in range(WEEKDAYS)]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Seven weekdays (Monday first) of 24 hours: acts by their own hour, letters by the hour of arrival, and how many of these letters
    were answered within three days.
    """

    acts: Grid = field(default_factory=_empty)
    letters: Grid = field(default_factory=_empty)
    answered: Grid = field(default_factory=_empty)

    def rate(self, day: int, hour: int) -> float | None:
        """Of the letters that came in this hour, the share answered within three days."""
        return self.answered[day][hour] / self.letters[day][hour] if self.letters[day][hour] else None

    @property
    def total(self) -> int:
        return sum(map(sum, self.acts))

    def busiest(self) -> tuple[int, int] | None:
        """(weekday, hour) with most acts; None while there is none."""
        if not self.total:
            return None
        return max(((d, h) for d in range(WEEKDAYS) for h in range(HOURS)), key=lambda c: (self.acts[c[0]][c[1]], -c[0], -c[1]))


@lru_cache(maxsize=4_096)
def _cell(zone: str, minute: int) -> tuple[int, int]:
    """(weekday, hour) that the zone's clock shows then."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
    return local.weekday(), local.hour


def heat_maps(letters: Iterable[Counted], acts: Iterable[Counted], home: str) -> dict[str, HeatMap]:
    """One map for each lane, and one of everything under the empty name."""
    maps: dict[str, HeatMap] = {"": HeatMap()}
    for row in letters:
        day, hour = _cell(row.zone or home, row.minute)
        for name in ("", row.lane):
            found = maps.setdefault(name, HeatMap())
            found.letters[day][hour] += row.count
            found.answered[day][hour] += row.answered
    for row in acts:
        day, hour = _cell(row.zone or home, row.minute)
        for name in ("", row.lane):
            maps.setdefault(name, HeatMap()).acts[day][hour] += row.count
    return maps


def tallies(
    letters: Iterable[Counted], acts: Iterable[Counted], home: str, found: dict[str, Tally] | None = None
) -> dict[str, Tally]:  # fmt: skip
    """What learn_pulls() takes, for each lane and, under the empty name, for everybody. `found`: those of other letters, which these are
    added to.
    """
    found = {"": _tally()} if found is None else found
    _count(found, letters, home, lambda tally: tally.letters)
    _count(found, acts, home, lambda tally: tally.acts)
    return found


def _tally() -> Tally:
    return Tally([0] * HOURS, [0] * HOURS)


def _count(found: dict[str, Tally], rows: Iterable[Counted], home: str, side: Callable[[Tally], list[int]]) -> None:
    for row in rows:
        _, hour = _cell(row.zone or home, row.minute)
        for name in ("", row.lane):
            side(found.setdefault(name, _tally()))[hour] += row.count
