"""Enrolments: people's ways through sequences, in bulk."""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.windows import NOW_LASTS
from nurture.store.dialect import among, insert
from nurture.store.dialect_bulk import update_rows
from nurture.store.ledger import deliveries, pieces, subscribers
from nurture.store.tables import METADATA

enrolments = METADATA.tables["enrolments"]
events = METADATA.tables["events"]
TAKEN_BACK = "withdrawn"  # the state of a way that a fallen verdict took back: it counts as none
REACHED = ("accepted", "unknown", "held", "rejected", "failed")  # states after which a letter is not offered to the person again
_STILL_ACTIVE = "state || '' = 'active'"  # in words that no index answers: the row is found by its key, not among all that are active
_e = enrolments.c
_p = subscribers.c


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """`history`, `decision` and `version` as in the table's description."""

    id: int
    sequence_id: int
    subscriber_id: int
    number: int
    state: str
    enrolled_at: datetime
    now_until: datetime | None
    history: list[dict[str, Any]]
    stale_since: datetime | None
    decision: dict[str, Any] | None
    version: int | None = None


_READ = [_e[name] for name in EnrolmentRow.__dataclass_fields__]


async def active_of(tx: AsyncConnection, subscriber_ids: Iterable[int]) -> dict[int, list[EnrolmentRow]]:
    """The active enrolments of each person, oldest first."""
    found: dict[int, list[EnrolmentRow]] = {}
    for ids in pieces(sorted(set(subscriber_ids))):
        for row in await tx.execute(select(*_READ).where(_e.subscriber_id.in_(ids), _e.state == "active").order_by(_e.id)):
            found.setdefault(row.subscriber_id, []).append(EnrolmentRow(*row))
    return found


async def load_enrolments(tx: AsyncConnection, ids: Iterable[int]) -> dict[int, EnrolmentRow]:
    found: dict[int, EnrolmentRow] = {}
    for piece in pieces(sorted(set(ids))):
        found.update((row.id, EnrolmentRow(*row)) for row in await tx.execute(select(*_READ).where(_e.id.in_(piece))))
    return found


