"""Personal hours on real databases: learned from rows, taken by the planner, measured against the control, and reported."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from nurture.domain.documents import Policy, Sequence
from nurture.domain.letterbook import LetterBook
from nurture.domain.rhythm import HOURS, Pulls, Tally, count_act, in_control, is_free
from nurture.domain.standing import Standing
from nurture.services.enrolling import enrol
from nurture.services.folding import fold, rebuild
from nurture.services.learning import learn_hours
from nurture.services.planning import plan
from nurture.services.reporting import report
from nurture.store.database import Database
from nurture.store.ledger import deliveries
from nurture.store.rhythms import Answered, load_pulls, save_pulls
from nurture.store.standings import load_standings, save_standings
from nurture.store.sweeps import stranded
from nurture.store.tables import METADATA, Delivery, Event
from nurture.store.workspace import ensure_workspace
from tests.support.history import delivery, local, prepare
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter, rows_of

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MONDAY = datetime(2026, 2, 23, tzinfo=UTC).date()
WIDE = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "9:00", "until": "18:00"}]
SCHOOL = {"sequence": "school", "mix": "none", "letters": [letter("a", window=WIDE)]}
EVEN = Pulls((1 / HOURS,) * HOURS, (1.0,) * HOURS)


def at_hours(*hours: int) -> bytes:
    acts = b""
    for hour in hours:
        acts = count_act(acts, hour)
    return acts


async def teach(db: Database, people: list[int], acts: bytes) -> None:
    """These people's own acts, and a list that prefers nothing."""
    async with db.write() as tx:
        known = await load_standings(tx, people)
        await save_standings(tx, [Standing(person, acts=acts) for person in known])
        await save_pulls(tx, EVEN, {"": Tally([1] * HOURS, [1] * HOURS)}, NOW)


async def acts_of(db: Database, person: int) -> bytes:
    async with db.read() as tx:
        return (await load_standings(tx, [person]))[person].acts


async def letters_with_acts(db: Database, acts: list[tuple[int, timedelta | None]], zone: str = "Asia/Kathmandu", **columns: Any) -> list[int]:
    """One person for each (hour of arrival, how long after it came the first click), in a zone with a strange offset."""
    letters, _, lane = await prepare(db)
    people = await add_people(db, *(f"r{n}@example.com" for n in range(len(acts))))
    rows = [
        delivery(p, letters["questions"], lane, "useful", zone, local(MONDAY, hour, 10, zone)) | columns
        for p, (hour, _) in zip(people, acts, strict=True)
    ]
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"installation-id!")
        await tx.execute(insert(Delivery), rows)
        ids = list((await tx.execute(select(deliveries.c.id).order_by(deliveries.c.subscriber_id))).scalars())
    for person, row, key, (_, late) in zip(people, rows, ids, acts, strict=True):
        if late is not None:
            await add_event(db, person, "clicked", row["accepted_at"] + late, delivery_id=key, settles_at=row["accepted_at"] + late)
            await add_event(db, person, "opened", row["accepted_at"] + late + HOUR, delivery_id=key)  # no first act any more
    return people


async def test_pulls_are_learned_from_letters_by_chance_and_stored(db: Database) -> None:
    await letters_with_acts(db, [(10, None)] * 20 + [(11, HOUR / 2)] * 10 + [(11, None)] * 4 + [(10, 3 * HOUR)])
    await add_event(db, 1, "clicked", NOW, delivery_id=1, evidence="machine")
    assert await learn_hours(db, NOW) == 11
    async with db.read() as tx:
        found = await load_pulls(tx)
        stored = (await tx.execute(select(METADATA.tables["pulls"]).order_by("name"))).mappings().all()
    assert found is not None
    assert [(r["name"], r["letters"], r["acts"]) for r in stored] == [("", 35, 11), ("sequence:roof-school", 35, 11)]
    assert max(range(HOURS), key=found.everybody.__getitem__) == 11
    assert found.everybody[10] < 1 < found.everybody[11] < found.everybody[11] * found.groups["sequence:roof-school"][11]
    assert sum(found.expected) == pytest.approx(1, abs=1e-4)


async def test_what_is_learned_in_parts_is_what_is_learned_at_once(db: Database) -> None:
    await letters_with_acts(db, [(10, None), (11, HOUR / 2), (12, 3 * HOUR), (12, None), (12, HOUR / 2), (14, HOUR)])

    async def counted(newest: int, part: int) -> tuple[Counter[Any], Counter[Any], list[list[int]], int]:
        letters, acts, delays = Counter[Any](), Counter[Any](), []
        async with db.read() as tx:
            async for some in Answered.that_teach(tx, NOW - 30 * DAY, newest, part):
                for found, rows in ((letters, await some.letters()), (acts, await some.acts(credited=True))):
                    found.update({(row.lane, row.zone, row.minute): row.count for row in rows})
                delays.append(await some.delays())
        return letters, acts, [list(map(sum, zip(*delays, strict=True)))], len(delays)

    whole, parts = await counted(100, 100), await counted(100, 2)
    assert (whole[-1], parts[-1]) == (1, 4)  # the last part is empty
    assert whole[:-1] == parts[:-1]
    assert (whole[0].total(), whole[1].total()) == (6, 4)
    assert (await counted(1, 2))[0].total() == 1  # the newest


@pytest.mark.parametrize("columns", [{"timing": "learned"}, {"timing": "random"}, {"created_at": NOW}, {"kind": "service"}])
async def test_nothing_is_learned_where_chance_did_not_choose(db: Database, columns: dict[str, Any]) -> None:
    people = await letters_with_acts(db, [(11, HOUR / 2)] * 5, **columns)
    assert await learn_hours(db, NOW) == 0
    async with db.read() as tx:
        assert await load_pulls(tx) is None
    async with db.write() as tx:
        await tx.execute(update(deliveries).values(folded=0))
    await fold(db, NOW)
    assert [await acts_of(db, p) for p in people] == [b""] * 5


