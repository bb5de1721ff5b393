"""Courses to look along: the programme as it is stored or as drafts would make it, and the ways that open on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from nurture.domain.capacity import Load
from nurture.domain.documents import Campaign
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.forecasting import Foresight, foresee
from nurture.domain.plans import Way
from nurture.store.cohorts import Member
from nurture.store.conditions import matching
from nurture.store.database import Connection
from nurture.store.occasions import to_come
from nurture.store.programme import Programme


@dataclass(frozen=True, slots=True)
class Course:
    """`drafted`: (an id of its own, document) of the sequences and campaigns that are not stored. `load`: what the relay carries, which
    grows with each look.
    """

    programme: Programme
    drafted: tuple[tuple[int, SequenceDocument | Campaign], ...] = ()
    load: Load | None = None


async def look(tx: Connection, course: Course, members: Iterable[Member], now: datetime, span: timedelta) -> dict[int, Foresight]:
    """The weeks of each member who has anything ahead."""
    policy, until = course.programme.policy, now + span
    begin = await _drafted_ways(tx, course, [m.person.subscriber_id for m in members], now, until)
    found = {}
    for member in members:
        joins, opens = begin.get(member.person.subscriber_id, ((), ()))
        later = [*opens, *(w for way in member.shelf.coming for w in _occasions(way, course.programme, until))]
        ways = member.ways + tuple(joins)
        if ways or later:
            seen = foresee(member.person, ways, member.shelf, policy, now, until, row=member.row, to_come=later, load=course.load)
            found[member.person.subscriber_id] = seen
    return found


def _occasions(first: Way, programme: Programme, until: datetime) -> list[Way]:
    """The way through a campaign's next occasion, and those through the ones after it."""
    assert isinstance(first.source, Campaign) and first.occasion  # noqa: S101, PT018 - ways to come are those of campaigns
    rest = to_come(first.source, first.occasion.nominal, first.enrolled_at, programme.policy)
    opened = enumerate(takewhile(lambda o: o.opens_at < until, rest), 1)
    return [first, *(first._replace(enrolment_id=first.enrolment_id * 1000 - n, number=first.number + n, enrolled_at=o.opens_at, occasion=o)
                     for n, o in opened)]  # fmt: skip


async def _drafted_ways(
    tx: Connection, course: Course, ids: list[int], now: datetime, until: datetime
) -> dict[int, tuple[list[Way], list[Way]]]:
    """By person: the ways that drafts open at once, and those that drafted campaigns open later."""
    found: dict[int, tuple[list[Way], list[Way]]] = {}
    zone = course.programme.policy.timezone
    for key, document in course.drafted:
        joins: list[Way] = []
        opens: list[Way] = []
        if isinstance(document, Campaign):
            asked = course.programme.segments.get(document.segment)
            first = next(to_come(document, None, now, course.programme.policy), None)
            if first is not None:
                way = Way(key, document, 1, max(now, first.opens_at), occasion=first)
                opens = _occasions(way, course.programme, until)
        else:
            asked, joins = document.audience, [Way(key, document, 1, now)]
        for person in await matching(tx, asked, now, ids, zone) if asked is not None else ():
            mine = found.setdefault(person, ([], []))
            mine[0].extend(joins)
            mine[1].extend(opens)
    return found
