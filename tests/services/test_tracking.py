"""Hits become events: once, judged together, and only as far as the person allows it."""

from datetime import timedelta

import pytest

from nurture.domain.evidence import Hit
from nurture.services.tracking import Received, from_line, record_hits, to_line
from nurture.store.database import Database
from tests.support.ledger import add_delivery, add_letter, rows_of
from tests.support.people import NOW, add_people

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


def click(uid: str, delivery: int, person: int, seconds: float, link: int | None = 0, **more: object) -> Received:
    hit = Hit(NOW + timedelta(seconds=seconds), link=link, agent=CHROME, ip="198.51.100.7", **more)  # type: ignore[arg-type]
    return Received(uid, delivery, person, 1, hit, "https://example.com/a")


async def test_a_late_click_is_a_human_event_that_settles_after_ten_minutes(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db))
    assert await record_hits(db, [click("a", delivery, person, 3600)], NOW) == 1
    [event] = await rows_of(db, "events")
    assert (event["type"], event["evidence"], event["link"], event["folded"]) == ("clicked", "human", 0, 0)
    assert event["settles_at"] - event["at"] == timedelta(minutes=10)


def test_a_line_of_the_spool_holds_all_of_a_hit() -> None:
    whole = Hit(NOW, "HEAD", None, "leave", 'Zoë "quoted" \\ agent', "2001:db8::1", prefetch=True, trap=True)
    plain = Hit(NOW, link=3)
    for received in (Received("a", 1, 2, 3, whole), Received("b", 2**48 - 1, 2, 3, plain, "https://example.com/?q=ä")):
        assert from_line(to_line(received)) == received


async def test_a_replay_stores_nothing_twice(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db))
    hits = [click(f"h{n}", delivery, person, 3600 + n) for n in range(3)]
    assert await record_hits(db, hits, NOW) == 3
    before = await rows_of(db, "events")
    assert await record_hits(db, [from_line(to_line(h)) for h in hits], NOW) == 0
    assert await rows_of(db, "events") == before


async def test_a_burst_withdraws_the_click_before_it_and_marks_what_was_folded(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db))
    await record_hits(db, [click("first", delivery, person, 3600)], NOW)
    async with db.write() as tx:
        await tx.exec_driver_sql("UPDATE events SET folded = 1")
    await record_hits(db, [click(f"b{n}", delivery, person, 3700 + n / 10, n) for n in range(3)], NOW)
    events = {e["uid"]: e for e in await rows_of(db, "events")}
    assert {e["evidence"] for e in events.values()} == {"machine"}
    assert events["first"]["folded"] == 2
    assert events["first"]["reason"].startswith("withdrawn")
    assert events["b0"]["folded"] == 0


async def test_a_verdict_older_than_ten_minutes_stands(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db))
    await record_hits(db, [click("first", delivery, person, 3600)], NOW)
    await record_hits(db, [click(f"b{n}", delivery, person, 5000 + n / 10, n) for n in range(3)], NOW)
    assert {e["uid"]: e["evidence"] for e in await rows_of(db, "events")}["first"] == "human"


async def test_where_verdicts_settle_sooner_an_older_one_stands_sooner(db: Database) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db))
    soon = timedelta(minutes=1)
    await record_hits(db, [click("first", delivery, person, 3600)], NOW, soon)
    await record_hits(db, [click(f"b{n}", delivery, person, 3700 + n / 10, n) for n in range(3)], NOW, soon)
    assert {e["uid"]: e["evidence"] for e in await rows_of(db, "events")}["first"] == "human"


@pytest.mark.parametrize(("state", "risk", "after"), [("unknown", 0, "accepted"), ("held", 1, "accepted"), ("pending", 1, "accepted"), ("pending", 0, "pending")])
async def test_a_hit_proves_arrival(db: Database, state: str, risk: int, after: str) -> None:
    [person] = await add_people(db, "anna@example.com")
    delivery = await add_delivery(db, person, await add_letter(db), state=state, dup_risk=risk)
    await record_hits(db, [click("a", delivery, person, 7200, None)], NOW + timedelta(hours=2))
    [row] = await rows_of(db, "deliveries")
    assert row["state"] == after
    if after == "accepted":
        assert (row["accepted_at"], row["folded"], row["outcome"]) == (NOW, 0, "proved")


async def test_permission_is_kept(db: Database) -> None:
    """None: nothing is stored. Aggregate: a nameless count. Erased and foreign people: nothing."""
    none, aggregate = await add_people(db, "none@example.com", tracking="none"), await add_people(db, "few@example.com", tracking="aggregate")
    letter = await add_letter(db)
    ids = [(await add_delivery(db, p, letter), p) for p in (*none, *aggregate)]
    hits = [click(f"h{d}", d, p, 3600) for d, p in ids]
    await record_hits(db, [*hits, click("gone", 999_999, 5, 3600), click("swapped", ids[1][0], none[0], 3600)], NOW)
    [event] = await rows_of(db, "events")
    assert (event["subscriber_id"], event["delivery_id"], event["ip"], event["agent"], event["folded"]) == (0, None, None, None, 1)


async def test_many_hits_go_in_short_transactions(db: Database) -> None:
    people = await add_people(db, *(f"p{n}@example.com" for n in range(10)))
    letter = await add_letter(db)
    deliveries = [(await add_delivery(db, p, letter), p) for p in people]
    hits = [click(f"h{n}", *deliveries[n % 10], 3600 + n * 60, n % 2) for n in range(500)]
    assert await record_hits(db, hits, NOW) == 500
    assert len(await rows_of(db, "events")) == 500
