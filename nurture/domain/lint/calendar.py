"""One way through a sequence on a real calendar, for a person whom nothing else reaches: mix, windows, cadence or `after`, gap, cap."""

from collections.abc import Iterator
from collections.abc import Sequence as Letters
from datetime import date, datetime, time, timedelta

from nurture.domain.documents import Policy, Sequence
from nurture.domain.letters import Cadence, Letter
from nurture.domain.mix import OUTSIDE, in_order, promises_on, sales_earned
from nurture.domain.pacing import after_allows, cadence_allows, cap_places
from nurture.domain.scalars import Delay
from nurture.domain.windows import hours_of
from nurture.domain.words import Kind

START = date(2024, 1, 1)  # a Monday that begins a month and a year: whole weeks and months are walked
_SEARCH_DAYS = 420
_REMEMBERED = 40  # letters: more than any month or seven dates may hold


def open_days(sequence: Sequence, letter: Letter, policy: Policy) -> frozenset[int]:
    """Weekdays (Monday 0) on which a letter of this sequence may leave."""
    return frozenset(day.number for span in hours_of(letter, sequence.windows, policy).spans for day in span.days)


def walk(sequence: Sequence, policy: Policy) -> list[tuple[Letter, int]] | None:
    """(letter, day) in the order in which they leave, day 0 a Monday; None when a letter finds no place within 420 days.

    Conditions are taken for true, an offer that is not earned here for one that the library earned, and no date is blacked out.
    """
    way: list[tuple[Letter, datetime]] = []
    for letter in _ordered(sequence, policy):
        moment = _moment(sequence, letter, policy, way)
        if moment is None:
            return None
        way.append((letter, moment))
    return [(letter, (moment.date() - START).days) for letter, moment in way]


def _ordered(sequence: Sequence, policy: Policy) -> Iterator[Letter]:
    """The letters as the mix brings them. A greeting on its day comes from outside the way."""
    promises = promises_on([sequence.promises], policy.mix)
    rest = [x for x in sequence.letters if x.kind not in OUTSIDE and x.about is None]  # what is about a date stands beside the order
    sent: list[Kind] = []
    useful = others = 0
    while rest:
        held = not sales_earned(promises, useful, others).allowed
        letter = in_order(rest, sent[-_REMEMBERED:], sequence.promises, held)[0]
        rest.remove(letter)
        sent.append(letter.kind)
        sold = letter.kind is Kind.SALES
        useful, others = (0, 0) if sold else (useful + (letter.kind is Kind.USEFUL), others + 1)
        yield letter


def _moment(sequence: Sequence, letter: Letter, policy: Policy, way: Letters[tuple[Letter, datetime]]) -> datetime | None:
    """The first moment at which a letter may leave after those before it."""
    hours = hours_of(letter, sequence.windows, policy)
    last = way[-1][1] if way else datetime.combine(START, time(0))
    earliest = last + policy.gap if way else last
    day = START if not way else last.date()
    if letter.after is not None:
        day, earliest = max(day, after_allows(letter.after, last.date())), max(earliest, last + letter.after.elapsed)
    days = [moment.date() for _, moment in way[-_REMEMBERED:]]
    for ahead in range(_SEARCH_DAYS):
        here = day + timedelta(days=ahead)
        if not _room(here, days, sequence.cadence, letter.after, policy.cap):
            continue
        for span in sorted(hours.spans, key=lambda s: s.from_):
            opens, closes = datetime.combine(here, span.from_), datetime.combine(here, span.until)
            if here.weekday() in {d.number for d in span.days} and max(opens, earliest) < closes:
                return max(opens, earliest)
    return None


def _room(day: date, days: Letters[date], cadence: Cadence | None, after: Delay | None, cap: int) -> bool:
    if cap_places(day, days, cap) < 1:
        return False
    return after is not None or cadence is None or cadence_allows(day, days, cadence)
