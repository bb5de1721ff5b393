"""What a fallen verdict takes back and what it does not: only moves that the withdrawn sign had caused, whenever rules get to see them."""

from datetime import datetime, timedelta

from sqlalchemy import select, update

from nurture.services.classifying import rise
from nurture.services.enrolling import enrol
from nurture.services.folding import fold
from nurture.services.planning import plan
from nurture.services.reacting import react
from nurture.store.database import Database
from nurture.store.tables import METADATA, Event
from nurture.store.workspace import halt, resume
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter, rows_of
from tests.support.rules import fall, rule, tags, tasks

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
SCHOOL = {"sequence": "school", "letters": [letter("one", window="any")]}
HOT = rule("hot", {"moved": "temperature", "to": "hot"}, {"task": "Call"})
COLD = rule("cold", {"moved": "temperature", "to": "cold"}, {"tag": "cooled"})
ACTIVE = rule("up", {"moved": "engagement", "to": "active"}, {"tag": "up"})
MOVES = METADATA.tables["moves"]


async def one(db: Database, *documents: dict) -> int:
    await install(db, SCHOOL, *documents)
    (person,) = await add_people(db, "mia@example.com")
    return person


async def sweep(db: Database, now: datetime, chunk: int = 20) -> tuple[int, int]:
    signs: set[int] = set()
    await fold(db, now, signs=signs)
    await rise(db, now, signs)
    done = await react(db, now, chunk)
    return done.acted, done.undone


async def was_a_machine(db: Database, kind: str) -> None:
    async with db.write() as tx:
        await tx.execute(update(Event).where(Event.type == kind).values(folded=2, evidence="machine", reason="a scanner"))


async def withdrawn(db: Database) -> list[tuple[str, str, int]]:
    async with db.read() as tx:
        return [tuple(row) for row in await tx.execute(select(MOVES.c.what, MOVES.c.new, MOVES.c.withdrawn).order_by(MOVES.c.id))]


async def test_what_cools_by_time_while_a_sign_is_withdrawn_is_no_move_taken_back(db: Database) -> None:
    person = await one(db, HOT, COLD)
    await add_event(db, person, "converted", NOW + SECOND, name="lead")
    assert await sweep(db, NOW + 2 * SECOND) == (1, 0)
    await add_event(db, person, "opened", NOW + 14 * DAY - 100 * SECOND)
    await sweep(db, NOW + 14 * DAY - 39 * SECOND)
    await was_a_machine(db, "opened")
    assert await sweep(db, NOW + 14 * DAY + 300 * SECOND) == (1, 0)
    assert [t.state for t in await tasks(db)] == ["open"]
    assert await tags(db, person) == ["cooled"]
    assert (await withdrawn(db))[-1] == ("temperature", "cold", 0)


async def test_a_true_sign_in_the_same_sweep_as_a_withdrawn_one_is_answered(db: Database) -> None:
    person = await one(db, HOT)
    await add_event(db, person, "opened", NOW)
    await sweep(db, NOW + 61 * SECOND)
    await add_event(db, person, "converted", NOW + 120 * SECOND, name="lead")
    await was_a_machine(db, "opened")
    assert await sweep(db, NOW + 121 * SECOND) == (1, 0)
    assert [t.state for t in await tasks(db)] == ["open"]


async def test_after_a_halt_no_rule_answers_what_was_taken_back_meanwhile(db: Database) -> None:
    await install(db, SCHOOL, ACTIVE)
    people = await add_people(db, *(f"{name}@example.com" for name in "abc"))
    async with db.write() as tx:
        await halt(tx, "the clock")
    for person in people:
        await add_event(db, person, "clicked", NOW + SECOND)
    await sweep(db, NOW + 2 * SECOND)
    await was_a_machine(db, "clicked")
    await sweep(db, NOW + 60 * SECOND)
    async with db.write() as tx:
        await resume(tx)
    assert await sweep(db, NOW + 120 * SECOND, chunk=2) == (0, 0)  # more have fallen than a chunk holds
    assert [await tags(db, person) for person in people] == [[], [], []]
    assert [w for what, _, w in await withdrawn(db) if what == "engagement"] == [0, 0, 0, 1, 1, 1]


async def test_who_left_by_a_machines_click_gets_the_letter_that_waited_and_the_end_is_news_once_more(db: Database) -> None:
    out, end = rule("out", {"did": "clicked"}, {"leave": "school"}), rule("end", {"stage": "exited", "sequence": "school"}, {"task": "Ask"})
    await install(db, SCHOOL, out, end)
    (person,) = await add_people(db, "mia@example.com", timezone="UTC")
    await enrol(db, "school", [person], NOW, "hand")
    await plan(db, NOW)
    await add_event(db, person, "clicked", NOW + SECOND)
    assert (await react(db, NOW + 61 * SECOND)).acted == 2
    assert await rows_of(db, "state", "outcome") == [("cancelled", "not_wanted")]
    await fall(db)
    assert (await react(db, NOW + 90 * SECOND)).undone == 2
    for days in (1, 2):
        await fold(db, NOW + days * DAY)
        await plan(db, NOW + days * DAY)
    assert await rows_of(db, "state", "outcome") == [("pending", None)]
    await add_event(db, person, "clicked", NOW + 3 * DAY)
    assert (await react(db, NOW + 3 * DAY + 61 * SECOND)).acted == 2
    assert [t.state for t in await tasks(db)] == ["cancelled", "open"]
