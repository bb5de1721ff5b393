"""Why: deliveries, what the planner left out, and its last word on each way, in one order of time."""

from datetime import timedelta

import pytest

from nurture.domain.errors import NurtureError
from nurture.services import explaining
from nurture.store.database import Database
from nurture.store.lanes import set_lane
from nurture.store.tables import METADATA
from tests.support.ledger import add_delivery, add_letter
from tests.support.people import NOW, add_people

SEQUENCE = {"sequence": "school", "letters": [{"id": "one", "kind": "useful", "subject": "One", "body": "Hello"}]}


async def way(db: Database, person: int, **columns: object) -> None:
    documents, enrolments = METADATA.tables["documents"], METADATA.tables["enrolments"]
    async with db.write() as tx:
        values = {"type": "sequence", "name": "school", "state": "live", "version": 1, "content": SEQUENCE, "created_at": NOW, "changed_at": NOW}
        sequence = (await tx.execute(documents.insert().values(**values).returning(documents.c.id))).scalar_one()
        row = {"sequence_id": sequence, "subscriber_id": person, "number": 1, "state": "active", "by": "api", "enrolled_at": NOW, "history": []}
        await tx.execute(enrolments.insert().values(**row | columns))


async def test_a_held_sales_letter_says_what_it_waits_for(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await add_delivery(db, person, await add_letter(db))
    until = NOW + timedelta(days=2)
    decision = {"at": (NOW + timedelta(hours=2)).isoformat(), "letter": "school/offer", "decision": "wait",
                "reason": "sales held: 2 useful letters due first", "rule": "mix", "until": until.isoformat()}  # fmt: skip
    skipped = {"letter": "school/two", "kind": "useful", "outcome": "condition", "day": "2026-03-02",
               "at": (NOW + timedelta(hours=1)).isoformat(), "delivery": None, "reason": "its condition does not hold"}  # fmt: skip
    await way(db, person, decision=decision, history=[skipped])
    found = await explaining.why(db, person)
    assert [(w.decision, w.letter, w.source, w.until) for w in found] == [
        ("send", "school/first", "sequence:school", None), ("skip", "school/two", "sequence:school", None),
        ("wait", "school/offer", "sequence:school", until),
    ]  # fmt: skip
    assert found[2].reason == "sales held: 2 useful letters due first"
    assert [w.rule for w in found] == ["order", "condition", "mix"]
    assert explaining.to_json(found[2])["rule"] == "mix"
    assert explaining.to_json(found[2])["until"] == until.isoformat()


@pytest.mark.parametrize(
    ("columns", "decision", "reason"),
    [
        ({}, "wait", "enrolled; the planner has not looked yet"),
        ({"state": "done", "ended_at": NOW, "end_reason": "every letter is sent or skipped"}, "done", "every letter is sent or skipped"),
    ],
)
async def test_a_way_says_where_it_stands(sqlite_db: Database, columns: dict[str, object], decision: str, reason: str) -> None:
    [person] = await add_people(sqlite_db, "anna@example.com")
    await way(sqlite_db, person, **columns)
    assert [(w.decision, w.reason) for w in await explaining.why(sqlite_db, person)] == [(decision, reason)]


@pytest.mark.parametrize(
    ("state", "outcome", "decision", "reason"),
    [
        ("pending", None, "send", "letter 1 of school"), ("unknown", None, "wait", "the relay's answer was lost; it waits for proof"),
        ("held", None, "wait", "the relay's answer was lost; held for a decision"), ("rejected", "unknown-user", "skip", "rejected: unknown-user"),
    ],
)  # fmt: skip
async def test_every_state_has_its_word(sqlite_db: Database, state: str, outcome: str | None, decision: str, reason: str) -> None:
    [person] = await add_people(sqlite_db, "anna@example.com")
    await add_delivery(sqlite_db, person, await add_letter(sqlite_db), state=state, outcome=outcome)
    assert [(w.decision, w.reason) for w in await explaining.why(sqlite_db, person)] == [(decision, reason)]


async def test_a_pause_speaks_louder_than_the_planners_last_word(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    await add_delivery(db, person, await add_letter(db), state="cancelled", outcome="paused", ended_at=NOW)
    said = {"at": NOW.isoformat(), "letter": "school/two", "decision": "wait", "reason": "goes in its window", "rule": "window", "until": None}
    await way(db, person, decision=said)
    assert [(w.decision, w.rule) for w in await explaining.why(db, person)] == [("wait", "ledger"), ("wait", "window")]
    async with db.write() as tx:
        await set_lane(tx, "sequence:school", "paused", "paused by hand")
    found = await explaining.why(db, person)
    assert [(w.decision, w.letter, w.rule) for w in found] == [("wait", "school/first", "ledger"), ("wait", None, "paused")]
    assert found[1].reason == "paused by hand"


async def test_nobody_is_an_error(sqlite_db: Database) -> None:
    assert await explaining.look_up(sqlite_db, "eve@example.com") is None
    with pytest.raises(NurtureError, match="there is no subscriber"):
        await explaining.why(sqlite_db, 5)
    with pytest.raises(NurtureError, match="there is no subscriber"):
        await explaining.story(sqlite_db, 5)
