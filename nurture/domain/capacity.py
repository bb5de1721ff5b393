"""What the relay can carry: a window takes so many letters a minute, and what it cannot take fills the following windows beforehand.

A relay at 14 letters a second carries 100,800 in two hours; a tenth of its rate is kept for service letters. The warm-up of a new sender
bounds the day besides; a tenth of that is kept, too.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.warming import WarmUp

FOR_SERVICE = 0.1
_ANY = 1 << 60
_UTC = ZoneInfo("UTC")


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970, UTC."""
    return int(moment.timestamp()) // 60


@dataclass(slots=True)
class Load:
    """Letters that are to leave in each minute, and how many it may take. `closed`: openings in which nothing is free any more.

    `days`: letters of each date in `zone`, which the `warm_up` bounds; `every`: the load is that of each so manieth person.
    """

    per_minute: int
    taken: Counter[int]
    closed: set[tuple[datetime, datetime]] = field(default_factory=set)
    warm_up: WarmUp | None = None
    zone: ZoneInfo = _UTC
    days: Counter[date] = field(default_factory=Counter)
    every: int = 1
    _dates: dict[int, date] = field(default_factory=dict)

    @classmethod
    def of(
        cls, rate: float | None, waiting: Mapping[int, int], warm_up: WarmUp | None = None, zone: ZoneInfo = _UTC, *,
        gone: Mapping[date, int] | None = None, every: int = 1,
    ) -> "Load":  # fmt: skip
        """`rate`: letters a second of the relay; `waiting`: letters by the minute they are due; `gone`: letters that left, by date."""
        per_minute = _ANY if rate is None else max(1, int(rate / every * 60 * (1 - FOR_SERVICE)))
        load = cls(per_minute, Counter({at: n // every for at, n in waiting.items()}), warm_up=warm_up, zone=zone, every=every)
        if warm_up is not None:
            load.days.update({day: n // every for day, n in (gone or {}).items()})
            for minute, letters in load.taken.items():
                load.days[load._date(minute)] += letters
        return load

    def _date(self, minute: int) -> date:
        if minute not in self._dates:
            self._dates[minute] = datetime.fromtimestamp(minute * 60, self.zone).date()
        return self._dates[minute]

    def _free(self, minute: int) -> bool:
        if self.taken[minute] >= self.per_minute:
            return False
        if self.warm_up is None:
            return True
        ceiling = self.warm_up.ceiling(self._date(minute))
        return ceiling is None or self.days[self._date(minute)] < int(ceiling * (1 - FOR_SERVICE)) // self.every

    def room(self, opens: datetime, closes: datetime, wanted: datetime) -> datetime | None:
        """The moment nearest to `wanted` with a free place: that one, a later one, else an earlier one. `closes` is exclusive.

        None when all from `opens` on is full: `opens` is the earliest moment the letter may leave.
        """
        if self._free(minute_of(wanted)):
            return wanted
        if (opens, closes) in self.closed:
            return None
        first, start, last = minute_of(opens), minute_of(wanted), minute_of(closes - timedelta(microseconds=1))
        for minute in (*range(start + 1, last + 1), *range(start - 1, first - 1, -1)):
            if self._free(minute):
                return max(opens, datetime.fromtimestamp(minute * 60, UTC))
        self.closed.add((opens, closes))
        return None

    def take(self, moment: datetime) -> None:
        """A letter is to leave then."""
        minute = minute_of(moment)
        self.taken[minute] += 1
        if self.warm_up is not None:
            self.days[self._date(minute)] += 1
