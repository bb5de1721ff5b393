"""A session that does not open: what it is told, and that nothing of it stays open."""

import asyncio

import pytest

from nurture.mail.relay import SmtpRelay
from tests.support.carrying import envelope, relay_to
from tests.support.far_end import Far, FarEnd, far_end


def signing_in(end: FarEnd) -> SmtpRelay:
    return SmtpRelay(f"smtp://anna:secret@127.0.0.1:{end.port}?tls=none", connect_timeout=5.0, command_timeout=5.0)


async def test_what_did_not_open_is_closed() -> None:
    closed = asyncio.Event()

    async def script(far: Far) -> None:
        far.say("220 far.test ESMTP")
        await far.line()
        far.say("550 5.7.1 not you")
        await far.all()
        closed.set()

    async with far_end(script) as end:
        relay = relay_to(end)
        reply = await relay.deliver(envelope(1))
        assert (reply.phase, reply.code) == ("connect", 550)
        await asyncio.wait_for(closed.wait(), 2)
        await relay.close()


async def test_what_is_cancelled_while_it_opens_is_closed_and_gives_its_place_back() -> None:
    waiting, closed = asyncio.Event(), asyncio.Event()

    async def script(far: Far) -> None:
        far.say("220 far.test ESMTP")
        await far.line()
        waiting.set()
        await far.all()
        closed.set()

    async def refuses(far: Far) -> None:
        far.say("421 4.3.2 not now")

    async with far_end(script, refuses) as end:
        relay = relay_to(end, connections=1)
        opening = asyncio.create_task(relay.deliver(envelope(1)))
        await waiting.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await asyncio.wait_for(closed.wait(), 2)
        reply = await asyncio.wait_for(relay.deliver(envelope(2)), 2)
        assert (reply.phase, reply.code) == ("connect", 421)
        await relay.close()


@pytest.mark.parametrize("greeting", ["fine", "999 who knows", "120 soon"])
async def test_a_greeting_that_is_no_smtp_is_no_answer(greeting: str) -> None:
    async def script(far: Far) -> None:
        far.say(greeting)
        await far.all()

    async with far_end(script) as end:
        relay = relay_to(end, connect_timeout=0.5)
        reply = await relay.deliver(envelope(1))
        await relay.close()
    assert (reply.phase, reply.code) == ("connect", None)


async def test_a_line_lost_while_signing_in_is_no_refusal() -> None:
    """That would halt the relay until the operator comes."""

    async def script(far: Far) -> None:
        await far.greet("AUTH PLAIN LOGIN")
        assert (await far.line()).startswith("AUTH")

    async with far_end(script) as end:
        relay = signing_in(end)
        reply = await relay.deliver(envelope(1))
        await relay.close()
    assert (reply.phase, reply.code) == ("auth", None)
