"""Rules in force and what they did: one row for each rule, person and cause. Nothing here commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.rules import Rule
from nurture.store.dialect import insert
from nurture.store.documents import load_documents, load_versions
from nurture.store.tables import METADATA

reactions, documents = METADATA.tables["reactions"], METADATA.tables["documents"]
_r = reactions.c


_READ: Select[Any] = select(
    _r.id, _r.rule_id, documents.c.name, _r.subscriber_id, _r.cause, _r.source, _r.reason, _r.state, _r.did, _r.at, _r.undone_at,
    _r.undone_because,
).join(documents, documents.c.id == _r.rule_id)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LiveRule:
    """`since`: from when on it has been live and waiting for this; what happened before is none of its business."""

    id: int
    rule: Rule
    since: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """A reaction as it stands. `did` lists what was done, in order."""

    id: int
    rule_id: int
    rule: str
    subscriber_id: int
    cause: str
    source: str
    reason: str
    state: str
    did: Sequence[Mapping[str, Any]]
    at: datetime
    undone_at: datetime | None
    undone_because: str | None


async def live_rules(tx: AsyncConnection) -> list[LiveRule]:
    """All rules that are live, in the order they were first applied."""
    stored = sorted(await load_documents(tx, "rule"), key=lambda s: s.id)
    live = [(s.id, s.document) for s in stored if s.state == "live" and isinstance(s.document, Rule)]
    return [LiveRule(key, rule, _since(await load_versions(tx, key), rule)) for key, rule in live]


def _since(versions: Sequence[tuple[int, datetime, Mapping[str, Any]]], rule: Rule) -> datetime:
    """The first of the latest versions in a row that were live and waited for the same: other edits lose nothing of what is under way."""
    since = versions[-1][1]
    for _, at, content in reversed(versions):
        version = Rule.model_validate(content)
        if version.state != "live" or version.when != rule.when:
            break
        since = at
    return since


async def begin(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Write reactions (columns by name, one for each person) before anything is done for them; those that answer a cause which this rule
    has answered already are passed over. Returns person -> reaction.
    """
    if not rows:
        return {}
    statement = insert(tx, reactions).on_conflict_do_nothing().returning(_r.subscriber_id, _r.id)
    return {row.subscriber_id: row.id for row in await tx.execute(statement, [{"did": [], **row} for row in rows])}


async def keep(tx: AsyncConnection, did: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
    """What each reaction did, for the day it must be undone."""
    if did:
        statement = update(reactions).where(_r.id == bindparam("key")).values(did=bindparam("new", type_=_r.did.type))
        await tx.execute(statement, [{"key": key, "new": list(steps)} for key, steps in did.items()])


async def mark_undone(tx: AsyncConnection, done: Done, because: str, now: datetime) -> None:
    """It no longer counts. A rule that answers each person once is free to answer this one again, and so is one for the
    end of a way, which goes on and will end once more.
    """
    values: dict[str, Any] = {"state": "undone", "undone_at": now, "undone_because": because}
    if done.cause == "person" or done.cause.startswith("ended:"):
        values["cause"] = f"{done.cause}/{done.id}"
    await tx.execute(update(reactions).where(_r.id == done.id).values(values))


async def count_recent(tx: AsyncConnection, rule_id: int, people: Sequence[int], since: datetime) -> dict[int, int]:
    """How often the rule has acted for each of these people since the moment."""
    query = select(_r.subscriber_id, func.count().label("times")).where(
        _r.rule_id == rule_id, _r.subscriber_id.in_(people), _r.state == "acted", _r.at > since
    )  # fmt: skip
    return {row.subscriber_id: row.times for row in await tx.execute(query.group_by(_r.subscriber_id))}


async def standing(tx: AsyncConnection, subscriber_id: int, sources: Sequence[str]) -> list[Done]:
    """The reactions to these causes that still stand, the newest first."""
    query = _READ.where(_r.subscriber_id == subscriber_id, _r.source.in_(sources), _r.state == "acted")
    return [Done(*row) for row in await tx.execute(query.order_by(_r.id.desc()))]


async def reactions_of(tx: AsyncConnection, subscriber_id: int, limit: int) -> list[Done]:
    """What rules did for one person, the newest first."""
    return [Done(*row) for row in await tx.execute(_READ.where(_r.subscriber_id == subscriber_id).order_by(_r.id.desc()).limit(limit))]


async def count_reactions(tx: AsyncConnection) -> dict[int, dict[str, int]]:
    """How many reactions stand in each state, by rule."""
    counts: dict[int, dict[str, int]] = {}
    for rule, state, number in await tx.execute(select(_r.rule_id, _r.state, func.count()).group_by(_r.rule_id, _r.state)):
        counts.setdefault(rule, {})[state] = number
    return counts