async def save_ways(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Each row: id, history, stale_since, decision (packed), state, ended_at, end_reason. A way that somebody else ended is left alone."""
    names = ("history", "stale_since", "decision", "state", "ended_at", "end_reason")
    values = [(*(r.get(n) for n in names), r["id"]) for r in rows]
    await update_rows(tx, enrolments, "id", names, values, _STILL_ACTIVE)


async def save_decisions(tx: AsyncConnection, said: Sequence[tuple[str | None, int]]) -> None:
    """(packed decision, enrolment id) of ways of which nothing else has changed."""
    await update_rows(tx, enrolments, "id", ("decision",), said, _STILL_ACTIVE)


def pack_decision(at: str, letter: str | None, word: str, reason: str, rule: str, until: datetime | None) -> str:
    """The JSON of a decision, `at` in ISO form; written by hand, since a sweep may write one for every person of the list."""
    when = f'"{until.isoformat()}"' if until else "null"
    return (
        f'{{"at": "{at}", "letter": {_packed(letter)}, "decision": "{word}", "reason": {_packed(reason)}, "rule": {_packed(rule)}, '
        f'"until": {when}}}'
    )


_packed = functools.lru_cache(maxsize=4096)(json.dumps)  # many people hear the same words


def says_the_same(new: str, old: str | None) -> bool:
    """Whether two packed decisions differ in their `at` alone, so that the new one need not be written."""
    if old is None or _until(new) not in old:
        return False
    return {**json.loads(new), "at": None} == {**json.loads(old), "at": None}


def _until(packed: str) -> str:
    """Its last words, which both databases keep as they are: cheap to compare, and they differ where a letter goes at another time."""
    return packed[packed.rindex('"until": ') : -1]


async def save_history(tx: AsyncConnection, rows: Iterable[tuple[int, list[dict[str, Any]]]]) -> None:
    """(enrolment id, its whole history)."""
    bound = [{"key": key, "new": history} for key, history in rows]
    if bound:
        statement = update(enrolments).where(_e.id == bindparam("key")).values(history=bindparam("new", type_=_e.history.type))
        await tx.execute(statement, bound)


async def enrol(
    tx: AsyncConnection,
    sequence_id: int,
    subscriber_ids: Iterable[int],
    *,
    by: str,
    now: datetime,
    own_hour: bool,
    again: bool = False,
    acted: Mapping[int, datetime] | None = None,
) -> list[int]:
    """New active enrolments for those who have none here (with `again`: none active); returns whom it took in.

    `own_hour`: the person's own act brought them, so letters with `window: now` may go at once for an hour from
    then; `acted` tells when that was, where it was not just now.
    """
    taken: list[int] = []
    for ids in pieces(sorted(set(subscriber_ids)), 5_000):
        stands = func.sum(case((_e.state == TAKEN_BACK, 0), else_=1))
        query = select(_e.subscriber_id, func.max(_e.number), stands).where(_e.sequence_id == sequence_id, _e.subscriber_id.in_(ids))
        rows = (await tx.execute(query.group_by(_e.subscriber_id))).all()
        known, had = {row[0]: row[1] for row in rows}, {row[0] for row in rows if row[2]}
        active = select(_e.subscriber_id).where(_e.sequence_id == sequence_id, _e.subscriber_id.in_(ids), _e.state == "active")
        busy = set((await tx.execute(active)).scalars())
        wanted = [i for i in ids if i not in busy and (again or i not in had)]
        new = [_new(sequence_id, i, known.get(i, 0) + 1, by, now, (acted or {}).get(i, now) if own_hour else None) for i in wanted]
        if new:
            statement = insert(tx, enrolments).on_conflict_do_nothing().returning(_e.subscriber_id)
            taken += (await tx.execute(statement, new)).scalars()
    return taken


def _new(sequence_id: int, person: int, number: int, by: str, now: datetime, acted: datetime | None) -> dict[str, Any]:
    return {
        "sequence_id": sequence_id, "subscriber_id": person, "number": number, "state": "active", "by": by, "enrolled_at": now,
        "now_until": acted + NOW_LASTS if acted else None, "history": [], "stale_since": None, "decision": None,
    }  # fmt: skip


async def end_ways(tx: AsyncConnection, document_id: int, reason: str, now: datetime) -> None:
    """All ways under way through this document end."""
    ended = {"state": "ended", "ended_at": now, "end_reason": reason}
    await tx.execute(update(enrolments).where(_e.sequence_id == document_id, _e.state == "active").values(ended))


async def restart_clocks(tx: AsyncConnection, document_id: int, now: datetime) -> None:
    """The patience of all letters under way through this document runs from now: while it stood still nobody could send them."""
    await tx.execute(update(enrolments).where(_e.sequence_id == document_id, _e.state == "active").values(stale_since=now))


async def may_re_enter(tx: AsyncConnection, sequence_id: int, ids: Sequence[int], ended_before: datetime | None) -> list[int]:
    """Of `ids` those with no active way here, whose last one ended before the moment; None: only those who never had one.

    A way that a fallen verdict took back bars nobody.
    """
    own = and_(_e.sequence_id == sequence_id, _e.subscriber_id == _p.id, _e.state != TAKEN_BACK)
    barred = own if ended_before is None else own & ((_e.state == "active") | (_e.ended_at > ended_before))
    allowed: list[int] = []
    for piece in pieces(ids):
        allowed += (await tx.execute(select(_p.id).where(_p.id.in_(piece), ~exists().where(barred)).order_by(_p.id))).scalars()
    return allowed


async def conversions_since(tx: AsyncConnection, ids: Iterable[int], names: Sequence[str]) -> dict[int, list[tuple[str, datetime]]]:
    """(name, at) of the named conversions of each person: what `exit_on` asks."""
    found: dict[int, list[tuple[str, datetime]]] = {}
    if not names:
        return found
    for piece in pieces(sorted(set(ids))):
        query = select(events.c.subscriber_id, events.c.name, events.c.at).where(
            among(tx, events.c.subscriber_id, piece), events.c.type == "converted", events.c.name.in_(names)
        )
        for row in await tx.execute(query):
            found.setdefault(row.subscriber_id, []).append((row.name, row.at))
    return found


async def had_letters(tx: AsyncConnection, ids: Iterable[int], letter_ids: Sequence[int]) -> dict[int, set[int]]:
    """Which of these letters reached (or may have reached) each person, on whatever occasion."""
    found: dict[int, set[int]] = {}
    if not letter_ids:
        return found
    for piece in pieces(sorted(set(ids))):
        query = select(deliveries.c.subscriber_id, deliveries.c.letter_id).where(
            among(tx, deliveries.c.subscriber_id, piece), deliveries.c.letter_id.in_(letter_ids), deliveries.c.state.in_(REACHED)
        )
        for row in await tx.execute(query):
            found.setdefault(row.subscriber_id, set()).add(row.letter_id)
    return found
