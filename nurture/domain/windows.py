"""Send windows: which hours a kind of letter may leave in, true to the reader's wall clock, and the moment inside them.

The marketing rule: most is opened Tuesday to Thursday, ten to twelve; selling letters must arrive on Wednesday or Thursday, something
voluminous on Friday, something small on Monday or Tuesday morning. A written-out window is not cut by quiet hours; `any` and `now` are.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

from nurture.domain.documents import Policy, QuietHours
from nurture.domain.letters import Letter, Span, Weekday, Window, Windows
from nurture.domain.remembering import by_identity
from nurture.domain.rhythm import Stretch, drawn
from nurture.domain.words import Kind, Size

LEAST_LEFT = timedelta(seconds=10)  # the intent needs this much of the window
_LEAST_SECONDS = LEAST_LEFT.total_seconds()
NOW_LASTS = timedelta(hours=1)
_LAST_TENTH = 0.9
_EVERY_DAY = tuple(Weekday)
_SEARCH_DAYS = 400
_FORTNIGHT = 14


def _span(days: tuple[Weekday, ...], start: int, end: int) -> tuple[Span, ...]:
    return (Span.model_validate({"days": days, "from": time(start), "until": time(end)}),)


DEFAULTS: dict[str, Window] = {
    "sales": _span((Weekday.WED, Weekday.THU), 10, 12),
    "long": _span((Weekday.FRI,), 10, 12),
    "short": _span((Weekday.MON, Weekday.TUE), 10, 12),
    "other": _span((Weekday.TUE, Weekday.WED, Weekday.THU), 10, 12),
    "greeting": _span(_EVERY_DAY, 9, 18),
}

_ALL_DAY = (Span.model_validate({"days": _EVERY_DAY, "from": time(0), "until": time.max}),)


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """The spans a letter may leave in. `spread` is False for `any` and `now`: these go at once. `now` lifts quiet hours for the person's
    own hour. Told apart by identity: one object stands for the hours of one letter.
    """

    spans: tuple[Span, ...]
    spread: bool
    now: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """One stretch of a window: the local date it belongs to and its two instants in UTC, end exclusive."""

    day: date
    opens: datetime
    closes: datetime


def window_key(kind: Kind, size: Size) -> str:
    """Which entry of `windows` rules this letter; precedence: greeting, sales, long, short useful, the rest."""
    if kind is Kind.GREETING:
        return "greeting"
    if kind is Kind.SALES:
        return "sales"
    if size is Size.LONG:
        return "long"
    return "short" if kind is Kind.USEFUL else "other"


@functools.lru_cache(maxsize=64)
def quiet_spans(quiet: QuietHours) -> tuple[Span, ...]:
    """Every day outside quiet hours: what `any` means."""
    over_night = quiet.from_ > quiet.until
    loud = [(quiet.until, quiet.from_)] if over_night else [(time(0), quiet.from_), (quiet.until, time.max)]
    return tuple(Span.model_validate({"days": _EVERY_DAY, "from": a, "until": b}) for a, b in loud if a < b)


_ANY_TIME = Hours(_ALL_DAY, spread=False, now=True, name="any time")


@by_identity(4096)
def hours_of(letter: Letter, windows: Windows, policy: Policy) -> Hours:
    """The hours in force for a letter: its own, else its document's, else the workspace's, else the default of its kind. Service goes any
    time.
    """
    if letter.kind is Kind.SERVICE:
        return _ANY_TIME
    key = window_key(letter.kind, letter.size)
    window = letter.window or getattr(windows, key) or getattr(policy.windows, key) or DEFAULTS[key]
    if isinstance(window, str):
        return Hours(quiet_spans(policy.quiet_hours), spread=False, now=window == "now", name=window)
    return Hours(window, spread=True, name=describe(window))


@functools.lru_cache(maxsize=256)
def describe(spans: tuple[Span, ...]) -> str:
    """`Wed-Thu 10:00-12:00`, for reasons and reports."""
    words = []
    for span in spans:
        numbers = sorted(day.number for day in span.days)
        names = [_EVERY_DAY[n].value.title() for n in numbers]
        together = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1))
        days = f"{names[0]}-{names[-1]}" if together else ", ".join(names)
        until = "24:00" if span.until == time.max else f"{span.until:%H:%M}"
        words.append(f"{days} {span.from_:%H:%M}-{until}")
    return "; ".join(words)


def _wall(day: date, at: time) -> datetime:
    return datetime.combine(day, time(0)) + timedelta(days=1) if at == time.max else datetime.combine(day, at)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _transition(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The first instant in (low, high] with the offset of `high`; to the second."""
    after = _offset(high, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (low, middle) if _offset(middle, zone) == after else (middle, high)
    return high


def stretches(day: date, start: time, end: time, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The UTC stretches in which the zone's wall clock shows `day` between two times.

    Usually one. None when a DST gap (or the date line) swallows it; shortened when a gap cuts it; two when a fold shows a short window
    twice.
    """
    opens, closes = _wall(day, start), _wall(day, end)
    low, high = (opens - timedelta(hours=27)).replace(tzinfo=UTC), (closes + timedelta(hours=27)).replace(tzinfo=UTC)
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return [((opens - before).replace(tzinfo=UTC), (closes - before).replace(tzinfo=UTC))]
    turn = _transition(low, high, zone)
    first = ((opens - before).replace(tzinfo=UTC), min((closes - before).replace(tzinfo=UTC), turn))
    second = (max((opens - after).replace(tzinfo=UTC), turn), (closes - after).replace(tzinfo=UTC))
    found = [piece for piece in (first, second) if piece[0] < piece[1]]
    if len(found) == 2 and found[0][1] >= found[1][0]:
        return [(found[0][0], found[1][1])]
    return found


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A fixed wall-clock moment: the first valid instant after a gap, the first pass of a fold."""
    for later in range(3):
        found = stretches(day + timedelta(days=later), at if later == 0 else time(0), time.max, zone)
        if found:
            return found[0][0]
    raise ValueError(f"{day} does not exist in {zone.key}")


def blacked_out(day: date, policy: Policy) -> bool:
    return bool(policy.blackout) and (day.isoformat() in policy.blackout or f"{day:%m-%d}" in policy.blackout)


@functools.lru_cache(maxsize=32_768)
def _day(hours: Hours, zone: ZoneInfo, day: date) -> tuple[Opening, ...]:
    weekday = _EVERY_DAY[day.weekday()]
    spans = (span for span in hours.spans if weekday in span.days)
    found = [Opening(day, opens, closes) for span in spans for opens, closes in stretches(day, span.from_, span.until, zone)]
    return tuple(sorted(found, key=lambda o: o.opens))


@functools.lru_cache(maxsize=32_768)
def _fortnight(hours: Hours, zone: ZoneInfo, first: date) -> tuple[Opening, ...]:
    """All stretches of fourteen dates: whoever lives by the same clock shares them."""
    return tuple(opening for n in range(_FORTNIGHT) for opening in _day(hours, zone, first + timedelta(days=n)))


def openings(hours: Hours, zone: ZoneInfo, policy: Policy, since: datetime, only_day: date | None = None) -> Iterator[Opening]:
    """The stretches still open at or after `since`, in order, blackout dates left out; at most 400 days ahead."""
    if only_day is not None:
        return iter(_still_open(_day(hours, zone, only_day), policy, since))
    return chain(_near_openings(hours, zone, policy, since), _later_openings(hours, zone, policy, since))


@by_identity(4096)
def _near_openings(hours: Hours, zone: ZoneInfo, policy: Policy, since: datetime) -> tuple[Opening, ...]:
    """Those of the first fourteen dates: in a sweep, whoever lives by the same clock shares them."""
    return _still_open(_fortnight(hours, zone, _first_date(since, zone)), policy, since)


def _later_openings(hours: Hours, zone: ZoneInfo, policy: Policy, since: datetime) -> Iterator[Opening]:
    first = _first_date(since, zone)
    for n in range(_FORTNIGHT, _SEARCH_DAYS, _FORTNIGHT):
        yield from _still_open(_fortnight(hours, zone, first + timedelta(days=n)), policy, since)


def _first_date(since: datetime, zone: ZoneInfo) -> date:
    """A stretch of the day before may reach into this one."""
    return since.astimezone(zone).date() - timedelta(days=1)


def _still_open(found: tuple[Opening, ...], policy: Policy, since: datetime) -> tuple[Opening, ...]:
    least = since + LEAST_LEFT
    return tuple(o for o in found if o.closes >= least and not blacked_out(o.day, policy))


def share_of(subscriber_id: int, letter: str) -> float:
    """A stable number in [0, 1) for a person and a letter: where in the window this letter falls for this person."""
    return drawn(f"{subscriber_id}\0{letter}", b"nurture-spread-1")


def moment_in(opening: Opening, hours: Hours, share: float, earliest: datetime, part: Stretch | None = None) -> datetime | None:
    """When to send inside an opening: spread over it less its last tenth; a moment already past in an open window means at once.

    `part`: the stretch of it in the person's own hour, spread in the same way. None when less than ten seconds are left after `earliest`.
    """
    opens, closes = part or (opening.opens, opening.closes)
    moment = opens
    if hours.spread:
        length = (closes - opens).total_seconds()
        moment += timedelta(seconds=int(min(length * _LAST_TENTH, max(length - _LEAST_SECONDS, 0)) * share))
    moment = max(moment, earliest)
    return moment if moment <= opening.closes - LEAST_LEFT else None


def next_opening(
    hours: Hours, zone: ZoneInfo, policy: Policy, share: float, now: datetime, part_of: Callable[[Opening], Stretch | None] | None = None
) -> tuple[datetime, datetime] | None:
    """(due, closes) of the next chance at or after `now`: used when a letter missed its window. A missed window is the next window."""
    for opening in openings(hours, zone, policy, now):
        moment = moment_in(opening, hours, share, now, part_of(opening) if part_of else None)
        if moment is not None:
            return moment, opening.closes
    return None
