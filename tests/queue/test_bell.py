"""One contract for both bells, and what only the one over Redis must do: hear other processes, outlive its server."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from nurture.queue.arq import ArqBell
from nurture.queue.embedded import EmbeddedBell
from tests.support.servers import RedisServer

Bell = EmbeddedBell | ArqBell


@pytest.fixture(params=["embedded", pytest.param("arq", marks=pytest.mark.redis)])
async def bell(request: pytest.FixtureRequest) -> AsyncIterator[Bell]:
    made: Bell = EmbeddedBell() if request.param == "embedded" else ArqBell(request.getfixturevalue("redis_url"))
    yield made
    await made.close()


class Counter:
    """Counts its runs and lets a test wait for the next."""

    def __init__(self, seconds: float = 0) -> None:
        self.runs, self.running, self.overlaps, self.seconds = 0, False, 0, seconds

    async def __call__(self) -> None:
        self.overlaps += self.running
        self.running = True
        await asyncio.sleep(self.seconds)
        self.runs, self.running = self.runs + 1, False

    async def reaches(self, runs: int, within: float = 5) -> float:
        start = time.monotonic()
        while self.runs < runs:
            assert time.monotonic() - start < within, f"{self.runs} runs instead of {runs}"
            await asyncio.sleep(0.005)
        return time.monotonic() - start


@contextlib.asynccontextmanager
async def waiting(bell: Bell) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(bell.wait(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


async def test_actions_run_at_the_start_and_by_the_clock(bell: Bell) -> None:
    often, once = Counter(), Counter()
    bell.every("often", 0.05, often)
    bell.every("once", 3600, once)
    async with waiting(bell):
        await often.reaches(4)
    assert once.runs == 1


async def test_a_ring_wakes_at_once(bell: Bell) -> None:
    action, other = Counter(), Counter()
    bell.every("send", 3600, action)
    bell.every("plan", 3600, other)
    async with waiting(bell):
        await action.reaches(1)
        await asyncio.sleep(0.2)
        await bell.ring("send")
        assert await action.reaches(2) < 2
        await bell.ring("nobody waits for this")
        await bell.ring("send")
        await action.reaches(3)
    assert other.runs == 1


async def test_an_action_never_overlaps_itself_and_rings_meanwhile_make_one_more_run(bell: Bell) -> None:
    slow = Counter(0.6)
    bell.every("slow", 3600, slow)
    async with waiting(bell):
        await asyncio.sleep(0.1)
        for _ in range(20):
            await bell.ring("slow")
            await asyncio.sleep(0.01)
        await slow.reaches(2)
        await asyncio.sleep(0.2)
    assert slow.overlaps == 0
    assert slow.runs == 2


async def test_an_error_does_not_end_the_timer(bell: Bell) -> None:
    runs = 0

    async def fails() -> None:
        nonlocal runs
        runs += 1
        raise ValueError("on purpose")

    bell.every("fails", 0.02, fails)
    async with waiting(bell):
        deadline = time.monotonic() + 5
        while runs < 3 and time.monotonic() < deadline:  # noqa: ASYNC110 - an event would have to be set by the very action that fails
            await asyncio.sleep(0.01)
    assert runs >= 3


async def test_stop_lets_the_action_under_way_finish(bell: Bell) -> None:
    slow = Counter(0.3)
    bell.every("slow", 3600, slow)
    async with waiting(bell):
        await asyncio.sleep(0.1)
    assert (slow.runs, slow.running) == (1, False)


@pytest.mark.redis
async def test_a_ring_from_another_process_wakes(redis_url: str) -> None:
    bell, action = ArqBell(redis_url), Counter()
    bell.every("send", 3600, action)
    program = f"import asyncio; from nurture.queue.arq import ArqBell; b = ArqBell({redis_url!r}); asyncio.run(b.ring('send'))"
    async with waiting(bell):
        await action.reaches(1)
        ringing = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=subprocess.DEVNULL)
        await action.reaches(2, within=20)
        await ringing.wait()
    await bell.close()


@pytest.mark.redis
async def test_a_dead_redis_stops_nothing_and_a_new_one_is_heard_again(redis_server: RedisServer) -> None:
    bell, timed, rung = ArqBell(redis_server.url), Counter(), Counter()
    bell.every("timed", 0.05, timed)
    bell.every("rung", 3600, rung)
    async with waiting(bell):
        await rung.reaches(1)
        await bell.ring("rung")
        await rung.reaches(2)
        await asyncio.to_thread(redis_server.kill)
        seen = timed.runs
        await timed.reaches(seen + 5)
        await bell.ring("rung")
        await rung.reaches(3)  # without Redis a ring still reaches its own process
        await asyncio.to_thread(redis_server.start)
        other = ArqBell(redis_server.url)
        await other.ring("rung")
        await rung.reaches(4, within=15)
        await other.close()
    await bell.close()


@pytest.mark.redis
async def test_redis_away_at_the_start(redis_server: RedisServer) -> None:
    redis_server.kill()
    bell, timed = ArqBell(redis_server.url), Counter()
    bell.every("timed", 0.05, timed)
    async with waiting(bell):
        await timed.reaches(3)
    await bell.close()
