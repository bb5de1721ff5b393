"""Invented people: of the whole world, of every temper, fitting the audiences and segments at hand.

Pure: all chance comes from the `rng` given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from nurture.domain.conditions import Condition
from nurture.domain.documents import AnyDocument, Policy, Segment, letters_of
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.questions import expand
from nurture.simulation.behaviour import Temper, draw_temper
from nurture.simulation.movers import Move, draw_moves
from nurture.simulation.places import NAMES, PLACES, Place, plain, written
from nurture.simulation.wishes import Wish

_HOSTS = ("example.com", "example.net", "example.org")
_SOURCES = ("website", "friend", "event", "partner", "advert")


@dataclass(frozen=True, slots=True)
class Person:
    """`columns` are those of a subscriber; `joined_at` is aware UTC."""

    email: str
    columns: dict[str, Any]
    tags: tuple[str, ...]
    temper: Temper
    joined_at: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    topics: dict[str, bool] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()


def invent(count: int, documents: Sequence[AnyDocument], start: datetime, rng: Random) -> list[Person]:
    """`count` people who fit the audiences and segments of `documents`; where two exclude each other, each gets its share of the people.

    `start`: the moment they are looked at first; all joined before it, by up to 18 months. Same arguments, same people.
    """
    segments = {d.name: d.where for d in documents if isinstance(d, Segment)}
    asked: list[Condition] = [expand(d.audience, segments) for d in documents if isinstance(d, SequenceDocument) and d.audience]
    asked += [expand(where, segments) for where in segments.values()]
    letters = [x for d in documents for x in letters_of(d)]
    wanted = [expand(x.only_if, segments) for x in letters if x.only_if]
    days = sorted({x.day for x in letters if x.day and not x.day[0].isdigit()})
    topics = sorted({t for d in documents if isinstance(d, Policy) for t in d.topics})
    places = _places(count, rng)
    people = []
    for number in range(count):
        wish = Wish(start.date())
        for condition in asked[number % max(1, len(asked)) :] + asked[: number % max(1, len(asked))]:
            wish.fit(condition, number)
        for condition in wanted:
            wish.fit(condition, number, yes=rng.random() < 0.5)
        for name in days:
            wish.set_date(name, rng.randrange(365))
        people.append(_person(number, places[number], wish, topics, start, rng))
    return people


def _places(count: int, rng: Random) -> list[Place]:
    """Everybody's home: each zone has somebody before any has two, the rest by how many live there."""
    first = list(PLACES[:count])
    rest = rng.choices(PLACES, weights=[p.people for p in PLACES], k=count - len(first))
    homes = first + rest
    rng.shuffle(homes)
    return homes


def _person(number: int, place: Place, wish: Wish, topics: Sequence[str], start: datetime, rng: Random) -> Person:
    names = NAMES[place.language]
    woman = rng.random() < 0.6
    first, family = rng.choice(names.women if woman else names.men), rng.choice(names.families)
    patronymic = rng.choice(names.patronymics) + ("на" if woman else "ич") if names.patronymics else ""
    longest = wish.joined_within or timedelta(days=548)
    at_home = wish.columns.keys() & {"timezone", "country", "email"}  # moving would take them out of what was asked
    columns = {
        "name": f"{written(first)} {written(family)}",
        "first_name": written(first),
        "patronymic": patronymic,
        "timezone": place.zone,
        "country": place.country,
        "locale": place.language,
        "source": rng.choice(_SOURCES),
    }
    email = str(wish.columns.get("email") or f"{plain(first)}.{plain(family)}.{number + 1}@{_HOSTS[number % len(_HOSTS)]}")
    return Person(
        email=email,
        columns=columns | {k: v for k, v in wish.columns.items() if k != "email"},
        tags=tuple(sorted(t for t, has in wish.tags.items() if has)),
        temper=draw_temper(rng),
        joined_at=start - timedelta(seconds=int(longest.total_seconds() * rng.uniform(0.01, 0.99))),
        fields={k: v for k, v in ({"birthday": _birthday(rng)} | wish.fields).items() if k not in wish.absent},
        topics=dict.fromkeys(topics, True) | wish.topics,
        moves=() if at_home else draw_moves(email, place.zone, start, rng),
    )


def _birthday(rng: Random) -> str:
    return (date(1955, 1, 1) + timedelta(days=rng.randrange(50 * 365))).isoformat()
