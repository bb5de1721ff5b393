"""Rules of the conversation, each against a server that speaks byte by byte: what goes out together, what an odd answer costs, who is retried."""

import asyncio

import pytest

from tests.support.carrying import BODY, carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, far_end, take_all

PLAIN = OFFERS[1:]



async def test_commands_go_in_one_write_and_the_body_only_after_its_354() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.until(b"DATA\r\n")
        await asyncio.sleep(0.05)
        assert far.heard == b"", "not a byte of the body before the 354"
        far.say(*GO)
        assert await far.body() == BODY + b".\r\n"
        far.say("250 2.0.0 taken")
        assert await far.line() == "QUIT"

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(1)])
    assert stack.by_letter() == {1: ("body", 250)}


async def test_the_next_letter_is_announced_with_the_dot_of_a_quick_relay() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take("250 2.0.0 first")
        await far.letter()
        assert (await far.lines(3))[1] == "RCPT TO:<p3@example.org>", "before the answer to the dot"
        far.say("250 2.0.0 second", *GO)
        await far.body()
        far.say("250 2.0.0 third")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3)])
    assert [r.text for r in stack.replies] == ["2.0.0 first", "2.0.0 second", "2.0.0 third"]


async def test_a_slow_relay_gets_no_letter_announced() -> None:
    """It would only wait there, and past the two seconds of its hand-off."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        for _ in range(3):
            await far.letter()
            await asyncio.sleep(0.3)
            assert far.heard == b""
            far.say("250 2.0.0 taken")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3)])
    assert len(stack.replies) == 3


async def test_without_pipelining_every_command_waits() -> None:
    async def script(far: Far) -> None:
        await far.greet(*PLAIN)
        for n in (1, 2):
            for wanted, answer in zip((b"MAIL", b"RCPT", b"DATA"), GO, strict=True):
                assert (await far.until(b"\r\n")).startswith(wanted)
                await asyncio.sleep(0.02)
                assert far.heard == b""
                far.say(answer)
            await far.body()
            assert far.heard == b""
            far.say(f"250 2.0.0 taken {n}")
        assert await far.line() == "QUIT"

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("body", 250), 2: ("body", 250)}


async def test_a_refused_recipient_whose_data_got_354_ends_with_a_lone_dot() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say("250 2.1.0 ok", "550 5.1.1 nobody", "354 all the same")
        assert await far.body() == b".\r\n", "not a byte of the letter"
        far.say("554 5.5.1 no valid recipients")
        assert await far.line() == "RSET"
        assert (await far.lines(3))[1] == "RCPT TO:<p2@example.org>"
        far.say("250 2.0.0 reset", *GO)
        await far.body()
        far.say("250 2.0.0 taken")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("rcpt", 550), 2: ("body", 250)}
    assert end.sessions == 1


async def test_no_dot_where_it_would_make_an_empty_letter() -> None:
    """MAIL is refused, yet the recipient is taken and the relay waits for a body: a dot now might reach somebody."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say("550 5.7.1 not you", "250 2.1.5 ok", "354 go on")
        assert await far.all() == b""

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("mail", 550), 2: ("body", 250)}


@pytest.mark.parametrize("offers", [OFFERS, PLAIN])
async def test_reset_comes_before_the_next_letter_only_after_a_refusal_half_way(offers: tuple[str, ...]) -> None:
    said: list[str] = []

    async def script(far: Far) -> None:
        await far.greet(*offers)
        while True:
            line = await far.line()
            said.append(line.split(":")[0])
            if line == "DATA":
                if said[-2] == "refused":
                    far.say("503 5.5.1 nobody there")
                    continue
                far.say("354 go on")
                await far.body()
                far.say("554 5.6.0 not this" if len(said) > 9 else "250 2.0.0 taken")
            elif "p2@" in line:
                said.append("refused")
                far.say("550 5.1.1 nobody")
            elif line == "QUIT":
                return
            else:
                far.say("250 2.0.0 ok")

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3, 4)])
    assert stack.by_letter() == {1: ("body", 250), 2: ("rcpt", 550), 3: ("body", 554), 4: ("body", 554)}
    assert said.count("RSET") == 1, "none after the dot, whatever its answer"
    assert said[said.index("RSET") - 1] == ("DATA" if offers is OFFERS else "refused")
    assert end.sessions == 1


async def test_a_reset_that_is_refused_costs_the_session_and_no_letter() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say("250 2.1.0 ok", "550 5.1.1 nobody", "503 5.5.1 no")
        await far.lines(4)
        far.say("502 5.5.1 what is RSET?", *GO)
        assert await far.all() == b""

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("rcpt", 550), 2: ("body", 250)}
    assert end.sessions == 2


