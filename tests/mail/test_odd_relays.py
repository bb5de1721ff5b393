"""Relays with habits of their own: wordy ones, bare line ends, a SIZE that says nothing, a session that rests longer than an answer may take."""

import asyncio

import pytest

from nurture.mail.plan import Extensions, Plan
from tests.support.carrying import BODY, carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, far_end, take_all

WORDY = "\r\n".join(["250-2.1.5 " + "our rules are long " * 20] * 10 + ["250 2.1.5 ok"])


async def test_a_session_may_hear_more_in_all_than_one_answer_may_hold() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        while (await far.line()) != "QUIT":
            await far.lines(2)
            far.say(GO[0], WORDY, GO[2])
            await far.body()
            far.say("250 2.0.0 taken")

    assert len(WORDY) * 12 > 32_768 > len(WORDY) * 2
    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(12)])
    assert {(r.phase.value, r.code) for r in stack.replies} == {("body", 250)}
    assert end.sessions == 1


async def test_lines_that_end_with_a_bare_lf_are_understood() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        while (await far.line()) != "QUIT":
            await far.lines(2)
            far.say("250-2.1.0 well", *GO, end="\n")
            await far.body()
            far.say("250 2.0.0 taken", end="\n")

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(3)])
    assert [r.code for r in stack.replies] == [250] * 3
    assert end.sessions == 1


@pytest.mark.parametrize("size", ["SIZE", "SIZE 0", "SIZE 99999999999999999999999"])
async def test_a_size_that_says_nothing_refuses_nothing_and_is_told_all_the_same(size: str) -> None:
    """RFC 1870 4: no number or zero is no limit, and the parameter may be given wherever SIZE is offered."""
    heard: list[str] = []

    async def script(far: Far) -> None:
        await far.greet("PIPELINING", size)
        heard.extend(await far.lines(3))
        far.say(*GO)
        await far.body()
        far.say("250 2.0.0 taken")

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(1)])
    assert stack.by_letter() == {1: ("body", 250)}
    assert heard[0] == f"MAIL FROM:<anna@example.com> SIZE={len(BODY)}"


async def test_a_session_may_rest_longer_than_an_answer_may_take() -> None:
    async with far_end(take_all) as end:
        relay = relay_to(end, command_timeout=0.1, dot_timeout=0.1)
        for n in (1, 2):
            assert (await relay.deliver(envelope(n))).code == 250
            await asyncio.sleep(0.25)
        await relay.close()
    assert end.sessions == 1


async def test_a_cancelled_letter_is_the_last_of_its_session() -> None:
    """Its answer is still to come, and would be taken for that of the next one."""
    at_dot = asyncio.Event()

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.letter()
        at_dot.set()
        assert await far.all() == b""

    async with far_end(script, take_all) as end:
        relay = relay_to(end, connections=1)
        under_way = asyncio.create_task(relay.deliver(envelope(1)))
        await at_dot.wait()
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert (await relay.deliver(envelope(2))).code == 250
        await relay.close()


def test_a_letter_that_is_clean_may_have_eight_bits_where_an_address_has() -> None:
    """See Envelope: all of it is ASCII only where both addresses are."""
    plan = Plan.of(envelope(1, "анна@example.org", BODY.replace(b"b@example.com", "анна@example.org".encode()))._replace(clean=True))
    assert isinstance(plan, Plan)
    assert (plan.utf8, plan.eight_bit) == (True, True)


def test_an_empty_sender_is_one() -> None:
    """RFC 5321 4.5.5: of what must never be answered by a report."""
    plan = Plan.of(envelope(1, sender=""))
    assert isinstance(plan, Plan)
    assert plan.commands(Extensions()).startswith(b"MAIL FROM:<>\r\n")
