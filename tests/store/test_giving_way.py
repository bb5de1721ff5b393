"""Long work in short pieces: who waits for an answer has his turn in between, and says what he has to."""

import asyncio
import socket
from datetime import timedelta

import uvloop

from nurture.store.claims import claim_alone
from nurture.store.database import Database
from nurture.store.giving_way import give_way, in_pieces
from nurture.store.outbox import plan_rows
from nurture.store.readers import readers
from tests.store.test_claims import a_worker
from tests.support.outbox_rows import add_letter, planned
from tests.support.people import NOW, add_people


class Ear(asyncio.Protocol):
    """Tells who waits for them that bytes have come."""

    def __init__(self) -> None:
        self.heard = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.heard.set_result(data)


async def _answered_meanwhile() -> list[bytes]:
    """What somebody who waits for a socket has said when we are back; its bytes came just before we gave way."""
    near, far = socket.socketpair()
    transport, ear = await asyncio.get_running_loop().create_connection(Ear, sock=near)
    said: list[bytes] = []

    async def wait() -> None:
        said.append(await ear.heard)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.02)
    far.send(b"354 go on")
    await give_way()
    meanwhile = [*said]
    await waiting
    transport.close()
    far.close()
    return meanwhile


def test_who_waits_for_a_relay_speaks_before_we_go_on() -> None:
    """On the loop that senders run on. A single turn hears, and then we would go on before whoever waited for what was heard."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(_answered_meanwhile()) == [b"354 go on"]


async def test_pieces_are_all_there_is_in_its_order_with_turns_between_them() -> None:
    turns: list[int] = []

    async def others() -> None:
        while True:
            turns.append(len(turns))
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    seen, before = [], []
    async for piece in in_pieces(range(10), 4):
        seen.append([*piece])
        before.append(len(turns))
    beside.cancel()
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert before[0] == 0, "nobody is waited for before the first"
    assert before[0] < before[1] < before[2]
    assert [piece async for piece in in_pieces([], 4)] == []


async def test_a_claim_of_many_is_whole_and_longest_due_first(db: Database) -> None:
    people = await add_people(db, *[f"p{n}@example.com" for n in range(150)])
    letter, worker = await add_letter(db), await a_worker(db)
    async with db.write() as tx:
        await plan_rows(tx, [planned(letter, p, due=NOW - timedelta(minutes=n * 37 % 150)) for n, p in enumerate(people)])
    found = await claim_alone(db, letter["lane_id"], worker.id, 512, NOW)
    assert found is not None
    assert [row.subscriber_id for row in found[0]] == sorted(people, key=lambda p: -(people.index(p) * 37 % 150))
    async with db.read() as tx:
        known = await readers(tx, people, NOW)
    assert {person: known[person].email for person in people} == {p: f"p{n}@example.com" for n, p in enumerate(people)}
