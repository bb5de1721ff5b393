"""Cap, gap, cadence, `after` and once-only, over all that one person received."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from nurture.simulation.checker.reading import House, Sent, Source

Finding = tuple[Sent, str, str]
DAY = timedelta(days=1)


def broken_pace(house: House, letters: Sequence[Sent], start: datetime | None) -> Iterator[Finding]:
    """`letters`: everything one person accepted, oldest first."""
    paced = [x for x in letters if x.kind != "service"]
    yield from _gap(house, paced)
    yield from _cap(house, paced)
    for source in house.sequences:
        own = [x for x in paced if x.text and x.text in source.letters and x.way in (None, source.name)]  # not what it lent to others
        yield from _cadence(source, own)
        yield from _after(source, own, start)
    yield from _once(house, paced)


def _gap(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    for before, after in pairwise(letters):
        if after.at - before.at < house.gap:
            yield after, "gap", f"only {after.at - before.at} after {before.letter}"


def _cap(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    for i, letter in enumerate(letters):
        week = [x for x in letters[: i + 1] if letter.day - x.day < 7 * DAY]
        if len(week) > house.cap:
            yield letter, "cap", f"number {len(week)} on seven dates up to {letter.day}, the cap is {house.cap}"


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
        if source.type == "campaign" and before.day != letter.day:
            continue
        if source.type != "sequence" or source.re_entry is None:
            yield letter, "once", f"had already left on {before.day}"
        elif letter.at - before.at < source.re_entry or letter.at == before.at:
            yield letter, "once", f"again after {letter.at - before.at}, re-entry is after {source.re_entry}"
