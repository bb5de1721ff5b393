"""Classify: rises as soon as verdicts settle, falls only by the weekly run; every move is a row; the weekly composition is kept for the
charts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nurture.domain import temperature
from nurture.domain.documents import Policy
from nurture.domain.engagement import flags_of, judge, move, undo
from nurture.domain.standing import FlagBit, Standing
from nurture.domain.words import Tracking
from nurture.store.classes import PersonFacts, classified_people, touched_people
from nurture.store.database import Connection, Database
from nurture.store.documents import load_policy
from nurture.store.facts import UNJUDGED, mark_judged, withdrawn_people
from nurture.store.ledger import pieces
from nurture.store.standings import add_moves, count_classes, last_rise, load_standings, save_composition, save_standings, stream_ids


async def rise(db: Database, now: datetime, people: Iterable[int], chunk: int = 1000) -> int:
    """Judge these people, whose signs were just folded: up at once, never down but where a withdrawn signal had raised them.

    Returns how many moved.
    """
    async with db.write() as tx:  # first, so that what a fallen verdict takes back is told from all other moves
        withdrawn = await withdrawn_people(tx, UNJUDGED, chunk)
        moved = await _judge(tx, withdrawn, now, weekly=False, undoing=True)
        await mark_judged(tx, withdrawn)
    for ids in pieces(sorted(people), chunk):
        async with db.write() as tx:
            moved += await _judge(tx, ids, now, weekly=False)
    return moved


async def rise_since(db: Database, now: datetime, since: datetime, chunk: int = 1000) -> int:
    """The same for everybody with a sign since the moment: at a start, when a run may have ended between folding and judging."""
    moved = after = 0
    while True:
        async with db.write() as tx:
            ids = await touched_people(tx, since, after, chunk)
            moved += await _judge(tx, ids, now, weekly=False)
        if len(ids) < chunk:
            return moved
        after = ids[-1]


async def classify_weekly(db: Database, now: datetime, chunk: int = 2000) -> Counter[str]:
    """Judge everybody: down after two runs in a row, flags and temperatures anew; then write the week's composition. Returns the classes'
    sizes.
    """
    after = 0
    while True:
        async with db.write() as tx:
            ids = await stream_ids(tx, after, chunk)
            await _judge(tx, ids, now, weekly=True)
        if not ids:
            break
        after = ids[-1]
    year, week, _ = now.isocalendar()
    async with db.write() as tx:
        counts = await count_classes(tx)
        await save_composition(tx, f"{year}-W{week:02}", counts)
    return Counter(counts)


async def _judge(tx: Connection, ids: Sequence[int], now: datetime, *, weekly: bool, undoing: bool = False) -> int:
    if not ids:
        return 0
    policy = await load_policy(tx)
    people = await classified_people(tx, ids)
    standings = await load_standings(tx, people, lock=True)
    changed, moves, risen = [], [], 0
    for person, old in standings.items():
        last = await last_rise(tx, person) if undoing else None
        new, said = judged(old, people[person], policy, now, weekly=weekly, last_move=last)
        if new != old:
            changed.append(new)
        risen += any(m["what"] == "engagement" for m in said)
        moves += [m | {"withdrawn": 1} for m in said] if undoing else said
    await save_standings(tx, changed)
    await add_moves(tx, moves)
    return risen


def judged(
    old: Standing, facts: PersonFacts, policy: Policy, now: datetime, *, weekly: bool, last_move: tuple[str, str] | None = None
) -> tuple[Standing, list[dict[str, Any]]]:
    """One person's class, flags and temperature by today's facts, and the rows of what moved. `last_move`: the rise a withdrawn signal may
    undo.
    """
    tracking = Tracking(facts.tracking) if facts.tracking else policy.tracking
    verdict = judge(old, tracking, policy.engagement, now)
    moved = undo(old, verdict, last_move) or move(old, verdict, now, weekly=weekly)
    flags = flags_of(old, moved.engagement, facts.joined_at, policy.engagement, now)
    reading = temperature.take(old, now)
    new = replace(
        old, engagement=moved.engagement, downs=moved.downs, downs_at=moved.downs_at, flags=flags, temperature=reading.temperature
    )
    rows = []
    if new.engagement is not old.engagement:
        new = replace(new, engagement_at=now)
        rows.append(_row(old, "engagement", old.engagement.value, new.engagement.value, moved.reason, now))
    if new.temperature is not old.temperature:
        new = replace(new, temperature_at=now)
        rows.append(_row(old, "temperature", old.temperature.value, new.temperature.value, reading.reason, now))
    if new.flags != old.flags:
        rows.append(_row(old, "flags", _flag_words(old.flags), _flag_words(new.flags), "by today's facts", now))
    return new, rows


def _row(standing: Standing, what: str, old: str, new: str, reason: str, now: datetime) -> dict[str, Any]:
    return {"subscriber_id": standing.subscriber_id, "what": what, "old": old, "new": new, "reason": reason, "at": now}


def _flag_words(flags: FlagBit) -> str:
    return ", ".join(str(f.name).lower() for f in FlagBit if f in flags)
