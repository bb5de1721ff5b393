"""When one letter may leave for one person: window, pause, cadence or `after`, gap and cap looked at together, and what decided."""

from datetime import date, datetime, time
from typing import NamedTuple

from nurture.domain.capacity import Load
from nurture.domain.cleanup.courses import Course
from nurture.domain.documents import Campaign, Policy, Sequence, lane_name
from nurture.domain.letters import Cadence, Letter
from nurture.domain.pacing import about_dates, after_allows, cadence_allows, cap_places, gap_ends, most_places, pace_on
from nurture.domain.plans import Person, Way, keyed
from nurture.domain.remembering import by_identity
from nurture.domain.rhythm import Stretch, Timing, best_part
from nurture.domain.windows import LEAST_LEFT, Hours, Opening, blacked_out, instant_of, moment_in, openings, share_of
from nurture.domain.words import Frequency, Kind


class Slot(NamedTuple):
    """The moment found. `rule` names what kept the letter from leaving earlier; `own_hour`: it goes in the person's `now` hour;
    `timing`: a best hour was known before the window opened, and whether the letter took it; `most`: the pace's figure where that was the
    rule.
    """

    due: datetime
    closes: datetime
    day: date
    rule: str
    own_hour: bool = False
    timing: Timing | None = None
    most: Cadence | None = None


def cap_of(person: Person, policy: Policy) -> int:
    """Letters on seven dates; `less often` makes it one."""
    return 1 if person.frequency is Frequency.LESS else policy.cap


def dates_of(person: Person, way: Way, letter: Letter) -> tuple[date, date] | None:
    """The first and last date of a letter about a date for this person on this way; None where it is about none or they have none."""
    if letter.about is None:
        return None
    return about_dates(letter.about, person.fields, way.enrolled_at.astimezone(person.zone).date())


def on_its_date(person: Person, way: Way, letter: Letter, at: datetime) -> bool:
    """Whether a moment already written still lies in the dates of its letter: an edit may have moved them."""
    dates = dates_of(person, way, letter)
    return letter.about is None or (dates is not None and dates[0] <= at.astimezone(person.zone).date() <= dates[1])


def one_a_date(person: Person, day: date) -> bool:
    """Whether a letter of a cleanup may leave on this local date: it is the only letter of its day, and dates only go forward."""
    return all(e.day < day for e in person.entries)


def places_on(person: Person, policy: Policy, day: date, about: date | None = None) -> int:
    """How many more letters this date may take by the cap and the pace's `most` together."""
    room = cap_places(day, [e.day for e in person.entries], cap_of(person, policy))
    most = most_places(policy.pace, day, person.entries, about)
    return room if most is None else min(room, most)


def earliest(
    person: Person,
    way: Way,
    key: str,
    letter: Letter,
    hours: Hours,
    policy: Policy,
    now: datetime,
    *,
    paced: bool = True,
    only_day: date | None = None,
    load: Load | None = None,
) -> Slot | None:
    """The first moment at or after `now` in which this letter may leave; None when there is none in 400 days.

    `paced=False` leaves gap, cap and pause out: the moment by the letter's own rules alone. `only_day` is a greeting's day;
    `load`: what the relay has to carry already.
    """
    floor, rule = _floor(person, way, letter, policy, now, paced=paced)
    if hours.now and way.now_until and floor == now < way.now_until and letter.about is None:
        own = _own_hour(person, way, letter, policy, now, only_day)
        if own is not None:
            return own
    dates = dates_of(person, way, letter) if letter.about is not None else None
    since = max(now, instant_of(dates[0], time(0), person.zone)) if dates else now
    if letter.about is not None and (dates is None or since.astimezone(person.zone).date() > dates[1]):
        return None
    share = share_of(person.subscriber_id, key)
    decided, most = "window" if since == now else "about", None
    named = _named_hour(person, way, letter, policy, floor, paced=paced) if way.occasion else None
    if named is not None:
        at = named.due if load is None else load.room(named.due, named.closes - LEAST_LEFT, named.due)
        if at is not None:
            return named._replace(due=at)
        since, decided = named.closes, "capacity"
    for opening in openings(hours, person.zone, policy, since, only_day):
        if dates and opening.day > dates[1]:
            return None
        blocked = _day_rule(person, way, letter, opening.day, policy, paced=paced)
        part, timing = _best_part(person, way, key, opening) if person.rhythm and hours.spread and not blocked else (None, None)
        moment = None if blocked else moment_in(opening, hours, share, floor, part)
        if moment is not None and load is not None:
            moment = load.room(max(opening.opens, floor), opening.closes - LEAST_LEFT, moment)
            blocked = "capacity" if moment is None else None
        if moment is not None:
            arm = timing if floor <= opening.opens else None
            return Slot(moment, opening.closes, opening.day, rule if moment == floor > now else decided, timing=arm, most=most)
        decided = blocked or (rule if floor > now else decided)
        most = pace_on(policy.pace, opening.day)[1] if blocked == "most" else None
    return None


