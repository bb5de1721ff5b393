"""What is asked again and again is asked by an index: what waits, open tasks, and webhook messages that are to be forgotten."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import event, update

from nurture.domain.conditions import Did
from nurture.domain.words import EventType
from nurture.store import webhooks
from nurture.store.agenda import due_people
from nurture.store.claims import due_lanes
from nurture.store.conditions import count
from nurture.store.database import LET_GO, Connection, Database
from nurture.store.doubts import Ledger, count_ledger
from nurture.store.events import hits_of
from nurture.store.facts import unfolded_events, unfolded_rows
from nurture.store.health import waiting
from nurture.store.inbound import whose_message
from nurture.store.lanes import set_lane
from nurture.store.outbox import plan_rows
from nurture.store.standings import look_now
from nurture.store.tables import METADATA
from nurture.store.tasks import add_tasks, list_tasks
from nurture.store.webhooks import KEPT, add_messages, purge
from tests.support.outbox_rows import add_letter, planned, set_row
from tests.support.people import NOW, add_people
from tests.support.programme import add_event

SECOND = timedelta(seconds=1)
MESSAGES = METADATA.tables["webhook_messages"]


@asynccontextmanager
async def planned_statements(db: Database, plan: list[str]) -> AsyncIterator[Connection]:
    """A transaction of which the plans of all statements are written down, as the database makes them."""
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_conn, _cursor, statement, values, *_rest) -> None:
        asked.append((statement, values))

    async with db.write() as tx:
        event.listen(db.engine.sync_engine, "before_cursor_execute", note)
        yield tx
        event.remove(db.engine.sync_engine, "before_cursor_execute", note)
        for statement, values in asked:
            explain = "EXPLAIN QUERY PLAN" if db.sqlite else "EXPLAIN"
            plan += [row[-1] for row in await tx.exec_driver_sql(f"{explain} {statement}", values)]


async def test_what_waits_is_counted_by_indexes_alone(sqlite_db: Database) -> None:
    people = await add_people(sqlite_db, *[f"p{n}@example.com" for n in range(6)])
    letter, service = await add_letter(sqlite_db), await add_letter(sqlite_db, "service/words", "service", "service")
    hour = timedelta(hours=1)
    rows = [planned(letter, person, due=NOW - n * hour) for n, person in enumerate(people)]
    async with sqlite_db.write() as tx:
        await plan_rows(tx, [*rows, planned(service, people[0], due=NOW)])
    states = ("accepted", "pending", "sending", "claimed", "unknown", "deferred", "pending")
    for number, state in enumerate(states, 1):
        await set_row(sqlite_db, number, state=state)
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
        found = await waiting(tx)
    assert found.open == {"waiting": 3, "claimed": 1, "sending": 1, "unknown": 1}
    assert (found.overdue_since, found.halted, found.unfolded, found.beats) == (NOW - 5 * hour, False, 0, 0)
    async with sqlite_db.write() as tx:
        await set_lane(tx, "sequence:school", "paused")
        assert (await waiting(tx)).overdue_since == NOW, "letters of a paused lane are not late"
    assert [line for line in plan if line.startswith("SCAN deliveries") and "INDEX" not in line] == []
    assert [line for line in plan if line.startswith("SCAN events") and "INDEX" not in line] == []


async def test_events_of_one_are_never_looked_for_among_all_of_their_type(sqlite_db: Database) -> None:
    """SQLite has no statistics here and takes the index with most comparisons; a wrong one would read every click for each click."""
    (person,) = await add_people(sqlite_db, "mia@example.com")
    await add_event(sqlite_db, person, "clicked", NOW, delivery_id=5)
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
        assert len((await hits_of(tx, [5, 6, 7], NOW - SECOND))[5]) == 1
        assert len(await unfolded_events(tx, NOW, 10)) == 1
        for within in (None, timedelta(days=30)):
            assert await count(tx, Did(did=EventType.CLICKED, within=within), NOW) == 1
        assert await count(tx, Did(did=EventType.CLICKED, at_least=2), NOW) == 0
    asked = [line for line in plan if "ix_events" in line]
    assert len(asked) >= 6
    assert [line for line in asked if "ix_events_type_at" in line] == []


async def test_the_planner_asks_one_seek_a_person_for_news_that_wait(sqlite_db: Database) -> None:
    people = await add_people(sqlite_db, *[f"p{n}@example.com" for n in range(3)])
    letter = await add_letter(sqlite_db)
    async with sqlite_db.write() as tx:
        await plan_rows(tx, [planned(letter, person) for person in people])
        await look_now(tx, people, NOW)
    await set_row(sqlite_db, 2, state="accepted", accepted_at=NOW, ended_at=NOW)
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
        assert [row.id for row in await unfolded_rows(tx, 10)] == [2]
        assert list(await due_people(tx, NOW, 10)) == [people[0], people[2]]
    asked = [line for line in plan if "deliveries" in line]
    assert asked == ["SCAN deliveries USING INDEX ix_deliveries_unfolded", "SEARCH deliveries USING INDEX ix_deliveries_unfolded (subscriber_id=?)"]
    assert not any("TEMP B-TREE" in line for line in plan)


async def test_a_message_id_is_found_without_an_index_of_all(sqlite_db: Database) -> None:
    people = await add_people(sqlite_db, "mia@example.com", "tom@example.com")
    letter = await add_letter(sqlite_db)
    rows = [planned(letter, people[0]), planned(letter, people[1]) | {"message_id": "<madebefore@example.com>"}]
    async with sqlite_db.write() as tx:
        await plan_rows(tx, rows)
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
        for row in rows:
            found = await whose_message(tx, [row["message_id"]])
            assert found
            assert found.subscriber == row["subscriber_id"]
    asked = [line for line in plan if "deliveries" in line]
    assert asked == [
        "SEARCH deliveries USING INDEX ix_deliveries_subscriber (subscriber_id=?)",
        "SEARCH deliveries USING INDEX ix_deliveries_old_message_id (message_id=?)",
    ]


@pytest.mark.postgres
async def test_a_machine_that_is_gone_keeps_no_locks(postgres_db: Database) -> None:
    async with postgres_db.read() as tx:
        for name, value in LET_GO.items():
            assert (await tx.exec_driver_sql(f"SELECT setting FROM pg_settings WHERE name = '{name}'")).scalar_one() == value


async def test_open_tasks_are_listed_by_their_index(sqlite_db: Database) -> None:
    (person,) = await add_people(sqlite_db, "mia@example.com")
    async with sqlite_db.write() as tx:
        await add_tasks(tx, [{"subscriber_id": person, "rule": "r", "text": "call", "state": "open", "created_at": NOW}])
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
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
    async with planned_statements(sqlite_db, plan) as tx:
        assert [await purge(tx, NOW + KEPT + SECOND) for _ in range(3)] == [2, 1, 0]
    assert any("ix_webhook_messages_ended" in line for line in plan)
    assert not any(line.startswith("SCAN") for line in plan), plan


async def test_the_ledger_is_counted_without_sorting_it(sqlite_db: Database) -> None:
    """SQLite would sort in memory: 90 MB for a million rows."""
    people = await add_people(sqlite_db, "a@example.com", "b@example.com", "c@example.com")
    letter = await add_letter(sqlite_db)
    async with sqlite_db.write() as tx:
        await plan_rows(tx, [planned(letter, person) for person in people])
    await set_row(sqlite_db, 1, state="accepted", dup_risk=2, handed_at=NOW)
    await set_row(sqlite_db, 2, state="unknown", handed_at=NOW - SECOND)
    plan: list[str] = []
    async with planned_statements(sqlite_db, plan) as tx:
        found = await count_ledger(tx)
    assert found == Ledger({"accepted": 1, "unknown": 1, "pending": 1}, risked=1, risked_accepted=1, copies=2, since=NOW - SECOND)
    assert [line for line in plan if "TEMP B-TREE" in line] == []


async def test_a_survey_sorts_in_a_file_and_leaves_the_connection_as_it_was(sqlite_db: Database) -> None:
    async def sorts_in(tx: Connection) -> int:
        return int((await tx.exec_driver_sql("PRAGMA temp_store")).scalar_one())

    with suppress(LookupError):
        async with sqlite_db.survey() as tx:
            assert await sorts_in(tx) == 1
            raise LookupError
    async with sqlite_db.read() as tx:
        assert await sorts_in(tx) == 2


@pytest.mark.postgres
async def test_the_longest_due_of_a_lane_is_not_looked_for_past_all_that_left(postgres_db: Database) -> None:
    """Where most letters are waiting, PostgreSQL would read the table for the first of them; those that left lie at its beginning."""
    people = await add_people(postgres_db, *[f"p{n}@example.com" for n in range(1_500)])
    letter = await add_letter(postgres_db)
    async with postgres_db.write() as tx:
        await plan_rows(tx, [planned(letter, person) for person in people])
        left = "state = 'accepted', accepted_at = due_at, ended_at = due_at, folded = 0"
        await tx.exec_driver_sql(f"UPDATE deliveries SET {left} WHERE id <= 500")
    await _in_order_of_ids(postgres_db)
    plan: list[str] = []
    async with planned_statements(postgres_db, plan) as tx:
        assert [lane.name for lane in await due_lanes(tx, NOW)] == ["sequence:school"]
    assert [line for line in plan if "Seq Scan on deliveries" in line] == []
    assert [line for line in plan if "ix_deliveries_lane_due" in line]


async def _in_order_of_ids(db: Database) -> None:
    async with db.write() as tx:
        await tx.exec_driver_sql("CLUSTER deliveries USING pk_deliveries")
        await tx.exec_driver_sql("ANALYZE deliveries")
