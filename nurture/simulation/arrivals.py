"""When invented people come, and what for: an old list at first, then new ones more and more, some with a second interest later."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random

from nurture.domain.documents import AnyDocument, Policy, letters_of
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.simulation.people import Person, invent
from nurture.simulation.wishes import Wish

FOUNDERS = 0.4  # of all people, on the list from the beginning
FOUNDING = timedelta(days=14)  # over which their old list is brought in
NEXT_INTEREST = (35, 60)  # days until somebody takes up another subject
CURIOUS = 0.6  # of the people, each time
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """`person` joins at this moment, or somebody known (`email`) takes up another interest; either brings tags."""

    at: datetime
    email: str
    tags: tuple[str, ...]
    person: Person | None = None


def arrivals(count: int, documents: Sequence[AnyDocument], start: datetime, now: datetime, rng: Random) -> list[Arrival]:
    """The arrivals of `count` people from `start` until `now`, by time. Same arguments, same arrivals."""
    house = [d for d in documents if isinstance(d, Policy)]
    subjects = [d for d in documents if isinstance(d, SequenceDocument) and d.state == "live" and _tags(d)]
    found: list[Arrival] = []
    for number, person in enumerate(invent(count, house, start, rng)):
        at = _joining(number / count, start, now, rng)
        joined = person.joined_at if number < FOUNDERS * count else at - timedelta(minutes=rng.randint(1, 50))
        interests = [d for d in subjects if _reads(person, d)]
        rng.shuffle(interests)
        first = _tags(interests[0]) if interests else ()
        found.append(Arrival(at, person.email, first, replace(person, tags=first, joined_at=joined)))
        for interest in interests[1:]:
            at += timedelta(days=rng.randint(*NEXT_INTEREST))
            if rng.random() < CURIOUS and at < now:
                found.append(Arrival(at, person.email, _tags(interest)))
    return sorted(found, key=lambda a: (a.at, a.email))


def _joining(place: float, start: datetime, now: datetime, rng: Random) -> datetime:
    """The founders within the first weeks, the others over all the time, more of them later."""
    if place < FOUNDERS:
        return start + FOUNDING * rng.random()
    return start + (now - start) * float(min(0.999, rng.random() ** 0.7))


def _tags(sequence: SequenceDocument) -> tuple[str, ...]:
    """What a person must carry to come to match the audience."""
    if sequence.audience is None:
        return ()
    wish = Wish(date(2000, 1, 1))
    wish.fit(sequence.audience, 0)
    return tuple(sorted(tag for tag, has in wish.tags.items() if has))


def _reads(person: Person, sequence: SequenceDocument) -> bool:
    """Whether the letters are written in the person's script."""
    subjects = " ".join(letter.subject for letter in letters_of(sequence))
    return not _CYRILLIC.search(subjects) or person.columns["locale"] == "ru"
