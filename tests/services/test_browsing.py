"""Looking through letters, people, one person's story and the sequences, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from nurture.domain.errors import NurtureError
from nurture.services import browsing, showing
from nurture.store.browsing import LetterLine
from nurture.store.database import Database
from nurture.store.tables import METADATA
from tests.support.history import delivery, fill, prepare
from tests.support.people import NOW, add_people

DELIVERIES, SUBSCRIBERS, EVENTS = (METADATA.tables[n] for n in ("deliveries", "subscribers", "events"))


async def test_letters_come_newest_first_and_page_on_where_they_stopped(db: Database) -> None:
    await fill(db, people=5, weeks=4)
    first, policy = await browsing.letters(db, "sent", limit=15)
    last: LetterLine = first.lines[-1]
    assert last.accepted_at is not None
    second, _ = await browsing.letters(db, "sent", after=(last.accepted_at, last.id), limit=50)
    seen = [x.id for x in (*first.lines, *second.lines)]
    assert (first.more, second.more, policy.timezone) == (True, False, "Europe/Berlin")
    assert len(seen) == len(set(seen)) == 40
    moments = [x.accepted_at for x in (*first.lines, *second.lines)]
    assert moments == sorted(moments, reverse=True)
    assert {x.title for x in first.lines} <= {"Five questions", "Thirty years", "Read a quote", "The offer"}


@pytest.mark.parametrize(
    ("title", "subject", "called"),
    [
        ("Five questions", "{{ first_name }}, five", "Five questions"),
        (None, "{{ first_name | default('Hello') }}, your attic can tell", "Your attic can tell"),
        ("", "{{ data.subject }}", "service/words"),
    ],
)
async def test_a_letter_is_called_by_words_and_never_by_a_template(sqlite_db: Database, title: str | None, subject: str, called: str) -> None:
    await fill(sqlite_db, people=5, weeks=4)
    line = (await browsing.letters(sqlite_db, "sent"))[0].lines[0]
    assert replace(line, title=title, subject=subject, letter="service/words").called == called


async def test_each_view_shows_its_own_letters(db: Database) -> None:
    letters, _, lane = await prepare(db)
    people = await add_people(db, *(f"p{n}@example.com" for n in range(4)), name="Ann")
    states = ("accepted", "pending", "rejected", "cancelled")
    rows = [delivery(p, letters["quote"], lane, "useful", "UTC", NOW, state=s) for p, s in zip(people, states, strict=True)]
    async with db.write() as tx:
        await tx.execute(insert(DELIVERIES), rows)
    shown = {view: [x.state for x in (await browsing.letters(db, view))[0].lines] for view in ("sent", "coming", "stopped")}
    assert shown == {"sent": ["accepted"], "coming": ["pending"], "stopped": ["cancelled", "rejected"]}
    assert [x.person for x in (await browsing.letters(db, "sent", kind="sales"))[0].lines] == []
    assert [x.email for x in (await browsing.letters(db, "sent", text="P0@"))[0].lines] == ["p0@example.com"]


async def test_people_are_found_by_words_class_and_status(db: Database) -> None:
    ids = await fill(db, people=13, weeks=2)
    async with db.write() as tx:
        await tx.execute(update(SUBSCRIBERS).where(SUBSCRIBERS.c.id == ids[0]).values(name="Ольга_50%", status="unsubscribed"))

    async def found(**asked: str) -> list[int]:
        return [x.id for x in (await browsing.people(db, **asked))[0].lines]  # type: ignore[arg-type]

    assert await found() == sorted(ids, reverse=True)
    assert await found(text="ольга") == await found(text="_50%") == await found(status="unsubscribed") == [ids[0]]
    assert await found(engagement="fan") == [ids[10]]
    assert await found(text="100%") == []


async def test_a_story_is_told_newest_first_with_skips_and_reasons(db: Database) -> None:
    ids = await fill(db, people=2, weeks=4)
    enrolments = METADATA.tables["enrolments"]
    skip = {"letter": "offer", "kind": "sales", "outcome": "declined", "day": "2026-02-20", "at": "2026-02-20T09:00:00+00:00", "delivery": None,
            "reason": "only useful letters are wanted"}  # fmt: skip
    async with db.write() as tx:
        await tx.execute(update(enrolments).where(enrolments.c.subscriber_id == ids[0]).values(history=[skip]))
    found = await browsing.profile(db, ids[0], NOW)
    assert found is not None
    moments = [h.at for h in found.timeline]
    assert moments == sorted(moments, reverse=True)
    assert {h.what for h in found.timeline} >= {"letter", "move", "way", "skip"}
    assert next(h.detail for h in found.timeline if h.what == "skip") == "only useful letters are wanted"
    assert (found.flags, found.zone) == (("ripening",), "Europe/Berlin")
    assert await browsing.profile(db, 10_000, NOW) is None


async def test_what_came_back_of_one_letter_stands_with_it(db: Database) -> None:
    letters, _, lane = await prepare(db)
    (person,) = await add_people(db, "a@example.com", timezone="Asia/Tokyo")
    hit = {"subscriber_id": person, "type": "clicked", "at": NOW, "settles_at": NOW, "evidence": "human", "reason": "", "rule_version": 1, "folded": 1}
    async with db.write() as tx:
        await tx.execute(insert(DELIVERIES), [delivery(person, letters["quote"], lane, "useful", "Asia/Tokyo", NOW - timedelta(days=1))])
        await tx.execute(insert(EVENTS), [hit | {"uid": "1", "delivery_id": 1}, hit | {"uid": "2", "delivery_id": None}])
    happened, zone = await browsing.happenings(db, await showing.find(db, 1))
    assert ([h.name for h in happened], zone) == (["clicked"], "Asia/Tokyo")
    with pytest.raises(NurtureError, match="there is no letter 99"):
        await showing.find(db, 99)


async def test_sequences_say_where_their_people_stand(db: Database) -> None:
    await fill(db, people=6, weeks=2)
    (line,) = await browsing.sequences(db)
    assert (line.document.name, line.under_way, line.finished, line.next) == ("roof-school", 6, 0, {"offer": 6})
