"""Folding and rebuilding on real databases: every fact once, and a rebuild equal to what was folded piece by piece."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from nurture.domain.standing import Standing
from nurture.services.enrolling import enrol
from nurture.services.folding import fold, rebuild
from nurture.services.planning import plan
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.standings import load_standings
from nurture.store.tables import Event
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, install, letter, rows_of

DAY = timedelta(days=1)
LONG = {"sequence": "long", "mix": "none", "letters": [letter(f"l{n}", "sales" if n % 4 == 3 else "useful", window="any") for n in range(24)]}


async def standings(db: Database, people: list[int]) -> dict[int, Standing]:
    async with db.read() as tx:
        return await load_standings(tx, people)


async def live(db: Database, people: list[int], days: int) -> None:
    """Letters and human, machine and unknown events in a seeded muddle, folded day by day."""
    dice = random.Random(7)
    for day in range(days):
        now = NOW + day * DAY
        await plan(db, now)
        state, values = dice.choice([("accepted", {}), ("accepted", {}), ("accepted", {}), ("rejected", {}), ("held", {"dup_risk": 1})])
        await end_row(db, now + DAY / 3, state, **(values | ({"handed_at": now + DAY / 3} if state == "held" else {})))
        for delivery, person in (await rows_of(db, "id", "subscriber_id"))[-4:]:
            kind = dice.choice(["opened", "clicked", "replied", "converted", "bounced"])
            evidence = dice.choice(["human", "machine", "unknown"])
            name = {"converted": "purchase", "bounced": "hard"}.get(kind)
            await add_event(db, person, kind, now + DAY / 2 + timedelta(minutes=dice.randrange(600)), delivery_id=delivery, evidence=evidence, name=name)
        await fold(db, now + DAY)


async def test_a_rebuild_equals_what_was_folded_day_by_day(db: Database) -> None:
    await install(db, LONG)
    people = await add_people(db, "a@example.com", "b@example.com", "c@example.com")
    await enrol(db, "long", people, NOW, "hand")
    await live(db, people, 30)
    before = await standings(db, people)
    assert sum(len(s.recent) for s in before.values()) > 20
    assert await rebuild(db, NOW + 31 * DAY) == 3
    after = await standings(db, people)
    for person in people:
        assert replace(after[person], score=0, peaks=()) == replace(before[person], score=0, peaks=())
        assert after[person].score == pytest.approx(before[person].score)


async def test_folding_twice_changes_nothing(db: Database) -> None:
    await install(db, LONG)
    people = await add_people(db, "a@example.com")
    await enrol(db, "long", people, NOW, "hand")
    await plan(db, NOW)
    await end_row(db, NOW)
    assert await fold(db, NOW) == 1
    once = await standings(db, people)
    assert await fold(db, NOW) == 0
    assert await standings(db, people) == once
    assert once[people[0]].received == 1


async def test_events_wait_until_they_settle_and_a_withdrawn_verdict_is_taken_back(db: Database) -> None:
    await install(db, LONG)
    people = await add_people(db, "a@example.com")
    await enrol(db, "long", people, NOW, "hand")
    await plan(db, NOW)
    await end_row(db, NOW)
    await add_event(db, people[0], "clicked", NOW + DAY, delivery_id=1, settles_at=NOW + DAY + timedelta(minutes=10))
    await fold(db, NOW + DAY)
    assert (await standings(db, people))[people[0]].answers == ()
    signs: set[int] = set()
    await fold(db, NOW + DAY + timedelta(minutes=10), signs=signs)
    assert signs == set(people)
    assert len((await standings(db, people))[people[0]].answers) == 1
    async with db.write() as tx:
        await tx.execute(update(Event).values(evidence="machine", folded=2))
    assert await fold(db, NOW + 2 * DAY) == 1
    standing = (await standings(db, people))[people[0]]
    assert (standing.answers, standing.score, standing.received) == ((), 0.0, 1)


async def test_service_letters_leave_no_trace_in_the_standing(db: Database) -> None:
    await install(db, LONG)
    people = await add_people(db, "a@example.com")
    await enrol(db, "long", people, NOW, "hand")
    await plan(db, NOW)
    async with db.write() as tx:
        await tx.execute(update(deliveries).values(kind="service"))
    await end_row(db, NOW)
    await fold(db, NOW)
    assert (await standings(db, people))[people[0]].received == 0
