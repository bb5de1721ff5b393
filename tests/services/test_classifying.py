"""Classes on real databases: rises at once, falls by the weekly run, rows for every move, the composition of the week."""

from datetime import timedelta

from sqlalchemy import select, update

from nurture.services.classifying import classify_weekly, rise, rise_since
from nurture.services.enrolling import enrol
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.store.database import Database
from nurture.store.tables import Composition, Event, Move, Standing, Subscriber
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, install, letter

DAY = timedelta(days=1)
WEEKS = {"sequence": "weeks", "letters": [letter(f"l{n}", window="any", after="7d") for n in range(6)]}


async def classes(db: Database) -> list[str]:
    async with db.read() as tx:
        return list((await tx.execute(select(Standing.engagement).order_by(Standing.subscriber_id))).scalars())


async def moves(db: Database, what: str = "engagement") -> list[tuple[str, str]]:
    async with db.read() as tx:
        return [tuple(r) for r in await tx.execute(select(Move.old, Move.new).where(Move.what == what).order_by(Move.id))]


async def six_letters(db: Database, *emails: str) -> list[int]:
    await install(db, WEEKS)
    people = await add_people(db, *emails, now=NOW - 400 * DAY)
    await enrol(db, "weeks", people, NOW - 60 * DAY, "hand")
    now = NOW - 60 * DAY
    while now < NOW - 4 * DAY:
        await plan(db, now)
        await end_row(db, now)
        await fold(db, now)
        now += 3 * DAY
    return people


async def test_up_when_settled_down_by_the_second_weekly_run(db: Database) -> None:
    people = await six_letters(db, "keen@example.com", "quiet@example.com")
    await classify_weekly(db, NOW)
    assert await classes(db) == ["passive", "passive"]
    await add_event(db, people[0], "clicked", NOW + DAY, delivery_id=1)
    await fold(db, NOW + DAY)
    assert await rise(db, NOW + DAY, people) == 1
    assert await rise(db, NOW + DAY, people) == 0
    assert await classes(db) == ["active", "passive"]
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id == people[1]).values(engagement="fan"))
    for days, expected in ((7, "fan"), (12, "fan"), (14, "passive")):
        await classify_weekly(db, NOW + days * DAY)
        assert await classes(db) == ["active", expected]
    assert await moves(db) == [("new", "passive"), ("new", "passive"), ("passive", "active"), ("fan", "passive")]


async def test_a_withdrawn_signal_undoes_its_own_rise_at_once(db: Database) -> None:
    people = await six_letters(db, "scanner@example.com")
    await classify_weekly(db, NOW)
    await add_event(db, people[0], "clicked", NOW + DAY, delivery_id=1)
    await fold(db, NOW + DAY)
    await rise(db, NOW + DAY, people)
    assert await classes(db) == ["active"]
    async with db.write() as tx:
        await tx.execute(update(Event).values(evidence="machine", folded=2))
    await fold(db, NOW + DAY)
    await rise(db, NOW + DAY, people)
    assert await classes(db) == ["passive"]
    assert await moves(db) == [("new", "passive"), ("passive", "active"), ("active", "passive")]


async def test_the_weekly_run_keeps_the_composition_once(db: Database) -> None:
    await six_letters(db, "a@example.com", "b@example.com")
    await add_people(db, "new@example.com", "gone@example.com")
    async with db.write() as tx:
        await tx.execute(update(Subscriber).where(Subscriber.email == "gone@example.com").values(status="unsubscribed"))
    for _ in range(2):
        assert await classify_weekly(db, NOW) == {"passive": 2, "new": 1}
    async with db.read() as tx:
        assert sorted(tuple(r) for r in await tx.execute(select(Composition.week, Composition.engagement, Composition.people))) == [
            ("2026-W10", "new", 1),
            ("2026-W10", "passive", 2),
        ]


async def test_flags_and_temperature_move_with_rows_of_their_own(db: Database) -> None:
    people = await six_letters(db, "a@example.com")
    await add_event(db, people[0], "converted", NOW, name="lead")
    await fold(db, NOW)
    await rise_since(db, NOW, NOW - DAY)
    assert await moves(db, "temperature") == [("cold", "hot")]
    await classify_weekly(db, NOW + 20 * DAY)
    assert await moves(db, "temperature") == [("cold", "hot"), ("hot", "cold")]
