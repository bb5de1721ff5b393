"""Fold: bring what ended and what settled into the standings and the ways, always before those people are planned or classified.

The sending path never writes standings. A `folded` mark on each row and event makes every fact fold once, since commits are not in id
order.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nurture.domain.documents import EngagementPolicy
from nurture.domain.folding import EventFact, LetterFact, remember_proxies
from nurture.domain.folding import fold as fold_facts
from nurture.domain.standing import Standing
from nurture.domain.words import EventType, Evidence, State
from nurture.store.answers import clicked_choices, load_questions_asked, rows_of_clicks, withdraw_clicks
from nurture.store.database import Connection, Database
from nurture.store.dialect import alone
from nurture.store.documents import load_policy
from nurture.store.enrolments import load_enrolments, save_history
from nurture.store.events import add_events
from nurture.store.facts import (
    WITHDRAWN,
    EndedRow,
    facts_of,
    mark_people_events,
    mark_rows,
    take_events,
    unfolded_events,
    unfolded_rows,
    withdrawn_people,
)  # fmt: skip
from nurture.store.leftovers import let_go
from nurture.store.retention import dropped_until
from nurture.store.standings import load_standings, look_now, save_standings, stream_ids

_DONE = {State.ACCEPTED: "sent", State.REJECTED: "rejected", State.FAILED: "failed", State.HELD: "held"}
_KEPT_BY_REBUILD = ("engagement", "engagement_at", "downs", "downs_at", "flags", "temperature", "temperature_at")


async def fold(db: Database, now: datetime, chunk: int = 1000, signs: set[int] | None = None) -> int | None:
    """Fold all there is, a chunk a transaction; returns how many facts. Idempotent. `signs` takes the people whose events were folded.

    Of several workers one folds at a time; None: another one does now, and news may still wait.
    """
    folded = 0
    found: set[int] = set() if signs is None else signs
    while True:
        async with db.write() as tx:
            if not await alone(tx, "folding"):
                return None
            done = await _fold_chunk(tx, now, chunk, found)
            if done:
                sys.audit("nurture.folding")
        if done:
            sys.audit("nurture.folded")
            let_go()
        folded += done
        if done == 0:
            return folded


async def _fold_chunk(tx: Connection, now: datetime, chunk: int, signs: set[int]) -> int:
    rows = await unfolded_rows(tx, chunk)
    read = await unfolded_events(tx, now, chunk)
    taken = await take_events(tx, read)
    events = [event for event in read if event[0] in taken]
    withdrawn = await withdrawn_people(tx, WITHDRAWN, chunk)
    if not (rows or read or withdrawn):
        return 0
    await _answers_of_clicks(tx, events, withdrawn, now)
    policy = (await load_policy(tx)).engagement
    letters: dict[int, list[LetterFact]] = defaultdict(list)
    happened: dict[int, list[EventFact]] = defaultdict(list)
    for row in rows:
        fact = row.letter_fact()
        if fact:
            letters[row.subscriber_id].append(fact)
    for _, person, event in events:
        happened[person].append(event)
    signs.update(happened)
    fresh = (letters.keys() | happened.keys()) - set(withdrawn)
    standings = await load_standings(tx, fresh, lock=True)
    await save_standings(tx, [fold_facts(s, letters[i], happened[i], policy.half_life) for i, s in standings.items()])
    await _write_histories(tx, rows)
    await mark_rows(tx, rows)
    await _rebuild(tx, withdrawn, policy, now)
    await look_now(tx, {r.subscriber_id for r in rows} | happened.keys() | set(withdrawn), now)
    return len(rows) + len(read) + len(withdrawn)


async def _answers_of_clicks(
    tx: Connection, settled: Sequence[tuple[int, int, EventFact]], withdrawn: Sequence[int], now: datetime
) -> None:  # fmt: skip
    """Clicks that have settled become answers where the question wants it (folded in the next chunk); those that fell take theirs along."""
    if withdrawn:
        await withdraw_clicks(tx, withdrawn)
    clicks = [(event, fact.at) for event, _, fact in settled if fact.type is EventType.CLICKED and fact.evidence is Evidence.HUMAN]
    if clicks:
        moments = [at for _, at in clicks]
        found = await clicked_choices(tx, [event for event, _ in clicks], min(moments), max(moments))
        if found:
            await add_events(tx, rows_of_clicks(found, await load_questions_asked(tx), now))


async def _write_histories(tx: Connection, rows: Sequence[EndedRow]) -> None:
    """A letter that ended is done in its way; one that was cancelled for a while is not."""
    ended = [(r, _entry(r)) for r in rows if r.enrolment_id is not None]
    enrolments = await load_enrolments(tx, {r.enrolment_id for r, entry in ended if entry and r.enrolment_id is not None})
    histories: dict[int, list[dict[str, Any]]] = {}
    for row, entry in ended:
        if entry and row.enrolment_id in enrolments:
            history = histories.setdefault(row.enrolment_id, list(enrolments[row.enrolment_id].history))
            history[:] = [*(h for h in history if h.get("delivery") != row.id), entry]
    await save_history(tx, histories.items())


def _entry(row: EndedRow) -> dict[str, Any] | None:
    outcome = "declined" if row.state is State.CANCELLED and row.outcome == "declined" else _DONE.get(row.state)
    at = row.accepted_at or row.handed_at or row.ended_at
    if outcome is None or at is None:
        return None
    day = (row.local_day or at.date()).isoformat()
    return {
        "letter": row.letter, "kind": row.kind.value, "outcome": outcome, "day": day, "at": at.isoformat(), "delivery": row.id,
        "reason": row.reason if outcome == "sent" else row.outcome or row.reason, "rule": "ledger",
    }  # fmt: skip


async def rebuild(db: Database, now: datetime, chunk: int = 1000, progress: Callable[[int], None] | None = None) -> int:
    """Recompute every standing from the ledger and the events; classes, flags and temperatures are decisions with rows of their own and
    stay.
    """
    after = people = 0
    while True:
        async with db.write() as tx:
            ids = await stream_ids(tx, after, chunk)
            await _rebuild(tx, ids, (await load_policy(tx)).engagement, now)
        if not ids:
            return people
        let_go()
        after, people = ids[-1], people + len(ids)
        if progress:
            progress(people)


async def _rebuild(tx: Connection, ids: Sequence[int], policy: EngagementPolicy, now: datetime) -> None:
    if not ids:
        return
    known = await load_standings(tx, ids, lock=True)
    facts = await facts_of(tx, ids, now)
    forgotten = await dropped_until(tx)
    rebuilt = []
    for person, old in known.items():
        kept = {name: getattr(old, name) for name in _KEPT_BY_REBUILD}
        anew = fold_facts(Standing(person), *facts[person], policy.half_life)
        rebuilt.append(replace(remember_proxies(anew, old, forgotten) if forgotten else anew, **kept))
    await save_standings(tx, rebuilt)
    await mark_people_events(tx, ids, now)
