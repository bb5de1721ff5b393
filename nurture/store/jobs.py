"""Runs of periodic jobs: UNIQUE (job, period) lets one worker do each once, however many wake at the same moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.dialect import insert
from nurture.store.tables import METADATA

jobs = METADATA.tables["jobs"]
_j = jobs.c
ABANDONED = timedelta(hours=1)  # a run that old without an end died with its worker; every job is an idempotent sweep, so it is done again


async def claim(tx: AsyncConnection, job: str, period: str, now: datetime) -> bool:
    """Whether the caller is the one to run `job` for `period` (`2026-W10`)."""
    fresh = insert(tx, jobs).values(job=job, period=period, started_at=now)
    statement = fresh.on_conflict_do_update(
        index_elements=["job", "period"], set_={"started_at": now}, where=_j.ended_at.is_(None) & (_j.started_at < now - ABANDONED)
    )
    return (await tx.execute(statement.returning(_j.id))).first() is not None


async def turn(tx: AsyncConnection, job: str, now: datetime, every: timedelta) -> bool:
    """Whether the caller is the one to do `job` now: once in each span of that length, by whichever process comes first.

    One row tells of the last time; a turn whose process dies is made good by the next.
    """
    fresh = insert(tx, jobs).values(job=job, period="", started_at=now, ended_at=now)
    over = (_j.started_at <= now - every) | (_j.started_at > now + every)  # a clock that was set back must not stop it
    statement = fresh.on_conflict_do_update(index_elements=["job", "period"], set_={"started_at": now, "ended_at": now}, where=over)
    return (await tx.execute(statement.returning(_j.id))).first() is not None


async def last_begun(tx: AsyncConnection, job: str, before: str) -> datetime | None:
    """When the run before the period `before` began; None where there was none."""
    query = select(func.max(_j.started_at)).where(_j.job == job, _j.period != before)
    found: datetime | None = (await tx.execute(query)).scalar_one()
    return found


async def finish(tx: AsyncConnection, job: str, period: str, now: datetime, result: dict[str, Any] | None = None) -> None:
    await tx.execute(update(jobs).where(_j.job == job, _j.period == period).values(ended_at=now, result=result))


async def release(tx: AsyncConnection, job: str, period: str) -> None:
    """A run that failed gives its period back, so that the next sweep tries again."""
    await tx.execute(jobs.delete().where(_j.job == job, _j.period == period, _j.ended_at.is_(None)))


@dataclass(frozen=True, slots=True)
class Run:
    period: str
    ended_at: datetime
    result: dict[str, Any] | None


async def newest(tx: AsyncConnection, job: str) -> Run | None:
    """The last run that ended."""
    query = select(_j.period, _j.ended_at, _j.result).where(_j.job == job, _j.ended_at.is_not(None)).order_by(_j.ended_at.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return Run(*row) if row else None
