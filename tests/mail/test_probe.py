"""The look that `nurture doctor` takes at a relay, where the relay is an odd one."""

import asyncio
from pathlib import Path

import pytest

from nurture.mail import probe
from nurture.mail.probe import look
from nurture.mail.relay_address import RelayAddress
from tests.support.far_end import Far, FarEnd, far_end
from tests.support.smtp import make_authority

ANNA = "anna@example.com"


def address_of(end: FarEnd, tls: str = "none", user: str = "") -> RelayAddress:
    return RelayAddress.read(f"smtp://{user}127.0.0.1:{end.port}?tls={tls}")


async def test_what_counts_is_what_a_relay_offers_once_the_line_is_safe(tmp_path: Path) -> None:
    """What it said in the clear may be anybody's word (RFC 3207 4.2)."""
    authority = make_authority(tmp_path)

    async def script(far: Far) -> None:
        await far.greet("STARTTLS", "SIZE 1000")
        await far.encrypt(authority.server)
        await far.hello("PIPELINING", "SIZE 30000000")
        await far.line()
        far.say("221 2.0.0 bye")

    async with far_end(script) as end:
        facts = await look(address_of(end, "starttls"), None, verify=authority.context)
    assert (facts.trouble, facts.tls) == ("", "TLSv1.3")
    assert facts.offers == {"PIPELINING": "", "SIZE": "30000000"}


async def test_a_look_sends_no_letter_and_says_goodbye() -> None:
    heard: list[str] = []

    async def script(far: Far) -> None:
        await far.greet("8BITMIME")
        for answer in ("250 2.1.0 ok", "250 2.0.0 forgotten", "221 2.0.0 bye"):
            heard.append(await far.line())
            far.say(answer)

    async with far_end(script) as end:
        facts = await look(address_of(end), ANNA)
    assert heard == [f"MAIL FROM:<{ANNA}>", "RSET", "QUIT"]
    assert (facts.trouble, facts.sender_refused, facts.addresses) == ("", "", ("127.0.0.1",))


@pytest.mark.parametrize(
    ("step", "offers", "answers"),
    [
        ("hello", None, ()),
        ("TLS", ("STARTTLS",), ("220 2.0.0 go on",)),
        ("sign in", ("AUTH PLAIN",), ()),
        ("hello", ("AUTH PLAIN",), ("235 2.7.0 welcome",)),
    ],
)
async def test_a_line_that_is_lost_tells_at_which_step(step: str, offers: tuple[str, ...] | None, answers: tuple[str, ...]) -> None:
    async def script(far: Far) -> None:
        if offers is None:
            far.say("220 far.test ESMTP")
        else:
            await far.greet(*offers)
        for answer in answers:
            await far.line()
            far.say(answer)
        if step != "TLS":  # there its next words are no line
            await far.line()

    async with far_end(script) as end:
        facts = await look(address_of(end, "starttls" if step == "TLS" else "none", "anna:hush@"), ANNA)
    assert (facts.step, bool(facts.trouble), facts.sender_refused) == (step, True, "")


async def test_what_the_relay_refuses_is_told_with_its_code_and_the_line_is_closed() -> None:
    """A user without a password is asked for it there."""
    closed = asyncio.Event()

    async def script(far: Far) -> None:
        await far.greet("AUTH PLAIN")
        await far.line()
        far.say("535 5.7.8 the password, please")
        await far.all()
        closed.set()

    async with far_end(script) as end:
        facts = await look(address_of(end, user="anna@"), ANNA)
        await asyncio.wait_for(closed.wait(), 2)
    assert (facts.step, facts.trouble) == ("sign in", "535 5.7.8 the password, please")


async def test_a_relay_that_keeps_silent_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LIMIT", 0.2)

    async def script(far: Far) -> None:
        await asyncio.wait_for(far.all(), 1)

    async with far_end(script) as end:
        facts = await look(address_of(end), ANNA)
    assert "imed out" in facts.trouble
