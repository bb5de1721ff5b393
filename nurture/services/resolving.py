"""Resolve letters whose answer was lost: a person says that they came, that they are to be sent once more, or that they are given up."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letterbook import LetterBook
from nurture.domain.words import State
from nurture.store.auditing import note
from nurture.store.database import Connection, Database
from nurture.store.doubts import DOUBTFUL, Doubts, find_doubtful, missing_ids, send_again, settle
from nurture.store.letterbook import BookShelf
from nurture.store.sweeps import Moved, cancel, stranded

CHUNK = 500
ENDS = (State.ACCEPTED, State.PENDING, State.CANCELLED)


@dataclass(slots=True)
class Resolved:
    """How many rows became what. `busy`: not sent again, since their people have another letter under way; `passed`: named, but in no
    doubt any more: whoever asks twice gets the same end.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, int]:
        return {word: self.counts[word] for word in ("accepted", "pending", "cancelled", "busy", "passed")}


async def resolve(db: Database, which: Doubts, end: State, actor: str, now: datetime) -> Resolved:
    """Resolve all that `which` means, in chunks; idempotent, and one line in the audit log. Raises NurtureError for ids that are not there.

    `pending` sends a letter once more in its next window; people who left meanwhile, or whose next window is more than 36 hours off, do
    not get it: it is cancelled.
    """
    if end not in ENDS or which.state.value not in DOUBTFUL:
        raise NurtureError("A held or unknown letter becomes accepted, pending or cancelled.")
    if which.ids is not None:
        async with db.read() as tx:
            if absent := await missing_ids(tx, which.ids):
                raise NurtureError(f"there is no delivery {absent[0]}; look at them with: nurture deliveries list", ErrorKind.MISSING)
    done, shelf, after = Resolved(), BookShelf(), 0
    while True:
        async with db.write() as tx:
            rows = await find_doubtful(tx, which, after, CHUNK)
            if not rows:
                break
            after = rows[-1][0]
            if end is State.PENDING:
                await _again(tx, [i for i, _ in rows], await shelf.read(tx), done, now)
            else:
                done.counts[end.value] += await settle(tx, rows, end, now)
    if which.ids is not None:
        done.counts["passed"] = len(set(which.ids)) - done.counts.total()
    async with db.write() as tx:
        await note(tx, actor, "deliveries.resolve", _said(which), now, {"as": end.value, **done.to_json()})
    return done


async def _again(tx: Connection, ids: list[int], book: LetterBook, done: Resolved, now: datetime) -> None:
    retry: list[Moved] = []
    drop: list[tuple[int, int, str]] = []
    for row in await stranded(tx, ids, now):
        place = book.next_window(row.kind, row.letter, row.subscriber_id, row.timezone, now, row.rhythm)
        if row.refusal or place is None:
            drop.append((row.id, row.fence, row.refusal or "missed"))
        else:
            retry.append(Moved(row.id, row.fence, *place))
    sent = await send_again(tx, retry)
    await cancel(tx, drop, now)
    done.counts.update(pending=len(sent), cancelled=len(drop), busy=len(retry) - len(sent))


def _said(which: Doubts) -> str:
    if which.ids is not None:
        return ",".join(str(i) for i in sorted(which.ids)[:20]) + ("..." if len(which.ids) > 20 else "")
    given = (("email", which.email), ("letter", which.letter), ("source", which.source))
    return " ".join([which.state.value, *(f"{name}={value}" for name, value in given if value)])
