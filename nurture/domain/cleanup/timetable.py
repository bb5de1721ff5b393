"""When a cleanup's letters would leave if it were started now: the steps' dates, letters by date, the busiest week."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.cleanup.steps import SETTLE, STEP_NAMES, WATCH
from nurture.domain.windows import Opening

Zones = Mapping[str, int]  # people by the name of their zone
OpeningsOf = Callable[[ZoneInfo, datetime], Iterable[Opening]]


@dataclass(frozen=True, slots=True)
class StepAhead:
    """One step: the people it adds, when it begins, and the dates of their first letter."""

    name: str
    people: int
    begins: datetime
    first: date | None
    last: date | None


@dataclass(slots=True)
class Timetable:
    """`letters` by local date; `cut_short`: offers that the event's date leaves no day for. `settles`: when verdicts are given, `closes`:
    when the last letters to the silent have had their time, None where there are none.
    """

    steps: list[StepAhead] = field(default_factory=list)
    letters: Counter[date] = field(default_factory=Counter)
    cut_short: int = 0
    settles: datetime | None = None
    closes: datetime | None = None

    @property
    def busiest_week(self) -> int:
        """Letters on the fullest seven consecutive dates."""
        days = sorted(self.letters)
        return max((sum(self.letters[d + timedelta(days=n)] for n in range(7)) for d in days), default=0)


def timetable(
    steps: Sequence[Zones], others: Zones, offers: int, openings_of: OpeningsOf, now: datetime, *, event: date | None,
    closes_after: timedelta | None,
) -> Timetable:  # fmt: skip
    """`steps`: people whom each step adds; `others`: those who get one re-permission letter with the last step. Nobody answers: this is
    the most that will leave.
    """
    found, begins, second = Timetable(), now, now
    ends = now
    last = max((n for n, zones in enumerate(steps) if zones), default=0)
    for n, zones in enumerate(steps):
        watched = n == 0 and bool(zones)
        first_dates: list[Opening] = []
        for name, people in zones.items():
            opens = _days(openings_of, ZoneInfo(name), begins)
            first_dates.append(opens(1)[0])
            days = opens(1) if watched else opens(offers)
            _book(found, days, people, event)
            ends = max(ends, days[-1].closes)
        known = sorted(o.day for o in first_dates)
        found.steps.append(StepAhead(STEP_NAMES[n], sum(zones.values()), begins, known[0] if known else None, known[-1] if known else None))
        if not first_dates:
            continue
        out = max(o.closes for o in first_dates)
        following = out + WATCH if watched else max(out, begins + WATCH)
        if watched:
            second = following
        if n < last:
            begins = following
    for name, people in (steps[0] if steps else {}).items():  # the canary's other offers follow once it was watched
        days = _days(openings_of, ZoneInfo(name), second)(offers - 1)
        _book(found, days, people, event)
        ends = max([ends, *(d.closes for d in days)])
    for name, people in others.items():
        days = _days(openings_of, ZoneInfo(name), begins)(1)
        _book(found, days, people, None)
        ends = max(ends, days[-1].closes)
    found.settles = ends + SETTLE
    found.closes = found.settles + timedelta(days=1) + closes_after if closes_after is not None else None
    return found


def _days(openings_of: OpeningsOf, zone: ZoneInfo, since: datetime) -> Callable[[int], list[Opening]]:
    """The first openings on different dates."""

    def first(number: int) -> list[Opening]:
        days: dict[date, Opening] = {}
        for opening in openings_of(zone, since) if number else ():
            days.setdefault(opening.day, opening)
            if len(days) == number:
                break
        return list(days.values())

    return first


def _book(found: Timetable, days: Iterable[Opening], people: int, event: date | None) -> None:
    for opening in days:
        if event is not None and opening.day > event:
            found.cut_short += people
        else:
            found.letters[opening.day] += people
