"""Nobody is stuck: a letter whose turn it was, and which could have gone by every rule, goes within two weeks.

Judged from outside and therefore with care: only people who stayed where they were and asked for nothing, only sequences in which nothing
can be skipped unseen, only dates on which none of the letters they did get stood in the way, and only after two such dates.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from nurture.simulation.checker.dates import greeting_day, instant
from nurture.simulation.checker.hours import blacked_out, in_quiet, window_of
from nurture.simulation.checker.order import next_letters, own_letters
from nurture.simulation.checker.pace import WEEK
from nurture.simulation.checker.promises import MIXED, any_promises, unkept
from nurture.simulation.checker.reading import House, LetterText, Source
from nurture.simulation.checker.rows import Facts, Sent

Stuck = tuple[str, datetime, str, str]
"""(letter, the first moment at which it could have gone, rule, message)"""
PATIENCE = timedelta(days=14)
DAY = timedelta(days=1)
_HOUR_NOON = time(12)


def stuck(house: House, letters: Sequence[Sent], facts: Facts, zone: str, start: datetime, end: datetime) -> Iterator[Stuck]:
    """What one person should have got between `start` (when they were enrolled in every sequence) and `end`, and did not."""
    if not facts.steady or any(s.type == "cleanup" for s in house.sources.values()):
        return  # while a cleanup has somebody everything else waits, which does not show from outside
    for source in house.sequences:
        if facts.exited(source) or source.unseen or (source.exits and not facts.told):
            continue
        yield from _waiting(house, source, letters, facts, ZoneInfo(zone), start, end)
        yield from _ungreeted(house, source, letters, facts, ZoneInfo(zone), start, end)


def _waiting(
    house: House, source: Source, letters: Sequence[Sent], facts: Facts, zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[Stuck]:
    mixed = [x for x in letters if x.kind in MIXED]
    own = own_letters(source, letters)
    if not source.plain or len({x.letter for x in own}) < len(own):
        return
    since = max(start, own[-1].at) if own else start
    then = next_letters(house, source, own, mixed, sum(x.at <= since for x in mixed), facts)
    if len(then) != 1 or then != next_letters(house, source, own, mixed, len(mixed), facts):
        return
    (letter,) = then
    if letter.kind == "sales":
        since = max([since, *(x.at for x in mixed)])
        if list(unkept(any_promises(house, source), mixed)):
            return
    free = list(_free(house, source, letter, own, letters, zone, since, end - PATIENCE))
    if len(free) > 1:
        yield letter.name, free[0], "stuck", f"could have gone on {free[0]:%Y-%m-%d} and {len(free) - 1} dates after, and never went"


def _free(
    house: House, source: Source, letter: LetterText, own: Sequence[Sent], letters: Sequence[Sent], zone: ZoneInfo,
    since: datetime, until: datetime,
) -> Iterator[datetime]:  # fmt: skip
    """Openings of the letter's window that every rule of pacing leaves free from end to end."""
    last = own[-1] if own else None
    dates, elapsed = letter.after or (0, timedelta(0))
    first = (last.day if last else since.astimezone(zone).date()) + dates * DAY
    day = since.astimezone(zone).date() + DAY
    while instant(datetime.combine(day, _HOUR_NOON), zone) < until:
        for opens, closes in _openings(house, letter, day, zone):
            near = [x for x in letters if x.kind != "service" and opens - house.gap < x.at < closes + house.gap]
            waited = day >= first and opens >= (last.at if last else since) + elapsed
            if waited and not near and _room(house, letters, day) and _in_cadence(source, letter, own, day):
                yield opens
                break
        day += DAY


def _openings(house: House, letter: LetterText, day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Of this date, where no clock changes on it."""
    midnights = [instant(datetime.combine(day + n * DAY, time(0)), zone) for n in (0, 1)]
    if midnights[1] - midnights[0] != DAY or blacked_out(house, datetime.combine(day, time(0))):
        return
    window = window_of(house, letter)
    if isinstance(window, str):
        if not in_quiet(house, _HOUR_NOON):
            noon = instant(datetime.combine(day, _HOUR_NOON), zone)
            yield noon, noon + timedelta(minutes=1)
        return
    for days, opens, closes in window:
        if day.weekday() in days:
            yield tuple(instant(datetime.combine(day, x), zone) for x in (opens, closes))  # type: ignore[misc]


def _room(house: House, letters: Sequence[Sent], day: date) -> bool:
    """Under the cap, the letters that came later counted as well."""
    days = [x.day for x in letters if x.kind != "service"]
    return max(sum(first <= d < first + WEEK for d in days) for first in (day - n * DAY for n in range(7))) < house.cap


def _in_cadence(source: Source, letter: LetterText, own: Sequence[Sent], day: date) -> bool:
    if source.cadence is None or letter.after is not None:
        return True
    most, unit = source.cadence
    same = [
        x
        for x in own
        if (x.day.isocalendar()[:2] == day.isocalendar()[:2] if unit == "week" else (x.day.year, x.day.month) == (day.year, day.month))
    ]
    return len(same) < most


def _ungreeted(
    house: House, source: Source, letters: Sequence[Sent], facts: Facts, zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[Stuck]:
    """A greeting goes before everything but service letters: those that left on its own date give it no excuse."""
    for letter in (x for x in source.letters if x.kind == "greeting" and x.day and not x.conditional):
        day = start.astimezone(zone).date() + 3 * DAY
        while day < end.astimezone(zone).date() - 2 * DAY:
            if greeting_day(letter.day or "", facts.fields, day.year) == f"{day:%m-%d}":
                got = any(x.letter == letter.name and x.day == day for x in letters)
                others = [x for x in letters if x.kind != "service" and (x.day != day or x.kind == "greeting")]
                for opens, closes in [] if got else _openings(house, letter, day, zone):
                    near = [x for x in others if opens - house.gap < x.at < closes + house.gap]
                    if not near and _room(house, others, day):
                        yield (
                            letter.name,
                            opens.astimezone(UTC),
                            "rivals",
                            f"the greeting of {day} did not go, though only letters after it in rank stood there",
                        )
            day += DAY
