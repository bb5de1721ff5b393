"""The same conversation over TLS and on both event loops: letters arrive whole, and a lost line tells its phase there, too."""

import asyncio

import pytest
import uvloop

from nurture.mail.relay import SmtpRelay
from tests.support.carrying import BODY, carry, envelope
from tests.support.far_end import GO, OFFERS, Far, far_end, take_all
from tests.support.smtp import Authority, make_authority

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
BIG = BODY + b"A line of seventy characters or so, again and again until it is long.\r\n" * 15_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"))


def told(loop: str, authority: Authority | None, *scripts: object, letters: int = 3, message: bytes = BODY) -> dict[int, tuple[str, int | None]]:
    async def run() -> dict[int, tuple[str, int | None]]:
        async with far_end(*scripts, context=authority.server if authority else None) as end:  # type: ignore[arg-type]
            scheme, verify = ("smtps", authority.context) if authority else ("smtp", True)
            url = f"{scheme}://127.0.0.1:{end.port}" + ("" if authority else "?tls=none")
            relay = SmtpRelay(url, verify=verify, connect_timeout=5, command_timeout=5, dot_timeout=5)
            return (await carry(relay, [envelope(n, message=message) for n in range(letters)])).by_letter()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(run())


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_letters_arrive_whole(loop: str, secure: bool, authority: Authority) -> None:
    bodies: list[bytes] = []

    async def keep(far: Far) -> None:
        await far.greet("PIPELINING", "SIZE 9000000")
        while (await far.line()) != "QUIT":
            await far.lines(2)
            far.say(*GO)
            bodies.append(await far.body())
            far.say("250 2.0.0 taken")

    assert set(told(loop, authority if secure else None, keep, message=BIG).values()) == {("body", 250)}
    assert bodies == [BIG + b".\r\n"] * 3


@pytest.mark.parametrize("how", ["hang_up", "tear"])
@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_lost_line_tells_its_phase(loop: str, secure: bool, how: str, authority: Authority) -> None:
    async def before_the_body(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say(*GO[:2])
        await far.writer.drain()
        getattr(far, how)()

    async def after_the_dot(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.take()
        await far.letter()
        getattr(far, how)()

    found = told(loop, authority if secure else None, before_the_body, after_the_dot, take_all, letters=4)
    assert found == {0: ("data", None), 1: ("body", 250), 2: ("body", None), 3: ("body", 250)}


@pytest.mark.parametrize("loop", LOOPS)
def test_words_before_the_command_end_the_line(loop: str, authority: Authority) -> None:
    async def hasty(far: Far) -> None:
        await far.greet(*OFFERS)
        await far.lines(3)
        far.say(*GO, "250 2.0.0 taken before it came")
        assert await far.all() == b""

    assert told(loop, authority, hasty, take_all, letters=2) == {0: ("data", None), 1: ("body", 250)}
