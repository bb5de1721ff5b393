"""Letter after letter on a quick relay: the next body goes as soon as its 354 is heard, and each letter still has its own end and limit."""

import asyncio

from nurture.domain.envelopes import Envelope, Reply
from tests.support.carrying import Stack, carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, far_end

LETTERS = 6


async def take_quickly(far: Far, letters: int, rest: float = 0.0) -> None:
    """All answers that are owed in one write, after a while."""
    await far.greet(*OFFERS)
    await far.take("250 2.0.0 taken 1")
    await far.letter()
    for n in range(2, letters):
        await far.lines(3)
        await asyncio.sleep(rest)
        far.say(f"250 2.0.0 taken {n}", *GO)
        await far.body()


async def test_each_answer_belongs_to_its_letter() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, LETTERS)
        far.say(f"250 2.0.0 taken {LETTERS}")
        assert await far.line() == "QUIT"

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, LETTERS + 1)])
    assert [(r.delivery, r.text) for r in stack.replies] == [(n, f"2.0.0 taken {n}") for n in range(1, LETTERS + 1)]
    assert end.sessions == 1


async def test_each_letter_is_waited_for_anew() -> None:
    """All of them take longer than the limit, none does."""

    async def script(far: Far) -> None:
        await take_quickly(far, LETTERS, rest=0.15)
        far.say("250 2.0.0 taken")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end, dot_timeout=0.4), [envelope(n) for n in range(1, LETTERS + 1)])
    assert [r.code for r in stack.replies] == [250] * LETTERS


async def test_a_relay_that_becomes_slow_gets_no_letter_announced_any_more() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, 3)
        await far.lines(3)
        await asyncio.sleep(0.3)
        far.say("250 2.0.0 taken 3", *GO)
        await far.body()
        await asyncio.sleep(0.3)
        assert far.heard == b""
        far.say("250 2.0.0 taken 4")
        await far.take("250 2.0.0 taken 5")
        assert await far.line() == "QUIT"

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, 6)])
    assert [(r.delivery, r.text) for r in stack.replies] == [(n, f"2.0.0 taken {n}") for n in range(1, 6)]


async def test_silence_is_the_end_of_the_letter_that_it_follows() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, LETTERS)
        await far.all()

    async with far_end(script) as end:
        begun = asyncio.get_running_loop().time()
        stack = await carry(relay_to(end, dot_timeout=0.3), [envelope(n) for n in range(1, LETTERS + 1)])
    assert stack.by_letter() == {n: ("body", 250 if n < LETTERS else None) for n in range(1, LETTERS + 1)}
    assert 0.3 <= asyncio.get_running_loop().time() - begun < 3


async def test_a_refusal_on_the_way_is_that_letters_own() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, 4)
        await far.lines(3)
        far.say("250 2.0.0 taken 4", "250 2.1.0 ok", "550 5.1.1 nobody", "503 5.5.1 no recipients")
        assert await far.line() == "RSET"
        await far.lines(3)
        far.say("250 2.0.0 reset", *GO)
        await far.body()
        far.say("250 2.0.0 taken 6")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, LETTERS + 1)])
    assert stack.by_letter() == {n: ("rcpt", 550) if n == 5 else ("body", 250) for n in range(1, LETTERS + 1)}
    assert end.sessions == 1


class Failing(Stack):
    """Fails once where a letter's end is told, as nobody should."""

    failed = False

    def ended(self, letter: Envelope, reply: Reply) -> None:
        super().ended(letter, reply)
        if reply.delivery == 3 and not self.failed:
            self.failed = True
            raise RuntimeError("our own fault")


async def test_a_fault_of_our_own_leaves_no_letter_without_an_end() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, 4)
        await far.all()

    stack = Failing([envelope(n) for n in range(1, 5)])
    async with far_end(script) as end:
        relay = relay_to(end)
        crew = relay.crew(stack, 1)
        async with asyncio.timeout(5):
            await stack.finished()
        await crew.close()
        await relay.close()
    assert [(r.delivery, r.code) for r in stack.replies] == [(1, 250), (2, 250), (3, 250), (4, None)]
    assert stack.failed