@pytest.mark.parametrize("farewell", [["421 4.3.2 so many letters are enough"], []])
async def test_a_letter_that_the_relay_never_heard_goes_over_a_fresh_session(farewell: list[str]) -> None:
    """It is announced with the dot of the one before, and the relay leaves after that dot."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        for _ in range(2):
            await far.letter()
            if _ == 0:
                far.say("250 2.0.0 taken")
        await far.lines(3)
        far.say("250 2.0.0 taken", *farewell)

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3, 4)])
    assert set(stack.by_letter().values()) == {("body", 250)}
    assert end.sessions == 2


async def test_421_at_the_dot_is_the_answer_of_that_letter_and_no_other() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()
        await far.letter()
        await far.lines(3)
        far.say("421 4.3.2 down", "421 4.3.2 down", "421 4.3.2 down", "421 4.3.2 down")

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in (1, 2, 3)])
    assert stack.by_letter() == {1: ("body", 250), 2: ("body", 421), 3: ("body", 250)}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["421 4.3.2 down"], ("mail", 421)),
        (["250 ok", "421 4.3.2 down"], ("rcpt", 421)),
        (["250 ok", "250 ok", "421 4.3.2 down"], ("data", 421)),
        (["250 ok", "250 ok", "250 ok"], ("data", 250)),
        (["354 ok", "250 ok", "354 ok"], ("mail", 354)),
        (["250 ok", "354 ok", "354 ok"], ("rcpt", 354)),
        (["250-ok\r\n550 no"], ("mail", None)),
        (["what?"], ("mail", None)),
        (["what?", "250 ok", "354 go on"], ("mail", None)),
        (["250 ok", "\x00\x01\udcff"], ("rcpt", None)),
        (["250 ok", "250 ok", "99 what"], ("data", None)),
        (["250 ok", "250 ok", "154 almost"], ("data", None)),
        (["2500 much"], ("mail", None)),
        (["250 ok", "250 ok", "²³⁴ no"], ("data", None)),
        (["250 ok", "250 ok", "354 go on", "250 2.0.0 taken already"], ("data", None)),
        (["250 ok", "250 ok", "354 go on", "25"], ("data", None)),
        (["250 ok", "250 ok", "354-go on\r\n354 now"], ("body", 250)),
        (["250-\r\n250", "252 perhaps", "354"], ("body", 250)),
        (["250-ok\r\n251 forwarded", "251 forwarded", "354 go on"], ("body", 250)),
    ],
)
async def test_odd_answers_of_a_fresh_session(answers: list[str], expected: tuple[str, int | None]) -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        if answers[-1] == "25":
            far.say(*answers[:-1])
            far.say("25", end="")
        else:
            far.say(*answers)
        if expected[0] == "body":
            await far.body()
            far.say("250 2.0.0 taken")
            await far.line()
        else:
            assert await far.all() == b"", "nothing is said any more"

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: expected, 2: ("body", 250)}


async def test_an_answer_before_its_command_is_never_taken_for_the_next_ones() -> None:
    """A stray 250 after a dot would otherwise stand for the answer to the next letter's MAIL, and so on to its dot."""

    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.letter()
        far.say("250 2.0.0 taken", "250 2.0.0 and a present")
        assert await far.all() == b""

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("body", 250), 2: ("body", 250)}
    assert end.sessions == 2


async def test_words_on_an_idle_session_end_it() -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()
        await asyncio.sleep(0.05)
        far.say("250 2.1.0 ok", *GO[1:])
        assert await far.all() == b""

    async with far_end(script, take_all) as end:
        relay = relay_to(end)
        assert (await relay.deliver(envelope(1))).code == 250
        await asyncio.sleep(0.15)
        assert (await relay.deliver(envelope(2))).code == 250
        await relay.close()
    assert end.sessions == 2


@pytest.mark.parametrize("flood", [b"2" * 100_000, b"250-" + b"x" * 40_000, b"250-x\r\n" * 20_000, b"\r\n" * 10])
async def test_an_answer_without_end_is_no_answer(flood: bytes) -> None:
    async def script(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.writer.write(flood)
        assert await far.all() == b""

    async with far_end(script, take_all) as end, asyncio.timeout(4):
        stack = await carry(relay_to(end, command_timeout=60.0), [envelope(1), envelope(2)])
    assert stack.by_letter() == {1: ("mail", None), 2: ("body", 250)}
