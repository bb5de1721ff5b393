"""SQLite with fewer hops between threads: each costs more than the statement it carries.

A database in memory waits for nothing and needs no thread at all. One in a file keeps aiosqlite's thread, since a lock or a flush may take
long, but a statement and its rows travel in one hop instead of four.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Sequence
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


BEGIN = "BEGIN"
PATIENCE = 30.0  # seconds
STEP_MS = 1
_WAITS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY}


def wait_for_turn(execute: Callable[..., sqlite3.Cursor], statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
    """Run a statement once no other process holds the lock that it needs, asking every millisecond for half a minute.

    SQLite's own waiting sleeps ever longer, up to a tenth of a second: who waits beside somebody who commits small batches all the time
    comes too late again and again.
    """
    until = 0.0
    while True:
        try:
            return execute(statement, values)
        except sqlite3.OperationalError as error:
            now = time.monotonic()
            until = until or now + PATIENCE
            if error.sqlite_errorcode not in _WAITS or now >= until:
                raise


def _run(cursor: sqlite3.Cursor, begins: bool, statement: str, values: Sequence[Any]) -> list[Any]:
    if begins:
        cursor.execute(BEGIN)
    wait_for_turn(cursor.execute, statement, values)
    return cursor.fetchall() if cursor.description else []


def _run_each(cursor: sqlite3.Cursor, begins: bool, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    if begins:
        cursor.execute(BEGIN)
    cursor.executemany(statement, rows)


class _Cursor(aiosqlite.Cursor):
    """Fetches its rows in the same hop that runs the statement. Opened and closed where it stands: neither touches the file.

    A plain BEGIN locks nothing and sees nothing before the first statement that reads (sqlite.org/lang_transaction.html, 2.1), so it
    travels with that one.
    """

    _conn: "FileConnection"
    _rows: Sequence[Any] = ()

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "_Cursor":
        connection = self._conn
        if sql == BEGIN:
            connection.begins = True
        else:
            begins = connection.has_begun()
            connection.reads = connection.reads or begins
            self._rows = await self._execute(_run, self._cursor, begins, sql, parameters or ())  # type: ignore[no-untyped-call]
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "_Cursor":
        await self._execute(_run_each, self._cursor, self._conn.has_begun(), sql, parameters)  # type: ignore[no-untyped-call]
        return self

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        self._cursor.close()


class FileConnection(aiosqlite.Connection):
    """A connection to a file, for SQLAlchemy, which takes all rows of a statement at once.

    Its thread is a daemon, as SQLAlchemy makes it where it opens connections itself: a process that ends with an error must end.
    `begins`: BEGIN was said and waits for its first statement. `reads`: the transaction began so, as one does that only looks.
    """

    begins = False
    reads = False

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True

    @contextlib.asynccontextmanager
    async def cursor(self) -> AsyncIterator[_Cursor]:  # type: ignore[override] # only entered, as SQLAlchemy does
        yield _Cursor(self, self._conn.cursor())

    def has_begun(self) -> bool:
        """Whether the statement that comes now has to begin the transaction."""
        begins, self.begins = self.begins, False
        return begins

    async def commit(self) -> None:
        if not self.has_begun():
            await super().commit()

    async def rollback(self) -> None:
        """A look at the database ends so. It has nothing to undo and waits for nobody: that is done where it stands. SQLAlchemy asks once
        more whenever a connection comes back, and closes one whose statement was called off.
        """
        reads, self.reads = self.reads, False
        if self.has_begun() or not self.in_transaction:
            return
        if reads:
            self._conn.rollback()
        else:
            await super().rollback()


async def in_file(path: str, **options: Any) -> aiosqlite.Connection:
    """Open a file: `async_creator_fn` for SQLAlchemy's connect(). One task uses a connection at a time, whatever thread it runs in."""
    return await FileConnection(lambda: sqlite3.connect(path, **options | {"check_same_thread": False}))
