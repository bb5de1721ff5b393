"""Proof that a letter came: an open, a click or a report settles a row whose answer was lost."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, func, or_, select, update

from nurture.domain.words import EventType, State
from nurture.store.database import Connection
from nurture.store.tables import METADATA

_DELIVERIES = METADATA.tables["deliveries"]
_EVENTS = METADATA.tables["events"]
_d, _e = _DELIVERIES.c, _EVENTS.c
_LOST = (State.UNKNOWN.value, State.HELD.value)
_RETRIED = (State.PENDING.value, State.CLAIMED.value, State.DEFERRED.value, State.CANCELLED.value, State.FAILED.value, State.REJECTED.value)
_NO_SIGN = (EventType.BOUNCED.value,)  # a refusal over SMTP is an event too, of a letter that never came


async def signs_of(tx: Connection, ids: Iterable[int]) -> set[int]:
    """Those of these rows that somebody or something opened, clicked or answered: such a sign may be older than the doubt."""
    question = select(_e.delivery_id).where(_e.delivery_id.in_(sorted(set(ids))), _e.type.not_in(_NO_SIGN)).distinct()
    return set((await tx.execute(question)).scalars())


async def prove_arrival(tx: Connection, ids: Iterable[int], now: datetime) -> set[int]:
    """Rows that were unknown, or wait for their second try after that, become accepted; returns which.

    A row on the wire is left to its worker. The acceptance is dated to the hand-off, when the letter must have been taken.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return set()
    doubtful = or_(_d.state.in_(_LOST), and_(_d.dup_risk > 0, _d.state.in_(_RETRIED)))
    accepted = func.coalesce(_d.accepted_at, _d.handed_at, now)
    statement = (
        update(_DELIVERIES)
        .where(_d.id.in_(wanted), doubtful)
        .values(state=State.ACCEPTED.value, accepted_at=accepted, ended_at=now, outcome="proved", worker_id=None, folded=0)
        .returning(_d.id)
    )
    return set((await tx.execute(statement)).scalars())
