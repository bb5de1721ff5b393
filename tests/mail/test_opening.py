"""How a session opens; what is told of one that does not, and that nothing of it stays open."""

import asyncio
import socket
from pathlib import Path

import pytest

from nurture.mail.opening import Door
from nurture.mail.relay import SmtpRelay
from nurture.mail.relay_address import RelayAddress
from nurture.mail.session import Timeouts
from tests.support.carrying import envelope, relay_to
from tests.support.far_end import Far, FarEnd, far_end
from tests.support.smtp import make_authority


def signing_in(end: FarEnd) -> SmtpRelay:
    return SmtpRelay(f"smtp://anna:secret@127.0.0.1:{end.port}?tls=none", connect_timeout=5.0, command_timeout=5.0)


async def test_a_relay_is_held_to_what_it_offers_once_the_line_is_safe(tmp_path: Path) -> None:
    """What it said in the clear may be anybody's word (RFC 3207 4.2)."""
    authority = make_authority(tmp_path)

    async def script(far: Far) -> None:
        await far.greet("STARTTLS", "SMTPUTF8", "SIZE 1000")
        await far.encrypt(authority.server)
        await far.hello("PIPELINING", "SIZE 30000000")
        await far.line()

    async with far_end(script) as end:
        door = Door(RelayAddress.read(f"smtp://127.0.0.1:{end.port}"), Timeouts(5, 5, 5), authority.context)
        session = await door.open()
        offered = session.offered
        session.drop()
    assert (offered.pipelining, offered.utf8, offered.size) == (True, False, 30_000_000)


@pytest.mark.parametrize(
    ("helo", "host", "said"),
    [(None, "mail-1.example.com", "mail-1.example.com"), (None, "anna_s_laptop", "localhost"), (None, "büro", "localhost"), ("us.example.com", "mail", "us.example.com")],
)
async def test_the_name_we_give(helo: str | None, host: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own, unless told, or unless it is none that EHLO may say (RFC 5321 2.3.5)."""
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    heard: list[str] = []

    async def script(far: Far) -> None:
        far.say("220 far.test ESMTP")
        heard.append(await far.line())
        far.say("421 4.3.2 not now")

    async with far_end(script) as end:
        await relay_to(end, helo=helo).deliver(envelope(1))
    assert heard == [f"EHLO {said}"]


async def test_who_says_nothing_to_our_password_is_not_waited_for_as_long_as_for_a_connection() -> None:
    async def script(far: Far) -> None:
        await far.greet("AUTH PLAIN LOGIN")
        await far.all()

    async with far_end(script) as end, asyncio.timeout(2):
        relay = SmtpRelay(f"smtp://anna:secret@127.0.0.1:{end.port}?tls=none", connect_timeout=5.0, command_timeout=0.2)
        reply = await relay.deliver(envelope(1))
    assert (reply.phase, reply.code) == ("auth", None)


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


async def test_a_relay_that_cannot_encrypt_just_now_is_asked_again_another_time() -> None:
    async def script(far: Far) -> None:
        await far.greet("STARTTLS")
        await far.line()
        far.say("454 4.7.0 TLS not available due to temporary reason")
        await far.all()

    async with far_end(script) as end:
        relay = SmtpRelay(f"smtp://127.0.0.1:{end.port}", connect_timeout=5.0)
        reply = await relay.deliver(envelope(1))
        await relay.close()
    assert (reply.phase, reply.code, reply.enhanced) == ("tls", 454, "4.7.0")


async def test_a_host_that_is_no_name_is_no_connection() -> None:
    """An error of the code would leave it open whether the letter has left."""
    relay = SmtpRelay("smtp://mail..example.com?tls=none", connect_timeout=5.0)
    reply = await relay.deliver(envelope(1))
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
