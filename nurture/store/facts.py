"""What folding reads: ended deliveries and settled events that the standings do not know yet, and all facts of a person for a rebuild."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, exists, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.folding import EventFact, LetterFact
from nurture.domain.rhythm import credited_at, teaches
from nurture.domain.words import EventType, Evidence, Kind, State
from nurture.store.ledger import deliveries, letters, pieces
from nurture.store.rhythms import ACTS
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import UNFOLDED

events = METADATA.tables["events"]
_d, _v, _l = deliveries.c, events.c, letters.c
ENDED = tuple(s.value for s in (State.ACCEPTED, State.REJECTED, State.FAILED, State.CANCELLED, State.HELD))


@dataclass(frozen=True, slots=True)
class EndedRow:
    """A delivery that ended. `at` is the hand-off or, without one, the end; `local_day` is None when nothing was handed off."""

    id: int
    subscriber_id: int
    enrolment_id: int | None
    letter: str
    kind: Kind
    state: State
    outcome: str | None
    dup_risk: int
    local_day: date | None
    accepted_at: datetime | None
    handed_at: datetime | None
    ended_at: datetime | None
    reason: str

    def letter_fact(self) -> LetterFact | None:
        """What the standing learns: an acceptance, or a letter that may have arrived for all we know."""
        uncertain = self.state is State.HELD or (self.dup_risk > 0 and self.state is not State.ACCEPTED)
        at = self.accepted_at or self.handed_at
        if self.kind is Kind.SERVICE or at is None or not (self.state is State.ACCEPTED or uncertain):
            return None
        return LetterFact(self.id, at, self.local_day or at.astimezone(UTC).date(), self.kind, uncertain)


_ENDED: Select[Any] = select(
    _d.id, _d.subscriber_id, _d.enrolment_id, _l.name, _d.kind, _d.state, _d.outcome, _d.dup_risk, _d.local_day,
    _d.accepted_at, _d.handed_at, _d.ended_at, _d.reason,
).join(letters, _l.id == _d.letter_id)  # fmt: skip


def _ended(row: Any) -> EndedRow:
    values = list(row)
    values[4], values[5] = Kind(str(row[4])), State(str(row[5]))
    return EndedRow(*values)


async def unfolded_rows(tx: AsyncConnection, limit: int) -> list[EndedRow]:
    query = _ENDED.where(text(UNFOLDED), _d.state.in_(ENDED)).order_by(_d.subscriber_id, _d.id).limit(limit)  # as its partial index
    return [_ended(row) for row in await tx.execute(query)]


async def unfolded_events(tx: AsyncConnection, now: datetime, limit: int) -> list[tuple[int, int, EventFact]]:
    """(event id, person, fact) of events whose verdict has settled."""
    query = _events().where(text("events.folded = 0"), _v.settles_at <= now).order_by(_v.settles_at, _v.id).limit(limit)
    return [(row[0], row[1], _fact(row)) for row in await tx.execute(query)]


WITHDRAWN, UNJUDGED = 2, 3


async def withdrawn_people(tx: AsyncConnection, mark: int, limit: int) -> list[int]:
    """People of whom an event was folded under a verdict that has changed since (WITHDRAWN), or is rebuilt but not judged yet (UNJUDGED).
    """
    query = select(_v.subscriber_id).where(text("events.folded > 1"), _v.folded == mark).distinct().limit(limit)
    return list((await tx.execute(query)).scalars())


def _events() -> Select[Any]:
    return select(
        _v.id, _v.subscriber_id, _v.type, _v.at, _v.evidence, _v.delivery_id, _d.kind, _v.name,
        _d.zone, _d.timing, _d.created_at, _d.accepted_at, _acted_before().label("again"),
    ).outerjoin(deliveries, _d.id == _v.delivery_id)  # fmt: skip


def _acted_before() -> ColumnElement[bool]:
    """Whether the letter had a human act before this one."""
    other = events.alias("other")
    sooner = or_(other.c.at < _v.at, and_(other.c.at == _v.at, other.c.id < _v.id))
    human = (other.c.type.in_(ACTS), other.c.evidence == Evidence.HUMAN.value)
    return exists().where(other.c.delivery_id == _v.delivery_id, *human, sooner)


def _fact(row: Any) -> EventFact:
    _, _, kind, at, evidence, delivery, letter_kind, name, *letter, again = row
    return EventFact(
        type=EventType(str(kind)),
        at=at,
        evidence=Evidence(str(evidence)),
        delivery=delivery,
        kind=Kind(str(letter_kind)) if letter_kind else None,
        name=name,
        hard=kind == EventType.BOUNCED.value and name == "hard",
        hour=None if again or kind not in ACTS or letter_kind == Kind.SERVICE.value else _hour(at, *letter),
    )


def _hour(at: datetime, zone: str | None, timing: str | None, planned: datetime | None, arrived: datetime | None) -> int | None:
    """The hour of the reader's clock that a first act speaks for, by the zone in force at hand-off."""
    if zone is None or planned is None or arrived is None or not teaches(timing, planned, arrived):
        return None
    return credited_at(at, arrived).astimezone(ZoneInfo(zone)).hour


