"""End: the ways of people who have reached their sequence's goal, or one of its exits, before the planner looks at them."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, cast

from nurture.domain.conditions import Condition, Did
from nurture.domain.documents import Sequence as Course
from nurture.domain.words import EventType
from nurture.store.audiences import changed_people
from nurture.store.database import Database
from nurture.store.endings import arrived, end_ways
from nurture.store.ledger import pieces
from nurture.store.programme import Programme, load_programme

CHUNK = 1_000


async def end_arrived(
    db: Database, now: datetime, among: Iterable[int] | None = None, changed_since: datetime | None = None
) -> int:  # fmt: skip
    """The sweep over all ways, or only over those of the people `among` and of those who changed since. Returns how many ended."""
    async with db.read() as tx:
        programme = await load_programme(db, tx)
    endings = [(of, *ending) for of, sequence in _courses(programme) for ending in endings_of(sequence)]
    ended = 0
    if endings:
        async for ids in _whose(db, among, changed_since):
            for of, state, reason, condition in endings:
                ended += await _end(db, of, condition, state, reason, now, programme.policy.timezone, ids)
    return ended


async def _whose(db: Database, among: Iterable[int] | None, changed_since: datetime | None) -> AsyncIterator[Sequence[int] | None]:
    """The people in pieces, each as far as possible in one; None: everybody."""
    if among is None:
        yield None
        return
    rest = set(among)
    if changed_since is not None:
        async for changed in changed_people(db, changed_since):
            for ids in pieces(sorted(rest.union(changed))):
                yield ids
            rest = set()
    for ids in pieces(sorted(rest)):
        yield ids


class _Of(NamedTuple):
    """Whose ways: those pinned to a version, or those of the newest, who are not pinned to any of the others."""

    sequence_id: int
    version: int | None
    others: tuple[int, ...] = ()


def _courses(programme: Programme) -> Iterator[tuple[_Of, Course]]:
    for key, (sequence, _) in programme.sequences.items():
        yield _Of(key, None, tuple(version for known, version in programme.pinned if known == key)), sequence
    for (key, version), sequence in programme.pinned.items():
        yield _Of(key, version), sequence


def endings_of(sequence: Course) -> Iterator[tuple[str, str, Condition]]:
    """(state, reason, condition) of all that may end a way early, the goal first."""
    if sequence.goal is not None:
        yield "goal", "reached the goal", cast("Condition", sequence.goal)  # a name that was written is a condition by now
    for name in sequence.exit_on:
        yield "exited", f"left by {name}", Did(did=EventType.CONVERTED, name=name)
    if sequence.exit_if is not None:
        yield "exited", "left by `exit_if`", sequence.exit_if


async def _end(
    db: Database, of: _Of, condition: Condition, state: str, reason: str, now: datetime, zone: str, among: Sequence[int] | None
) -> int:  # fmt: skip
    """Looked for by reading: a long list must not hold the lock for writing."""
    total = 0
    while True:
        async with db.read() as tx:
            ways = await arrived(
                tx, of.sequence_id, condition, now, zone, among=among, limit=CHUNK, version=of.version, but=of.others
            )
        if ways:
            async with db.write() as tx:
                total += len(await end_ways(tx, ways, state, reason, now))
        if len(ways) < CHUNK:
            return total
