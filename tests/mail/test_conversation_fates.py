"""Every letter gets exactly one end, and the right one, whatever the server says, wherever it leaves, and however its bytes are cut into packets."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nurture.mail.relay import SmtpRelay
from tests.support.carrying import carry, envelope
from tests.support.far_end import OFFERS, Far, far_end

CUT, TEAR, GARBAGE = "cut", "tear", "garbage"
FAULTS = (CUT, TEAR, GARBAGE, "421 4.3.2 down", "450 4.2.0 later", "550 5.1.1 no", "552-5.3.4 too\r\n552 5.3.4 much")
RIGHT = {"mail": "250 2.1.0 ok", "rcpt": "250-2.1.5 well\r\n250 2.1.5 ok", "data": "354 go on", "dot": "250 2.0.0 taken"}
WRONG = {"mail": [*FAULTS], "rcpt": [*FAULTS], "data": [*FAULTS, "250 2.0.0 what"], "dot": [*FAULTS, "354 what"]}

NO_SMTP = (("data", 250), ("body", 354))


@dataclass
class Fate:
    """What the server says to one try of one letter. `liberal`: DATA gets its 354 even when there is nobody to send to."""

    mail: str = RIGHT["mail"]
    rcpt: str = RIGHT["rcpt"]
    data: str = RIGHT["data"]
    dot: str = RIGHT["dot"]
    liberal: bool = False


@st.composite
def fates(draw: st.DrawFn) -> Fate:
    fate = Fate(liberal=draw(st.booleans()))
    for step in ("mail", "rcpt", "data", "dot"):
        if draw(st.integers(0, 9)) == 0:
            setattr(fate, step, draw(st.sampled_from(WRONG[step])))
    return fate


@dataclass
class Try:
    """What happened: where the first fault stood and what was said there. `dots` counts whole bodies.

    `spoiled`: no SMTP was spoken on this line before, so that the client has left it, or will.
    """

    fresh: bool
    spoiled: bool = False
    end: tuple[str, int | None] | None = None
    dots: int = 0

    def fault(self, phase: str, answer: str) -> None:
        code = int(answer[:3]) if answer[:3].isdigit() else None
        self.end = self.end or (phase, code)


@dataclass
class Server:
    fates: dict[tuple[int, int], Fate]
    pieces: list[int]
    offers: tuple[str, ...]
    tries: dict[int, list[Try]] = field(default_factory=lambda: defaultdict(list))

    async def serve(self, far: Far) -> None:
        await far.greet(*self.offers)
        fresh, spoiled = True, False
        while True:
            line = await far.line()
            if line == "QUIT":
                return
            if line == "RSET":
                await self.say(far, "250 2.0.0 reset")
                continue
            assert line.startswith("MAIL FROM:<s"), line
            number = int(line.split("<s")[1].split("@")[0])
            now = Try(fresh, spoiled)
            self.tries[number].append(now)
            await self.letter(far, now, self.fates.get((number, len(self.tries[number])), Fate()))
            fresh = False
            spoiled = spoiled or now.end in NO_SMTP or (now.end is not None and now.end[1] is None)

    async def say(self, far: Far, answer: str) -> None:
        await far.piecemeal(f"{answer}\r\n".encode(), self.pieces)

    async def step(self, far: Far, now: Try, phase: str, answer: str, right: str) -> bool:
        """Say it, or leave; whether it was the right answer."""
        if answer in (CUT, TEAR):
            now.fault(phase, "")
            await far.writer.drain()
            far.tear() if answer == TEAR else far.hang_up()
            raise asyncio.IncompleteReadError(b"", None)
        await self.say(far, "moin" if answer == GARBAGE else answer)
        if answer[:3] != right[:3]:
            now.fault(phase, answer)
            if answer.startswith("421"):
                far.hang_up()
                raise asyncio.IncompleteReadError(b"", None)
            return False
        return True

    async def letter(self, far: Far, now: Try, fate: Fate) -> None:
        good = await self.step(far, now, "mail", fate.mail, RIGHT["mail"])
        if not good and "PIPELINING" not in self.offers:
            return
        assert (await far.line()).startswith("RCPT")
        if good:
            good = await self.step(far, now, "rcpt", fate.rcpt, RIGHT["rcpt"])
            if not good and "PIPELINING" not in self.offers:
                return
        else:
            await self.say(far, "503 5.5.1 MAIL first")
        assert await far.line() == "DATA"
        if good:
            good = await self.step(far, now, "data", fate.data, RIGHT["data"])
        elif fate.liberal:
            await self.say(far, "354 go on, though")
            assert await far.body() == b".\r\n"
            await self.say(far, "554 5.5.1 nobody to send it to")
        else:
            await self.say(far, "503 5.5.1 nobody to send it to")
        if good:
            await far.body()
            now.dots += 1
            await self.step(far, now, "body", fate.dot, RIGHT["dot"])
            now.end = now.end or ("body", 250)


def expected(tries: list[Try]) -> tuple[str, int | None]:
    for early in tries[:-1]:
        assert not early.fresh, "only a session that served before is given up without an end"
        assert early.end in (("mail", None), ("mail", 421)) or (early.spoiled and not early.dots)
    assert sum(t.dots for t in tries) <= 1, "written once at most"
    assert tries[-1].end is not None
    phase, code = tries[-1].end
    return phase, None if phase == "body" and code == 354 else code


LETTERS = 8
LEFT = (("rcpt", None), ("data", None))  # the relay took the commands, and the line was left before the body


@example({(1, 1): Fate(dot="354 what")}, [], OFFERS, 1, uvloop.new_event_loop)
@given(
    st.dictionaries(st.tuples(st.integers(0, LETTERS - 1), st.integers(1, 3)), fates(), max_size=LETTERS * 2),
    st.lists(st.integers(1, 9), max_size=12),
    st.sampled_from([OFFERS, OFFERS, OFFERS[1:]]),
    st.integers(1, 3),
    st.sampled_from([asyncio.new_event_loop, uvloop.new_event_loop]),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_letter_gets_exactly_one_end_and_the_right_one(
    fates: dict[tuple[int, int], Fate], pieces: list[int], offers: tuple[str, ...], sessions: int,
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:  # fmt: skip
    server = Server(fates, pieces, offers)

    async def run() -> dict[int, tuple[str, int | None]]:
        async with far_end(server.serve) as end:
            relay = SmtpRelay(end.url, connections=sessions, connect_timeout=5, command_timeout=5, dot_timeout=5)
            letters = [envelope(n, sender=f"s{n}@example.com") for n in range(LETTERS)]
            return (await carry(relay, letters, sessions)).by_letter()

    with asyncio.Runner(loop_factory=loop) as runner:
        told = runner.run(run())
    unheard = {n for n, end in told.items() if end == ("connect", None)}  # after three lost lines in a row the relay is left alone
    assert all(not t.dots for n in unheard for t in server.tries[n])
    left = {n for n in told if n not in unheard and server.tries[n][-1].end is None}  # announced ahead on a line that spoke no SMTP
    assert all(server.tries[n][-1].spoiled and not server.tries[n][-1].dots and told[n] in LEFT for n in left)
    judged = told.keys() - unheard - left
    assert {n: told[n] for n in judged} == {n: expected(server.tries[n]) for n in judged}


WORDS = st.sampled_from(
    [b"250 ok\r\n", b"250-ok\r\n", b"354 go\r\n", b"354 go\r\n", b"550 no\r\n", b"421 bye\r\n", b"2", b"\r\n", b"\n", b"\xff\x00", b"25", b"0 ok\r\n", b"999\r\n"]
)  # fmt: skip


@given(st.lists(st.lists(WORDS, max_size=6), max_size=12), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_bytes_come_each_letter_ends_once_and_is_taken_only_after_its_dot(chunks: list[list[bytes]], pipelining: bool) -> None:
    """The server says what it likes, each time it hears something."""
    dots = 0
    left = list(chunks)

    async def babble(far: Far) -> None:
        nonlocal dots
        await far.greet(*(OFFERS if pipelining else OFFERS[1:]))
        try:
            while piece := await far.reader.read(65_536):
                far.heard += piece
                if left:
                    far.writer.write(b"".join(left.pop(0)))
        finally:
            dots += far.heard.count(b"Hello\r\n.\r\n")

    async def run() -> dict[int, tuple[str, int | None]]:
        async with far_end(babble) as end:
            relay = SmtpRelay(end.url, connections=1, connect_timeout=5, command_timeout=0.03, dot_timeout=0.03)
            return (await carry(relay, [envelope(n) for n in range(4)])).by_letter()

    told = asyncio.run(run())
    assert sum(phase == "body" and code == 250 for phase, code in told.values()) <= dots
