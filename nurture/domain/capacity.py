"""What the relay can carry: a window takes so many letters a minute, and what it cannot take fills the following windows beforehand.

A relay at 14 letters a second carries 100,800 in two hours; a tenth of its rate is kept for service letters.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FOR_SERVICE = 0.1


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970, UTC."""
    return int(moment.timestamp()) // 60


@dataclass(slots=True)
class Load:
    """Letters that are to leave in each minute, and how many it may take. `closed`: openings in which nothing is free any more."""

    per_minute: int
    taken: Counter[int]
    closed: set[tuple[datetime, datetime]] = field(default_factory=set)

    @classmethod
    def of(cls, rate: float, waiting: Mapping[int, int]) -> "Load":
        """`rate`: letters a second of the relay; `waiting`: letters by the minute they are due."""
        return cls(max(1, int(rate * 60 * (1 - FOR_SERVICE))), Counter(waiting))

    def room(self, opens: datetime, closes: datetime, wanted: datetime) -> datetime | None:
        """The moment nearest to `wanted` with a free place: that one, a later one, else an earlier one. `closes` is exclusive.

        None when all from `opens` on is full: `opens` is the earliest moment the letter may leave.
        """
        if self.taken[minute_of(wanted)] < self.per_minute:
            return wanted
        if (opens, closes) in self.closed:
            return None
        first, start, last = minute_of(opens), minute_of(wanted), minute_of(closes - timedelta(microseconds=1))
        for minute in (*range(start + 1, last + 1), *range(start - 1, first - 1, -1)):
            if self.taken[minute] < self.per_minute:
                return max(opens, datetime.fromtimestamp(minute * 60, UTC))
        self.closed.add((opens, closes))
        return None

    def take(self, moment: datetime) -> None:
        """A letter is to leave then."""
        self.taken[minute_of(moment)] += 1
