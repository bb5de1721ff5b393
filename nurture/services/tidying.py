"""The weekly hygiene: who never confirmed is forgotten, whom nothing reaches is marked; all else is looked at, counted and proposed.

One pass over the list in flat memory, a few thousand people at a time, with a rest in between. Done again it changes nothing more.
"""

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from nurture.domain.addresses import domain_of, meant, person_keys, same_people
from nurture.domain.documents import Policy
from nurture.domain.field_ages import COLUMNS, Ages
from nurture.domain.hygiene import FLAGS, Proposal, ProposalKind, Tidied, ZoneCount
from nurture.domain.words import Status, ZoneSource
from nurture.store import erasure, hygiene, outbox, proposals
from nurture.store.database import Database
from nurture.store.dialect_erasing import overwrite, scrub
from nurture.store.documents import load_policy
from nurture.store.lowering import follow_lowering
from nurture.store.subscribers import set_status

CHUNK = 2_000
PURGED_AT_ONCE = 50
REST = 0.002  # seconds between two steps, so that other work gets its turn
DUPLICATES = 1_000  # proposals of one run at most; what is beyond comes when these are dealt with
ZONES = 50
PARTS = 64  # of the hashes: a part is sorted at a time, and sorted numbers take ten times as much


async def tidy(db: Database, now: datetime, chunk: int = CHUNK) -> Tidied:
    """One run, as of `now`. Acts only on people who never confirmed and on addresses that nothing reaches."""
    async with db.read() as tx:
        policy = await load_policy(tx)
    purged = await _purge(db, policy, now)
    unreachable = await _mark_unreachable(db, policy, now)
    looked = await _look(db, policy, now, chunk)
    found = [*await _flagged(db), *_about_data(looked, policy), *await _domains(db, looked, chunk), *await _duplicates(db, looked, chunk)]
    async with db.write() as tx:
        opened = await proposals.keep_found(tx, found, now)
    zones = [ZoneCount(zone, source, people) for (zone, source), people in looked.zones.most_common(ZONES)]
    return Tidied(purged, unreachable, looked.people, tuple(looked.ages.found()), tuple(zones), opened)


async def _purge(db: Database, policy: Policy, now: datetime) -> int:
    """Empty those who never confirmed, as if they had not come; unlike an erasure at one's own wish it keeps nobody from coming again."""
    before = now - policy.hygiene.unconfirmed
    purged = 0
    while True:
        async with db.write() as tx:
            await overwrite(tx)
            people = [p for p in await hygiene.unconfirmed(tx, before, PURGED_AT_ONCE) if not await erasure.on_the_wire(tx, p)]
            for person in people:
                await outbox.cancel_open(tx, "left", now, subscriber_id=person, kinds=["service"])
                await erasure.empty_person(tx, person, now)
        purged += len(people)
        if len(people) < PURGED_AT_ONCE:
            break
        await asyncio.sleep(REST)
    if purged:
        await scrub(db)
    return purged


async def _mark_unreachable(db: Database, policy: Policy, now: datetime) -> int:
    """By the same rule as when a bounce comes in: it finds those of before a change of the policy. The consent log has the reason."""
    rule = policy.hygiene
    async with db.write() as tx:
        found = await hygiene.worn_out(tx, rule.soft_bounces, rule.soft_span)
        for one in found:
            await set_status(tx, one.subscriber_id, Status.BOUNCED, now)
            reason = f"hygiene: {one.bounces} soft bounces over {one.days} days; the last: {one.last}"[:300]
            await follow_lowering(tx, {one.subscriber_id: Status.BOUNCED}, reason, now)
    return len(found)


@dataclass(slots=True)
class _Looked:
    """What one pass over the subscribed people counts. `keys`: hashes of who may be one person, in parts. Within a part four bytes are
    enough: among ten million people some two thousand look suspect by chance, and the second pass clears them.
    """

    ages: Ages
    people: int = 0
    stale: int = 0
    guessed: int = 0
    domains: Counter[str] = field(default_factory=Counter)
    zones: Counter[tuple[str | None, str]] = field(default_factory=Counter)
    keys: "tuple[array[int], ...]" = field(default_factory=lambda: tuple(array("I") for _ in range(PARTS)))


