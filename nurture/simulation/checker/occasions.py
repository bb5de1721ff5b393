"""Campaigns: a letter goes once on each occasion, after it has opened, and no longer than it may wait."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.simulation.checker.dates import instant, occasion
from nurture.simulation.checker.reading import House
from nurture.simulation.checker.rows import Facts, Sent

_ANYWHERE = timedelta(days=1)  # a date opens first at UTC+14 and last at UTC-12


def broken_occasions(house: House, letters: Sequence[Sent], facts: Facts, start: datetime | None) -> Iterator[tuple[Sent, str, str]]:
    """`letters`: everything one person accepted, oldest first. A superseded occasion shows as a second letter on the one after it."""
    had: dict[tuple[str, datetime | date], Sent] = {}
    for letter in letters:
        source = house.source(letter.text) if letter.text else None
        if source is None or source.type != "campaign":
            continue
        opened = occasion(house, source, letter, start)
        if opened is None or (start is not None and _opens(opened, letter) < start - _ANYWHERE):
            yield letter, "schedule", f"no occasion of {source.name} ({' '.join(source.schedule).strip()}) had opened"
            continue
        before = had.setdefault((source.name, opened), letter)
        if before is not letter:
            yield letter, "occasion", f"the second on the occasion of {opened:%Y-%m-%d}, after {before.at:%Y-%m-%d %H:%M}Z"
        known = start is not None or source.schedule[0] != "now"
        waited = letter.at - max(_opens(opened, letter), *_resumed(facts, letter))
        if known and waited >= source.until + _slack(opened):
            yield letter, "until", f"{waited} after it opened, or the last pause ended; it may wait {source.until}"


def _resumed(facts: Facts, letter: Sent) -> list[datetime]:
    """When the pauses before this letter ended: the time of a pause is not counted, and patience begins anew after it."""
    return [datetime.min.replace(tzinfo=UTC), *(until for begin, until in facts.pauses if begin < letter.at)]


def _opens(opened: datetime | date, letter: Sent) -> datetime:
    if isinstance(opened, datetime):
        return opened
    return instant(datetime.combine(opened, time(0)), ZoneInfo(letter.zone))


def _slack(opened: datetime | date) -> timedelta:
    """A date opens at another moment in each zone."""
    return timedelta(0) if isinstance(opened, datetime) else _ANYWHERE
