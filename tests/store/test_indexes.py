"""What is asked again and again is asked by an index: open tasks, and webhook messages that are to be forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from nurture.store import webhooks
from nurture.store.database import Connection, Database
from nurture.store.tables import METADATA
from nurture.store.tasks import add_tasks, list_tasks
from nurture.store.webhooks import KEPT, add_messages, purge
from tests.support.people import NOW, add_people

SECOND = timedelta(seconds=1)
MESSAGES = METADATA.tables["webhook_messages"]


@asynccontextmanager
async def planned(db: Database, plan: list[str]) -> AsyncIterator[Connection]:
    """A transaction of which the plans of all statements are written down, as SQLite makes them."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_conn, _cursor, statement, values, *_rest) -> None:
        asked.append((statement, values))

    async with db.write() as tx:
        event.listen(db.engine.sync_engine, "before_cursor_execute", note)
        yield tx
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
        for statement, values in asked:
            plan += [row[3] for row in await tx.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, values)]


async def test_open_tasks_are_listed_by_their_index(sqlite_db: Database) -> None:
    (person,) = await add_people(sqlite_db, "mia@example.com")
    async with sqlite_db.write() as tx:
        await add_tasks(tx, [{"subscriber_id": person, "rule": "r", "text": "call", "state": "open", "created_at": NOW}])
    plan: list[str] = []
    async with planned(sqlite_db, plan) as tx:
        assert len(await list_tasks(tx, states=["open"])) == 1
        assert await list_tasks(tx, states=["done"]) == []
    assert "ix_tasks_open" in plan[0]


async def test_messages_are_forgotten_by_their_ends_some_at_a_time(sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "AT_ONCE", 2)
    (person,) = await add_people(sqlite_db, "mia@example.com")
    row = {"webhook_id": None, "subscriber_id": person, "url": "https://e.com", "type": "t", "body": "{}", "created_at": NOW, "due_at": NOW}
    async with sqlite_db.write() as tx:
        await add_messages(tx, [row | {"uid": f"msg_{n}"} for n in range(4)])
        await tx.execute(update(MESSAGES).where(MESSAGES.c.uid != "msg_3").values(state="failed", ended_at=NOW))
    plan: list[str] = []
    async with planned(sqlite_db, plan) as tx:
        assert [await purge(tx, NOW + KEPT + SECOND) for _ in range(3)] == [2, 1, 0]
    assert any("ix_webhook_messages_ended" in line for line in plan)
    assert not any(line.startswith("SCAN") for line in plan), plan
