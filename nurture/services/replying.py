"""The reply desk: what people wrote back, and taking it off the desk."""

from collections.abc import Iterable
from datetime import datetime

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.replies import ReplyState
from nurture.store import replies
from nurture.store.database import Database
from nurture.store.replies import ReplyLine

OPEN = (ReplyState.OPEN.value,)
ALL = tuple(state.value for state in ReplyState)


async def list_replies(
    db: Database, *, states: Iterable[str] = OPEN, sorts: Iterable[str] = (), after: int = 0, limit: int = 100
) -> list[ReplyLine]:  # fmt: skip
    """By id, the oldest first."""
    async with db.read() as tx:
        return await replies.list_replies(tx, after=after, limit=limit, states=states, sorts=sorts)


async def open_reply(db: Database, reply_id: int) -> ReplyLine:
    """A reply that still lies on the desk. Raises NurtureError where it is not there, or was dealt with."""
    async with db.read() as tx:
        line = await replies.find_reply(tx, reply_id)
    if line is None:
        raise NurtureError(f"there is no reply {reply_id}; look at them with: nurture replies", ErrorKind.MISSING)
    if line.state != ReplyState.OPEN:
        raise NurtureError(f"the reply {reply_id} is {line.state} since {line.ended_at:%Y-%m-%d}, by {line.ended_by}", ErrorKind.CONFLICT)
    return line


async def end_reply(
    db: Database, reply_id: int, state: ReplyState, by: str, now: datetime, answer_id: int | None = None
) -> ReplyLine:  # fmt: skip
    """Take it off the desk; one that was taken off meanwhile stays as it is."""
    async with db.write() as tx:
        await replies.end_reply(tx, reply_id, state, by, now, answer_id)
        line = await replies.find_reply(tx, reply_id)
    if line is None:
        raise NurtureError(f"there is no reply {reply_id}; look at them with: nurture replies", ErrorKind.MISSING)
    return line