async def _look(db: Database, policy: Policy, now: datetime, chunk: int) -> _Looked:
    looked, after = _Looked(Ages(now.date(), policy.hygiene.stale)), 0
    while True:
        async with db.read() as tx:
            rows = await hygiene.stream_known(tx, after, chunk)
        if not rows:
            return looked
        for row in rows:
            columns = {n: row[n] for n in COLUMNS}
            columns["timezone"] = None if row["zone_source"] in (ZoneSource.GUESSED, ZoneSource.DEFAULT) else row["timezone"]
            looked.stale += looked.ages.add(columns, row["fields"] or {}, row["told_at"], row["joined_at"].date())
            looked.domains[domain_of(row["email"])] += 1
            if columns["timezone"] is None:
                looked.guessed += 1
                looked.zones[row["timezone"], row["zone_source"]] += 1
            for part, key in _hashes(row["email"], row["name"]):
                looked.keys[part].append(key)
        looked.people += len(rows)
        after = rows[-1]["id"]
        await asyncio.sleep(REST)


def _hashes(email: str, name: str) -> Iterator[tuple[int, int]]:
    for key, _ in person_keys(email, name):
        drawn = blake2b(key.encode(), digest_size=5).digest()
        yield drawn[0] % PARTS, int.from_bytes(drawn[1:], "big")


async def _flagged(db: Database) -> list[Proposal]:
    async with db.read() as tx:
        counts = {kind: await hygiene.count_flagged(tx, flag) for kind, flag in FLAGS.items()}
    return [Proposal(kind, kind.value, people, {}) for kind, people in counts.items() if people]


def _about_data(looked: _Looked, policy: Policy) -> Iterator[Proposal]:
    if looked.stale:
        yield Proposal(ProposalKind.DATA, ProposalKind.DATA.value, looked.stale, {"stale": f"{policy.hygiene.stale.days} days"})
    if looked.guessed:
        yield Proposal(ProposalKind.ZONE, ProposalKind.ZONE.value, looked.guessed, {})


async def _domains(db: Database, looked: _Looked, chunk: int) -> list[Proposal]:
    mistyped = meant(looked.domains)
    if not mistyped:
        return []
    bounced: Counter[str] = Counter()
    after = 0
    while True:
        async with db.read() as tx:
            rows = await hygiene.stream_addresses(tx, Status.BOUNCED, after, chunk)
        if not rows:
            break
        bounced.update(d for d in (domain_of(email) for _, email, _ in rows) if d in mistyped)
        after = rows[-1][0]
        await asyncio.sleep(REST)
    return [
        Proposal(
            ProposalKind.DOMAIN, f"{wrong}>{right}", looked.domains[wrong], {"from": wrong, "to": right, "unreachable": bounced[wrong]}
        )
        for wrong, right in sorted(mistyped.items())
    ]  # fmt: skip


async def _duplicates(db: Database, looked: _Looked, chunk: int) -> list[Proposal]:
    """A second pass, only where a hash came twice: it finds their addresses again."""
    twice = [_twice(part) for part in looked.keys]
    if not any(twice):
        return []
    suspects: list[tuple[int, str, str]] = []
    after = 0
    while True:
        async with db.read() as tx:
            rows = await hygiene.stream_addresses(tx, Status.SUBSCRIBED, after, chunk)
        if not rows:
            break
        suspects += [row for row in rows if any(key in twice[part] for part, key in _hashes(row[1], row[2]))]
        after = rows[-1][0]
        await asyncio.sleep(REST)
    groups = list(same_people(suspects).items())[:DUPLICATES]
    return [
        Proposal(ProposalKind.DUPLICATE, ",".join(str(i) for i in ids), len(ids), {"ids": list(ids), "why": why}) for ids, why in groups
    ]


def _twice(hashes: Iterable[int]) -> set[int]:
    found: set[int] = set()
    before: int | None = None
    for one in sorted(hashes):
        if one == before:
            found.add(one)
        before = one
    return found

