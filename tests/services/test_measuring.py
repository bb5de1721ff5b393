"""The list's own curves out of stored events: each rule of counting by hand, and a simulated list whose truth is known."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert, update

from nurture.services.measuring import measure
from nurture.store.database import Database
from nurture.store.tables import METADATA, Event, Standing, Subscriber, SubscriberTag
from tests.support.people import NOW, add_people

DAY = timedelta(days=1)


def event(person: int, kind: str, at: datetime, **more: Any) -> dict[str, Any]:
    row = {"name": None, "evidence": "human", "folded": 1, "reason": "", "rule_version": 1}
    return row | {"uid": f"{kind}-{person}-{at.isoformat()}", "subscriber_id": person, "type": kind, "at": at, "settles_at": at} | more


async def happened(db: Database, *events: dict[str, Any]) -> None:
    async with db.write() as tx:
        await tx.execute(insert(Event), list(events))


async def seen(db: Database, person: int, at: datetime) -> None:
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id == person).values(last_sign_at=at))


async def test_interest_is_followed_from_the_first_answer_to_the_last_sign(db: Database) -> None:
    ended, still, young, left, machine = await add_people(db, *[f"{n}@example.com" for n in "abcde"], now=NOW - 900 * DAY)
    await happened(
        db, event(ended, "clicked", NOW - 400 * DAY), event(ended, "opened", NOW - 600 * DAY), event(ended, "replied", NOW - 350 * DAY),
        event(still, "answered", NOW - 400 * DAY), event(young, "clicked", NOW - 80 * DAY), event(left, "clicked", NOW - 400 * DAY),
        event(machine, "clicked", NOW - 400 * DAY, evidence="machine"),
    )  # fmt: skip
    for person, days in ((ended, 340), (still, 10), (young, 79), (left, 300), (machine, 400)):
        await seen(db, person, NOW - days * DAY)
    async with db.write() as tx:
        await tx.execute(update(Subscriber).where(Subscriber.id == left).values(status="unsubscribed", status_at=NOW - 250 * DAY))
    decay = (await measure(db, NOW)).decay
    assert (decay.answered, decay.people, decay.ended) == (4, 3, 1)  # young cannot be followed for 90 days yet
    assert decay.half_life.days is None
    async with db.write() as tx:  # a shorter silence ends what left had begun
        await tx.execute(update(Subscriber).where(Subscriber.id == left).values(status_at=NOW - 200 * DAY))
    assert (await measure(db, NOW)).decay.ended == 2


async def test_the_first_purchase_is_counted_from_joining_and_customers_of_before_are_left_out(db: Database) -> None:
    buyer, twice, waiting, left, before, early = await add_people(db, *[f"{n}@example.com" for n in "abcdef"], now=NOW - 100 * DAY)
    await happened(
        db, event(buyer, "converted", NOW - 60 * DAY, name="purchase"), event(twice, "converted", NOW - 90 * DAY, name="purchase"),
        event(twice, "converted", NOW - DAY, name="purchase"), event(waiting, "converted", NOW - 90 * DAY, name="lead"),
        event(early, "converted", NOW - 120 * DAY, name="purchase"),
    )  # fmt: skip
    async with db.write() as tx:
        await tx.execute(update(Subscriber).where(Subscriber.id == left).values(status="unsubscribed", status_at=NOW - 95 * DAY))
        await tx.execute(insert(SubscriberTag), [{"subscriber_id": p, "tag": "customer"} for p in (before, buyer)])
    first = (await measure(db, NOW)).first_purchase
    assert (first.people, first.bought) == (5, 3)
    assert [s.days for s in first.of_buyers] == [0, 10, 40]
    assert first.quartiles[0].days == 10  # one of five on day 0, then one of the three who stayed


async def test_a_simulated_list_gives_back_its_half_life(db: Database) -> None:
    """Signs every ten days on average until interest ends, at a moment whose half-life is 180 days; people came over 30 months."""
    rng, half_life = Random(3), 180
    firsts, people, standings = [], [], []
    for person in range(1, 801):
        begun = NOW - rng.uniform(0, 910) * DAY
        end = begun + rng.expovariate(0.693147 / half_life) * DAY
        at = last = begun
        while at < min(end, NOW):
            at, last = at + rng.expovariate(0.1) * DAY, at
        people.append({"id": person, "email": f"p{person}@example.com", "joined_at": begun, "status_at": begun, "changed_at": begun, "topics": {}, "fields": {}})
        standings.append(Standing(subscriber_id=person, last_sign_at=last).model_dump())
        firsts.append(event(person, "clicked", begun))
    async with db.write() as tx:
        for table, rows in (("subscribers", people), ("standings", standings), ("events", firsts)):
            await tx.execute(insert(METADATA.tables[table]), rows)
    decay = (await measure(db, NOW)).decay
    assert decay.answered == 800
    assert (decay.half_life.low or 0) <= half_life <= (decay.half_life.high or 0)
    (point,) = [p for p in decay.points if p.month == 18]
    assert point.low <= 0.125 <= point.high
