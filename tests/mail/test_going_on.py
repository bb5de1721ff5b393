"""Letter after letter on a quick relay: the next body goes as soon as its 354 is heard, and each letter still has its own end and limit."""

import asyncio

import pytest

from nurture.domain.envelopes import Envelope, Reply
from nurture.mail.line import Line
from tests.support.carrying import Stack, carry, envelope, relay_to
from tests.support.far_end import GO, OFFERS, Far, far_end, take_all

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


async def test_an_answer_too_many_is_never_taken_for_the_next_letters() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, 4)
        await far.lines(3)
        far.say("250 2.0.0 taken 4", *GO, "250 2.0.0 surplus")
        assert await far.all() == b"", "nobody knows whose answer is whose"

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, LETTERS + 1)])
    assert "2.0.0 surplus" not in [r.text for r in stack.replies]
    assert {r.delivery: r.code for r in stack.replies} == {1: 250, 2: 250, 3: 250, 4: 250, 5: None, 6: 250}


@pytest.mark.parametrize(
    ("pieces", "text", "code"),
    [([11], "2.0.0 taken 4", 250), ([19], "2.0.0 taken 4", 250), ([47], "2.0.0 taken 4", 250), ([1], "the relay answered", None)],
)
async def test_answers_in_pieces(pieces: list[int], text: str, code: int | None) -> None:
    """Each piece could be taken for all that is owed; the last one begins within a line that is no answer."""
    said = "".join(f"{answer}\r\n" for answer in ("250 2.0.0 taken 4", *GO)).encode()

    async def script(far: Far) -> None:
        await take_quickly(far, 4)
        await far.lines(3)
        await far.piecemeal(said if code else b"2" + said, pieces)
        if code:
            await far.body()
            far.say("250 2.0.0 taken 5")
        await far.all()

    async with far_end(script, take_all) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, LETTERS)])
    assert {r.delivery: r.code for r in stack.replies} == {1: 250, 2: 250, 3: 250, 4: code, 5: 250}
    assert next(r.text for r in stack.replies if r.delivery == 4).startswith(text)


async def test_a_long_answer_in_pieces_is_one() -> None:
    async def script(far: Far) -> None:
        await take_quickly(far, 4)
        await far.lines(3)
        await far.piecemeal("".join(f"{answer}\r\n" for answer in ("250-2.0.0 a long", "250 2.0.0 answer", *GO)).encode(), [18])
        await far.body()
        far.say("250 2.0.0 taken 5")
        await far.line()

    async with far_end(script) as end:
        stack = await carry(relay_to(end), [envelope(n) for n in range(1, LETTERS)])
    assert [r.text for r in stack.replies[-2:]] == ["2.0.0 a long 2.0.0 answer", "2.0.0 taken 5"]


class Mute(asyncio.Transport):
    """Nobody at the far end; what would come from there, the test says itself, at the very moment that it means."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """It goes nowhere."""

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        """Nothing is open."""


async def test_what_comes_behind_an_answer_that_waits_for_its_task_is_not_taken_before_it() -> None:
    line, asked = Line(Mute()), list[bytes]()

    def takes(heard: bytes) -> bool:
        asked.append(heard)
        return heard != b"250 first\r\n"

    line.say(b"RSET", 3)
    waiting = asyncio.create_task(line.answer(5.0, takes))
    await asyncio.sleep(0)
    line.data_received(b"250 first\r\n")
    line.data_received(b"250 second\r\n")
    assert [await waiting, await line.answer(5.0)] == [(250, b"first"), (250, b"second")]
    waiting = asyncio.create_task(line.answer(5.0, takes))
    await asyncio.sleep(0)
    line.cut()
    line.data_received(b"250 third\r\n")
    with pytest.raises(Exception, match="cut"):
        await waiting
    assert asked == [b"250 first\r\n"]


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
