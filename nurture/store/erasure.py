"""What an erasure empties: every column that holds something of a person. Rows that others count on stay, nameless."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, or_, select, update

from nurture.domain.delivery import OPEN
from nurture.domain.words import Kind, State, Status
from nurture.store.database import Connection
from nurture.store.tables import METADATA

_T = METADATA.tables
_ON_THE_WIRE = (State.CLAIMED.value, State.SENDING.value)
_OPEN = frozenset(state.value for state in OPEN)
DIGESTS = ("reply-digest:", "digest:")  # occasions of letters to the house
_ANSWERS_AT_ONCE = 500
GONE = ("subscriber_tags", "replies", "tasks", "webhook_messages", "reactions")


async def on_the_wire(tx: Connection, subscriber_id: int) -> bool:
    """Whether a letter of theirs is in a worker's hands."""
    d = _T["deliveries"].c
    return bool((await tx.execute(select(exists().where(d.subscriber_id == subscriber_id, d.state.in_(_ON_THE_WIRE))))).scalar_one())


async def addresses_of(tx: Connection, subscriber_id: int, email: str) -> set[str]:
    """What they are called by, in lower case: their address, and those they answered from. To be asked before their replies are gone."""
    r = _T["replies"].c
    senders = (await tx.execute(select(r.sender).where(r.subscriber_id == subscriber_id))).scalars()
    return {name.lower() for name in (email, *senders) if name}


async def forget_answers(tx: Connection, names: set[str]) -> None:
    """Answers of the API that are kept for their repetition (idempotency.KEPT_FOR) and name the person."""
    table, after = _T["idempotency"], 0
    query = select(table.c.id, table.c.body).order_by(table.c.id).limit(_ANSWERS_AT_ONCE)
    while rows := (await tx.execute(query.where(table.c.id > after))).all():
        named = [row.id for row in rows if any(name in bytes(row.body).decode(errors="replace").lower() for name in names)]
        await tx.execute(delete(table).where(table.c.id.in_(named)))
        after = rows[-1].id


async def forget_quotes(tx: Connection, subscriber_id: int, names: set[str]) -> list[int]:
    """Digests quote what people wrote and name who turned hot: those that have ended lose their words, those that wait lose this person's.
    Ids of those that named them.
    """
    d = _T["deliveries"].c
    theirs = (f"/people/{subscriber_id}", names)
    quoting = (d.payload.is_not(None), d.kind == Kind.SERVICE.value, or_(*(d.occasion.startswith(prefix) for prefix in DIGESTS)))
    found = []
    for row in await tx.execute(select(d.id, d.state, d.payload).where(*quoting)):
        kept = _without(row.payload.get("data"), *theirs)
        if kept == row.payload.get("data"):
            continue
        found.append(row.id)
        payload = row.payload | {"data": kept} if row.state in _OPEN else None
        await tx.execute(update(_T["deliveries"]).where(d.id == row.id).values(payload=payload))
    return found


def _without(data: Any, page: str, names: set[str]) -> Any:
    """What a digest says, without each line that is about the person of this page or holds one of their names."""
    if isinstance(data, dict):
        return {key: _without(value, page, names) for key, value in data.items()}
    if isinstance(data, list):
        return [_without(line, page, names) for line in data if not _names_them(line, page, names)]
    return data


def _names_them(line: Any, page: str, names: set[str]) -> bool:
    """Whether a single line does: what consists of lines itself is looked through line by line."""
    if not isinstance(line, dict) or any(isinstance(value, list) for value in line.values()):
        return isinstance(line, str) and any(name in line.lower() for name in names)
    words = [value for value in line.values() if isinstance(value, str)]
    return any(word.endswith(page) or any(name in word.lower() for name in names) for word in words)


async def empty_person(tx: Connection, subscriber_id: int, now: datetime) -> None:
    """Empty the person's columns everywhere; their letters keep key, state and moments, their events type and moment."""
    for name in GONE:
        await tx.execute(delete(_T[name]).where(_T[name].c.subscriber_id == subscriber_id))
    referrals = _T["referrals"]
    await tx.execute(delete(referrals).where(referrals.c.recommender_id == subscriber_id))
    consents, events, letters, people = (_T[n] for n in ("consents", "events", "deliveries", "subscribers"))
    await tx.execute(update(consents).where(consents.c.subscriber_id == subscriber_id).values(ip=None))
    blank = {"ip": None, "agent": None, "url": None, "detail": None, "value": None, "reason": "erased"}
    await tx.execute(update(events).where(events.c.subscriber_id == subscriber_id).values(blank))
    await tx.execute(update(letters).where(letters.c.subscriber_id == subscriber_id).values(payload=None, answer=None, zone=None))
    await tx.execute(
        update(people).where(people.c.id == subscriber_id).values(
            email=f"erased:{subscriber_id}", name="", first_name="", patronymic="", timezone=None, zone_source="default", locale=None,
            country=None, status=Status.ARCHIVED.value, status_at=now, source="", topics={}, fields={}, tracking=None, paused_until=None,
            told_at=None, changed_at=now, erased_at=now,
        )
    )  # fmt: skip


async def letters_of(tx: Connection, subscriber_id: int) -> list[int]:
    """Ids of all their deliveries."""
    d = _T["deliveries"].c
    return list((await tx.execute(select(d.id).where(d.subscriber_id == subscriber_id).order_by(d.id))).scalars())
