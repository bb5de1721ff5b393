"""A connection kept for statements that are a transaction each: nothing is checked out, begun or committed around them.

They may run twice, where the line is lost and nobody knows whether the first run was committed: give it only what changes nothing the
second time.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import aiosqlite
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
    """Begin, statements and commit travel to the thread in one hop, and are undone together."""

    def __init__(self, path: str, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path, self._prepare = path, prepare
        self._connection: aiosqlite.Connection | None = None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        self._prepare(connection)
        return connection

    async def run(self, statement: str, values: Sequence[Any]) -> int:
        return await self.together(lambda execute: execute(statement, values).rowcount)

    async def together(self, steps: Callable[[Execute], T]) -> T:
        """One transaction of what `steps` executes, in the thread. Its cursors live no longer."""
        try:
            if self._connection is None:
                self._connection = await FileConnection(self._open)
            found: T = await self._connection._execute(_together, self._connection._conn, steps)  # type: ignore[no-untyped-call]  # noqa: SLF001 - the only way to put several steps in one hop
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
    """One round trip for each statement. A line that was lost while nothing was said is opened again."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    async def run(self, statement: str, values: Sequence[Any]) -> int:
        async with self._turn:
            kept = self._connection is not None
            try:
                return await self._once(statement, values)
            except DBAPIError as error:
                if not (kept and error.connection_invalidated):
                    raise
            return await self._once(statement, values)

    async def _once(self, statement: str, values: Sequence[Any]) -> int:
        if self._connection is None:
            self._connection = await self._engine.connect()
        try:
            return int((await self._connection.exec_driver_sql(statement, tuple(values))).rowcount)
        except BaseException:
            connection, self._connection = self._connection, None
            with contextlib.suppress(Exception):
                await connection.invalidate()
            with contextlib.suppress(Exception):
                await connection.close()
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
