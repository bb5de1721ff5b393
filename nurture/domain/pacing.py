"""Pacing: how often. Cap, gap, cadence and `after` count local dates that were fixed at hand-off; moving never changes them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from nurture.domain.letters import Cadence
from nurture.domain.scalars import Delay
from nurture.domain.standing import Entry

CAP_DATES = 7


def cap_places(day: date, days: Sequence[date], cap: int) -> int:
    """How many more letters this date may take, so that no seven consecutive dates hold more than `cap`."""
    offsets = [(d - day).days for d in days]
    near = [n for n in offsets if -CAP_DATES < n < CAP_DATES]
    if not near or max(near) <= 0:
        return cap - len(near)  # all lie in the seven dates that end with this one
    return cap - max(sum(first <= n < first + CAP_DATES for n in near) for first in range(1 - CAP_DATES, 1))


def reach(gap: timedelta) -> timedelta:
    """How far back planning looks: the dates of the cap - a local date may lie a day off UTC's - and the gap."""
    return max(timedelta(days=CAP_DATES + 2), gap)


def gap_ends(entries: Sequence[Entry], gap: timedelta) -> datetime | None:
    """When the gap after the last letter is over; None without letters."""
    return max(e.at for e in entries) + gap if entries else None


def cadence_allows(day: date, days: Sequence[date], cadence: Cadence) -> bool:
    """Whether the sequence's own cadence leaves room in the calendar week (Mon-Sun) or month of `day`."""
    if cadence.per == "week":
        return sum(d.isocalendar()[:2] == day.isocalendar()[:2] for d in days) < cadence.count
    return sum((d.year, d.month) == (day.year, day.month) for d in days) < cadence.count


def after_allows(delay: Delay, last_day: date) -> date:
    """The earliest date: of `7d` seven dates after the last letter of the enrolment (or its beginning), of `36h` that day itself."""
    return last_day + timedelta(days=delay.dates)
