"""What is forgotten with time. What a promise stands on stays: of deliveries columns are emptied, of events only what no person did goes.

Standings, segments and curves read hits of people alone, so nothing that they say changes (docs/decisions/0014-months-of-events.md).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, null, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.words import Evidence
from nurture.store.dialect_parts import Forgetting, Part, month_part, parts_of
from nurture.store.events import HIT_TYPES
from nurture.store.ledger import deliveries
from nurture.store.tables import METADATA
from nurture.store.tables.deliveries import WORDED

_imports, _jobs, _occasions, _sessions, _ways = (METADATA.tables[n] for n in ("imports", "jobs", "occasions", "sessions", "enrolments"))
_d, _o, _w = deliveries.c, _occasions.c, _ways.c
AT_ONCE = 500  # rows of one transaction
IMPORTS_KEPT = timedelta(days=90)
_HITS = ", ".join(f"'{kind}'" for kind in HIT_TYPES)
HITS_OF_NOBODY = Forgetting(drops=f"folded = 1 AND evidence <> '{Evidence.HUMAN.value}' AND type IN ({_HITS})")
ADDRESSES = Forgetting(empties=("ip", "agent"))
DROPPED = "drop hits"  # the job whose periods are parts: what it has done is never asked again
EMPTIED = "empty addresses"
CLEARED = "clear ways"  # its periods are occasions: `campaign id/number`


async def parts_due(tx: AsyncConnection, job: str, before: datetime) -> list[Part]:
    """Parts that lie wholly before the moment and that the job has not finished."""
    done = await _done(tx, job)
    return [part for part in await parts_of(tx) if part.until <= before and part.name not in done]


async def dropped_until(tx: AsyncConnection) -> datetime | None:
    """Before this moment hits of nobody may have been forgotten."""
    done = await _done(tx, DROPPED)
    known = {part.name: part.until for part in await parts_of(tx)} if done else {}
    return max((known[name] if name in known else _month(name).until for name in done), default=None)


def _month(name: str) -> Part:
    return month_part(datetime.strptime(name, "events_%Y_%m").replace(tzinfo=UTC))


async def _done(tx: AsyncConnection, job: str) -> set[str]:
    query = select(_jobs.c.period).where(_jobs.c.job == job, _jobs.c.ended_at.is_not(None))
    return set((await tx.execute(query)).scalars())


async def empty_words(tx: AsyncConnection, before: datetime) -> int:
    """The words of service letters that ended before the moment, at most AT_ONCE; how many. The row with its key stays."""
    old = select(_d.id).where(text(WORDED), _d.ended_at < before).order_by(_d.ended_at).limit(AT_ONCE)
    return int((await tx.execute(update(deliveries).where(_d.id.in_(old)).values(payload=null()))).rowcount)


async def occasions_due(tx: AsyncConnection, before: datetime) -> dict[str, int]:
    """By period, the campaigns whose newest occasion that ended before the moment was not gone through yet."""
    done = await _done(tx, CLEARED)
    query = select(_o.campaign_id, func.max(_o.number)).where(_o.ended_at < before).group_by(_o.campaign_id)
    return {period: campaign for campaign, number in await tx.execute(query) if (period := f"{campaign}/{number}") not in done}


async def clear_ways(tx: AsyncConnection, campaign_id: int, before: datetime, after: int) -> int | None:
    """Take away the ways through this campaign that ended before the moment, of the next AT_ONCE people with a number above `after`.

    Returns the last of them, None where there was nobody. What they got, and why, stands in their deliveries.
    """
    next_ones = select(_w.subscriber_id).where(_w.sequence_id == campaign_id, _w.subscriber_id > after)
    people = list((await tx.execute(next_ones.distinct().order_by(_w.subscriber_id).limit(AT_ONCE))).scalars())
    if people:
        ended = (_w.state != "active", _w.ended_at < before)
        await tx.execute(delete(_ways).where(_w.sequence_id == campaign_id, _w.subscriber_id.in_(people), *ended))
    return people[-1] if people else None


async def purge_traces(tx: AsyncConnection, now: datetime) -> int:
    """Finished imports that nobody asks for any more, and sessions that ended by themselves; how many."""
    old: list[Any] = [
        delete(_imports).where(_imports.c.finished_at < now - IMPORTS_KEPT),
        delete(_sessions).where(_sessions.c.expires_at < now),
    ]
    return sum([int((await tx.execute(statement)).rowcount) for statement in old])
