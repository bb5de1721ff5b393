"""One person at a time: put in, changed, lowered, brought back; and segments counted."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import insert, select

from nurture.domain.conditions import Condition
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import Status
from nurture.services import people as service
from nurture.services import segmenting
from nurture.services.people import SubscriberIn
from nurture.store.database import Database
from nurture.store.tables import Consent, Delivery, Document, Enrolment, Event, Lane, Letter
from tests.support.people import NOW, add_people

LATER = NOW + timedelta(hours=1)
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)


def given(**told: Any) -> SubscriberIn:
    return SubscriberIn.model_validate({"email": "Anna@X.test"} | told)


async def test_a_person_is_put_in_subscribed(db: Database) -> None:
    put = await service.upsert(
        db, given(name="Anna\r\nBcc: x", tags=["b", " a "], timezone="europe/kiev", fields={"n": 1, "z": "a\0b"}), NOW
    )
    person = put.person
    assert put.change == "created"
    assert (person.email, person.name, person.tags, person.status) == ("anna@x.test", "Anna Bcc: x", ("a", "b"), Status.SUBSCRIBED)
    assert (person.timezone, person.zone_source) == ("Europe/Kyiv", "explicit")
    assert (person.fields, person.joined_at) == ({"n": 1, "z": "ab"}, NOW)


async def test_what_is_not_told_stays(db: Database) -> None:
    await service.upsert(db, given(name="Anna", tags=["a", "b"], fields={"n": 1, "m": 2}, topics={"t": True}), NOW)
    put = await service.upsert(db, given(tags=["b", "c"], fields={"n": None, "k": [1]}, topics={"u": False}), LATER)
    assert put.change == "changed"
    assert (put.person.name, put.person.tags) == ("Anna", ("b", "c"))
    assert put.person.fields == {"m": 2, "k": [1]}
    assert put.person.topics == {"t": True, "u": False}
    assert (put.person.joined_at, put.person.changed_at) == (NOW, LATER)
    again = await service.upsert(db, given(name="Anna"), LATER + timedelta(hours=1))
    assert (again.change, again.person.changed_at) == ("unchanged", LATER)


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED, Status.ARCHIVED, Status.PENDING])
async def test_a_status_never_rises(db: Database, status: Status) -> None:
    await add_people(db, "anna@x.test", status=status.value)
    with pytest.raises(NurtureError) as refused:
        await service.upsert(db, given(status="subscribed", name="New"), NOW)
    assert refused.value.kind is ErrorKind.CONFLICT
    put = await service.upsert(db, given(name="New"), NOW)  # who says nothing of the status may change the rest
    assert (put.person.status, put.person.name) == (status, "New")


async def test_a_lowered_person_gets_nothing_more(db: Database) -> None:
    (known,) = await add_people(db, "anna@x.test")
    async with db.write() as tx:
        stamp = {"version": 1, "content": {}, "created_at": NOW, "changed_at": NOW}
        await tx.execute(insert(Document).values(id=1, type="sequence", name="s", state="live", **stamp))
        await tx.execute(
            insert(Enrolment).values(sequence_id=1, subscriber_id=known, enrolled_at=NOW, history=[], number=1, state="active", by="x")
        )
        await tx.execute(insert(Lane).values(id=1, name="l", priority=50, flag="running"))
        await tx.execute(insert(Letter).values(id=1, name="s/1", kind="useful"))
        row = Delivery(
            letter_id=1, subscriber_id=known, occasion="1", version_id=1, lane_id=1, kind="useful", message_id="m", due_at=NOW, created_at=NOW
        )  # fmt: skip
        await tx.execute(insert(Delivery).values({k: v for k, v in row.model_dump().items() if v is not None}))
    put = await service.upsert(db, given(status="unsubscribed"), LATER)
    assert (put.person.status, put.person.status_at) == (Status.UNSUBSCRIBED, LATER)
    async with db.read() as tx:
        assert (await tx.execute(select(Delivery.state, Delivery.outcome))).all() == [("cancelled", "left")]
        assert (await tx.execute(select(Enrolment.state, Enrolment.ended_at))).all() == [("left", LATER)]
        assert (await tx.execute(select(Consent.granted, Consent.source))).all() == [(False, "api")]


async def test_back_only_with_a_consent(db: Database) -> None:
    (known,) = await add_people(db, "anna@x.test", status="unsubscribed")
    with pytest.raises(NurtureError):
        await service.resubscribe(db, known, wording=" ", source="phone", ip=None, now=LATER)
    person = await service.resubscribe(db, known, wording="Please write to me again", source="phone", ip="192.0.2.1", now=LATER)
    assert (person.status, person.status_at) == (Status.SUBSCRIBED, LATER)
    async with db.read() as tx:
        assert (await tx.execute(select(Consent.granted, Consent.wording, Consent.ip))).all() == [
            (True, "Please write to me again", "192.0.2.1")
        ]
        assert (await tx.execute(select(Event.type, Event.evidence))).all() == [("resubscribed", "human")]
    with pytest.raises(NurtureError) as missing:
        await service.resubscribe(db, 99, wording="x", source="y", ip=None, now=LATER)
    assert missing.value.kind is ErrorKind.MISSING


async def test_zones_of_the_api(db: Database) -> None:
    with pytest.raises(NurtureError, match="not a time zone"):
        await service.upsert(db, given(timezone="Mars/Olympus"), NOW)
    put = await service.upsert(db, given(country="pl"), NOW)
    assert (put.person.country, put.person.timezone, put.person.zone_source) == ("PL", "Europe/Warsaw", "country")
    put = await service.upsert(db, given(timezone="+03:00"), NOW)
    assert (put.person.timezone, put.person.zone_source) == ("Etc/GMT-3", "offset")
    put = await service.upsert(db, given(country="US"), NOW)  # a guess does not replace what is better known
    assert (put.person.timezone, put.person.zone_source) == ("Etc/GMT-3", "offset")


async def test_found_by_any_spelling(db: Database) -> None:
    (known,) = await add_people(db, "anna@xn--bcher-kva.test")
    person = await service.find_person(db, "ANNA@Bücher.test")
    assert person is not None
    assert person.id == known
    assert await service.find_person(db, "nobody@x.test") is None
    with pytest.raises(NurtureError):
        await service.get_person(db, 12345)


async def test_pages_end(db: Database) -> None:
    ids = await add_people(db, *"abcde", tags=("x",))
    first = await service.list_people(db, NOW, limit=2)
    assert ([p.id for p in first.people], first.next) == (ids[:2], ids[1])
    last = await service.list_people(db, NOW, after=ids[2], limit=2, where=CONDITION.validate_python({"tag": "x"}))
    assert ([p.id for p in last.people], last.next) == (ids[3:], None)


async def test_segments_are_counted_and_listed(db: Database) -> None:
    ids = await add_people(db, "a", "b", tags=("x",))
    await add_people(db, "c")
    stamp = {"version": 1, "created_at": NOW, "changed_at": NOW, "state": "live"}
    async with db.write() as tx:
        content = {"segment": "tagged", "title": "Tagged", "where": {"tag": "x"}}
        await tx.execute(insert(Document).values(type="segment", name="tagged", content=content, **stamp))
    assert await segmenting.count_people(db, NOW, segment="tagged") == 2
    assert await segmenting.count_people(db, NOW, where=CONDITION.validate_python({"not": {"tag": "x"}})) == 1
    assert [p.id for p in await segmenting.list_people(db, NOW, segment="tagged", after=ids[0])] == ids[1:]
    assert await segmenting.list_segments(db, NOW) == [segmenting.SegmentCount("tagged", "Tagged", 2)]
    with pytest.raises(NurtureError, match='did you mean "tagged"'):
        await segmenting.count_people(db, NOW, segment="taged")
    with pytest.raises(NurtureError, match="one of the two"):
        await segmenting.count_people(db, NOW)


def test_bounds_of_what_is_told() -> None:
    deep: Any = 1
    for _ in range(30):
        deep = [deep]
    for told in ({"fields": {"x": deep}}, {"tags": ["t" * 101]}, {"unknown": 1}, {"name": "n" * 301}):
        with pytest.raises(ValidationError):
            given(**told)
