"""What a person does with a proposal of the weekly hygiene: take it on, or wave it off. Nothing happens without their word."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.field_ages import COLUMNS, Ages
from nurture.domain.hygiene import CLEANED, CONFIRM_TAG, FLAGS, ProposalKind, ProposalState, sentence
from nurture.domain.words import Status, ZoneSource
from nurture.store import hygiene, jobs, proposals, subscribers
from nurture.store.auditing import note
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.lowering import follow_lowering
from nurture.store.proposals import Proposed
from nurture.store.subscribers import Person
from nurture.store.suppressions import suppressed

CHUNK = 2_000
REST = 0.002
SHOWN = 100
JOB = "hygiene"
_LOOSE = (ZoneSource.GUESSED.value, ZoneSource.DEFAULT.value)


@dataclass(frozen=True, slots=True)
class Told:
    """A proposal in words. `people`: those of a duplicate, as far as they are still there; `cleanup`: the draft that was made of it now."""

    proposal: Proposed
    says: str
    people: tuple[Person, ...] = ()
    cleanup: str = ""


@dataclass(frozen=True, slots=True)
class Hygiene:
    """The last run that ended: its period, when, its figures; None before the first."""

    period: str | None
    ended_at: datetime | None
    result: dict[str, Any] | None
    open: dict[str, tuple[int, int]]


def to_json(found: Hygiene) -> dict[str, Any]:
    """The last run and how many proposals are open, for machines; it names nobody."""
    counts = {kind: {"proposals": rows, "people": people} for kind, (rows, people) in sorted(found.open.items())}
    return {"period": found.period, "ended_at": found.ended_at, "run": found.result, "open": counts}


async def last_run(db: Database) -> Hygiene:
    async with db.read() as tx:
        run = await jobs.newest(tx, JOB)
        waiting = await proposals.count_open(tx)
    return Hygiene(run.period, run.ended_at, run.result, waiting) if run else Hygiene(None, None, None, waiting)


async def list_told(
    db: Database, *, states: Sequence[ProposalState] = (ProposalState.OPEN,), after: int = 0, limit: int = SHOWN
) -> list[Told]:  # fmt: skip
    """Proposals by id, in words."""
    async with db.read() as tx:
        return [await _told(tx, found) for found in await proposals.list_proposals(tx, states=states, after=after, limit=limit)]


async def _told(tx: Connection, found: Proposed) -> Told:
    ids = found.detail.get("ids", ()) if found.kind is ProposalKind.DUPLICATE else ()
    people = await subscribers.get_many(tx, ids) if ids else {}
    return Told(found, sentence(found.kind, found.people, found.detail), tuple(people[i] for i in ids if i in people))


async def dismiss(db: Database, proposal_id: int, by: str, now: datetime) -> Told:
    """Wave it off. One that is dismissed already stays so. Raises NurtureError where there is none, or it was taken on."""
    async with db.write() as tx:
        found = await _open(tx, proposal_id, ProposalState.DISMISSED)
        if found.state is ProposalState.OPEN:
            await proposals.end_proposal(tx, found.id, ProposalState.DISMISSED, by, now)
            await note(tx, by, "proposal.dismiss", f"{found.kind}:{found.key}", now)
        return await _told(tx, await _again(tx, found.id))


async def look_at(db: Database, proposal_id: int) -> Proposed:
    """The proposal, where it is open or was accepted. Raises NurtureError as `dismiss`."""
    async with db.write() as tx:
        return await _open(tx, proposal_id, ProposalState.ACCEPTED)


async def accept(db: Database, proposal_id: int, by: str, now: datetime, cleanup: str = "") -> Told:
    """Take it on, and do what the proposal says. One that is accepted already stays so. `cleanup`: the draft whose tag lost and fading
    people get, its name. Raises NurtureError as `dismiss`.
    """
    async with db.write() as tx:
        found = await _open(tx, proposal_id, ProposalState.ACCEPTED)
        if found.state is ProposalState.OPEN:
            outcome = await _act(tx, found, now)
            if outcome is not None:
                return await _ended(tx, found, by, now, outcome)
    if found.state is ProposalState.OPEN:
        tag = cleanup if found.kind in CLEANED else CONFIRM_TAG
        number = await _tag(db, found.kind, tag, now)
        outcome = f"{number:,} people carry the tag {tag}."
        if found.kind in CLEANED:
            outcome += f" The cleanup {cleanup} is a draft for them: look at it, write its letters, and start it or not."
        async with db.write() as tx:
            return await _ended(tx, found, by, now, outcome)
    async with db.read() as tx:
        return await _told(tx, found)


async def _ended(tx: Connection, found: Proposed, by: str, now: datetime, outcome: str) -> Told:
    await proposals.end_proposal(tx, found.id, ProposalState.ACCEPTED, by, now, outcome)
    await note(tx, by, "proposal.accept", f"{found.kind}:{found.key}", now, {"people": found.people, "outcome": outcome})
    return await _told(tx, await _again(tx, found.id))


async def _open(tx: Connection, proposal_id: int, wanted: ProposalState) -> Proposed:
    found = await proposals.find_proposal(tx, proposal_id, lock=True)
    if found is None:
        raise NurtureError(f"there is no proposal {proposal_id}; look at them with: nurture hygiene", ErrorKind.MISSING)
    if found.state not in (ProposalState.OPEN, wanted):
        what = "is no longer true" if found.state is ProposalState.GONE else f"was {found.state.value} by {found.ended_by}"
        raise NurtureError(f"the proposal {proposal_id} {what}; look at those that are open with: nurture hygiene", ErrorKind.CONFLICT)
    return found


async def _again(tx: Connection, proposal_id: int) -> Proposed:
    found = await proposals.find_proposal(tx, proposal_id)
    if found is None:
        raise NurtureError(f"there is no proposal {proposal_id}", ErrorKind.MISSING)
    return found


async def _act(tx: Connection, found: Proposed, now: datetime) -> str | None:
    """What was done, as a sentence; None for what goes over the whole list, in steps of its own."""
    match found.kind:
        case ProposalKind.DUPLICATE:
            return await _keep_one(tx, found.detail["ids"], now)
        case ProposalKind.DOMAIN:
            return await _correct(tx, found.detail["from"], found.detail["to"], now)
        case ProposalKind.LOST | ProposalKind.FADING | ProposalKind.DATA | ProposalKind.ZONE:
            return None


async def _keep_one(tx: Connection, ids: Sequence[int], now: datetime) -> str:
    """Archive all but one. The kept one is who was last heard of, then who came first; what only the others have goes over to it, and so
    does every choice for fewer letters. History stays where it was: letters, events and purchases name the row that they happened to.
    """
    people = [p for p in (await subscribers.get_many(tx, ids)).values() if p.status is Status.SUBSCRIBED]
    if len(people) < 2:
        return "Nothing was left to do: they are no longer two who get letters."
    signs = await hygiene.last_signs(tx, [p.id for p in people])
    kept = max(people, key=lambda p: (signs[p.id] is not None, signs[p.id] or p.joined_at, -p.joined_at.timestamp(), -p.id))
    others = [p for p in people if p.id != kept.id]
    await subscribers.change(tx, {kept.id: _gathered(kept, others)}, now)
    await subscribers.add_tags(tx, {kept.id: {tag for p in others for tag in p.tags}})
    for other in others:
        await subscribers.set_status(tx, other.id, Status.ARCHIVED, now)
    await follow_lowering(tx, dict.fromkeys((p.id for p in others), Status.ARCHIVED), f"hygiene: the same person as {kept.id}", now)
    await subscribers.touch(tx, [kept.id], now)
    return f"Person {kept.id} is kept; {', '.join(str(p.id) for p in others)} archived."  # no address: an erasure would not find it here


def _gathered(kept: Person, others: Sequence[Person]) -> dict[str, Any]:
    """What the kept one lacks, the stricter choices of all, the earliest joining."""
    fields: dict[str, Any] = {}
    for person in [*others, kept]:
        fields |= {k: v for k, v in person.fields.items() if v not in (None, "")}
    left = {topic for p in [kept, *others] for topic, wanted in p.topics.items() if wanted is False}
    values: dict[str, Any] = {
        "fields": fields,
        "topics": {**{t: w for p in others for t, w in p.topics.items()}, **kept.topics, **dict.fromkeys(left, False)},
        "kinds": "useful" if any(p.kinds == "useful" for p in [kept, *others]) else kept.kinds,
        "frequency": "less" if any(p.frequency == "less" for p in [kept, *others]) else kept.frequency,
        "paused_until": max((p.paused_until for p in [kept, *others] if p.paused_until), default=None),
        "tracking": max((p.tracking for p in [kept, *others]), key=_TRACKING.index),
        "joined_at": min(p.joined_at for p in [kept, *others]),
    }
    for name in ("name", "first_name", "patronymic", "locale", "country"):
        values[name] = getattr(kept, name) or next((getattr(p, name) for p in others if getattr(p, name)), getattr(kept, name))
    return values


_TRACKING = (None, "individual", "aggregate", "none")


async def _correct(tx: Connection, wrong: str, right: str, now: datetime) -> str:
    """Write the addresses anew, but those whose right form somebody has, or that was erased."""
    people = await hygiene.people_at(tx, wrong, list(Status))
    wanted = {number: f"{email.rpartition('@')[0]}@{right}" for number, email in people}
    taken = set(await subscribers.find_many(tx, wanted.values())) | await suppressed(tx, wanted.values())
    moved = {number: email for number, email in wanted.items() if email not in taken}
    for number, email in moved.items():
        await hygiene.move_address(tx, number, email, now)
    left = len(wanted) - len(moved)
    return f"{len(moved):,} corrected" + (f"; {left:,} left as they are: the right address is here already." if left else ".")


async def _tag(db: Database, kind: ProposalKind, tag: str, now: datetime) -> int:
    """Tag whom the proposal is about, a few thousand at a time; how many carry the tag by it."""
    after: int | None = 0
    tagged = 0
    async with db.read() as tx:
        stale = (await load_policy(tx)).hygiene.stale
    while after is not None:
        async with db.write() as tx:
            wanted, after = await _next_meant(tx, kind, after, Ages(now.date(), stale))
            await subscribers.add_tags(tx, dict.fromkeys(wanted, (tag,)))
            await subscribers.touch(tx, wanted, now)
        tagged += len(wanted)
        await asyncio.sleep(REST)
    return tagged


async def _next_meant(tx: Connection, kind: ProposalKind, after: int, ages: Ages) -> tuple[list[int], int | None]:
    """(the next people whom the proposal is about, up to whom was looked; None: to the last)."""
    if kind in FLAGS:
        ids = await hygiene.stream_flagged(tx, FLAGS[kind], after, CHUNK)
        return ids, ids[-1] if ids else None
    rows = await hygiene.stream_known(tx, after, CHUNK)
    return [row["id"] for row in rows if _concerns(kind, row, ages)], rows[-1]["id"] if rows else None


def _concerns(kind: ProposalKind, row: Any, ages: Ages) -> bool:
    loose = row["zone_source"] in _LOOSE
    if kind is ProposalKind.ZONE:
        return loose
    columns = {n: row[n] for n in COLUMNS} | ({"timezone": None} if loose else {})
    return ages.add(columns, row["fields"] or {}, row["told_at"], row["joined_at"].date())
