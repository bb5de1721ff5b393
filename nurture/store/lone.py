"""A connection kept for statements that are a transaction each: nothing is checked out, begun or committed around them.

What is given to `run` may run twice, where the line is lost and nobody knows whether the first run was committed: only what changes
nothing the second time.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

import aiosqlite
from sqlalchemy import CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from nurture.store.inline import FileConnection, wait_for_turn

T = TypeVar("T")
Execute = Callable[[str, Sequence[Any]], sqlite3.Cursor]


class Lone(Protocol):
    async def run(self, statement: str, values: Sequence[Any]) -> int:
        """How many rows it changed, durable when this returns. Raises what SQLAlchemy would."""

    async def close(self) -> None: ...


class SqliteLone:
    """All that a transaction says travels to the thread in one hop, and is undone together."""

    def __init__(self, path: str, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path, self._prepare = path, prepare
        self._connection: aiosqlite.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        self._prepare(connection)
        return connection

    async def run(self, statement: str, values: Sequence[Any]) -> int:
        """Said alone a change is a transaction (sqlite.org/lang_transaction.html), and the thread asks for Python's lock once."""
        return await self._hop(lambda connection: wait_for_turn(connection.execute, statement, values).rowcount)

    async def together(self, steps: Callable[[Execute], T]) -> T:
        """One transaction of what `steps` executes, in the thread. Its cursors live no longer."""
        return await self._hop(lambda connection: _together(connection, steps))

    async def _hop(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = await FileConnection(self._open)
            found: T = await self._connection._execute(work, self._connection._conn)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the only way to put several steps in one hop
        except sqlite3.Error as error:
            raise DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True) from error
        return found

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _together(connection: sqlite3.Connection, steps: Callable[[Execute], T]) -> T:
    wait_for_turn(connection.execute, "BEGIN IMMEDIATE")
    try:
        found = steps(connection.execute)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return found


class PostgresLone:
    """One round trip for each statement. A line that was lost while nothing was said is opened again.

    What is asked has a line of its own: a claim takes as long as several hand-offs, which should not wait for it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._runs, self._asks = _ByKeys(engine), _ByKeys(engine)

    async def run(self, statement: str, values: Sequence[Any]) -> int:
        async with self._runs.turn:
            kept = self._runs.connection is not None
            try:
                return int((await self._runs.execute(statement, values)).rowcount)
            except DBAPIError as error:
                if not (kept and error.connection_invalidated):
                    raise
            return int((await self._runs.execute(statement, values)).rowcount)

    async def ask(self, statement: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement that may not run twice: where the line is lost on the way, the error is the caller's."""
        async with self._asks.turn:
            return (await self._asks.execute(statement, values)).all()

    async def close(self) -> None:
        for line in (self._runs, self._asks):
            if line.connection is not None:
                await line.connection.close()
                line.connection = None


class _ByKeys:
    """A connection whose statements reach their rows by keys and are planned once for many runs.

    The planner does not know how a table grows in which nobody has counted since: it read all of a small one for 512 known rows, and in one
    that was in use the entries of all that had left since the last vacuum. The hand-off of a letter cost the server 29 us so, 15 by keys.
    A plan made for a small table must not stay while it grows: after PLANNED runs all are made anew.
    """

    PLANNED = 100

    _SETTINGS: ClassVar[dict[str, str]] = {
        **{f"enable_{way}": "off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")},
        "plan_cache_mode": "force_generic_plan",
    }

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.connection: AsyncConnection | None = None
        self.turn = asyncio.Lock()
        self._runs = 0

    async def execute(self, statement: str, values: Sequence[Any]) -> CursorResult[Any]:
        try:
            connection = await self._open()
            self._runs += 1
            if self._runs % self.PLANNED == 0:
                await connection.exec_driver_sql("DISCARD PLANS")
            return await connection.exec_driver_sql(statement, tuple(values))
        except BaseException:
            await self._forget()
            raise

    async def _open(self) -> AsyncConnection:
        if self.connection is not None:
            driver: Any = (await self.connection.get_raw_connection()).driver_connection
            if not driver.is_closed():
                return self.connection
            await self._forget()
        self.connection = await self._engine.connect()
        settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in self._SETTINGS.items())
        await self.connection.exec_driver_sql(f"SELECT {settings}")
        return self.connection

    async def _forget(self) -> None:
        """Close it for good: nobody else should get a connection that is set as this one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.invalidate()
            with contextlib.suppress(Exception):
                await connection.close()
