"""Plan: ask the rules for everybody whose look is due, and write each person's next letter with its reason.

Rules live in domain/planning.py; here their values are fetched for a chunk of people, and their decisions are written, in one transaction.
While the rules are asked, SQLite's write lock is free: what was decided is written only for people of whom nothing has changed meanwhile.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nurture.domain.capacity import Load
from nurture.domain.delivery import message_id
from nurture.domain.documents import Policy
from nurture.domain.planning import plan_person
from nurture.domain.plans import Done, Person, Plan, Send, Skip, Way
from nurture.domain.warming import WarmUp
from nurture.store.agenda import due_people, set_looks, take
from nurture.store.cohorts import Cohort, Member, load_cohort
from nurture.store.database import Connection, Database
from nurture.store.enrolments import pack_decision, save_decisions, save_ways, says_the_same
from nurture.store.outbox import cancel_rows, open_rows, outrank, plan_rows, reopen
from nurture.store.programme import Programme, load_programme
from nurture.store.throttles import load_ahead
from nurture.store.workspace import load_workspace

Bounds = tuple[float | None, WarmUp | None]  # letters a second, letters a day
LOOK_AGAIN = timedelta(minutes=15)  # when a row could not be written though the rules wanted it
NO_SENDER = "nurture.invalid"
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class Planned:
    """What a sweep did: people looked at, rows, skips and ends written. `load`: what the relay has to carry by now."""

    people: int = 0
    load: Load | None = None
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A chunk as it was read and what the rules said of it. `due`: when each look was due."""

    programme: Programme
    identity: bytes
    due: Mapping[int, Any]
    cohort: Cohort
    plans: Mapping[int, Plan]


async def plan(
    db: Database, now: datetime, chunk: int = 2000, rate: float | None = None, warm_up: WarmUp | None = None
) -> Planned:  # fmt: skip
    """Plan all whose look is due, a chunk a transaction. Idempotent: planned people are looked at again only when something changes.

    `rate`: letters a second that the relay carries; `warm_up`: so many a day. What a window cannot take then fills the windows after it,
    those served longest ago first. Several workers may plan side by side.
    """
    planned, met = Planned(), False
    while True:
        due, done = await _plan_chunk(db, now, chunk, planned, (rate, warm_up), last_first=met)
        if due < chunk or (not done and (met or planned.load is not None)):
            return planned
        met = met or not done  # another planner was there first (SQLite): go on from the other end, where there is nobody yet


async def _plan_chunk(
    db: Database, now: datetime, chunk: int, planned: Planned, bounds: Bounds, *, last_first: bool
) -> tuple[int, int]:
    """How many people were due, and how many of them are planned now: the others changed, or somebody else had them, meanwhile."""
    async with db.read_then_write() as (reading, begin_to_write):
        looked = await _look(db, reading, now, chunk, planned, bounds, last_first=last_first)
        if looked is None:
            return 0, 0
        taken = await _write(db, await begin_to_write(), looked, now, planned)
        sys.audit("nurture.planning")
    sys.audit("nurture.planned")
    planned.people += len(taken)
    return len(looked.due), len(taken)


async def _look(
    db: Database, tx: Connection, now: datetime, chunk: int, planned: Planned, bounds: Bounds, *, last_first: bool
) -> _Looked | None:
    workspace = await load_workspace(tx)
    due = {} if workspace.halted else await due_people(tx, now, chunk, last_first=last_first)
    if not due:
        return None
    programme = await load_programme(db, tx)
    if planned.load is None:
        planned.load = await load_ahead(tx, *bounds, ZoneInfo(programme.policy.timezone), now)
    cohort = await load_cohort(tx, programme, due, now)
    return _Looked(programme, workspace.identity, due, cohort, _decide(cohort, programme.policy, now, planned.load))


async def _write(db: Database, tx: Connection, looked: _Looked, now: datetime, planned: Planned) -> set[int]:
    """What was decided, for those who still are as they were when they were looked at; returns them."""
    if (await load_workspace(tx)).halted or await load_programme(db, tx) is not looked.programme:
        return set()
    looks = {person: looked.plans[person].look_at if person in looked.plans else None for person in looked.due}
    taken = await take(tx, {person: (at, looks[person]) for person, at in looked.due.items()})
    plans = {person: decided for person, decided in looked.plans.items() if person in taken}
    again: dict[int, datetime] = {}
    over = await _write_rows(tx, looked.programme, looked.identity, plans, now, again, planned)
    await _write_ways(tx, looked.cohort, plans, now, again, over)
    await set_looks(tx, again)
    return taken


def _decide(cohort: Cohort, policy: Policy, now: datetime, load: Load | None) -> dict[int, Plan]:
    """The rules' decision for each; where the relay's load counts, those served longest ago choose first."""
    members: Sequence[Member] = cohort.members if load is None else sorted(cohort.members, key=_served_at)
    plans = {}
    for member in members:
        decided = plan_person(member.person, member.ways, member.shelf, policy, now, member.row, load)
        plans[member.person.subscriber_id] = decided
        if load is not None:
            booked = [decided.send.due_at] if decided.send else [w.until for w in decided.waits if w.rule == "capacity" and w.until]
            for moment in booked:
                load.take(moment)
    return plans


def _served_at(member: Member) -> datetime:
    return member.person.entries[-1].at if member.person.entries else _EVER


