"""The enrolling sweep: it ends, holds the lock only for those it takes, and people come again as `re_entry` says."""

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from nurture.services import enrolling
from nurture.services.enrolling import enrol_matching
from nurture.store.database import Database
from nurture.store.tables import METADATA, Enrolment
from tests.support.people import NOW, add_people
from tests.support.programme import add_event, install, letter

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CLICKERS = {
    "sequence": "s", "audience": {"did": "clicked", "within": "300d"}, "re_entry": "after 180d", "letters": [letter("one", window="any")],
}  # fmt: skip
MATCHES = METADATA.tables["matches"]


async def remembered(db: Database) -> int:
    async with db.read() as tx:
        return len((await tx.execute(select(MATCHES))).all())


async def test_the_sweep_ends_where_more_are_barred_than_a_chunk_holds(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolling, "CHUNK", 2)
    await install(db, CLICKERS)
    people = await add_people(db, *[f"p{i}@example.com" for i in range(5)])
    for person in people:
        await add_event(db, person, "clicked", NOW)
    assert await enrol_matching(db, NOW) == 5
    async with db.write() as tx:
        await tx.execute(update(Enrolment).values(state="done", ended_at=NOW + HOUR))
    for person in people:
        await add_event(db, person, "clicked", NOW + 2 * DAY)
    assert await enrol_matching(db, NOW + 3 * DAY) == 0
    assert await remembered(db) == 5
    assert await enrol_matching(db, NOW + 181 * DAY) == 5


@pytest.mark.parametrize("since", [None, NOW - HOUR])
async def test_a_sweep_that_finds_nobody_takes_no_lock(sqlite_db: Database, since) -> None:
    await install(sqlite_db, {"sequence": "s", "audience": {"tag": "vip"}, "letters": [letter("one")]})
    await add_people(sqlite_db, "mia@example.com", tags=("vip",))
    assert await enrol_matching(sqlite_db, NOW, since) == 1
    begun: list[str] = []

    @event.listens_for(sqlite_db.engine.sync_engine, "before_cursor_execute")
    def note(_conn, _cursor, statement, *_rest) -> None:
        begun.append(statement)

    assert await enrol_matching(sqlite_db, NOW, since) == 0
    assert "BEGIN" in begun
    assert "BEGIN IMMEDIATE" not in begun
