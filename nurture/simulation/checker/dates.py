"""Wall clocks and calendars: the instant of a wall-clock moment, the greeting's date, the occasions of a campaign."""

from calendar import isleap
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.simulation.checker.reading import DAYS, House, Source
from nurture.simulation.checker.rows import Sent

_BACK = 400  # days in which a yearly or rarer cron line is looked for
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CRON_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Of a naive wall-clock moment: the first valid instant after a gap, the first pass of a fold. Aware UTC."""
    for minutes in range(26 * 60):
        moment = (wall + timedelta(minutes=minutes)).replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment.replace(tzinfo=None):
            return moment.astimezone(UTC)
    raise ValueError(f"{wall} does not come in {zone.key}")


def greeting_day(written: str, fields: Mapping[str, Any], year: int) -> str | None:
    """`12-31`, or the month and day of a date field; 29 February is kept on the 28th in years that have none. None: not known."""
    text = written if written[0].isdigit() else str(fields.get(written) or "")
    day = text[-5:]
    return None if len(day) < 5 else "02-28" if day == "02-29" and not isleap(year) else day


def occasion(house: House, source: Source, sent: Sent, start: datetime | None) -> datetime | date | None:
    """The occasion that this letter of a campaign belongs to: the last that had opened by then.

    An instant (aware UTC) where the schedule names an hour or says `now`, a local date where it is weekly; None when none had opened.
    """
    word, said = source.schedule
    zone = ZoneInfo(sent.zone if source.by_reader else house.zone)
    local = sent.at.astimezone(zone)
    if word == "now":
        return start or datetime.min.replace(tzinfo=UTC)
    if word == "weekly":
        return local.date() - timedelta(days=(local.weekday() - DAYS.index(said)) % 7)
    if word == "at":
        opened = instant(datetime.fromisoformat(said), zone)
        return opened if opened <= sent.at else None
    return _last_of_cron(said, sent.at, zone)


def _last_of_cron(line: str, at: datetime, zone: ZoneInfo) -> datetime | None:
    minutes, hours, days, months, weekdays = line.lower().split()
    when = [(h, m) for h in sorted(_numbers(hours, 0, 23)) for m in sorted(_numbers(minutes, 0, 59))]
    today = at.astimezone(zone).date()
    for back in range(_BACK):
        day = today - timedelta(days=back)
        if day.month not in _numbers(months, 1, 12, _MONTHS, 1) or not _on_day(day, days, weekdays):
            continue
        opened = [instant(datetime.combine(day, time(h, m)), zone) for h, m in when]
        if past := [x for x in opened if x <= at]:
            return max(past)
    return None


def _on_day(day: date, days: str, weekdays: str) -> bool:
    """As cron has it: where both are given, either will do."""
    by_date = day.day in _numbers(days, 1, 31)
    by_week = day.isoweekday() % 7 in {n % 7 for n in _numbers(weekdays, 0, 7, _CRON_DAYS)}
    if days.startswith("*") or weekdays.startswith("*"):
        return by_date and by_week
    return by_date or by_week


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> set[int]:
    """`*`, `5`, `1-5`, `*/15`, `mon,wed` and their mixtures."""

    def one(text: str) -> int:
        return names.index(text) + first if text in names else int(text)

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        start, _, end = span.partition("-")
        if span == "*":
            found.update(range(low, high + 1, int(step or 1)))
        else:
            last = one(end) if end else high if step else one(start)
            found.update(range(one(start), last + 1, int(step or 1)))
    return found
