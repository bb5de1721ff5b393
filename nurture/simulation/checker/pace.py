"""Cap, gap, cadence, `after` and once-only, over all that one person received."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from nurture.simulation.checker.reading import House, Source
from nurture.simulation.checker.rows import Facts, Sent

Finding = tuple[Sent, str, str]
DAY = timedelta(days=1)
WEEK = 7 * DAY
YEARLY = timedelta(days=300)  # between two dates of a greeting, at least


def broken_pace(house: House, letters: Sequence[Sent], facts: Facts, start: datetime | None) -> Iterator[Finding]:
    """`letters`: everything one person accepted, oldest first."""
    paced = [x for x in letters if x.kind != "service"]
    yield from _gap(house, paced)
    yield from _cap(house, paced, facts.wished("less"))
    for source in house.sequences:
        own = [x for x in paced if x.text and x.text in source.letters and x.way in (None, source.name)]  # not what it lent to others
        yield from _cadence(source, own)
        yield from _after(source, own, start)
    yield from _once(house, paced)


def _gap(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    for before, after in pairwise(letters):
        if after.at - before.at < house.gap:
            yield after, "gap", f"only {after.at - before.at} after {before.letter}"


def _cap(house: House, letters: Sequence[Sent], less: datetime | None) -> Iterator[Finding]:
    """On any seven consecutive dates; the dates of one who moved may run backwards. `less`: since when the person wanted fewer."""
    for i, letter in enumerate(letters):
        cap = 1 if less and letter.at > less else house.cap
        days = [x.day for x in letters[: i + 1]]
        fullest = max(sum(first <= d < first + WEEK for d in days) for first in (letter.day - n * DAY for n in range(7)))
        if fullest > cap:
            yield letter, "cap", f"number {fullest} on seven dates around {letter.day}, the cap is {cap}"


def _cadence(source: Source, letters: Sequence[Sent]) -> Iterator[Finding]:
    if source.cadence is None:
        return
    most, unit = source.cadence
    counts: dict[tuple[int, int], int] = {}
    for letter in letters:
        if letter.kind == "greeting":
            continue
        period = letter.day.isocalendar()[:2] if unit == "week" else (letter.day.year, letter.day.month)
        counts[period] = counts.get(period, 0) + 1
        if counts[period] > most and letter.text and letter.text.after is None:
            yield letter, "cadence", f"number {counts[period]} of {source.name} in its {unit}, the cadence is {most} per {unit}"


def _after(source: Source, letters: Sequence[Sent], start: datetime | None) -> Iterator[Finding]:
    """Days and weeks count dates, hours and less count elapsed time; the first letter counts from the enrolment (`start`)."""
    for i, letter in enumerate(letters):
        wait = letter.text.after if letter.text else None
        origin = letters[i - 1].at if i else start
        if wait is None or origin is None:
            continue
        dates, elapsed = wait
        if letter.at - origin < elapsed:
            yield letter, "after", f"{letter.at - origin} after the one before it, {elapsed} were asked"
        if letter.day - origin.astimezone(letter.local.tzinfo).date() < dates * DAY:
            yield letter, "after", f"left on {letter.day}, less than {dates} dates after {source.name}'s letter before it"


def _once(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    first: dict[str, Sent] = {}
    for letter in letters:
        before = first.setdefault(letter.letter, letter)
        if before is letter or letter.text is None:
            continue
        source = house.source(letter.text)
        if source.type == "campaign":
            continue  # once on each occasion: occasions.py
        if letter.text.day and letter.day - before.day >= YEARLY:
            first[letter.letter] = letter
            continue
        if source.type != "sequence" or source.re_entry is None:
            yield letter, "once", f"had already left on {before.day}"
        elif letter.at - before.at < source.re_entry or letter.at == before.at:
            yield letter, "once", f"again after {letter.at - before.at}, re-entry is after {source.re_entry}"
