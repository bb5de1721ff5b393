"""Classes on real databases: rises at once, falls by the weekly run, rows for every move, the composition of the week."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import ColumnElement, event, func, select, update

from nurture.services.classifying import classify_weekly, rise, rise_since
from nurture.services.enrolling import enrol
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.store.database import Database
from nurture.store.tables import Composition, Event, Move, Standing, Subscriber
from tests.support.listed import fill_list
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


async def withdraw(db: Database, now: datetime, *which: ColumnElement[bool]) -> None:
    """The verdicts on the newest click, or on these events, change; then all is folded and judged."""
    newest = select(func.max(Event.at)).scalar_subquery()
    async with db.write() as tx:
        await tx.execute(update(Event).where(*(which or (Event.at == newest,))).values(evidence="machine", folded=2))
    await fold(db, now)
    await rise(db, now, [])


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
    await withdraw(db, NOW + DAY)
    assert await classes(db) == ["passive"]
    assert await moves(db) == [("new", "passive"), ("passive", "active"), ("active", "passive")]


async def test_a_withdrawn_signal_leaves_a_rise_of_its_own_time_alone(db: Database) -> None:
    """She rose long ago by a click of her own; that her facts carry the class no more is for two weekly runs to say."""
    people = await six_letters(db, "keen@example.com")
    await add_event(db, people[0], "clicked", NOW, delivery_id=1)
    await fold(db, NOW)
    await rise(db, NOW, people)
    later = NOW + 300 * DAY
    await add_event(db, people[0], "clicked", later, delivery_id=2)
    await fold(db, later)
    await rise(db, later, people)
    await withdraw(db, later)
    assert await classes(db) == ["active"]
    assert await moves(db) == [("new", "active")]


async def test_what_a_withdrawn_signal_helped_to_raise_sinks_as_far_as_other_facts_carry(db: Database) -> None:
    people = await six_letters(db, "a@example.com", "b@example.com")
    await classify_weekly(db, NOW)
    for person in people:
        for letters_on in range(4):
            await add_event(db, person, "clicked", NOW + DAY + timedelta(minutes=letters_on), delivery_id=person + 2 * (letters_on + 1))
    await fold(db, NOW + 2 * DAY)
    await rise(db, NOW + 2 * DAY, people)
    assert await classes(db) == ["fan", "fan"]
    await withdraw(db, NOW + 2 * DAY, Event.subscriber_id == people[0], Event.at == NOW + DAY)
    await withdraw(db, NOW + 2 * DAY, Event.subscriber_id == people[1])
    assert await classes(db) == ["active", "passive"]


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


@pytest.mark.parametrize("people", [40, 400])
async def test_a_chunk_costs_the_same_statements_however_many_move(db: Database, people: int) -> None:
    """A reading; and where somebody moves, three more: those read again, their classes, their moves."""
    await fill_list(db, people)
    async with db.write() as tx:
        await tx.execute(update(Standing).where(Standing.subscriber_id % 4 == 0).values(engagement="new", flags=0))
        await tx.execute(update(Standing).where(Standing.subscriber_id % 4 != 0).values(flags=4))
    asked: list[str] = []
    event.listen(db.engine.sync_engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    counts = await classify_weekly(db, NOW, chunk=people // 4)
    assert sum(counts.values()) == people
    told = [q for q in asked if q.startswith(("SELECT standings", "UPDATE standings", "INSERT INTO moves"))]
    assert len(told) == 4 * 4 + 2, told  # the list's end is seen by an empty reading; then the classes are counted
    kept = await moves(db)
    await classify_weekly(db, NOW)
    assert await moves(db) == kept
