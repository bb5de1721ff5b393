"""Steer a sequence, campaign or cleanup: pause it, let it go on, end it; list what is defined. What waits follows its lane, and comes back
as the person's next letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from nurture.domain.cleanup.words import RUNNING
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store.audiences import look_again
from nurture.store.browsing import count_enrolments
from nurture.store.database import Connection, Database
from nurture.store.documents import StoredDocument, ensure_lane, load_document, load_documents, set_state
from nurture.store.enrolments import end_ways, restart_clocks
from nurture.store.lanes import BY_HAND, notices, set_lane
from nurture.store.occasions import set_coming, unended_occasions
from nurture.store.outbox import cancel_open
from nurture.store.versions import count_pinned

CHUNK = 5_000
CANCELLED = "cancelled"
_STEERED = ("live", "running", *RUNNING)
_NOT_RUNNING = {
    "draft": "has not begun; let it begin with: nurture {kind} start {name}",
    "finished": "has run; write it under another name to send it again",
    CANCELLED: "was cancelled, which is for good; write it under another name to send it again",
    "stopped": "was stopped, which is for good; write it under another name to run it again",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """`standing`: running, why it stands still, or empty where its state says it all. Of sequences, how many ways were `entered`, and how
    many are `under_way`, reached the `goal`, are `done` with all letters, or ended before (`exited`); `on_older`: of those under way, how
    many are pinned to older versions. Of campaigns the date of the `coming` occasion.
    """

    name: str
    title: str
    state: str
    version: int
    standing: str
    under_way: int
    entered: int = 0
    goal: int = 0
    done: int = 0
    exited: int = 0
    coming: date | None = None
    on_older: int = 0


async def list_documents(db: Database, kind: str) -> list[Listed]:
    """Sequences, campaigns or cleanups by name."""
    async with db.read() as tx:
        stopped = await notices(tx)
        counts: dict[int, dict[str, int]] = {}
        for key, state, number in await count_enrolments(tx) if kind != "cleanup" else ():
            counts.setdefault(key, {})[state] = number
        coming = {o.campaign_id: o.nominal for o in await unended_occasions(tx) if o.filled_at is None} if kind == "campaign" else {}
        older = await count_pinned(tx) if kind == "sequence" else {}
        stored = await load_documents(tx, kind)
    lines = (_listed(s, stopped.get(f"{kind}:{s.name}", "running"), counts.get(s.id, {})) for s in stored)
    return [replace(line, coming=coming.get(s.id), on_older=older.get(s.id, 0)) for line, s in zip(lines, stored, strict=True)]


def _listed(stored: StoredDocument, standing: str, ways: Mapping[str, int]) -> Listed:
    ended = {word: ways.get(word, 0) for word in ("active", "goal", "done")}
    entered = sum(ways.values())
    return Listed(
        stored.name, str(getattr(stored.document, "title", "")), stored.state, stored.version,
        standing if stored.state in _STEERED else "", under_way=ended["active"],
        entered=entered, goal=ended["goal"], done=ended["done"], exited=entered - sum(ended.values()),
    )  # fmt: skip


async def pause(db: Database, kind: str, name: str, now: datetime) -> int:
    """Stop a sequence, campaign or cleanup at the next intent; its waiting rows are cancelled for the while. Returns how many."""
    async with db.write() as tx:
        lane = await _lane(tx, await _steered(tx, kind, name))
        await set_lane(tx, f"{kind}:{name}", "paused", f"{BY_HAND}; go on with: nurture {kind} resume {name}")
    return await _take_back(db, lane, "paused", now)


async def resume(db: Database, kind: str, name: str, now: datetime) -> None:
    """Let it go on: everybody on the way is planned anew."""
    async with db.write() as tx:
        stored = await _steered(tx, kind, name)
        await set_lane(tx, f"{kind}:{name}", "running")
        if kind == "campaign":
            await restart_clocks(tx, stored.id, now)
        await look_again(tx, now, stored.id)


async def cancel(db: Database, name: str, now: datetime) -> int:
    """End a campaign for good: what waits is taken back, its ways end, nothing more opens. Returns how many letters were taken back."""
    async with db.write() as tx:
        stored = await _stored(tx, "campaign", name)
        if stored.state not in ("running", "draft"):
            raise NurtureError(f"The campaign {name!r} is {stored.state}; there is nothing to cancel.", ErrorKind.CONFLICT)
        lane = await _lane(tx, stored)
        await set_lane(tx, f"campaign:{name}", "cancelled")
        await set_state(tx, stored.id, CANCELLED, now)
        await set_coming(tx, stored.id, 0, None)
    total = await _take_back(db, lane, CANCELLED, now)
    async with db.write() as tx:
        await look_again(tx, now, stored.id)
        await end_ways(tx, stored.id, "the campaign was cancelled", now)
    return total


async def _take_back(db: Database, lane: int, reason: str, now: datetime) -> int:
    total = 0
    while True:
        async with db.write() as tx:
            some = await cancel_open(tx, reason, now, lane_id=lane, at_most=CHUNK)
        total += some
        if some == 0:  # a short chunk is no sign: on PostgreSQL others may be claiming at the same time
            return total


async def _lane(tx: Connection, stored: StoredDocument) -> int:
    return await ensure_lane(tx, f"{stored.type}:{stored.name}", getattr(stored.document, "priority", 50))


async def _steered(tx: Connection, kind: str, name: str) -> StoredDocument:
    """One that may be paused and go on. A campaign or cleanup that has not begun, or is over, has nothing to pause."""
    stored = await _stored(tx, kind, name)
    if kind != "sequence" and stored.state in _NOT_RUNNING:
        raise NurtureError(f"The {kind} {name!r} {_NOT_RUNNING[stored.state].format(kind=kind, name=name)}.", ErrorKind.CONFLICT)
    return stored


async def _stored(tx: Connection, kind: str, name: str) -> StoredDocument:
    stored = await load_document(tx, kind, name)
    if stored is None:
        raise NurtureError(f"There is no {kind} {name!r}; look at the names with: nurture {kind} list", ErrorKind.MISSING)
    return stored
