"""Servers that refuse, drop, dawdle and fall silent, each recipient in another way, in the same batches: everybody gets what they are due."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from nurture.store.ledger import deliveries, subscribers
from tests.support.household import Household, Houses

FIRST, LAST = 0, 23
LIMITS = {"NURTURE_SMTP_COMMAND_TIMEOUT": "1s", "NURTURE_SMTP_DOT_TIMEOUT": "2s", "NURTURE_UNKNOWN_GRACE": "1s"}
REFUSED = {FIRST: ("rcpt", "550 5.1.1 no such user"), 11: ("dot", "554 5.6.0 what is this"), LAST: ("rcpt", "550 5.1.1 no such user")}
LATER = {
    1: ("rcpt", {"do": "450 4.2.0 not now", "attempts": (1, 1)}),
    2: ("rcpt", {"do": "cut", "attempts": (1, 1)}),
    3: ("data", {"do": "drop", "attempts": (1, 1)}),
    4: ("data", {"do": "451 4.3.0 not now", "attempts": (1, 1)}),
    5: ("rcpt", {"do": "silent", "attempts": (1, 1)}),
    6: ("dot", {"do": "452 4.3.1 no room", "attempts": (1, 1)}),
    7: ("rcpt", {"do": "450 4.7.1 Greylisted, come again later", "attempts": (1, 3)}),
    8: ("data", {"do": "999 what", "attempts": (1, 1)}),
}
DOUBTFUL = {  # and whether the server had taken it
    12: ("dot", {"do": "cut", "attempts": (1, 1)}, True),
    13: ("dot", {"do": "lose", "attempts": (1, 1)}, False),
    14: ("dot", {"do": "silent", "attempts": (1, 1)}, True),
    15: ("body", {"do": "cut", "attempts": (1, 1)}, False),
}
TAKEN = {
    17: ("done", {"do": "cut", "attempts": (1, 1)}),
    18: ("dot", {"delay": 1.2, "attempts": (1, 1)}),
    19: ("dot", {"do": "250-2.0.0 in\r\n250 2.0.0 lines", "attempts": (1, 1)}),
    20: ("rcpt", {"delay": 0.5, "attempts": (1, 1)}),
}


async def now_due(house: Household) -> None:
    """The back-off of deferred rows is over."""
    async with house.db.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.state == "deferred").values(due_at=datetime.now(UTC)))


async def by_person(house: Household) -> dict[int, Any]:
    return {house.people.index(row.subscriber_id): row for row in await house.rows()}


async def test_each_recipient_has_its_own_fate(houses: Houses) -> None:
    """SQLite beside a server that offers PIPELINING, PostgreSQL beside one that does not."""
    await houses.each(lambda house: live(house, pipelining=house.sqlite))


async def live(house: Household, pipelining: bool) -> None:
    house.more |= LIMITS | {"NURTURE_UNKNOWN_GRACE": "30s"}
    house.sink.offer(pipelining=pipelining)
    for number, (stage, fault) in (LATER | TAKEN | {n: doubt[:2] for n, doubt in DOUBTFUL.items()}).items():
        house.sink.script(stage, to=f"p{number}@example.com", **fault)
    for number, (stage, answer) in REFUSED.items():
        house.sink.script(stage, answer, to=f"p{number}@example.com")
    await house.fill(people=LAST + 1)
    worker = house.worker()
    await house.until(lambda: tried(house), 40)
    await house.stop(worker)
    rows = await by_person(house)
    told = {n: (rows[n].state, rows[n].outcome, rows[n].answer) for n in rows}
    assert {n for n in rows if rows[n].state == "rejected"} == set(REFUSED), told
    assert {n for n in rows if rows[n].state == "deferred"} == set(LATER), told
    assert {n for n in rows if rows[n].state == "unknown"} == set(DOUBTFUL), told
    assert {n for n in rows if rows[n].state == "accepted"} == set(range(LAST + 1)) - set(REFUSED) - set(LATER) - set(DOUBTFUL), told
    assert {n: rows[n].attempts for n in LATER} == dict.fromkeys(LATER, 1)
    assert await status_of(house) == {"p0@example.com": "bounced", f"p{LAST}@example.com": "bounced"}

    house.more["NURTURE_UNKNOWN_GRACE"] = "1s"
    async with house.db.write() as tx:
        await tx.execute(update(deliveries).where(deliveries.c.state == "unknown").values(due_at=datetime.now(UTC)))
    again = house.worker()

    async def ended() -> bool:
        await now_due(house)
        return await house.finished()

    await house.until(ended, 40)
    await house.stop(again)
    rows = await by_person(house)
    assert {n for n in rows if rows[n].state == "accepted"} == set(range(LAST + 1)) - set(REFUSED)
    assert rows[7].attempts == 4, "three times greylisted, then taken"
    copies = {n: house.sink.people[f"p{n}@example.com"] for n in range(LAST + 1)}
    assert copies == {n: 0 if n in REFUSED else 2 if n in DOUBTFUL and DOUBTFUL[n][2] else 1 for n in range(LAST + 1)}
    assert {n: rows[n].dup_risk for n in rows if rows[n].dup_risk} == dict.fromkeys(DOUBTFUL, 1)
    assert all(len(ids) == 1 for ids in house.sink.ids_of().values()), "a second copy has the same Message-ID"
    tries = house.sink.tell()["attempts"]
    assert {n: tries[f"p{n}@example.com"] for n in REFUSED} == dict.fromkeys(REFUSED, 1), "a refused letter is never repeated"


async def tried(house: Household) -> bool:
    """Every letter has had its first answer."""
    rows = await house.rows()
    return len(rows) == len(house.people) and all(row.state not in ("pending", "claimed", "sending") for row in rows)


async def status_of(house: Household) -> dict[str, str]:
    async with house.db.read() as tx:
        found = await tx.execute(subscribers.select().where(subscribers.c.status != "subscribed"))
        return {row.email: row.status for row in found}
