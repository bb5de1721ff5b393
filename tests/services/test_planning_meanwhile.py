"""SQLite's write lock is free while the rules are asked: what others write in that moment stands, and is looked at again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from nurture.domain.documents import Sequence
from nurture.services.enrolling import enrol
from nurture.services.leaving import leave
from nurture.services.planning import plan
from nurture.store.database import Database, connect
from nurture.store.documents import save_document
from nurture.store.enrolments import end_ways
from nurture.store.ledger import lanes
from nurture.store.tables import Enrolment, Standing
from nurture.store.workspace import halt
from tests.services.test_planning import SCHOOL
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, end_row, install, letter, rows_of

HOUR = timedelta(hours=1)
Meanwhile = Callable[[], Awaitable[object]]


@pytest.fixture
async def others(sqlite_db: Database) -> AsyncIterator[Database]:
    """The same file, as another process has it open."""
    database = connect(sqlite_db.engine.url.set(drivername="sqlite").render_as_string())
    yield database
    await database.close()


@pytest.fixture
async def school(sqlite_db: Database) -> int:
    """Anna and Boris wait for their first letter."""
    ids = await install(sqlite_db, SCHOOL)
    await enrol(sqlite_db, "school", await add_people(sqlite_db, "a@example.com", "b@example.com"), NOW, "hand")
    return ids["school"]


async def planned_while(db: Database, meanwhile: Meanwhile, chunk: int = 1000) -> int:
    """Let `meanwhile` happen between the decision of the rules and its writing; how many people were planned."""
    read, loop = asyncio.Event(), asyncio.get_running_loop()

    def seen(*asked: object) -> None:
        if "FROM pulls" in str(asked[2]):  # the last thing that is read
            loop.call_soon_threadsafe(read.set)

    event.listen(db.engine.sync_engine, "before_cursor_execute", seen)
    async with db.writer:  # no writer of this process comes in
        planning = asyncio.create_task(plan(db, NOW, chunk))
        await asyncio.wait_for(read.wait(), 10)
        await asyncio.sleep(0.1)
        await asyncio.wait_for(meanwhile(), 10)
    event.remove(db.engine.sync_engine, "before_cursor_execute", seen)
    return (await planning).people


async def test_nobody_waits_while_the_rules_are_asked(sqlite_db: Database, others: Database, school: int) -> None:
    assert await planned_while(sqlite_db, lambda: leave(others, 1, delivery_id=None, now=NOW + HOUR, how="leave-link")) == 1
    assert await rows_of(sqlite_db, "subscriber_id", "state") == [(2, "pending")], "who left in that moment is not written to"


async def test_an_acceptance_that_is_not_folded_yet_is_waited_for(sqlite_db: Database, others: Database, school: int) -> None:
    await plan(sqlite_db, NOW)
    async with sqlite_db.write() as tx:
        await tx.execute(update(Standing).values(plan_at=NOW))
    assert await planned_while(sqlite_db, lambda: end_row(others, NOW)) == 0
    assert await rows_of(sqlite_db, "subscriber_id", "state") == [(1, "accepted"), (2, "accepted")]


async def test_an_edit_in_that_moment_is_what_counts(sqlite_db: Database, others: Database, school: int) -> None:
    edited = Sequence.model_validate(SCHOOL | {"letters": [letter("one", window="any"), *SCHOOL["letters"][1:]]})

    async def edit() -> None:
        async with others.write() as tx:
            await save_document(tx, edited, "live", NOW)

    assert await planned_while(sqlite_db, edit) == 0
    assert await rows_of(sqlite_db, "id") == []
    assert (await plan(sqlite_db, NOW)).people == 2
    assert await rows_of(sqlite_db, "due_at") == [(NOW,), (NOW,)], "at once, not spread over a window"


async def test_a_stopped_lane_and_a_halt_in_that_moment_stop_planning(sqlite_db: Database, others: Database, school: int) -> None:
    async def stop() -> None:
        async with others.write() as tx:
            await tx.execute(update(lanes).values(flag="paused"))

    async def stand_still() -> None:
        async with others.write() as tx:
            await tx.execute(update(lanes).values(flag="running"))
            await halt(tx, "told to")

    assert await planned_while(sqlite_db, stop) == 0
    async with sqlite_db.write() as tx:
        await tx.execute(update(lanes).values(flag="running"))
    assert await planned_while(sqlite_db, stand_still) == 0
    assert await rows_of(sqlite_db, "id") == []


@pytest.mark.parametrize("bought", [False, True])
async def test_a_way_that_ended_in_that_moment_stays_ended(sqlite_db: Database, others: Database, bought: bool) -> None:
    """Of two ways one waits, which the planner would write down; after a purchase it would end both for another reason."""
    ids = await install(sqlite_db, SCHOOL, SCHOOL | {"sequence": "second"})
    people = await add_people(sqlite_db, "a@example.com")
    for name in ("school", "second"):
        await enrol(sqlite_db, name, people, NOW, "hand")
    if bought:
        await add_event(sqlite_db, people[0], "converted", NOW, name="purchase")

    async def end() -> None:
        async with others.write() as tx:
            for key in ids.values():
                await end_ways(tx, key, "taken away", NOW)

    await planned_while(sqlite_db, end)
    async with sqlite_db.read() as tx:
        ways = (await tx.execute(select(Enrolment.state, Enrolment.end_reason, Enrolment.decision))).all()
    assert ways == [("ended", "taken away", None)] * 2


async def test_a_planner_that_comes_second_goes_on_from_the_other_end(sqlite_db: Database, others: Database) -> None:
    await install(sqlite_db, SCHOOL)
    people = await add_people(sqlite_db, *(f"p{n}@example.com" for n in range(40)))
    await enrol(sqlite_db, "school", people, NOW, "hand")
    async with sqlite_db.write() as tx:
        for number, person in enumerate(people):
            await tx.execute(update(Standing).where(Standing.subscriber_id == person).values(plan_at=NOW - (40 - number) * HOUR))  # type: ignore[arg-type]

    async def first() -> None:
        async with others.write() as tx:
            await tx.execute(update(Standing).where(Standing.subscriber_id <= people[9]).values(plan_at=None))  # type: ignore[arg-type]

    assert await planned_while(sqlite_db, first, chunk=10) == 30
    assert [r[0] for r in await rows_of(sqlite_db, "subscriber_id")] == [*people[30:], *people[20:30], *people[10:20]]
