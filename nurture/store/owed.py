"""What people are owed: who waits for useful letters and how much of the library is left to them; for whom an offer is due."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, distinct, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Kind, Kinds, Status
from nurture.store.enrolments import REACHED, enrolments
from nurture.store.last_words import LETTER, RULE, with_rows
from nurture.store.ledger import deliveries, subscribers
from nurture.store.standings import standings
from nurture.store.tables import METADATA

documents = METADATA.tables["documents"]
_d, _e, _p, _s = deliveries.c, enrolments.c, subscribers.c, standings.c


def _owed(repaying: Sequence[int], shelf: Mapping[str, int]) -> tuple[Subquery, Subquery]:
    """(ways that are owed useful letters: source, person, whether they wait with nothing planned; useful library letters each person had).

    `repaying`: ids of the sequences that repay from the library; `shelf`: its useful letters with their ids.
    """
    waits = case((RULE == "mix", 1), else_=0)
    own = func.substr(LETTER, 1, func.length(documents.c.name) + 1) == documents.c.name + "/"
    ways = (
        with_rows(select(_e.sequence_id.label("source"), _e.subscriber_id.label("person"), waits.label("waits")))
        .join(subscribers, _p.id == _e.subscriber_id)
        .join(documents, documents.c.id == _e.sequence_id)
        .where(
            _e.sequence_id.in_(repaying), _e.state == "active", _p.status == Status.SUBSCRIBED.value,
            or_(RULE.in_(("mix", "repay")), and_(LETTER.in_(list(shelf)), ~own)),
        )
        .subquery()
    )  # fmt: skip
    had = (
        select(_d.subscriber_id.label("person"), func.count(distinct(_d.letter_id)).label("had"))
        .where(_d.letter_id.in_(list(shelf.values())), _d.state.in_(REACHED), _d.subscriber_id.in_(select(ways.c.person)))
        .group_by(_d.subscriber_id)
        .subquery()
    )
    return ways, had


async def count_owed(tx: AsyncConnection, repaying: Sequence[int], shelf: Mapping[str, int]) -> list[tuple[int, int, int]]:
    """(1 for those who wait with nothing planned or 0, useful library letters they had, people)."""
    ways, had = _owed(repaying, shelf)
    people = select(ways.c.person, func.max(ways.c.waits).label("waits")).group_by(ways.c.person).subquery()
    keys = (people.c.waits, func.coalesce(had.c.had, 0))
    query = select(*keys, func.count()).outerjoin(had, had.c.person == people.c.person).group_by(*keys)
    return [(waits, number, found) for waits, number, found in await tx.execute(query)]


async def count_dry(tx: AsyncConnection, repaying: Sequence[int], shelf: Mapping[str, int]) -> dict[int, int]:
    """People of each sequence who wait with nothing planned and have had the whole library."""
    ways, had = _owed(repaying, shelf)
    query = (
        select(ways.c.source, func.count())
        .outerjoin(had, had.c.person == ways.c.person)
        .where(ways.c.waits == 1, func.coalesce(had.c.had, 0) >= len(shelf))
        .group_by(ways.c.source)
    )
    return dict([tuple(row) for row in await tx.execute(query)])


def _offers_left(offers: Mapping[int, int]) -> ColumnElement[bool]:
    """Whether some active way of the person still has an offer to come. `offers`: how many each running sequence holds, by its id."""
    gone = (
        select(func.count(distinct(_d.letter_id)))
        .where(_d.subscriber_id == _e.subscriber_id, _d.enrolment_id == _e.id, _d.kind == Kind.SALES.value, _d.state.in_(REACHED))
        .scalar_subquery()
    )
    held: Any = case(*((_e.sequence_id == key, number) for key, number in offers.items()), else_=0)
    return select(_e.id).where(_e.subscriber_id == _p.id, _e.state == "active", held > gone).exists()


async def count_offers_due(tx: AsyncConnection, due: Mapping[int, Sequence[tuple[str, int]]], offers: Mapping[int, int]) -> dict[int, int]:
    """People to whom was given what earns an offer, and none is planned: by sequence id, 0 for everybody.

    `due`: for each source what is asked of the standing since the last offer, as (`useful` or `others`, number), all of them. Left out are
    people who want useful letters only: they take no offers.
    """
    found: dict[int, int] = {}
    waiting = (_p.status == Status.SUBSCRIBED.value, _p.kinds == Kinds.ALL.value)
    left = _offers_left(offers) if offers else None
    for source, asked in due.items():
        earned = and_(*(_s[f"{what}_since_sales"] >= number for what, number in asked))
        query = select(func.count()).select_from(subscribers).join(standings, _s.subscriber_id == _p.id).where(*waiting, earned)
        if left is not None:
            query = query.where(~left)
        if source:
            member = enrolments.alias()
            inside = select(member.c.id).where(member.c.subscriber_id == _p.id, member.c.sequence_id == source, member.c.state == "active")
            query = query.where(inside.exists())
        found[source] = (await tx.execute(query)).scalar_one()
    return found
