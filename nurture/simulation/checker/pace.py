"""Cap, gap, cadence, `after`, the workspace's most, dates and once-only, over all that one person received."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from nurture.simulation.checker.cleanups import of_a_cleanup
from nurture.simulation.checker.reading import House, Source, per
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
    yield from _most(house, [x for x in paced if x.kind != "greeting" and not (x.text and house.source(x.text).type == "cleanup")])
    yield from _about(paced)


def _gap(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    for before, after in pairwise(letters):
        if after.at - before.at < house.gap:
            yield after, "gap", f"only {after.at - before.at} after {before.letter}"


def _cap(house: House, letters: Sequence[Sent], less: datetime | None) -> Iterator[Finding]:
    """On any seven consecutive dates; the dates of one who moved may run backwards. `less`: since when the person wanted fewer."""
    for i, letter in enumerate(letters):
        if of_a_cleanup(house, letter):
            continue
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
        period = _period(letter.day, unit)
        counts[period] = counts.get(period, 0) + 1
        if counts[period] > most and letter.text and letter.text.after is None and letter.text.about is None:
            yield letter, "cadence", f"number {counts[period]} of {source.name} in its {unit}, the cadence is {most} per {unit}"


def _period(day: date, unit: str) -> tuple[int, int]:
    return day.isocalendar()[:2] if unit == "week" else (day.year, day.month)


def _in_year(written: str, near: date) -> date:
    """A written date; one of every year: that which lies nearest."""
    if len(written) == 10:
        return date.fromisoformat(written)
    month, day = int(written[:2]), int(written[3:])
    found = [date(y, month, 28 if (month, day) == (2, 29) and y % 4 else day) for y in (near.year - 1, near.year, near.year + 1)]
    return min(found, key=lambda d: abs(d - near))


def _most(house: House, letters: Sequence[Sent]) -> Iterator[Finding]:
    """Of everything, in a calendar week or month, on the dates of no burst."""
    bursts = [(b["about"], n) for b in house.pace.get("bursts", ()) for n in b.get("days", [0])]
    for i, letter in enumerate(letters):
        now = f"{letter.day:%m-%d}"
        seasons = [s for s in house.pace.get("season", ()) if _lies_in(s["from"], s["until"], now)]
        most = per((seasons[0].get("most") if seasons else None) or house.pace.get("most"))
        if most is None:
            continue
        about = letter.text.about if letter.text else None
        days = [letter.day] + ([_in_year(about[0], letter.day) + about[1] * DAY] if about and about[0][0].isdigit() else [])
        if any(_in_year(written, day - n * DAY) == day - n * DAY for written, n in bursts for day in days):
            continue
        count = sum(_period(x.day, most[1]) == _period(letter.day, most[1]) for x in letters[: i + 1])
        if count > most[0]:
            yield letter, "most", f"number {count} of everything in its {most[1]}, the most is {most[0]} per {most[1]}"


def _lies_in(first: str, last: str, now: str) -> bool:
    return first <= now <= last if first <= last else not last < now < first


def _about(letters: Sequence[Sent]) -> Iterator[Finding]:
    """On its date or in the six after it. What a date field holds is not known here."""
    for letter in letters:
        about = letter.text.about if letter.text else None
        if about and about[0][0].isdigit():
            late = letter.day - about[1] * DAY - _in_year(about[0], letter.day - about[1] * DAY)
            if not 0 * DAY <= late <= 6 * DAY:
                yield letter, "about", f"left on {letter.day}, {late.days} days from its date"


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
