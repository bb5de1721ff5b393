"""The planner's side of the ledger, on both databases."""

from datetime import timedelta

from nurture.domain.delivery import OPEN, REOPENABLE
from nurture.domain.words import State
from nurture.store.database import Database
from nurture.store.outbox import cancel_open, open_rows, outrank, plan_rows, reopen
from tests.support.outbox_rows import add_letter, planned, set_row, the_rows
from tests.support.people import NOW, add_people


async def test_one_row_for_a_letter_person_and_occasion(db: Database) -> None:
    (anna,) = await add_people(db, "anna@example.com")
    letter = await add_letter(db)
    async with db.write() as tx:
        assert await plan_rows(tx, [planned(letter, anna)]) == {(letter["letter_id"], anna, "1")}
        assert await plan_rows(tx, [planned(letter, anna)]) == set()
    (row,) = await the_rows(db)
    await set_row(db, row.id, state="accepted")
    async with db.write() as tx:
        assert await plan_rows(tx, [planned(letter, anna)]) == set()
        assert len(await plan_rows(tx, [planned(letter, anna, occasion="2")])) == 1


async def test_one_open_row_for_a_person_but_service_stands_aside(db: Database) -> None:
    anna, boris = await add_people(db, "anna@example.com", "boris@example.com")
    first, second = await add_letter(db), await add_letter(db, "school/two")
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        await plan_rows(tx, [planned(first, anna)])
        inserted = await plan_rows(tx, [planned(second, anna), planned(second, boris), planned(receipt, anna), planned(receipt, anna, occasion="2")])
    assert inserted == {(second["letter_id"], boris, "1"), (receipt["letter_id"], anna, "1"), (receipt["letter_id"], anna, "2")}
    async with db.read() as tx:
        found = await open_rows(tx, [anna, boris, 999])
    assert {person: row.letter_id for person, row in found.items()} == {anna: first["letter_id"], boris: second["letter_id"]}
    assert found[anna].state is State.PENDING
    assert found[anna].due_at == NOW


async def test_only_open_states_keep_the_place(db: Database) -> None:
    letter = await add_letter(db)
    for number, state in enumerate(State):
        (person,) = await add_people(db, f"p{number}@example.com")
        async with db.write() as tx:
            await plan_rows(tx, [planned(letter, person)])
        await set_row(db, (await the_rows(db))[-1].id, state=state.value)
        async with db.write() as tx:
            assert bool(await plan_rows(tx, [planned(letter, person, occasion="2")])) == (state not in OPEN), state


async def test_a_letter_that_goes_before_takes_the_place(db: Database) -> None:
    anna, boris = await add_people(db, "anna@example.com", "boris@example.com")
    first, second = await add_letter(db), await add_letter(db, "school/two")
    async with db.write() as tx:
        await plan_rows(tx, [planned(first, anna), planned(first, boris)])
    of_anna, of_boris = await the_rows(db)
    await set_row(db, of_boris.id, state="claimed")
    async with db.write() as tx:
        assert await outrank(tx, [of_anna.id, of_boris.id], NOW) == {anna}
        assert await plan_rows(tx, [planned(second, anna), planned(second, boris)]) == {(second["letter_id"], anna, "1")}
    old, claimed, new = await the_rows(db)
    assert (old.state, old.outcome, claimed.state, new.state) == ("cancelled", "outranked", "claimed", "pending")


async def test_reopening_takes_back_only_what_may_be_taken_back(db: Database) -> None:
    letter = await add_letter(db)
    later = NOW + timedelta(days=2)
    for number, outcome in enumerate([*sorted(REOPENABLE), "left", "declined"]):
        (person,) = await add_people(db, f"p{number}@example.com")
        row = planned(letter, person)
        async with db.write() as tx:
            await plan_rows(tx, [row])
        made = (await the_rows(db))[-1]
        await set_row(
            db, made.id, state="cancelled", outcome=outcome, ended_at=NOW + timedelta(days=1), dup_risk=1, attempts=3, first_try_at=NOW, folded=1
        )
        async with db.write() as tx:
            again = await reopen(tx, [row | {"due_at": later, "closes_at": later + timedelta(hours=2), "reason": "its turn again"}], later)
        after = (await the_rows(db))[-1]
        if outcome not in REOPENABLE:
            assert (again, after.state, after.fence) == (set(), "cancelled", 0)
            continue
        assert again == {(letter["letter_id"], person, "1")}
        assert (after.state, after.fence, after.due_at, after.reason, after.outcome, after.folded) == ("pending", 1, later, "its turn again", None, 1)
        assert (after.dup_risk, after.attempts) == (1, 3)
        assert (after.ended_at, after.closes_at) == (None, later + timedelta(hours=2))
        assert after.first_try_at == NOW + timedelta(days=1), "the day it lay cancelled does not count"


async def test_reopening_never_makes_a_second_open_row(db: Database) -> None:
    (anna,) = await add_people(db, "anna@example.com")
    rows = [planned(await add_letter(db, f"school/{n}"), anna) for n in range(3)]
    for row in rows[:2]:
        async with db.write() as tx:
            await plan_rows(tx, [row])
            await outrank(tx, [r.id for r in (await open_rows(tx, [anna])).values()], NOW)
    async with db.write() as tx:
        assert len(await reopen(tx, rows, NOW)) == 1, "two could come back, one may"
        assert await reopen(tx, rows, NOW) == set()
        assert await plan_rows(tx, rows) == set()


