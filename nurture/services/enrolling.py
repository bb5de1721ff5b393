"""Enrol: take those who come to match an audience into its sequence, by the sweep, by hand, or after an import."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select

from nurture.domain.conditions import Condition
from nurture.domain.documents import Sequence
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store.audiences import changed_people, forget_outdated, joined_since, newly_matching, outdated, remember_matches
from nurture.store.conditions import compile_condition, compile_news, matching_query
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document
from nurture.store.endings import last_entry
from nurture.store.enrolments import enrol as write_enrolments
from nurture.store.enrolments import may_re_enter
from nurture.store.ledger import pieces, subscribers
from nurture.store.programme import load_programme
from nurture.store.standings import look_now

CHUNK = 5_000
OWN_ACT = timedelta(hours=1)


async def enrol_matching(db: Database, now: datetime, changed_since: datetime | None = None) -> int:
    """The sweep: for every live sequence with an audience, enrol the subscribed people who match now and did not before. Returns how many.

    With `changed_since` only people whose row or tags changed since are asked: cheap, for every few seconds. Conditions about events and
    time
    need the whole list now and then, and who matches no longer is forgotten only then.
    """
    async with db.read() as tx:
        programme = await load_programme(db, tx)
    audiences = [
        _Audience(sequence_id, sequence, sequence.audience, now, programme.policy.timezone)
        for sequence_id, (sequence, live) in programme.sequences.items()
        if live and sequence.audience is not None
    ]
    taken = 0
    if changed_since is None:
        for audience in audiences:
            await _forget(db, audience)
            taken += await _enrol_all(db, audience)
    elif audiences:
        async for changed in changed_people(db, changed_since):
            for audience in audiences:
                asked = matching_query(audience.condition, now, audience.zone)
                for ids in pieces(changed, CHUNK):
                    taken += (await _enrol_found(db, audience, asked.where(subscribers.c.id.in_(ids))))[1]
    return taken


@dataclass(frozen=True, slots=True)
class _Audience:
    """Who is asked for, at which moment."""

    sequence_id: int
    sequence: Sequence
    condition: Condition
    now: datetime
    zone: str


async def _forget(db: Database, of: _Audience) -> None:
    """Once before a sweep, never between its chunks: who is refused would be found, remembered and forgotten without an end."""
    fits = compile_condition(of.condition, of.now, of.zone)
    news = None if of.sequence.re_entry is None else compile_news(of.condition, of.now, of.zone, last_entry(of.sequence_id))
    async with db.read() as tx:
        gone = await outdated(tx, of.sequence_id, fits, news)
    for ids in pieces(gone, CHUNK):
        async with db.write() as tx:
            await forget_outdated(tx, of.sequence_id, fits, news, ids)


async def _enrol_all(db: Database, of: _Audience) -> int:
    """Id after id, so that it ends whatever becomes of those found."""
    taken = after = 0
    asked = matching_query(of.condition, of.now, of.zone)
    while True:
        found, entered = await _enrol_found(db, of, asked.where(subscribers.c.id > after))
        taken += entered
        if len(found) < CHUNK:
            return taken
        after = found[-1]


async def _enrol_found(db: Database, of: _Audience, asked: Select[tuple[int]]) -> tuple[list[int], int]:
    """Looked for by reading; the lock is taken only for those found. Returns them, and how many of them were taken in."""
    async with db.read() as tx:
        found = await newly_matching(tx, of.sequence_id, asked, CHUNK)
    if not found:
        return found, 0
    async with db.write() as tx:
        return found, await _enrol_some(tx, of, found)


async def _enrol_some(tx: Connection, of: _Audience, found: list[int]) -> int:
    """Of those found by reading those who match still."""
    sequence_id, sequence, now = of.sequence_id, of.sequence, of.now
    asked = matching_query(of.condition, now, of.zone).where(subscribers.c.id.in_(found))
    found = await newly_matching(tx, sequence_id, asked, CHUNK)
    await remember_matches(tx, sequence_id, found)
    before = None if sequence.re_entry is None else now - sequence.re_entry
    allowed = await may_re_enter(tx, sequence_id, found, before)
    if before is not None:  # what brought a person in once brings them in no second time
        anew = matching_query(of.condition, now, of.zone, last_entry(sequence_id)).where(subscribers.c.id.in_(allowed))
        allowed = list((await tx.execute(anew.order_by(subscribers.c.id))).scalars())
    acted = await joined_since(tx, allowed, now - OWN_ACT)
    taken = []
    for own in (True, False):
        people = [i for i in allowed if (i in acted) is own]
        taken += await write_enrolments(
            tx, sequence_id, people, by="audience", now=now, own_hour=own, again=before is not None, acted=acted
        )
    await look_now(tx, taken, now)
    return len(taken)


async def enrol(db: Database, sequence: str, subscriber_ids: list[int], now: datetime, by: str, *, own_hour: bool = False) -> list[int]:
    """Take these people in by hand, by the API or after an import; returns whom it took. Who is on the way already stays as they are.

    Raises NurtureError when the sequence is unknown or a draft.
    """
    async with db.write() as tx:
        stored = await load_document(tx, "sequence", sequence)
        if stored is None:
            raise NurtureError(
                f"There is no sequence {sequence!r}; apply its file first, or look at the names with: nurture sequence list",
                ErrorKind.MISSING,
            )
        if stored.state != "live":
            raise NurtureError(f"The sequence {sequence!r} is a draft; set `state: live` and apply it again.", ErrorKind.CONFLICT)
        assert isinstance(stored.document, Sequence)  # noqa: S101 - the table's type column says so
        again = stored.document.re_entry is not None
        before = None if stored.document.re_entry is None else now - stored.document.re_entry
        allowed = await may_re_enter(tx, stored.id, subscriber_ids, before)
        await remember_matches(tx, stored.id, allowed)
        taken = await write_enrolments(tx, stored.id, allowed, by=by, now=now, own_hour=own_hour, again=again)
        await look_now(tx, taken, now)
        return taken
