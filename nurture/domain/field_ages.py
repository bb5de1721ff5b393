"""How old what we know of people is: in a year two thirds of unrefreshed data lose their meaning.

A value is as old as the day somebody last told it: the day the person joined, unless `told_at` has a later one - of the value by its name,
or of all of them (`ALL`), when the person said that everything is still right.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

ALL = "*"
COLUMNS = ("name", "first_name", "patronymic", "locale", "country", "timezone")
YEAR = timedelta(days=365)


def own_field(name: str) -> str:
    """The name of a free field, told from the columns."""
    return f"fields.{name}"


def tell(told_at: Mapping[str, str] | None, names: Iterable[str], today: date) -> dict[str, str]:
    """`told_at` with these values told today."""
    return {**(told_at or {}), **{name: today.isoformat() for name in names}}


def told_on(name: str, told_at: Mapping[str, str] | None, joined: date) -> date:
    """The day the value was last told."""
    if not told_at:
        return joined
    days = [date.fromisoformat(told_at[n]) for n in (name, ALL) if n in told_at]
    return max([joined, *days])


@dataclass(frozen=True, slots=True)
class FieldAge:
    """`people` have a value there; half of these are older than `median_days`; `old`: older than a year."""

    name: str
    people: int
    median_days: int
    old: int

    @property
    def share_old(self) -> float:
        return self.old / self.people if self.people else 0.0


@dataclass(slots=True)
class Ages:
    """Counts values by name and age in days, however many people there are. `stale`: after which age a person's data count as old."""

    today: date
    stale: timedelta = YEAR
    by_name: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, columns: Mapping[str, Any], fields: Mapping[str, Any], told_at: Mapping[str, str] | None, joined: date) -> bool:
        """Count one person in; whether they have any value and all of them are stale."""
        names = [n for n in COLUMNS if columns.get(n)] + [own_field(n) for n, value in fields.items() if value not in (None, "")]
        youngest: int | None = None
        for name in names:
            days = max(0, (self.today - told_on(name, told_at, joined)).days)
            self.by_name.setdefault(name, Counter())[days] += 1
            youngest = days if youngest is None else min(youngest, days)
        return youngest is not None and youngest > self.stale.days

    def found(self) -> list[FieldAge]:
        """Each name's ages, the most frequent first."""
        lines = [FieldAge(n, c.total(), _median(c), sum(k for d, k in c.items() if d > YEAR.days)) for n, c in self.by_name.items()]
        return sorted(lines, key=lambda line: (-line.people, line.name))


def _median(ages: Counter[int]) -> int:
    """The lower middle one."""
    half, seen = (ages.total() + 1) // 2, 0
    for days in sorted(ages):
        seen += ages[days]
        if seen >= half:
            return days
    return 0
