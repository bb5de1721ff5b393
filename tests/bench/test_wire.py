"""The wire alone: finished bytes to a real server, against a bare C sender at the same sink in the same run; and what each letter costs us."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import pytest
import uvloop

from nurture.domain.envelopes import Envelope
from nurture.mail.relay import SmtpRelay
from tests.bench.conftest import Figures
from tests.support.carrying import carry
from tests.support.postfix import bare_sender, running_sink

pytestmark = pytest.mark.bench
LETTERS, SESSIONS, PAIRS = 20_000, 4, 3
LINE = b"=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82 and some words that fill the line up =\r\n"
LOOPS = {"": uvloop.new_event_loop, "_plain_loop": asyncio.new_event_loop}


@pytest.fixture(scope="module")
def sink() -> Iterator[int]:
    with running_sink() as port:
        yield port


def _message(size: int) -> bytes:
    head = b"From: Anna <anna@example.com>\r\nTo: Bob <bob@example.org>\r\nSubject: Roofs\r\n\r\n"
    return head + LINE * ((size - len(head)) // len(LINE))


def _ours(port: int, message: bytes, loop: str, clean: bool) -> tuple[float, float]:
    """Seconds on the clock, and of our processor."""

    async def run() -> tuple[float, float]:
        relay = SmtpRelay(f"smtp://127.0.0.1:{port}?tls=none", connections=SESSIONS)
        letters = [Envelope(n, "anna@example.com", f"p{n}@example.org", message, f"<{n}@example.com>", clean) for n in range(LETTERS, 0, -1)]
        start, work = time.perf_counter(), time.process_time()
        stack = await carry(relay, letters, SESSIONS)
        spent = time.perf_counter() - start, time.process_time() - work
        assert {reply.code for reply in stack.replies} == {250}
        return spent

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(run())


@pytest.mark.parametrize(("size", "loop", "clean"), [("15kb", "", True), ("3kb", "", True), ("15kb", "_plain_loop", True), ("15kb", "", False)])
def test_the_wire_against_a_bare_sender(sink: int, figures: Figures, size: str, loop: str, clean: bool) -> None:
    message = _message(15_000 if size == "15kb" else 3_000)
    name = f"wire_{size}{loop}" + ("" if clean else "_looked_through")
    ratios, works = [], []
    for _ in range(PAIRS):
        spent, work = _ours(sink, message, loop, clean)
        ratios.append(bare_sender(sink, LETTERS, len(message), SESSIONS).seconds / spent)
        works.append(work / LETTERS)
    figures.note(f"{name}_work_us", min(works) * 1e6)
    ratio = figures.note(f"{name}_vs_smtp_source_ratio", statistics.median(ratios))
    assert ratio > 0.5
