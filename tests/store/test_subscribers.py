"""People in the store: added with their standings, changed in bulk, read in chunks, and seen as a letter sees them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from nurture.domain.delivery import OPEN
from nurture.domain.documents import Policy
from nurture.domain.words import Status, Tracking
from nurture.store import subscribers as store
from nurture.store.database import Database
from nurture.store.readers import plain_subject
from nurture.store.tables import Delivery, Lane, Letter, LetterVersion, Standing, Subscriber
from tests.support.people import NOW, add_people

LATER = NOW + timedelta(hours=1)


def row(email: str, **columns: Any) -> dict[str, Any]:
    return {"email": email, "status_at": NOW, "joined_at": NOW, "changed_at": NOW} | columns


async def test_added_people_have_standings_tags_and_ids_in_order(db: Database) -> None:
    rows = [row(f"p{n}@x.test", tags=["b", "a"] if n == 1 else []) for n in range(2_500)]
    async with db.write() as tx:
        ids = await store.add(tx, rows)
        assert len(set(ids)) == 2_500
        assert [(await store.get(tx, i)).email for i in ids[:3]] == ["p0@x.test", "p1@x.test", "p2@x.test"]  # type: ignore[union-attr]
        assert len((await tx.execute(select(Standing.subscriber_id))).all()) == 2_500
        person = await store.find(tx, "p1@x.test")
        assert person is not None
        assert person.tags == ("a", "b")
        assert person.joined_at == NOW


async def test_an_address_put_in_by_another_is_left_alone(db: Database) -> None:
    (known,) = await add_people(db, "a@x.test", name="Anna")
    async with db.write() as tx:
        ids = await store.add(tx, [row("a@x.test", name="Other", tags=["x"]), row("b@x.test")])
        assert ids[0] == 0
        person = await store.get(tx, known)
        assert person is not None
        assert (person.name, person.tags) == ("Anna", ())


async def test_upsert_adds_then_changes(db: Database) -> None:
    async with db.write() as tx:
        first, new = await store.upsert_one(tx, {"email": "a@x.test", "name": "Anna", "tags": ["x"]}, NOW)
        again, newer = await store.upsert_one(tx, {"email": "a@x.test", "fields": {"n": 1}, "tags": ["y"]}, LATER)
        person = await store.get(tx, first)
    assert (new, newer, again) == (True, False, first)
    assert person is not None
    assert (person.name, person.fields, person.tags, person.changed_at) == ("Anna", {"n": 1}, ("x", "y"), LATER)
    assert person.joined_at == NOW


async def test_changes_in_bulk_and_tags_dropped(db: Database) -> None:
    ids = await add_people(db, "a", "b", "c", tags=("x", "y"))
    async with db.write() as tx:
        await store.change(
            tx, {ids[0]: {"name": "A"}, ids[1]: {"name": "B"}, ids[2]: {"topics": {"t": False}, "paused_until": LATER}}, LATER
        )
        await store.drop_tags(tx, {ids[0]: ["x"]})
        people = {p.id: p for p in await store.page(tx, 0, 10)}
    assert [people[i].name for i in ids] == ["A", "B", ""]
    assert people[ids[2]].topics == {"t": False}
    assert people[ids[2]].paused_until == LATER
    assert people[ids[0]].tags == ("y",)


async def test_a_status_is_set_once_and_the_planner_told(db: Database) -> None:
    (known,) = await add_people(db, "a")
    async with db.write() as tx:
        assert await store.set_status(tx, known, Status.UNSUBSCRIBED, LATER)
        assert not await store.set_status(tx, known, Status.UNSUBSCRIBED, LATER + timedelta(hours=1))
        person = await store.get(tx, known)
        assert person is not None
        assert (person.status, person.status_at, person.changed_at) == (Status.UNSUBSCRIBED, LATER, LATER)
        assert (await tx.execute(select(Standing.plan_at))).scalar_one() == LATER


async def test_streamed_in_pieces_that_fit(db: Database) -> None:
    await add_people(db, *"abcde", tags=("x",))
    async with db.read() as tx:
        pieces = [[p.email for p in piece] async for piece in store.stream(tx, Subscriber.email != "c", size=2)]  # type: ignore[arg-type]
        assert pieces == [["a", "b"], ["d", "e"]]


async def test_all_names_of_free_fields(db: Database) -> None:
    for number, name in enumerate(["b", "a", "город"]):
        await add_people(db, f"p{number}", fields={name: 1, "b": 2})
    async with db.read() as tx:
        assert await store.field_names(tx, size=2) == ["a", "b", "город"]


async def letters(db: Database, person: int) -> None:
    contents = [
        ("useful", {"title": "", "subject": "Plain subject"}, "accepted", 1),
        ("useful", {"title": "The title", "subject": "x"}, "accepted", 2),
        ("useful", {"title": "", "subject": "{{ first_name }}, five {% if x %}good{% endif %} questions"}, "accepted", 3),
        ("useful", {"title": "Never came", "subject": "x"}, "rejected", 4),
        ("sales", {"title": "An offer", "subject": "x"}, "accepted", 5),
        ("useful", {"title": "Newest", "subject": "x"}, "accepted", 6),
        ("useful", {"title": "To come", "subject": "x"}, "accepted", 60 * 24),
    ]
    async with db.write() as tx:
        await tx.execute(insert(Lane).values(id=1, name="l"))
        for n, (kind, content, state, minutes) in enumerate(contents, 1):
            await tx.execute(insert(Letter).values(id=n, name=f"s/{n}", kind=kind))
            await tx.execute(insert(LetterVersion).values(id=n, letter_id=n, digest="d", content=content, links=[], at=NOW))
            made = Delivery(
                id=n, letter_id=n, subscriber_id=person, occasion="1", version_id=n, lane_id=1, kind=kind, message_id=f"m{n}", state=state,
                due_at=NOW, created_at=NOW, accepted_at=NOW + timedelta(minutes=minutes) if state == "accepted" else None,
                ended_at=NOW + timedelta(minutes=minutes) if state not in OPEN else None,
            )  # fmt: skip
            await tx.execute(insert(Delivery).values({k: v for k, v in made.model_dump().items() if v is not None}))


async def test_a_reader_knows_the_last_useful_letters_newest_first(db: Database) -> None:
    (known,) = await add_people(db, "a", first_name="Anna", fields={"n": 1})
    await letters(db, known)
    async with db.read() as tx:
        reader = (await store.readers(tx, [known, 999], LATER))[known]
    assert reader.received == ("Newest", "Five good questions", "The title")
    assert (reader.first_name, reader.fields, reader.zone, reader.locale) == ("Anna", {"n": 1}, "UTC", "en")


async def test_the_policy_lends_what_the_row_has_not(db: Database) -> None:
    ids = await add_people(db, "a")
    ids += await add_people(db, "b", timezone="Asia/Tokyo", locale="ja", tracking="aggregate")
    policy = Policy.model_validate({"policy": "default", "timezone": "Europe/Berlin", "locale": "de", "tracking": "none"})
    async with db.read() as tx:
        found = await store.readers(tx, ids, NOW, policy)
    assert [(found[i].zone, found[i].locale, found[i].tracking) for i in ids] == [
        ("Europe/Berlin", "de", Tracking.NONE),
        ("Asia/Tokyo", "ja", Tracking.AGGREGATE),
    ]


@pytest.mark.parametrize(
    ("subject", "plain"),
    [
        ("Hello", "Hello"),
        ("{{ first_name | default('Hello') }}, leave the moss alone", "Leave the moss alone"),
        ("A starter in five days, {{ first_name }}", "A starter in five days"),
        ("{{ name }}", ""),
    ],
)
def test_a_subject_without_its_merge_fields(subject: str, plain: str) -> None:
    assert plain_subject(subject) == plain
