"""Forecast: who gets what at which local minute in the weeks ahead, and what drafts would change of it. Nothing is stored.

The planner's own rules are asked for one person after the other, a chunk at a time: memory stays flat however long the list.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from nurture.domain.calendars import Ahead, Calendar, Effect
from nurture.domain.capacity import Load
from nurture.domain.documents import AnyDocument, Policy
from nurture.domain.forecasting import Foresight
from nurture.domain.warming import WarmUp
from nurture.services.forecasting.courses import Course, look
from nurture.services.forecasting.drafts import lay_over
from nurture.store.classes import count_classes
from nurture.store.cohorts import load_cohort
from nurture.store.database import Connection, Database
from nurture.store.programme import load_programme
from nurture.store.standings import stream_ids
from nurture.store.subscribers import addresses
from nurture.store.throttles import load_ahead

DAYS = timedelta(days=30)
CHUNK = 500
LOOKED_AT = 5_000  # people: some seconds of looking, and already the hundredth part of a day's letters shows
AT_ONCE = 100  # people in one go, so that no click waits for more than a moment


async def forecast(
    db: Database, now: datetime, span: timedelta = DAYS, people: Sequence[int] | None = None, rate: float | None = None, *,
    warm_up: WarmUp | None = None,
    every: int = 1, chunk: int = CHUNK,
) -> AsyncIterator[Ahead]:  # fmt: skip
    """Everybody's weeks, or those of `people`, or of each so manieth (`every`), in order of their ids; people without any letter ahead are
    left out. `chunk`: so many people are looked at in one go, while nothing else of this process moves.

    `rate`: letters a second that the relay carries, `warm_up`: so many a day: what a window cannot take fills the following ones.
    """
    async with db.read() as tx:
        course = Course(await load_programme(db, tx), load=await _load(db, tx, rate, warm_up, now, every))
    async for ids in _ids(db, people, every, chunk):
        async with db.read() as tx:
            cohort = await load_cohort(tx, course.programme, ids, now, everybody=True)
            found = await look(tx, course, cohort.members, now, span)
            emails = await addresses(tx, found)
        for member in cohort.members:
            person = member.person
            if person.subscriber_id in found:
                yield Ahead(person.subscriber_id, emails[person.subscriber_id], person.zone, found[person.subscriber_id])


async def calendar(
    db: Database, now: datetime, span: timedelta = DAYS, rate: float | None = None, *, warm_up: WarmUp | None = None, every: int = 1,
    chunk: int = CHUNK,
) -> Calendar:
    """The weeks of all, added up. With `every` a sample is looked at, and its figures are multiplied to stand for the whole list."""
    total, cap = Calendar(), (await policy(db)).cap
    async for ahead in forecast(db, now, span, rate=rate, warm_up=warm_up, every=every, chunk=chunk):
        total.add(ahead, cap)
    return total.times(every) if every > 1 else total


async def policy(db: Database) -> Policy:
    """The policy that the forecast goes by."""
    async with db.read() as tx:
        return (await load_programme(db, tx)).policy


async def composition(db: Database) -> dict[str, int]:
    """People by class as they stand: nobody can foresee who will answer."""
    async with db.read() as tx:
        return await count_classes(tx)


async def sample_of(db: Database) -> int:
    """So manieth person is to be looked at where an answer must not take long: everybody up to `LOOKED_AT`, then as many."""
    return max(1, -(-sum((await composition(db)).values()) // LOOKED_AT))


async def effect(
    db: Database, documents: Sequence[AnyDocument], now: datetime, span: timedelta = DAYS, rate: float | None = None, *,
    warm_up: WarmUp | None = None,
    every: int = 1, chunk: int = CHUNK,
) -> Effect:  # fmt: skip
    """What these drafts would change. New sequences take in who matches their audience now; new campaigns count as started now."""
    async with db.read() as tx:
        today = Course(await load_programme(db, tx), load=await _load(db, tx, rate, warm_up, now, every))
        drafted = replace(await lay_over(db, tx, documents, now), load=await _load(db, tx, rate, warm_up, now, every))
    total = Effect()
    async for ids in _ids(db, None, every, chunk):
        async with db.read() as tx:
            looks = []
            for course in (today, drafted):
                cohort = await load_cohort(tx, course.programme, ids, now, everybody=True)
                looks.append((cohort, await look(tx, course, cohort.members, now, span)))
        (before, old), (_, new) = looks
        for member in before.members:
            person = member.person
            pair = old.get(person.subscriber_id, Foresight()), new.get(person.subscriber_id, Foresight())
            total.compare(*pair)
            for calendar_, seen, course in ((total.before, pair[0], today), (total.after, pair[1], drafted)):
                calendar_.add(Ahead(person.subscriber_id, "", person.zone, seen), course.programme.policy.cap)
    return total.times(every) if every > 1 else total


async def _load(db: Database, tx: Connection, rate: float | None, warm_up: WarmUp | None, now: datetime, every: int) -> Load | None:
    """What the relay has to carry for a sample of this size; None where nothing bounds it."""
    zone = ZoneInfo((await load_programme(db, tx)).policy.timezone)
    return await load_ahead(tx, rate, warm_up, zone, now, every)


async def _ids(db: Database, people: Sequence[int] | None, every: int = 1, chunk: int = CHUNK) -> AsyncIterator[Sequence[int]]:
    if people is not None:
        for start in range(0, len(people), chunk):
            yield people[start : start + chunk]
        return
    after = 0
    while True:
        async with db.read() as tx:
            ids = await stream_ids(tx, after, chunk * every)
        if not ids:
            return
        yield ids[::every]
        after = ids[-1]
