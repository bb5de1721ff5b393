"""People under the floor, named and counted with why; what the library still holds for those who are owed. Rows written by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from nurture.domain.documents import Policy
from nurture.domain.pace_report import Floor, last_complete, to_json
from nurture.services.defining import known_names
from nurture.services.pacing import pace
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.tables import METADATA
from tests.support.history import POLICY, delivery, local, prepare
from tests.support.people import NOW, add_people
from tests.support.programme import install, letter

DELIVERIES, ENROLMENTS, SUBSCRIBERS = (METADATA.tables[n] for n in ("deliveries", "enrolments", "subscribers"))
FIRST, LAST = date(2026, 2, 23), date(2026, 3, 1)  # the week before NOW, a Monday
LONG_AGO = NOW - timedelta(days=60)


@pytest.mark.parametrize(("now", "week", "month"), [
    (datetime(2026, 3, 2, 11, 59, tzinfo=UTC), date(2026, 2, 16), date(2026, 2, 1)),  # Sunday is not over at UTC-12
    (datetime(2026, 3, 2, 12, 0, tzinfo=UTC), date(2026, 2, 23), date(2026, 2, 1)),
    (datetime(2026, 1, 1, 12, 0, tzinfo=UTC), date(2025, 12, 22), date(2025, 12, 1)),
])  # fmt: skip
def test_a_week_and_a_month_are_complete_when_they_are_over_everywhere(now: datetime, week: date, month: date) -> None:
    assert last_complete("week", now) == (week, week + timedelta(days=6))
    first, last = last_complete("month", now)
    assert (first, (last + timedelta(days=1)).day) == (month, 1)


def way(sequence: int, person: int, rule: str | None = None, **more: Any) -> dict[str, Any]:
    said = {"at": NOW.isoformat(), "letter": None, "decision": "wait", "rule": rule, "until": None, "reason": ""} | more.pop("said", {})
    return {
        "sequence_id": sequence, "subscriber_id": person, "number": 1, "state": "active", "by": "audience", "enrolled_at": LONG_AGO, "now_until": None,
        "ended_at": None, "end_reason": None, "stale_since": None, "history": [], "decision": said if rule else None,
    } | more  # fmt: skip


async def write(db: Database, ways: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    """Enrolments get ids in their order, from 1."""
    async with db.write() as tx:
        await tx.execute(insert(ENROLMENTS), [w | {"id": n} for n, w in enumerate(ways, start=1)])
        if rows:
            await tx.execute(insert(DELIVERIES), rows)


def by_source(floors: tuple[Floor, ...]) -> dict[str, Floor]:
    return {f.source: f for f in floors}


AT = NOW + timedelta(hours=4)


async def test_people_under_the_floor_are_counted_by_reason_and_named(db: Database) -> None:
    letters, sequence, lane = await prepare(db)
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"pace": {"floor": "1 per week", "most": "3 per week"}}), "live", LONG_AGO)
    names = ("both", "one", "none", "paused", "less", "new", "young", "gone", "alone", "done")
    ids = dict(zip(names, await add_people(db, *(f"{n}@example.com" for n in names), now=LONG_AGO), strict=True))
    ways = [way(sequence, ids["both"], "order"), way(sequence, ids["one"], "cap"), way(sequence, ids["none"], "mix"), way(sequence, ids["paused"], "paused"),
            way(sequence, ids["less"], "cap"), way(sequence, ids["new"]), way(sequence, ids["young"], "window", enrolled_at=NOW - timedelta(days=3)),
            way(sequence, ids["gone"], "window"), way(sequence, ids["done"], "done", state="done", ended_at=LONG_AGO)]  # fmt: skip
    monday, sunday = local(FIRST, 0, 5, "UTC"), local(LAST, 23, 50, "UTC")
    rows = [
        delivery(ids["both"], letters["questions"], lane, "useful", "UTC", monday, enrolment_id=1),
        delivery(ids["both"], letters["quote"], lane, "useful", "UTC", sunday, enrolment_id=1),
        delivery(ids["one"], letters["questions"], lane, "useful", "UTC", monday, enrolment_id=2),
        delivery(ids["none"], letters["questions"], lane, "useful", "UTC", monday - timedelta(hours=1), enrolment_id=3),  # the week before
        delivery(ids["none"], letters["quote"], lane, "useful", "UTC", monday, enrolment_id=3, rule="repay"),  # the library's, not of the sequence
        delivery(ids["none"], letters["offer"], lane, "greeting", "UTC", monday, enrolment_id=3),
        delivery(ids["less"], letters["quote"], lane, "useful", "UTC", sunday, enrolment_id=5, state="rejected", accepted_at=None),
    ]
    await write(db, ways, rows)
    async with db.write() as tx:
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == ids["gone"]).values(status="unsubscribed"))
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == ids["paused"]).values(paused_until=NOW + timedelta(days=9)))
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == ids["less"]).values(frequency="less"))
    found = await pace(db, AT, names=3)
    floors = by_source(found.floors)
    own = floors["sequence:roof-school"]
    assert (own.promised, own.first, own.last, own.people, own.under) == ("2 per week", FIRST, LAST, 6, 5)
    assert own.reasons == {"cap": 1, "less": 1, "mix": 1, "new": 1, "paused": 1}
    assert [(n.email.split("@")[0], n.letters, n.reason) for n in own.names] == [("one", 1, "cap"), ("none", 0, "mix"), ("paused", 0, "paused")]
    everywhere = floors["policy"]
    assert (everywhere.promised, everywhere.people, everywhere.under) == ("1 per week", 9, 6)  # all but who left; `none` got one of the library
    assert everywhere.reasons == {"dry": 1, "less": 1, "new": 1, "nothing": 1, "paused": 1, "window": 1}
    assert to_json(found)["floors"][-1]["names"][0] == {"id": ids["paused"], "email": "paused@example.com", "letters": 0, "reason": "paused"}


async def test_a_sequence_that_stands_still_has_no_floor_and_is_the_reason(db: Database) -> None:
    _, sequence, _ = await prepare(db)
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"pace": {"floor": "1 per month"}}), "live", LONG_AGO)
        await tx.execute(update(METADATA.tables["lanes"]).values(flag="paused"))
    (person,) = await add_people(db, "a@example.com", now=LONG_AGO)
    await write(db, [way(sequence, person, "window")], [])
    floors = (await pace(db, AT)).floors
    assert [(f.source, str(f.first), f.reasons) for f in floors] == [("policy", "2026-02-01", {"stands": 1})]


async def test_an_empty_workspace_has_no_floors_and_an_empty_library(db: Database) -> None:
    found = await pace(db, AT)
    assert found.floors == ()
    assert (found.library.letters, found.library.owed, found.library.warning) == (0, 0, None)


LIBRARY = [{"letter": f"faq-{n}", "kind": "useful", "subject": "s", "body": "b"} for n in range(3)]
SCHOOL = {"sequence": "school", "mix": "3:1", "letters": [letter("a", evergreen=True), letter("offer", "sales")]}
OTHER = {"sequence": "other", "mix": "3:1", "repay": "wait", "letters": [letter("offer", "sales")]}


async def test_the_library_tells_how_much_is_left_for_each_who_is_owed(db: Database) -> None:
    ids = await install(db, *LIBRARY, SCHOOL, OTHER)
    people = await add_people(db, *(f"{n}@example.com" for n in "abcdef"), now=LONG_AGO)
    school, other = ids["school"], ids["other"]
    repays = {"said": {"letter": "faq-2/faq-2"}}
    ways = [way(school, people[0], "mix"), way(school, people[1], "mix"), way(school, people[2], "gap", **repays), way(school, people[3], "repay", **repays),
            way(school, people[4], "window", said={"letter": "school/a"}), way(other, people[5], "mix"), way(other, people[0], "mix")]  # fmt: skip
    async with db.read() as tx:
        rows = {r.name: r for r in await tx.execute(METADATA.tables["letters"].select())}
        (lane,) = (await tx.execute(METADATA.tables["lanes"].select().where(METADATA.tables["lanes"].c.name == "sequence:school"))).all()
    had = {0: ("faq-0/faq-0", "faq-1/faq-1", "faq-2/faq-2", "school/a"), 1: ("faq-0/faq-0",), 2: ("faq-0/faq-0", "school/a")}
    sent = [
        delivery(people[n], (rows[name].id, rows[name].current_version_id), lane.id, "useful", "UTC", NOW - timedelta(days=5))
        for n, names in had.items() for name in names
    ]  # fmt: skip
    await write(db, ways, sent)
    found = (await pace(db, AT)).library
    assert (found.letters, found.left, found.waiting, found.dry) == (4, {0: 1, 3: 1, 2: 1, 4: 1}, 2, 1)
    assert found.warning == "1 person waits for useful letters and has had all 4 of the library"
    known, _ = await known_names(db)
    assert (known.dry, len(known.library or ())) == ({"school": 1}, 4)