async def _write_rows(
    tx: Connection,
    programme: Programme,
    identity: bytes,
    plans: dict[int, Plan],
    now: datetime,
    looks: dict[int, datetime],
    planned: Planned,
) -> set[int]:
    """Free the places first, then fill them; what was cancelled for a while is taken back.

    Returns the people whose letter has a row that ended for good though their way does not say so: the way goes on without it.
    """
    await outrank(tx, [p.outrank for p in plans.values() if p.outrank], now)
    await cancel_rows(tx, [p.cancel for p in plans.values() if p.cancel], "not_wanted", now)
    rows = [_row(programme, identity, person, p.send, now) for person, p in plans.items() if p.send]
    written = await plan_rows(tx, rows)
    rest = [r for r in rows if (r["letter_id"], r["subscriber_id"], r["occasion"]) not in written]
    reopened = await reopen(tx, rest, now)
    lost = [r["subscriber_id"] for r in rest if (r["letter_id"], r["subscriber_id"], r["occasion"]) not in reopened]
    busy = await open_rows(tx, lost)  # another planner was there first
    looks.update({person: now + LOOK_AGAIN if person in busy else now for person in lost})
    planned.counts.update(sends=len(written), reopened=len(reopened), outranked=sum(p.outrank is not None for p in plans.values()))
    return {person for person in lost if person not in busy}


def _row(programme: Programme, identity: bytes, person: int, send: Send, now: datetime) -> dict[str, Any]:
    letter = programme.letters[send.letter]
    sender = programme.policy.sender
    domain = sender.address.rsplit("@", 1)[1] if sender else NO_SENDER
    return {
        "letter_id": letter.id, "subscriber_id": person, "occasion": send.occasion,
        "version_id": programme.version_of(send.letter, send.occasion, send.variant), "variant": send.variant,
        "lane_id": programme.lanes[send.lane], "enrolment_id": send.enrolment_id, "kind": send.kind.value,
        "message_id": message_id(identity, send.letter, person, send.occasion, domain), "due_at": send.due_at, "closes_at": send.closes_at,
        "created_at": now, "reason": send.reason, "rule": send.rule, "timing": send.timing.value if send.timing else None,
    }  # fmt: skip


async def _write_ways(
    tx: Connection, cohort: Cohort, plans: dict[int, Plan], now: datetime, looks: dict[int, datetime], over: set[int]
) -> None:
    """The last word on every way, what was skipped, and what is done."""
    rows: list[dict[str, Any]] = []
    said: list[tuple[str | None, int]] = []
    at = now.isoformat()
    for member in cohort.members:
        person = member.person.subscriber_id
        if person not in plans:
            continue
        decided = plans[person]
        moves = decided.skips or decided.done or decided.stale or person in over
        for way in member.ways:
            stored = cohort.rows[way.enrolment_id]
            decision = _decision(way, decided, at, stored.decision)
            changed = _changed(way, member.person, decided, now, over=person in over) if moves else None
            if changed:
                history = stored.history + changed.pop("history")
                rows.append({"id": way.enrolment_id, "history": history, "decision": decision} | changed)
            elif decision is not stored.decision and not (decision and says_the_same(decision, stored.decision)):
                said.append((decision, way.enrolment_id))
        if decided.done and len(decided.done) < len(member.ways):
            looks[person] = now  # fewer promises bind this person from now on
    await save_ways(tx, rows)
    await save_decisions(tx, said)


def _changed(way: Way, person: Person, decided: Plan, now: datetime, *, over: bool) -> dict[str, Any] | None:
    """What a plan makes of a way beyond its last word: letters skipped (`history` to be added), its end, its clock. None: nothing."""
    skips = [s for s in decided.skips if s.enrolment_id == way.enrolment_id]
    if over and decided.send and decided.send.enrolment_id == way.enrolment_id:
        skips.append(Skip(way.enrolment_id, decided.send.letter, decided.send.kind, "ended", "its delivery ended before", "ledger"))
    done = next((d for d in decided.done if d.enrolment_id == way.enrolment_id), None)
    stale = dict(decided.stale).get(way.enrolment_id, way.stale_since)
    if not skips and not done and stale == way.stale_since:
        return None
    today = now.astimezone(person.zone).date().isoformat()
    greeted = decided.send.occasion if decided.send and decided.send.rule == "greeting" else today  # it is over for its own day
    added = [
        {
            "letter": s.letter,
            "kind": s.kind.value,
            "outcome": s.outcome,
            "day": greeted if s.outcome == "ended" else today,
            "at": now.isoformat(),
            "reason": s.reason,
            "rule": s.rule,
        }
        for s in skips
    ]
    return {
        "history": added, "stale_since": stale,
        "state": _ended_as(done) if done else "active", "ended_at": now if done else None, "end_reason": done.reason if done else None,
    }  # fmt: skip


def _ended_as(done: Done) -> str:
    return "exited" if done.rule == "exit" else "done"


def _decision(way: Way, decided: Plan, at: str, stored: str | None) -> str | None:
    """The last word on a way, packed; `at` is its moment. None where it is to send a letter: that letter's row says so."""
    done = next((d for d in decided.done if d.enrolment_id == way.enrolment_id), None) if decided.done else None
    if done:
        return pack_decision(at, None, "done", done.reason, done.rule, None)
    if decided.send and decided.send.enrolment_id == way.enrolment_id:
        return None
    wait = next((w for w in decided.waits if w.enrolment_id == way.enrolment_id), None)
    return pack_decision(at, wait.letter, "wait", wait.reason, wait.rule, wait.until) if wait else stored
