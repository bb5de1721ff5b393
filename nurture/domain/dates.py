"""Dates as marketers write them: one day, `2026-09-15`, or the same day every year, `09-15`; also from a date field of a person."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

_WRITTEN = re.compile(r"(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_LEAP_YEAR = 2024


def parse_calendar_date(value: Any) -> str:
    """`2026-12-31`, or `12-31` for every year. Raises ValueError with advice."""
    text = value.isoformat() if isinstance(value, date) else value
    if isinstance(text, str) and _WRITTEN.fullmatch(text):
        return text
    raise ValueError(f"{value!r} is not a date; write 2026-12-31 or, for every year, 12-31")


CalendarDate = Annotated[
    str, BeforeValidator(parse_calendar_date), WithJsonSchema({"type": "string", "examples": ["2026-12-31", "12-31"]})
]
YearDay = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


def is_day(written: str) -> bool:
    """Whether the calendar has this day: 02-30 is written like one and is none."""
    try:
        date.fromisoformat(written if len(written) == 10 else f"{_LEAP_YEAR}-{written}")
    except ValueError:
        return False
    return True


def falls_on(written: str, day: date) -> bool:
    """Whether a written date is this day; 29 February is kept on the 28th in years that have none."""
    return written == day.isoformat() or (len(written) == 5 and next_yearly(written, {}, day) == day)


def between(first: str, last: str, day: date) -> bool:
    """Whether a day lies from one day of the year to another, both included; `11-01` to `02-28` goes over the turn of the year."""
    now = f"{day:%m-%d}"
    return first <= now <= last if first <= last else now >= first or now <= last


def next_yearly(written: str, fields: object, today: date) -> date | None:
    """The next date of `12-31` or of a date field (`birthday`: 1980-05-17 or 05-17), today included; 29 February falls on the 28th in
    other years.
    """
    text = written_in(written, fields)
    try:
        month, day = int(text[-5:-3]), int(text[-2:])
    except ValueError:
        return None
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            if (month, day) != (2, 29):
                return None
            found = date(year, 2, 28)
        if found >= today:
            return found
    return None


def written_in(written: str, fields: object) -> str:
    """A written date as it is; the name of a date field: what stands there, empty where nothing does."""
    return written if written[:1].isdigit() else str(fields.get(written, "")) if isinstance(fields, Mapping) else ""


def coming_date(written: str, fields: object, since: date, *, yearly: bool = False) -> date | None:
    """The one date that is meant: with a year that very day, be it past; without one, or with `yearly`, the next from `since` on."""
    text = written_in(written, fields)[:10]
    if yearly or len(text) == 5:
        return next_yearly(text, {}, since)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
