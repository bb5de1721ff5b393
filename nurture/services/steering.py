"""Steer a sequence: pause it and let it go on; list what is defined. What waits follows its lane, and comes back as the person's next
letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store.audiences import look_again
from nurture.store.browsing import count_enrolments
from nurture.store.database import Connection, Database
from nurture.store.documents import StoredDocument, ensure_lane, load_document, load_documents
from nurture.store.lanes import notices, set_lane
from nurture.store.outbox import cancel_open

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Listed:
    """`standing`: running, or why it stands still. Of sequences, how many ways were `entered`, and how many are `under_way`, reached the
    `goal`, are `done` with all letters, or ended before (`exited`).
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


async def list_documents(db: Database, kind: str) -> list[Listed]:
    """Sequences, campaigns or cleanups by name."""
    async with db.read() as tx:
        stopped = await notices(tx)
        counts: dict[int, dict[str, int]] = {}
        for key, state, number in await count_enrolments(tx) if kind == "sequence" else ():
            counts.setdefault(key, {})[state] = number
        return [_listed(s, stopped.get(f"{kind}:{s.name}", "running"), counts.get(s.id, {})) for s in await load_documents(tx, kind)]


def _listed(stored: StoredDocument, standing: str, ways: Mapping[str, int]) -> Listed:
    ended = {word: ways.get(word, 0) for word in ("active", "goal", "done")}
    entered = sum(ways.values())
    return Listed(
        stored.name, str(getattr(stored.document, "title", "")), stored.state, stored.version, standing, under_way=ended["active"],
        entered=entered, goal=ended["goal"], done=ended["done"], exited=entered - sum(ended.values()),
    )  # fmt: skip


async def pause_sequence(db: Database, name: str, now: datetime) -> int:
    """Stop a sequence at the next intent; its waiting rows are cancelled for the while. Returns how many."""
    async with db.write() as tx:
        stored = await _sequence(tx, name)
        lane = await ensure_lane(tx, f"sequence:{name}", getattr(stored.document, "priority", 50))
        await set_lane(tx, f"sequence:{name}", "paused", f"paused by hand; go on with: nurture sequence resume {name}")
    total = 0
    while True:
        async with db.write() as tx:
            some = await cancel_open(tx, "paused", now, lane_id=lane, at_most=CHUNK)
        total += some
        if some == 0:  # a short chunk is no sign: on PostgreSQL others may be claiming at the same time
            return total


async def resume_sequence(db: Database, name: str, now: datetime) -> None:
    """Let it go on: everybody on the way is planned anew."""
    async with db.write() as tx:
        stored = await _sequence(tx, name)
        await set_lane(tx, f"sequence:{name}", "running")
        await look_again(tx, now, stored.id)


async def start(db: Database, kind: str, name: str) -> None:
    """Campaigns and cleanups are kept and linted, not run: says so, or that the name is unknown."""
    async with db.read() as tx:
        if await load_document(tx, kind, name) is None:
            raise NurtureError(
                f"There is no {kind} {name!r}; apply its file first, or look at the names with: nurture {kind} list", ErrorKind.MISSING
            )
    raise NurtureError(
        f"The {kind} {name!r} is stored and linted; this version does not run {kind}s yet, so nothing was started.", ErrorKind.NOT_YET
    )


async def _sequence(tx: Connection, name: str) -> StoredDocument:
    stored = await load_document(tx, "sequence", name)
    if stored is None:
        raise NurtureError(f"There is no sequence {name!r}; look at the names with: nurture sequence list", ErrorKind.MISSING)
    return stored
