"""The bell over Redis: a ring is an arq job that some waiting process takes. Timers are the embedded ones, so losing Redis loses nothing.

What arq 0.28 asks for: JSON instead of pickle, no kept results (they would swallow the next ring of that name), a short poll, and a
supervisor, because its worker ends with ConnectionError when Redis goes away.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable
from typing import Any

import structlog
from arq import create_pool, func
from arq.connections import ArqRedis, RedisSettings
from arq.worker import Worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from nurture.queue.embedded import Action, EmbeddedBell, first_of

QUEUE = "nurture:bell"
JOB_SECONDS = 20
POLL_SECONDS = 0.05
RETRY_SECONDS = 1.0
ANSWER_SECONDS = 2.0  # for an answer of Redis: one that is stunned keeps its connections open and says nothing
AWAY = (RedisError, OSError, asyncio.TimeoutError)
log = structlog.get_logger()


async def trouble_with(redis_url: str) -> str:
    """Why Redis does not answer, in its words; empty where it does."""
    client = Redis.from_url(redis_url, socket_connect_timeout=3, socket_timeout=3)
    try:
        await client.ping()
    except AWAY as error:
        return str(error) or type(error).__name__
    finally:
        await client.aclose()
    return ""


def _dump(value: Any) -> bytes:
    return json.dumps(value, default=str).encode()


class ArqBell:
    """Rings reach one waiting process of the whole installation."""

    def __init__(self, redis_url: str) -> None:
        settings = RedisSettings.from_dsn(redis_url)
        settings.conn_timeout, settings.conn_retries, settings.conn_retry_delay = 2, 0, 0
        self._settings = settings
        self._here = EmbeddedBell()
        self._pool: ArqRedis | None = None

    def every(self, name: str, seconds: float, action: Action) -> None:
        self._here.every(name, seconds, action)

    async def ring(self, name: str) -> None:
        """Wake a process that waits for `name`. Without Redis only this process hears it; the timers find the work anyway."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._pool is None:
                    self._pool = await self._open()
                await self._pool.enqueue_job("ring", name, _job_id=f"ring:{name}")
        except AWAY as error:
            log.warning("Redis does not answer; the ring stays in this process", error=str(error))
            await self._forget()
            await self._here.ring(name)

    async def wait(self, stop: asyncio.Event) -> None:
        """As the embedded bell, and listen for rings from other processes."""
        listening = asyncio.create_task(self._listen(stop), name="bell")
        try:
            await self._here.wait(stop)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def close(self) -> None:
        await self._forget()

    async def _open(self) -> ArqRedis:
        return await create_pool(self._settings, job_serializer=_dump, job_deserializer=json.loads, default_queue_name=QUEUE)

    async def _forget(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            await _in_time(pool.aclose())

    async def _listen(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._work()
            except AWAY as error:
                log.warning("Redis does not answer; the timers go on", error=str(error))
            await first_of(stop, seconds=RETRY_SECONDS)

    async def _work(self) -> None:
        async def heard(_ctx: dict[Any, Any], name: str) -> None:
            await self._here.ring(name)

        pool = await self._open()
        worker = Worker(
            functions=[func(heard, name="ring", keep_result=0, timeout=JOB_SECONDS, max_tries=1)],  # type: ignore[arg-type]
            redis_pool=pool, queue_name=QUEUE, poll_delay=POLL_SECONDS, keep_result=0, handle_signals=False,
            job_serializer=_dump, job_deserializer=json.loads, health_check_interval=3600,
        )  # fmt: skip
        try:
            await worker.main()
        finally:
            await _in_time(worker.close())
            await _in_time(pool.aclose())


async def _in_time(goodbye: Awaitable[object]) -> None:
    """End a connection whatever Redis does."""
    with contextlib.suppress(*AWAY):
        async with asyncio.timeout(ANSWER_SECONDS):
            await goodbye