async def test_acts_are_folded_in_the_zone_of_the_hand_off_and_a_rebuild_equals_them(db: Database) -> None:
    people = await letters_with_acts(db, [(10, HOUR / 2), (10, 5 * HOUR), (10, None)])
    await add_event(db, people[2], "opened", NOW - DAY, delivery_id=3, evidence="unknown")
    async with db.write() as tx:
        await tx.execute(update(deliveries).values(folded=0))
    await fold(db, NOW)
    before = [await acts_of(db, p) for p in people]
    assert before == [at_hours(10), at_hours(15), b""]
    assert await rebuild(db, NOW) == 3
    assert [await acts_of(db, p) for p in people] == before
    async with db.write() as tx:  # the click was a machine's: the open an hour later is the first act now
        await tx.execute(update(Event).where(Event.subscriber_id == people[0], Event.type == "clicked").values(evidence="machine", folded=2))
    await fold(db, NOW)
    assert await acts_of(db, people[0]) == at_hours(11)


async def test_the_planner_takes_the_learned_hour_and_keeps_the_control_at_random(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, *(f"r{n}@example.com" for n in range(60)), timezone="Asia/Kathmandu")
    await teach(db, people, at_hours(*[16] * 12))
    await enrol(db, "school", people, NOW, "hand")
    early = local(datetime(2026, 3, 3, tzinfo=UTC).date(), 7, 0, "Asia/Kathmandu")
    await plan(db, early)
    rows = await rows_of(db, "subscriber_id", "timing", "due_at", "reason")
    assert len(rows) == 60
    hours: dict[str | None, set[int]] = {}
    for person, timing, due, reason in rows:
        expected = None if is_free(person, "school/a") else "random" if in_control(person) else "learned"
        assert timing == expected
        assert ("at the reader's own best hour" in reason) is (timing == "learned")
        hours.setdefault(timing, set()).add((due.astimezone(UTC) + timedelta(hours=5, minutes=45)).hour)
    assert hours["learned"] == {16}
    assert len(hours[None]) > 3
    assert len(hours["random"]) > 2


async def test_the_policy_turns_it_off(db: Database) -> None:
    await install(db, {"policy": "default", "best_hour": False}, SCHOOL)
    people = await add_people(db, *(f"r{n}@example.com" for n in range(8)))
    await teach(db, people, at_hours(*[16] * 12))
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, datetime(2026, 3, 3, 7, tzinfo=UTC))
    assert {timing for (timing,) in await rows_of(db, "timing")} == {None}


async def test_a_letter_that_missed_its_window_takes_the_own_hour_of_the_next(db: Database) -> None:
    await install(db, SCHOOL)
    people = await add_people(db, *(f"r{n}@example.com" for n in range(12)))
    await teach(db, people, at_hours(*[16] * 12))
    await enrol(db, "school", people, NOW, "hand")
    await plan(db, datetime(2026, 3, 3, 7, tzinfo=UTC))
    async with db.read() as tx:
        rows = await stranded(tx, [key for (key,) in await rows_of(db, "id")], NOW)
    book = LetterBook.of([Sequence.model_validate(SCHOOL)], Policy())
    assert len(rows) == 12
    for row in rows:
        place = book.next_window(row.kind, row.letter, row.subscriber_id, row.timezone, datetime(2026, 3, 3, 19, tzinfo=UTC), row.rhythm)
        assert place
        if not in_control(row.subscriber_id) and not is_free(row.subscriber_id, row.letter):
            assert place[0].hour == 16


async def test_the_report_compares_the_arms_and_draws_the_map(db: Database) -> None:
    letters, _, lane = await prepare(db)
    people = await add_people(db, *(f"r{n}@example.com" for n in range(24)))
    rows, answered = [], set()
    for n, person in enumerate(people):
        for week in range(6):
            when = local(MONDAY - timedelta(weeks=week + 1), 11, 5, "Asia/Kathmandu")
            timing = "random" if n < 12 else "learned"
            rows.append(delivery(person, letters["questions"], lane, "useful", "Asia/Kathmandu", when, occasion=str(week), timing=timing))
            if week < (1 if n < 12 else 4):
                answered.add((person, str(week)))
    async with db.write() as tx:
        await tx.execute(insert(Delivery), rows)
    for key, person, occasion, when in await rows_of(db, "id", "subscriber_id", "occasion", "accepted_at"):
        if (person, occasion) in answered:
            await add_event(db, person, "opened", when + 2 * HOUR, delivery_id=key)
        elif occasion == "5":
            await add_event(db, person, "opened", when + 3 * DAY + HOUR, delivery_id=key)  # too late to count as an answer
    found = (await report(db, NOW)).hours
    assert (found.lift.learned.people, found.lift.learned.letters, found.lift.learned.answered) == (12, 72, 48)
    assert (found.lift.random.answered, found.lift.learned.answered_squares, found.lift.learned.products) == (12, 12 * 16, 12 * 24)
    assert found.lift.difference == pytest.approx(0.5)
    assert found.lift.verdict.startswith("The own hour helps: +50.0 points")
    assert (found.map.letters[0][11], found.map.answered[0][11], found.map.acts[0][13], found.map.acts[3][12]) == (144, 60, 60, 24)
    assert (found.map.busiest(), list(found.lanes)) == ((0, 13), ["sequence:roof-school"])
    newest = (await report(db, NOW, 0, 24)).hours
    assert sum(map(sum, newest.map.letters)) == 24
    async with db.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(Event))).scalar_one() == 84