async def facts_of(tx: AsyncConnection, ids: Sequence[int], now: datetime) -> dict[int, tuple[list[LetterFact], list[EventFact]]]:
    """Everything the ledger and the events say of these people: what a rebuild folds anew."""
    found: dict[int, tuple[list[LetterFact], list[EventFact]]] = {i: ([], []) for i in ids}
    for piece in pieces(ids):
        for row in await tx.execute(_ENDED.where(_d.subscriber_id.in_(piece), _d.state.in_(ENDED))):
            fact = _ended(row).letter_fact()
            if fact:
                found[_ended(row).subscriber_id][0].append(fact)
        settled = _events().where(_v.subscriber_id.in_(piece), or_(_v.folded != 0, _v.settles_at <= now)).order_by(_v.at, _v.id)
        for event in await tx.execute(settled):
            found[event[1]][1].append(_fact(event))
    return found


async def mark_rows(tx: AsyncConnection, rows: Iterable[EndedRow]) -> None:
    """These rows are folded as they were read; one that another process has moved since (PostgreSQL) stays to be folded again."""
    by_state: dict[State, list[int]] = {}
    for row in rows:
        by_state.setdefault(row.state, []).append(row.id)
    for state, ids in by_state.items():
        for piece in pieces(ids):
            await tx.execute(update(deliveries).where(_d.id.in_(piece), _d.state == state.value).values(folded=1))


async def take_events(tx: AsyncConnection, read: Sequence[tuple[int, int, EventFact]]) -> set[int]:
    """Mark events as folded; returns those that were still to fold: of two processes that read the same event one gets it (PostgreSQL)."""
    taken: set[int] = set()
    moments = [fact.at for *_, fact in read]
    for piece in pieces(sorted(row[0] for row in read)):
        inside = _v.at.between(min(moments), max(moments))  # other months are not asked
        statement = update(events).where(_v.id.in_(piece), inside, _v.folded == 0).values(folded=1).returning(_v.id)
        taken.update((await tx.execute(statement)).scalars())
    return taken


async def mark_people_events(tx: AsyncConnection, people: Sequence[int], now: datetime) -> None:
    """All settled events of these people are folded: after a rebuild. Withdrawn ones still have their class to undo."""
    known = case((_v.folded > 1, UNJUDGED), else_=1)
    for piece in pieces(people):
        await tx.execute(update(events).where(_v.subscriber_id.in_(piece), or_(_v.settles_at <= now, _v.folded > 1)).values(folded=known))


async def mark_judged(tx: AsyncConnection, people: Sequence[int]) -> None:
    for piece in pieces(people):
        await tx.execute(update(events).where(_v.subscriber_id.in_(piece), _v.folded == UNJUDGED).values(folded=1))
