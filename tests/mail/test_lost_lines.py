"""Where a line is lost, falls silent or is cut by us: before the body it is harmless, after it nobody knows."""

import asyncio

import pytest

from nurture.domain.envelopes import Phase
from tests.support.carrying import carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, Script, far_end, take_all


def at(place: str, how: str) -> Script:
    """Cut at a place of the second letter's conversation, which is announced with the dot of the first or after it."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        said = {"nothing": 0, "mail": 1, "rcpt": 2}.get(place, 3)
        far.say(*GO[:said])
        if place == "half an answer":
            far.say("250 2.0", end="")
        if said == 3:
            await far.reader.read(1)
        if place == "dot":
            await far.body()
        if place == "half the dot's answer":
            await far.body()
            far.say("250", end="")
        await far.writer.drain()
        getattr(far, how)()

    return script


@pytest.mark.parametrize("how", ["hang_up", "tear"])
@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("nothing", Phase.MAIL),
        ("mail", Phase.RCPT),
        ("rcpt", Phase.DATA),
        ("half an answer", Phase.DATA),
        ("body", Phase.BODY),
        ("dot", Phase.BODY),
        ("half the dot's answer", Phase.BODY),
    ],
)
async def test_where_the_line_is_lost(place: str, expected: Phase, how: str) -> None:
    async with far_end(at(place, how), take_all) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: (expected.value, None), 2: ("body", 250)}


@pytest.mark.parametrize(
    ("answer", "code"), [("421 4.3.2 down", 421), ("354 go on", None), ("154 soon", None), ("250-ok\r\n550 no", None), ("fine", None), ("250", 250)]
)  # fmt: skip
async def test_an_odd_answer_to_the_dot_is_the_last_word_of_a_session(answer: str, code: int | None) -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.letter()
        far.say(answer)
        more = await far.all()
        assert more.startswith(b"MAIL" if code == 250 else b"")
        assert code == 250 or not more

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end, command_timeout=0.3), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("body", code), 2: ("body", 250)}


async def test_silence_after_the_dot_with_a_letter_announced() -> None:
    """The first is unknown, the second was never heard of; and for a while nobody is announced any more."""
    ahead: list[bytes] = []

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        for n in range(2):
            await far.letter()
            if n == 0:
                far.say("250 2.0.0 taken")
        await far.all()

    async def careful(far: Far) -> None:
        await far.greet(*OFFERS)
        while True:
            await far.letter()
            ahead.append(far.heard)
            far.say("250 2.0.0 taken")

    async with far_end(script, careful) as end:
        stack = await carry(relay_to(end, dot_timeout=0.2), [envelope(n) for n in range(1, 7)])
    assert stack.by_letter() == {n: ("body", None if n == 2 else 250) for n in range(1, 7)}
    assert ahead == [b""] * 4


async def test_the_limit_is_that_of_the_phase() -> None:
    """One timer serves all waits of a session: a short limit after a long one rings in time, and a long one is waited out."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.letter()
        await asyncio.sleep(0.6)
        far.say("250 2.0.0 taken, slowly")
        await far.lines(3)
        far.say(GO[0])
        await far.all()

    async with far_end(script, take_all) as end:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        stack = await carry(relay_to(end, command_timeout=0.4, dot_timeout=5.0), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("body", 250), 2: ("rcpt", None)}
    assert 1.0 <= loop.time() - begun < 2.5


async def test_a_lease_that_ends_leaves_the_announced_letter_unwritten() -> None:
    holds = True

    async def script(far: Far) -> None:
        nonlocal holds
        await far.greet(*OFFERS)
        for n in range(2):
            await far.letter()
            if n == 0:
                far.say("250 2.0.0 taken")
        await far.lines(3)
        holds = False
        far.say("250 2.0.0 taken", *GO)
        assert await far.all() == b""

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3)], may_finish=lambda: holds)
    assert stack.by_letter() == {1: ("body", 250), 2: ("body", 250), 3: ("data", None)}
    assert stack.replies[-1].text == "not written in time"
