"""Which letter is the person's next: the one that may leave earliest, and an order where two shut each other out.

Only letters due within 36 hours that cannot both go - less than the gap apart, or one place left under the cap - are rivals: then the `now`
hour goes first, greetings, a letter that waited 14 days, priority, of equals what is about a date, and the longest wait.
"""

import functools
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from nurture.domain.delivery import HORIZON
from nurture.domain.documents import Policy
from nurture.domain.plans import Person, Wait
from nurture.domain.rhythm import Timing
from nurture.domain.timing import Slot, earliest, places_on
from nurture.domain.turns import Candidate
from nurture.domain.windows import hours_of
from nurture.domain.words import Kind

PATIENCE = timedelta(days=14)


class Timed(NamedTuple):
    """A candidate with its moment; `hours`: its window in words; `row`: it is the open row, which keeps the moment it has."""

    candidate: Candidate
    slot: Slot
    hours: str = ""
    row: bool = False


def choose(person: Person, timed: Sequence[Timed], policy: Policy, now: datetime) -> Timed | None:
    """The earliest; among those within the horizon that shut it out or are shut out by it, the order of the pacing rule decides."""
    if len(timed) < 2:
        return timed[0] if timed else None
    first = min(timed, key=lambda t: (t.slot.due, -t.candidate.way.source.priority, t.candidate.key))
    if first.slot.due > now + HORIZON:
        return first
    last_place = places_on(person, policy, first.slot.day) <= 1
    rivals = [t for t in timed if t is first or (_near(t, first, now) and (last_place or t.slot.due - first.slot.due < policy.gap))]
    if len(rivals) == 1:
        return first
    return min(rivals, key=lambda t: _rank(person, t, policy, now))


def _near(timed: Timed, first: Timed, now: datetime) -> bool:
    """Within the horizon; a greeting that has its day also where it lies a little beyond: it would miss that day."""
    reach = first.slot.due if timed.candidate.day else now
    return timed.slot.due <= reach + HORIZON


def _rank(person: Person, timed: Timed, policy: Policy, now: datetime) -> tuple[int, int, bool, datetime, datetime, str]:
    """Lower goes first: the now hour, greetings, patience ended, priority, of equals what is about a date, longest waiting."""
    c = timed.candidate
    since = c.way.sent[-1].at if c.way.sent else c.way.enrolled_at
    hours = hours_of(c.letter, c.windows, policy)
    ready = earliest(person, c.way, c.key, c.letter, hours, policy, since, paced=False, only_day=c.day)
    waiting_since = ready.due if ready else now
    if timed.slot.own_hour:
        order = 0
    elif c.letter.kind is Kind.GREETING:
        order = 1
    else:
        order = 2 if now - waiting_since >= PATIENCE else 3
    return order, -c.way.source.priority, c.letter.about is None, waiting_since, timed.slot.due, c.key


def wait_for(timed: Timed, chosen: Timed | None) -> Wait:
    """What is said of a letter that is not the next one."""
    c = timed.candidate
    reason = in_words(timed)
    if chosen and chosen.candidate.way is not c.way and timed.slot.due <= chosen.slot.due + timedelta(days=1):
        reason += f"; {chosen.candidate.key} goes first"
    return Wait(c.way.enrolment_id, c.key, timed.slot.due, reason, timed.slot.rule)


RULE_WORDS = {
    "window": "goes in its window",
    "gap": "waits out the gap after the last letter",
    "cap": "waits for room under the cap of seven dates",
    "capacity": "waits for a window in which the relay has room",
    "cadence": "waits for the next week or month of its cadence",
    "after": "waits as long as its `after` says",
    "paused": "waits for the person's pause to end",
    "now": "goes at once",
    "most": "waits for the next {most.per}: at most {most}",
    "about": "waits for its date",
    "schedule": "goes when its schedule says",
}


_TIMING = {Timing.LEARNED: " at the reader's own best hour", Timing.RANDOM: " at a random hour, to measure what the best hour brings"}


def what_kept(slot: Slot) -> str:
    """What kept a letter from leaving earlier than it does."""
    words = RULE_WORDS[slot.rule]
    return words.format(most=slot.most) if slot.most else words


def in_words(timed: Timed) -> str:
    """Why the letter leaves when it leaves."""
    slot = timed.slot
    named = timed.candidate.way.occasion if slot.rule == "schedule" else None
    words = named.hour_in_words if named and named.at else timed.hours  # an hour that a schedule names is itself the window
    hours = f" ({words})" if words else ""
    own = _TIMING[slot.timing] if slot.timing and slot.rule == "window" else ""
    return f"{timed.candidate.reason}; {what_kept(slot)}{own}{hours} on {_date(slot.day)}"


@functools.lru_cache(maxsize=1024)
def _date(day: date) -> str:
    return f"{day:%a %d %b %Y}"
