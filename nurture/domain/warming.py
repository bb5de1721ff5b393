"""The warm-up of a new sender: so many letters on the first day, each day more by the same factor, until it may send freely.

Receivers trust a sending domain or address by its past; a list of a hundred thousand on the first day looks like an attack.
"""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_FORM = "2026-03-02 200 x1.5 until 50000"
_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)[ ,]+(\d{1,9})(?:[ ,]+x(\d{1,2}(?:\.\d{1,6})?))?(?:[ ,]+until (\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class WarmUp:
    """`start`: the first day, in the workspace's time zone; `until`: the day that would take so many has no ceiling any more."""

    start: date
    first_day: int
    growth: float = 1.5
    until: int = 50_000

    def ceiling(self, day: date) -> int | None:
        """Letters that may leave on that day; None: as many as there are. Nothing leaves before the first day."""
        passed = (day - self.start).days
        if passed < 0:
            return 0
        if passed * math.log(self.growth) > math.log(self.until / self.first_day) + 1e-9:
            return None
        ceiling = int(self.first_day * self.growth**passed + 1e-6)
        return ceiling if ceiling < self.until else None

    def ends(self) -> date:
        """The first day without a ceiling."""
        days = max(0, math.floor(math.log(self.until / self.first_day) / math.log(self.growth)) - 1)
        while self.ceiling(self.start + timedelta(days=days)) is not None:
            days += 1
        return self.start + timedelta(days=days)

    @classmethod
    def read(cls, text: str) -> "WarmUp":
        """`2026-03-02 200 x1.5 until 50000`, the last two as they are unless written. Raises ValueError with what to write."""
        found = _WRITTEN.fullmatch(text.strip())
        if found:
            start, first, growth, until = found.groups()
            try:
                plan = cls(date.fromisoformat(start), int(first), float(growth or 1.5), int(until or 50_000))
            except ValueError:
                plan = None
            if plan and plan.first_day > 0 and 1 < plan.growth <= 10 and plan.until > plan.first_day:
                return plan
        raise ValueError(f"{text!r} is not understood; write the first day, its letters, the growth and the end: {_FORM}")


def day_of(now: datetime, zone: ZoneInfo) -> tuple[date, datetime]:
    """The workspace's date, and the moment that it began."""
    day = now.astimezone(zone).date()
    return day, datetime.combine(day, time(), zone).astimezone(now.tzinfo)