def _best_part(person: Person, way: Way, key: str, opening: Opening) -> tuple[Stretch | None, Timing | None]:
    lane = lane_name(way.source)
    return best_part(person.rhythm, person.subscriber_id, key, lane, opening.opens, opening.closes, person.zone)


def _floor(person: Person, way: Way, letter: Letter, policy: Policy, now: datetime, *, paced: bool) -> tuple[datetime, str]:
    """The earliest instant by elapsed time, and the rule that set it."""
    floor, rule = now, "now"
    if way.occasion is not None and (begins := way.occasion.begins(person.zone)) > floor:
        floor, rule = begins, "schedule"
    if letter.after is not None and (ready := (way.sent[-1].at if way.sent else way.enrolled_at) + letter.after.elapsed) > floor:
        floor, rule = ready, "after"
    if paced and person.entries and (ends := gap_ends(person.entries, policy.gap)) and ends > floor:
        floor, rule = ends, "gap"
    if paced and person.paused_until and person.paused_until > floor:
        floor, rule = person.paused_until, "paused"
    return floor, rule


def _day_rule(person: Person, way: Way, letter: Letter, day: date, policy: Policy, *, paced: bool) -> str | None:
    """The rule that closes this local date for the letter, or None."""
    if isinstance(way.source, Course):
        return None if one_a_date(person, day) else "gap"
    if letter.after is not None:
        last = way.sent[-1] if way.sent else None
        start = last.day if last else way.enrolled_at.astimezone(person.zone).date()
        if day < after_allows(letter.after, start):
            return "after"
    elif way.source.cadence is not None and way.sent and _over_cadence(way, letter, day, way.source.cadence):
        return "cadence"
    if not paced or not person.entries:
        return None
    if cap_places(day, [e.day for e in person.entries], cap_of(person, policy)) < 1:
        return "cap"
    return "most" if _over_most(person, way, letter, day, policy) else None


def _over_most(person: Person, way: Way, letter: Letter, day: date, policy: Policy) -> bool:
    """The pace's `most` binds everything but greetings, which have their day; a burst lifts it."""
    if policy.pace is None or letter.kind is Kind.GREETING:
        return False
    dates = dates_of(person, way, letter)
    places = most_places(policy.pace, day, person.entries, dates[0] if dates else None)
    return places is not None and places < 1


def _over_cadence(way: Way, letter: Letter, day: date, cadence: Cadence) -> bool:
    """The cadence binds the sequence's own letters; what the library repays is not of its count, nor are greetings, which have their day.

    A letter about a date has its own moment, as one with `after` has; it counts for the others.
    """
    own = _own_letters(way.source)
    if letter.about is not None or letter.kind is Kind.GREETING or id(letter) not in own.of_now:
        return False
    return not cadence_allows(day, [p.day for p in way.sent if p.letter.startswith(own.names) and p.kind is not Kind.GREETING], cadence)


class _Own(NamedTuple):
    """The letters of a document by identity, and how the names of all that it ever had begin."""

    of_now: frozenset[int]
    names: str


@by_identity(1024)
def _own_letters(source: Sequence | Campaign | Course) -> _Own:
    return _Own(frozenset(id(letter) for _, letter in keyed(source)), f"{source.name}/")


def _own_hour(person: Person, way: Way, letter: Letter, policy: Policy, now: datetime, only_day: date | None) -> Slot | None:
    """A letter with `window: now` goes at once in the hour after the person's own act: it lifts quiet hours, no rule of the date."""
    assert way.now_until is not None  # noqa: S101 - the caller has asked
    day = now.astimezone(person.zone).date()
    if only_day not in (None, day) or blacked_out(day, policy) or _day_rule(person, way, letter, day, policy, paced=True):
        return None
    return Slot(now, way.now_until, day, "now", own_hour=True)


def has_its_hour_ahead(person: Person, way: Way, policy: Policy, now: datetime) -> bool:
    """Whether a campaign's letter can still leave at the hour that its schedule names."""
    [letter] = way.source.letters
    floor, _ = _floor(person, way, letter, policy, now, paced=True)
    return _named_hour(person, way, letter, policy, floor, paced=True) is not None


def _named_hour(person: Person, way: Way, letter: Letter, policy: Policy, floor: datetime, *, paced: bool) -> Slot | None:
    """The hour that a campaign's schedule names is itself the window; missed, the letter goes in the next window of its kind."""
    opening = way.occasion.hour(person.zone, policy.lateness) if way.occasion else None
    if opening is None or floor > opening.closes - LEAST_LEFT or blacked_out(opening.day, policy):
        return None
    if _day_rule(person, way, letter, opening.day, policy, paced=paced):
        return None
    return Slot(max(floor, opening.opens), opening.closes, opening.day, "schedule")
