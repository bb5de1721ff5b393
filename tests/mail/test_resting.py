"""Sessions between two letters: how long each rests, what a closed relay leaves, and what one that was opened and not used is worth."""

import asyncio

import pytest

from nurture.mail import pool as pools
from tests.support.carrying import envelope, relay_to
from tests.support.far_end import OFFERS, Far, far_end, take_all


async def test_each_session_rests_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE", 0.2)
    loop, left = asyncio.get_running_loop(), asyncio.Queue[float]()

    async def script(far: Far) -> None:
        await take_all(far)
        left.put_nowait(loop.time())

    async with far_end(script) as end, asyncio.timeout(5):
        relay = relay_to(end)
        await asyncio.gather(relay.deliver(envelope(1)), relay.deliver(envelope(2)))
        await asyncio.sleep(0.1)
        await relay.deliver(envelope(3))
        again = loop.time()
        first, second = await left.get(), await left.get()
        assert first < second
        assert second - again > 0.19, "its rest began anew with the third letter"
        await relay.deliver(envelope(4))
        assert await left.get() > second
        await relay.close()
    assert end.sessions == 3


async def test_the_session_that_rests_shortest_goes_on_so_that_the_others_may_end() -> None:
    async with far_end(take_all) as end:
        relay = relay_to(end)
        first, second = [await relay.pools[0].borrow() for _ in range(2)]
        relay.pools[0].give_back(first)
        relay.pools[0].give_back(second)
        for _ in range(2):
            again = await relay.pools[0].borrow()
            relay.pools[0].give_back(again)
            assert again is second
        await relay.close()


async def test_a_session_in_use_when_the_relay_is_closed_ends_after_its_letter() -> None:
    at_dot, goes_on, said = asyncio.Event(), asyncio.Event(), asyncio.Queue[str]()

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.letter()
        at_dot.set()
        await goes_on.wait()
        far.say("250 2.0.0 taken")
        said.put_nowait(await far.line())

    async with far_end(script) as end, asyncio.timeout(5):
        relay = relay_to(end)
        under_way = asyncio.create_task(relay.deliver(envelope(1)))
        await at_dot.wait()
        await relay.close()
        goes_on.set()
        assert ((await under_way).code, await said.get()) == (250, "QUIT")


async def test_a_session_that_has_rested_without_a_letter_is_fresh_no_more() -> None:
    """Its 421 is a goodbye to whoever waited too long, and no answer to the letter."""

    async def leaves(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say("421 4.4.2 you took too long")

    async with far_end(leaves, take_all) as end:
        relay = relay_to(end)
        assert (await relay.deliver(envelope(1), may_write=lambda: False)).code is None
        assert (await relay.deliver(envelope(2))).code == 250
        await relay.close()
    assert end.sessions == 2
