"""Who brought whom, as rows: one for each newcomer. Nothing here commits."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select, update

from nurture.domain.words import EventType, Evidence, Status
from nurture.store.database import Connection
from nurture.store.dialect import insert
from nurture.store.events import add_events
from nurture.store.standings import look_now
from nurture.store.tables import METADATA

referrals, subscribers, standings = (METADATA.tables[name] for name in ("referrals", "subscribers", "standings"))
_r, _s = referrals.c, subscribers.c


async def address_of(tx: Connection, subscriber_id: int) -> str | None:
    """The address of somebody who may have recommended; None for nobody, and for whoever is erased."""
    query = select(_s.email).where(_s.id == subscriber_id, _s.erased_at.is_(None))
    found: str | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def note_referral(tx: Connection, subscriber_id: int, recommender_id: int, form: str, now: datetime) -> None:
    """Somebody new came by a recommendation; whose was first stays."""
    row = {"subscriber_id": subscriber_id, "recommender_id": recommender_id, "form": form, "at": now}
    await tx.execute(insert(tx, referrals).values(row).on_conflict_do_nothing(index_elements=["subscriber_id"]))


async def confirm_referral(tx: Connection, subscriber_id: int, now: datetime) -> None:
    """The newcomer confirmed: it counts from now on, once, as an act of the one who brought them."""
    first = update(referrals).where(_r.subscriber_id == subscriber_id, _r.confirmed_at.is_(None)).values(confirmed_at=now)
    row = (await tx.execute(first.returning(_r.recommender_id, _r.form))).one_or_none()
    if row is None:
        return
    event = {
        "uid": f"referred:{subscriber_id}", "subscriber_id": row.recommender_id, "type": EventType.REFERRED.value, "at": now,
        "settles_at": now, "name": row.form, "evidence": Evidence.HUMAN.value, "reason": "somebody joined whom they told of these letters",
    }  # fmt: skip
    await add_events(tx, [event])
    await look_now(tx, [row.recommender_id], now)


async def joined_by(tx: Connection) -> dict[int, list[datetime]]:
    """When people confirmed, by who brought them."""
    found: dict[int, list[datetime]] = defaultdict(list)
    query = select(_r.recommender_id, _r.confirmed_at).where(_r.confirmed_at.is_not(None)).order_by(_r.confirmed_at)
    for row in await tx.execute(query):
        found[row.recommender_id].append(row.confirmed_at)
    return dict(found)


async def brought_by(tx: Connection, subscriber_id: int) -> list[datetime]:
    """When the people confirmed whom this one brought."""
    query = select(_r.confirmed_at).where(_r.recommender_id == subscriber_id, _r.confirmed_at.is_not(None)).order_by(_r.confirmed_at)
    return list((await tx.execute(query)).scalars())


async def recommender_of(tx: Connection, subscriber_id: int) -> int | None:
    """Who brought this person."""
    query = select(_r.recommender_id).where(_r.subscriber_id == subscriber_id, _r.confirmed_at.is_not(None))
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def count_asked(tx: Connection) -> int:
    """People who filled in a form that somebody's link led to, whether they confirmed or not."""
    return int((await tx.execute(select(func.count()).select_from(referrals))).scalar_one())


async def became(tx: Connection) -> dict[tuple[str, str], int]:
    """What became of those who confirmed: by (status, engagement)."""
    query = (
        select(_s.status, standings.c.engagement, func.count())
        .join(referrals, _r.subscriber_id == _s.id)
        .join(standings, standings.c.subscriber_id == _s.id)
        .where(_r.confirmed_at.is_not(None))
        .group_by(_s.status, standings.c.engagement)
    )
    return {(status, engagement): number for status, engagement, number in await tx.execute(query)}


async def subscribed_among(tx: Connection, ids: Iterable[int] | None = None) -> int:
    """How many are subscribed: of everybody, or of these."""
    query = select(func.count()).select_from(subscribers).where(_s.status == Status.SUBSCRIBED.value)
    return int((await tx.execute(query if ids is None else query.where(_s.id.in_(sorted(ids))))).scalar_one())
