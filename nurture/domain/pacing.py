"""Pacing: how often. Cap, gap, cadence, `after` and the pace count local dates that were fixed at hand-off; moving never changes them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from nurture.domain.dates import between, coming_date, falls_on
from nurture.domain.letters import About, Cadence
from nurture.domain.paces import Pace
from nurture.domain.scalars import Delay
from nurture.domain.standing import Entry, Mark
from nurture.domain.words import Kind

CAP_DATES = 7
DAYS_OF = {"week": 7, "month": 28}  # a month is four weeks where paces are compared: near enough for advice
ABOUT_LASTS = 7  # dates: every weekly window opens once in them


def cap_places(day: date, days: Sequence[date], cap: int) -> int:
    """How many more letters this date may take, so that no seven consecutive dates hold more than `cap`."""
    today = day.toordinal()
    near = [n for d in days if -CAP_DATES < (n := d.toordinal() - today) < CAP_DATES]
    if not near or max(near) <= 0:
        return cap - len(near)  # all lie in the seven dates that end with this one
    return cap - max(sum(first <= n < first + CAP_DATES for n in near) for first in range(1 - CAP_DATES, 1))


def reach(gap: timedelta, pace: Pace | None) -> timedelta:
    """How far back planning looks: the dates of the cap or the calendar month of the pace - a local date may lie a day off UTC's - and the
    gap.
    """
    return max(timedelta(days=33 if pace else CAP_DATES + 2), gap)


def gap_ends(entries: Sequence[Entry], gap: timedelta) -> datetime | None:
    """When the gap after the last letter is over; None without letters."""
    return max(e.at for e in entries) + gap if entries else None


def cadence_allows(day: date, days: Sequence[date], cadence: Cadence) -> bool:
    """Whether the sequence's own cadence leaves room in the calendar week (Mon-Sun) or month of `day`."""
    return places_left(day, days, cadence) > 0


def places_left(day: date, days: Sequence[date], cadence: Cadence) -> int:
    """How many more letters the calendar week or month of `day` may take."""
    if cadence.per == "week":
        monday = day.toordinal() - day.weekday()
        return cadence.count - len([d for d in days if monday <= d.toordinal() < monday + 7])
    return cadence.count - sum((d.year, d.month) == (day.year, day.month) for d in days)


def pace_on(pace: Pace | None, day: date) -> tuple[Cadence | None, Cadence | None]:
    """(floor, most) of a date: those of the first season it lies in, where that names them, else of the whole year."""
    if pace is None:
        return None, None
    season = next((s for s in pace.season if between(s.from_, s.until, day)), None)
    return (season and season.floor) or pace.floor, (season and season.most) or pace.most


def in_burst(pace: Pace, day: date) -> bool:
    """Whether a burst lets letters go beyond `most` on this date."""
    return any(falls_on(burst.about, day - timedelta(days=n)) for burst in pace.bursts for n in burst.days)


def most_places(pace: Pace | None, day: date, entries: Sequence[Entry], about: date | None = None) -> int | None:
    """How many more letters of everything the pace's `most` lets this date take; None where it says nothing.

    Service letters, greetings and a cleanup's offers are not of its count. `about`: the date from which a letter about a date may leave;
    of a burst's dates it is that which counts, since its window may open some days later.
    """
    most = pace_on(pace, day)[1]
    if pace is None or most is None or in_burst(pace, about or day) or (about and in_burst(pace, day)):
        return None
    return places_left(day, [e.day for e in entries if e.kind is not Kind.GREETING and not e.marks & Mark.CLEANUP], most)


def about_dates(about: About, fields: object, joined: date) -> tuple[date, date] | None:
    """The first and the last date on which a letter about a date may leave: seven, so that every weekly window opens once.

    Where the date comes every year, those that are not over when the person joins the sequence. None where the person has no such date.
    """
    shift = timedelta(days=about.days)
    meant = coming_date(about.date, fields, joined - shift - timedelta(days=ABOUT_LASTS - 1), yearly=about.yearly)
    return (meant + shift, meant + shift + timedelta(days=ABOUT_LASTS - 1)) if meant else None


def after_allows(delay: Delay, last_day: date) -> date:
    """The earliest date: of `7d` seven dates after the last letter of the enrolment (or its beginning), of `36h` that day itself."""
    return last_day + timedelta(days=delay.dates)
