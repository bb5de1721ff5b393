"""Lists to look through: letters, people, sequences. Pages by key, never by offset, so that the last page costs what the first does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import State
from nurture.store.last_words import LETTER, WORD, with_rows
from nurture.store.ledger import of_the_list
from nurture.store.readers import plain_subject
from nurture.store.reports import OPEN_ROWS
from nurture.store.tables import METADATA

_NAMES = ("deliveries", "documents", "enrolments", "lanes", "letters", "letter_versions", "standings", "subscribers")
deliveries, documents, enrolments, lanes, letters, letter_versions, standings, subscribers = (METADATA.tables[n] for n in _NAMES)
View = Literal["sent", "coming", "stopped"]


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One delivery with the words a list shows. `zone` is the one fixed at hand-off, else the person's own now; None: the workspace's."""

    id: int
    subscriber_id: int
    email: str
    person: str
    letter: str
    title: str | None
    subject: str
    kind: str
    state: str
    lane: str
    zone: str | None
    due_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    reason: str
    outcome: str | None
    answer: str | None
    version_id: int

    @property
    def called(self) -> str:
        """Its title, else its subject without merge fields, else its name: what a list shows."""
        return self.title or plain_subject(self.subject) or self.letter


def _letters() -> Select[Any]:
    d, v, s = deliveries.c, letter_versions.c, subscribers.c
    zone = func.coalesce(d.zone, s.timezone)
    title, subject = v.content["title"].as_string(), func.coalesce(v.content["subject"].as_string(), letters.c.name)
    return (
        select(d.id, s.id, s.email, s.name, letters.c.name, title, subject, d.kind, d.state, lanes.c.name, zone, d.due_at, d.accepted_at,
               d.ended_at, d.reason, d.outcome, d.answer, d.version_id)
        .join(subscribers, s.id == d.subscriber_id)
        .join(letters, letters.c.id == d.letter_id)
        .join(lanes, lanes.c.id == d.lane_id)
        .join(letter_versions, v.id == d.version_id, isouter=True)
    )  # fmt: skip


async def list_letters(
    tx: AsyncConnection, view: View, *, kind: str | None = None, people: Sequence[int] | None = None,
    after: tuple[datetime, int] | None = None, limit: int = 50,
) -> list[LetterLine]:  # fmt: skip
    """Letters that left (newest first), that are coming (next first), or that stopped (newest first).

    `after` is the (moment, id) of the last line seen. `people` narrows to these ids.
    """
    d = deliveries.c
    query = _letters().limit(limit)
    if kind:
        query = query.where(d.kind == kind)
    if people is not None:
        query = query.where(d.subscriber_id.in_(people))
    if view == "sent":
        query = query.where(d.state == State.ACCEPTED, d.accepted_at.is_not(None)).order_by(d.accepted_at.desc(), d.id.desc())
        passed = or_(d.accepted_at < after[0], and_(d.accepted_at == after[0], d.id < after[1])) if after else None
    elif view == "coming":
        query = query.where(text(OPEN_ROWS)).order_by(d.due_at, d.id)
        passed = or_(d.due_at > after[0], and_(d.due_at == after[0], d.id > after[1])) if after else None
    else:
        query = query.where(d.ended_at.is_not(None), d.accepted_at.is_(None)).order_by(d.id.desc())
        passed = d.id < after[1] if after else None
    return [LetterLine(*row) for row in await tx.execute(query if passed is None else query.where(passed))]


async def find_letter(tx: AsyncConnection, delivery_id: int) -> LetterLine | None:
    row = (await tx.execute(_letters().where(deliveries.c.id == delivery_id))).one_or_none()
    return LetterLine(*row) if row else None


@dataclass(frozen=True, slots=True)
class PersonLine:
    id: int
    email: str
    name: str
    status: str
    engagement: str
    temperature: str
    flags: int
    country: str | None
    timezone: str | None
    joined_at: datetime
    received: int
    last_sign_at: datetime | None


def _matching(text: str) -> ColumnElement[bool]:
    """The words anywhere in address or name. SQLite folds only Latin letters, so the usual spellings of a name are tried as well."""
    s = subscribers.c
    spellings = dict.fromkeys((text, text.lower(), text.capitalize(), text.title()))
    names = [s.name.contains(x, autoescape=True) for x in spellings]
    return or_(s.email.contains(text.lower(), autoescape=True), *names)


async def list_people(
    tx: AsyncConnection,
    *,
    text: str = "",
    engagement: str | None = None,
    status: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[PersonLine]:
    """People, the newest first. `before` is the id of the last one seen."""
    s, t = subscribers.c, standings.c
    query: Select[Any] = (
        select(
            s.id,
            s.email,
            s.name,
            s.status,
            t.engagement,
            t.temperature,
            t.flags,
            s.country,
            s.timezone,
            s.joined_at,
            t.received,
            t.last_sign_at,
        )
        .join(standings, t.subscriber_id == s.id)
        .where(of_the_list())
        .order_by(s.id.desc())
        .limit(limit)
    )
    if text:
        query = query.where(_matching(text))
    if engagement:
        query = query.where(t.engagement == engagement)
    if status:
        query = query.where(s.status == status)
    if before is not None:
        query = query.where(s.id < before)
    return [PersonLine(*row) for row in await tx.execute(query)]


async def find_people(tx: AsyncConnection, text: str, limit: int = 200) -> list[int]:
    """Ids of people whose address or name holds these words, at most `limit`."""
    return list((await tx.execute(select(subscribers.c.id).where(_matching(text)).limit(limit))).scalars())


async def count_enrolments(tx: AsyncConnection) -> list[tuple[int, str, int]]:
    """(sequence document id, state, ways)."""
    e = enrolments.c
    query = select(e.sequence_id, e.state, func.count()).group_by(e.sequence_id, e.state)
    return [tuple(row) for row in await tx.execute(query)]


async def count_next(tx: AsyncConnection) -> list[tuple[int, str | None, str | None, int]]:
    """Where people under way stand: (sequence document id, the letter the planner spoke of last, its word, ways)."""
    e = enrolments.c
    inner = with_rows(select(e.sequence_id, LETTER.label("letter"), WORD.label("word")).where(e.state == "active")).subquery()
    keys = (inner.c.sequence_id, inner.c.letter, inner.c.word)
    return [tuple(row) for row in await tx.execute(select(*keys, func.count()).group_by(*keys))]
