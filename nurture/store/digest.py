"""What the weekly digest asks beside the reports."""

from datetime import datetime

from sqlalchemy import distinct, func, select

from nurture.domain.digest import Best, Hot
from nurture.domain.words import Evidence, State, Status, Temperature
from nurture.store.database import Connection
from nurture.store.tables import METADATA

_NAMES = ("deliveries", "events", "letter_versions", "letters", "moves", "subscribers", "users")
deliveries, events, versions, letters, moves, subscribers, users = (METADATA.tables[n] for n in _NAMES)
_d, _e, _m, _s = deliveries.c, events.c, moves.c, subscribers.c
_ANSWERS = ("clicked", "replied", "answered", "converted")
_MIX_KINDS = ("useful", "news", "about", "sales")


async def letters_since(tx: Connection, since: datetime) -> list[Best]:
    """Letters accepted since then with how many people answered them by their own hand; by their titles, else their subjects."""
    taken = (
        select(_d.letter_id, func.count().label("accepted"))
        .where(_d.state == State.ACCEPTED.value, _d.accepted_at >= since, _d.kind.in_(_MIX_KINDS))
        .group_by(_d.letter_id)
    )
    answered = (
        select(_d.letter_id, func.count(distinct(_e.delivery_id)).label("answered"))
        .select_from(events)
        .join(deliveries, _d.id == _e.delivery_id)
        .where(_e.type.in_(_ANSWERS), _e.evidence == Evidence.HUMAN.value, _e.at >= since, _d.accepted_at >= since)
        .group_by(_d.letter_id)
    )
    answers = {row.letter_id: row.answered for row in await tx.execute(answered)}
    found = {row.letter_id: row.accepted for row in await tx.execute(taken)}
    query = select(letters.c.id, letters.c.name, versions.c.content).where(letters.c.id.in_(sorted(answers)))
    query = query.join(versions, versions.c.id == letters.c.current_version_id, isouter=True)
    named = {row.id: row for row in await tx.execute(query)}
    return [
        Best(_title(named[i].name, named[i].content or {}), found[i], answers[i]) for i in sorted(answers) if i in found and i in named
    ]


def _title(name: str, content: dict[str, object]) -> str:
    """Subjects may hold merge fields, so the title goes first."""
    subject = str(content.get("subject") or "")
    return str(content.get("title") or (subject if subject and "{" not in subject else name))


async def turned_hot(tx: Connection, since: datetime, limit: int) -> tuple[list[Hot], int]:
    """Subscribed people who are hot and turned so since then, the latest first, at most `limit`; and how many there are."""
    became = (_m.what == "temperature", _m.new == Temperature.HOT.value, _m.at >= since, _m.withdrawn == 0)
    standings = METADATA.tables["standings"].c
    last = (
        select(_m.subscriber_id, func.max(_m.id).label("move"))
        .join(subscribers, _s.id == _m.subscriber_id)
        .join(METADATA.tables["standings"], standings.subscriber_id == _m.subscriber_id)
        .where(*became, standings.temperature == Temperature.HOT.value, _s.status == Status.SUBSCRIBED.value)
        .group_by(_m.subscriber_id)
        .subquery()
    )
    count = int((await tx.execute(select(func.count()).select_from(last))).scalar_one())
    query = select(_s.id, _s.name, _s.email, _m.reason).join(last, last.c.subscriber_id == _s.id).join(moves, _m.id == last.c.move)
    rows = await tx.execute(query.order_by(_m.at.desc(), _m.id.desc()).limit(limit))
    return [Hot(row[0], row[1], row[2], row[3]) for row in rows], count


async def user_addresses(tx: Connection) -> list[str]:
    """Everybody who may sign in to the dashboard."""
    return list((await tx.execute(select(users.c.email).order_by(users.c.email))).scalars())
