"""What is forgotten after a time, and what never is: keys, what people did, and all that standings say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from nurture.domain.folding import remember_proxies
from nurture.domain.standing import Mark
from nurture.services.folding import fold, rebuild
from nurture.services.keeping import Kept, keep
from nurture.services.serving import queue_service_letter
from nurture.services.tracking import SETTLES
from nurture.shipped import shipped
from nurture.store import dialect_parts, idempotency, jobs, retention
from nurture.store.database import Database
from nurture.store.dialect_parts import make_months
from nurture.store.standings import load_standings
from nurture.store.tables import METADATA, Event
from nurture.store.workspace import ensure_workspace
from tests.support.ledger import add_delivery, add_letter
from tests.support.outbox_rows import set_row, the_rows
from tests.support.people import NOW, add_people
from tests.support.programme import add_event

DAY = timedelta(days=1)
JANUARY = datetime(2041, 1, 10, 9, 0, tzinfo=UTC)
FOR_EVER = Kept(None, None, None)
DETAILS = replace(FOR_EVER, details=90 * DAY)
HITS = replace(FOR_EVER, hits=365 * DAY)


async def lived(db: Database, months: int = 3) -> int:
    """One person with a letter a month; each is opened by a proxy, scanned by a machine, clicked by hand and bought from."""
    [person] = await add_people(db, "anna@example.com")
    letter = await add_letter(db)
    for month in range(months):
        at = JANUARY + month * 31 * DAY
        async with db.write() as tx:
            await make_months(tx, at)
        delivery = await add_delivery(db, person, letter, accepted_at=at, local_day=at.date(), zone="UTC", ended_at=at)
        for kind, evidence, minutes in (("opened", "unknown", 1), ("clicked", "machine", 2), ("clicked", "human", 60), ("converted", "unknown", 90)):
            moment = at + timedelta(minutes=minutes)
            await add_event(db, person, kind, moment, delivery_id=delivery, evidence=evidence, ip="192.0.2.7", agent="Browser")
    await fold(db, JANUARY + months * 31 * DAY)
    return person


async def events(db: Database) -> list[Any]:
    async with db.read() as tx:
        return list((await tx.execute(select(*list(METADATA.tables["events"].columns)).order_by(Event.at))).all())


async def test_addresses_go_when_their_whole_month_is_old_enough(db: Database) -> None:
    await lived(db)
    early = await keep(db, datetime(2041, 4, 30, tzinfo=UTC), DETAILS)
    assert early == ([] if db.sqlite else ["empty addresses: events_before"])
    assert await keep(db, datetime(2041, 5, 2, tzinfo=UTC), DETAILS) == ["empty addresses: events_2041_01"]
    rows = await events(db)
    assert len(rows) == 12
    assert [(row.ip, row.agent) for row in rows] == [(None, None)] * 4 + [("192.0.2.7", "Browser")] * 8
    assert rows[0].uid.startswith("opened-")
    assert await keep(db, datetime(2041, 5, 3, tzinfo=UTC), DETAILS) == [], "once is enough"


async def test_old_hits_of_nobody_go_and_what_people_did_stays(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialect_parts, "CHUNK", 1)
    await lived(db)
    await keep(db, datetime(2042, 2, 2, tzinfo=UTC), HITS)
    kinds = [(row.type, row.evidence) for row in await events(db)]
    assert kinds[:2] == [("clicked", "human"), ("converted", "unknown")]
    assert len(kinds) == 10
    if not db.sqlite:
        async with db.read() as tx:
            left = (await tx.exec_driver_sql("SELECT count(*) FROM events_2041_01")).scalar_one()
            assert left == 2


async def test_an_event_that_is_not_folded_yet_is_never_dropped(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    async with db.write() as tx:
        await make_months(tx, JANUARY)
    await add_event(db, person, "opened", JANUARY, evidence="machine")
    await keep(db, JANUARY + 1000 * DAY, HITS)
    assert len(await events(db)) == 1


@pytest.mark.postgres
async def test_a_month_of_which_nothing_stays_is_dropped_whole_and_a_late_event_still_finds_room(postgres_db: Database) -> None:
    db = postgres_db
    [person] = await add_people(db, "anna@example.com")
    async with db.write() as tx:
        await make_months(tx, JANUARY)
    await add_event(db, person, "opened", JANUARY, evidence="machine", folded=1)
    await keep(db, JANUARY + 400 * DAY, HITS)
    async with db.read() as tx:
        assert (await tx.exec_driver_sql("SELECT to_regclass('events_2041_01')")).scalar_one() is None
    await add_event(db, person, "converted", JANUARY, name="purchase")
    assert len(await events(db)) == 1


async def test_a_rebuild_after_forgetting_equals_what_was_folded(db: Database) -> None:
    person = await lived(db, months=6)
    async with db.read() as tx:
        before = (await load_standings(tx, [person]))[person]
    assert sum(bool(e.marks & Mark.PROXY) for e in before.recent) == 6
    now = datetime(2042, 4, 2, tzinfo=UTC)
    assert len(await keep(db, now, replace(HITS, details=90 * DAY))) >= 6
    await rebuild(db, now)
    async with db.read() as tx:
        after = (await load_standings(tx, [person]))[person]
    assert replace(after, score=0, peaks=()) == replace(before, score=0, peaks=())
    assert after.score == pytest.approx(before.score)
    assert remember_proxies(replace(after, recent=()), before, now).recent == ()


@pytest.mark.postgres
async def test_a_part_that_somebody_reads_for_long_is_left_to_the_next_round(postgres_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db = postgres_db
    monkeypatch.setattr(dialect_parts, "LOCK_WAIT", "200ms")
    await lived(db)
    now = datetime(2041, 5, 2, tzinfo=UTC)
    async with db.read() as tx:
        await tx.exec_driver_sql("SELECT count(*) FROM events_2041_01")
        assert "empty addresses: events_2041_01" not in await keep(db, now, DETAILS)
    assert "empty addresses: events_2041_01" in await keep(db, now, DETAILS)


async def test_a_part_is_gone_through_by_one_worker(db: Database) -> None:
    await lived(db)
    now = datetime(2041, 5, 2, tzinfo=UTC)
    async with db.write() as tx:
        assert await jobs.claim(tx, retention.EMPTIED, "events_2041_01", now)
    assert "empty addresses: events_2041_01" not in await keep(db, now, DETAILS)
    assert "empty addresses: events_2041_01" in await keep(db, now + timedelta(hours=2), DETAILS), "the other one died"


async def queued(db: Database, person: int, body: str = "Please confirm.") -> Any:
    return await queue_service_letter(
        db, subscriber_id=person, occasion="key-1", now=NOW, templates=shipped("templates"), subject="Confirm", body=body, data={"code": 7}
    )


async def test_the_words_of_service_letters_go_and_their_keys_stay(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    first = await queued(db, person)
    words = replace(FOR_EVER, words=30 * DAY)
    await keep(db, NOW + 31 * DAY, words)
    assert (await the_rows(db))[0].payload["data"] == {"code": 7}, "it has not left yet"
    await set_row(db, first.id, state="accepted", accepted_at=NOW, ended_at=NOW)
    await keep(db, NOW + 29 * DAY, words)
    assert (await the_rows(db))[0].payload
    await keep(db, NOW + 31 * DAY, words)
    [row] = await the_rows(db)
    assert (row.payload, row.message_id, row.occasion) == (None, first.message_id, "key-1")
    again = await queued(db, person)
    assert (again.id, again.fresh) == (first.id, False)
    assert (await queued(db, person, "Other words.")).fresh is False, "what it said is not known any more"


async def test_finished_imports_ended_sessions_and_old_answers_of_the_api_go(db: Database) -> None:
    async with db.write() as tx:
        row = {"line": 5, "counts": {}, "started_at": NOW}
        await tx.execute(METADATA.tables["imports"].insert(), [row | {"digest": "a", "finished_at": NOW}, row | {"digest": "b", "finished_at": None}])
        session = {"user_id": 1, "csrf": "c", "created_at": NOW, "seen_at": NOW}
        await tx.execute(METADATA.tables["sessions"].insert(), [session | {"digest": d, "expires_at": NOW + n * DAY} for d, n in (("x", 1), ("y", 200))])
        for key, days in (("old", 80), ("young", 90)):
            assert await idempotency.reserve(tx, 1, key, "digest", NOW + days * DAY)
    await keep(db, NOW + 91 * DAY, FOR_EVER)
    async with db.read() as tx:
        assert list((await tx.execute(text("SELECT key FROM idempotency"))).scalars()) == ["young"]
        assert list((await tx.execute(text("SELECT digest FROM imports"))).scalars()) == ["b"]
        assert list((await tx.execute(text("SELECT digest FROM sessions"))).scalars()) == ["y"]


def test_a_verdict_is_settled_long_before_its_event_may_go() -> None:
    assert SETTLES < DAY
