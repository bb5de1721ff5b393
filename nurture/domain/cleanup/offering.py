"""Whose turn it is in a cleanup: its letters in the order written, one a local date, none after the event."""

from datetime import date

from nurture.domain.cleanup.courses import Course, Leg
from nurture.domain.cleanup.words import CleanupState
from nurture.domain.documents import Cleanup
from nurture.domain.plans import Done, Person, Shelf, Skip, Wait, Way, keyed
from nurture.domain.rivals import Timed
from nurture.domain.turns import Candidate, Turn, skipped

RULE = "cleanup"
_WORDS = {
    Leg.OFFERS: "offer {n} of {all} of the cleanup {name}",
    Leg.REPERMISSION: "asks whether letters are still wanted, for the cleanup {name}",
    Leg.CLOSING: "says that the subscription will be closed, for the cleanup {name}",
}


def courses_of(cleanup: Cleanup, state: CleanupState) -> dict[Leg, Course]:
    """What each leg sends while the cleanup is in this state."""
    watched = state is CleanupState.CANARY
    found = {Leg.OFFERS: Course(cleanup.name, Leg.OFFERS, cleanup.offers, cleanup.event, watched)}
    for leg, letter in ((Leg.REPERMISSION, cleanup.repermission), (Leg.CLOSING, cleanup.closing)):
        if letter is not None:
            found[leg] = Course(cleanup.name, leg, (letter,))
    return found


def offer(person: Person, way: Way, shelf: Shelf) -> Turn:
    """The next letter of this leg, or that it is done; while the canary is watched its people wait after their first."""
    course = way.source
    assert isinstance(course, Course)  # noqa: S101 - the planner asks only for ways of a cleanup
    past = {p.letter for p in way.history}
    skips: list[Skip] = []
    for n, (key, letter) in enumerate(keyed(course), 1):
        if key in past:
            continue
        if course.watched and way.sent:
            return Turn((), tuple(skips), None, Wait(way.enrolment_id, key, None, "the first offers are watched before more follow", RULE))
        skip = skipped(person, way, shelf, letter, key)
        if skip is None:
            words = _WORDS[course.leg].format(n=n, all=len(course.letters), name=course.name)
            return Turn((Candidate(way, key, course.name, letter, course.windows, words, RULE),), tuple(skips))
        skips.append(skip)
    return Turn((), tuple(skips), Done(way.enrolment_id, "every letter of the cleanup is sent or skipped", RULE))


def after_event(timed: Timed) -> date | None:
    """The date of the event, where this letter could leave only after it."""
    course = timed.candidate.way.source
    until = course.until if isinstance(course, Course) else None
    return until if until is not None and timed.slot.day > until else None


def over(way: Way, event: date) -> Turn:
    """What is left of the offers when the event is over."""
    past = {p.letter for p in way.history}
    reason = f"the event of {event} is over"
    skips = [Skip(way.enrolment_id, key, x.kind, "missed", reason, RULE) for key, x in keyed(way.source) if key not in past]
    return Turn((), tuple(skips), Done(way.enrolment_id, reason, RULE))


def set_aside(ways: tuple[Way, ...], name: str) -> list[Wait]:
    """What is said of everything else while a cleanup has the person."""
    return [Wait(w.enrolment_id, None, None, f"the cleanup {name} goes first; this goes on when it is through", RULE) for w in ways]
