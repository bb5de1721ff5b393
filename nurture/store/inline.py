"""SQLite without a thread of its own: a database in memory waits for nothing, and each hop to a thread costs more than its statement."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite


class _AtOnce:
    """Stands where aiosqlite keeps its thread's queue: what is put in is done before the call returns."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        future, work = item
        try:
            result = work()
        except BaseException as error:
            if future is None:
                raise
            future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class InlineConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs every statement in the event loop's own thread."""

    def __init__(self) -> None:
        super().__init__(lambda: sqlite3.connect(":memory:", check_same_thread=False), iter_chunk_size=64)
        self._tx = _AtOnce()  # type: ignore[assignment]

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()


async def in_memory() -> aiosqlite.Connection:
    """A new database in memory: an `async_creator` for SQLAlchemy."""
    return await InlineConnection()