async def test_cancelling_what_waits(db: Database) -> None:
    anna, boris = await add_people(db, "anna@example.com", "boris@example.com")
    sales = await add_letter(db, "school/offer", kind="sales")
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        await plan_rows(tx, [planned(sales, anna), planned(sales, boris), planned(receipt, anna)])
        assert await cancel_open(tx, "declined", NOW, subscriber_id=anna, kinds=["news", "about"]) == 0
        assert await cancel_open(tx, "left", NOW, subscriber_id=anna) == 1
        assert await cancel_open(tx, "cancelled", NOW, lane_id=sales["lane_id"]) == 1
    assert {(r.subscriber_id, r.kind, r.state, r.outcome) for r in await the_rows(db)} == {
        (anna, "sales", "cancelled", "left"), (boris, "sales", "cancelled", "cancelled"), (anna, "service", "pending", None),
    }  # fmt: skip


async def test_only_what_waits_gives_its_place(db: Database) -> None:
    letter = await add_letter(db)
    people = await add_people(db, *[f"p{number}@example.com" for number in range(len(State))])
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p) for p in people])
    rows = await the_rows(db)
    for row, state in zip(rows, State, strict=True):
        await set_row(db, row.id, state=state.value)
    waiting = {row.subscriber_id for row, state in zip(rows, State, strict=True) if state in (State.PENDING, State.DEFERRED)}
    async with db.write() as tx:
        assert await outrank(tx, [row.id for row in rows], NOW) == waiting
    after = {row.subscriber_id: row for row in await the_rows(db)}
    assert {after[p].outcome for p in waiting} == {"outranked"}
    assert [r.state for p, r in after.items() if p not in waiting] == [s.value for s in State if s not in (State.PENDING, State.DEFERRED)]


async def test_of_a_lane_only_the_named_letters_are_cancelled_in_chunks(db: Database) -> None:
    people = await add_people(db, *[f"p{n}@example.com" for n in range(6)])
    one, two, other = await add_letter(db), await add_letter(db, "school/two"), await add_letter(db, "other/a", lane="sequence:other")
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p) for letter, p in zip((one, one, one, two, other, one), people, strict=True)])
    rows = await the_rows(db)
    await set_row(db, rows[0].id, state="deferred")
    await set_row(db, rows[5].id, state="claimed")
    async with db.write() as tx:
        wanted = {"lane_id": one["lane_id"], "letter_ids": [one["letter_id"], other["letter_id"]]}
        assert await cancel_open(tx, "edited", NOW, at_most=2, **wanted) == 2
        assert await cancel_open(tx, "edited", NOW, at_most=2, **wanted) == 1
        assert await cancel_open(tx, "edited", NOW, at_most=2, **wanted) == 0
    assert [row.state for row in await the_rows(db)] == ["cancelled", "cancelled", "cancelled", "pending", "pending", "claimed"]


async def test_of_one_person_the_named_kinds_are_cancelled_service_only_by_name(db: Database) -> None:
    anna, boris = await add_people(db, "anna@example.com", "boris@example.com")
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        await plan_rows(tx, [planned(receipt, anna), planned(receipt, boris)])
        assert await open_rows(tx, [anna, boris]) == {}
        assert await cancel_open(tx, "left", NOW, subscriber_id=anna) == 0
        assert await cancel_open(tx, "left", NOW, subscriber_id=anna, kinds=["service"]) == 1
    assert [row.state for row in await the_rows(db)] == ["cancelled", "pending"]


async def test_reopening_takes_the_wanted_occasion_and_what_is_new_in_it(db: Database) -> None:
    (anna,) = await add_people(db, "anna@example.com")
    letter = await add_letter(db)
    fresh = await add_letter(db, "school/two", lane="sequence:other")
    receipt = await add_letter(db, "service/receipt", kind="service", lane="service")
    async with db.write() as tx:
        for occasion in ("1", "2"):
            await plan_rows(tx, [planned(letter, anna, occasion=occasion)])
            await cancel_open(tx, "paused", NOW, subscriber_id=anna)
        await plan_rows(tx, [planned(receipt, anna)])
        wanted = {"letter_id": letter["letter_id"], "subscriber_id": anna, "occasion": "2", "due_at": NOW, "lane_id": fresh["lane_id"], "rule": "order"}
        assert await reopen(tx, [wanted], NOW) == {(letter["letter_id"], anna, "2")}, "an open service letter takes no place"
    first, second, _service = await the_rows(db)
    assert (first.state, first.outcome, first.ended_at) == ("cancelled", "paused", NOW)
    assert (second.state, second.lane_id, second.rule, second.reason, second.version_id) == (
        "pending", fresh["lane_id"], "order", "first", letter["version_id"],
    )  # fmt: skip
    assert (second.ended_at, second.closes_at, second.first_try_at) == (None, None, None)
