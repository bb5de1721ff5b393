"""The open database: `read()` and `write()` hand out a connection in a transaction. Services take a `Database`; SQLAlchemy is the port.

Differences between SQLite and PostgreSQL live here and in `store/dialect.py`, nowhere else.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store.auditing import write_down
from nurture.store.inline import BEGIN, PATIENCE, STEP_MS, in_file, in_memory
from nurture.store.lone import Lone, PostgresLone, SqliteLone

Connection = AsyncConnection
# A process that froze in the middle of a transaction (milliseconds), or whose machine is gone without a word, keeps no locks for hours.
LET_GO = {
    "idle_in_transaction_session_timeout": "30000",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "4",
}
_QUIET = {"hide_parameters": True}  # errors are logged; the values of a statement are people's addresses and letters


@dataclass(frozen=True, slots=True)
class Database:
    """`writer` queues the writers of this process (SQLite has one); `single` also queues readers: the in-memory database has one
    connection, and no `lone` one.
    """

    engine: AsyncEngine
    sqlite: bool
    single: bool
    writer: asyncio.Lock = field(default_factory=asyncio.Lock)
    lone: Lone | None = None
    parsed: dict[str, Any] = field(default_factory=dict)  # documents as read last (store/programme.py): saves parsing them anew each sweep

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A consistent view. Nothing is committed. Never open one inside a `write()` of the same task."""
        async with contextlib.AsyncExitStack() as stack:
            if self.single:
                await stack.enter_async_context(self.writer)
            connection = await stack.enter_async_context(self.engine.connect())
            yield connection

    @contextlib.asynccontextmanager
    async def survey(self) -> AsyncIterator[Connection]:
        """The same, for questions that group the whole list or all its letters. SQLite sorts what it groups, and here it does so in a file
        once that is more than its cache: in memory, as for everything else, a million people take 60 MB.
        """
        async with self.read() as connection:
            if not self.sqlite:
                yield connection
                return
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute("PRAGMA temp_store=FILE")
            try:
                yield connection
            finally:
                with contextlib.suppress(sqlite3.Error, ValueError):  # a connection that was closed meanwhile comes back to nobody
                    await driver.execute("PRAGMA temp_store=MEMORY")

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Connection]:
        """One transaction, durable when the block ends, undone when it raises. On SQLite it takes the write lock at once (BEGIN
        IMMEDIATE).
        """
        async with contextlib.AsyncExitStack() as stack:
            if self.sqlite:
                await stack.enter_async_context(self.writer)
            connection = await stack.enter_async_context(self.engine.connect())
            if self.sqlite:
                connection = await connection.execution_options(immediate=True)
            async with connection.begin():
                yield connection
                await write_down(connection)

    @contextlib.asynccontextmanager
    async def alter(self) -> AsyncIterator[Connection]:
        """A write() that may change tables. SQLite changes one by copying, dropping and renaming it, and would forget or delete whatever
        points there (sqlite.org/lang_altertable.html, section 7): it does not watch foreign keys here. The caller checks them at the end.
        """
        if not self.sqlite:
            async with self.write() as tx:
                yield tx
            return
        async with self.writer, self.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection  # a transaction must not have begun
            await driver.execute("PRAGMA foreign_keys=OFF")
            try:
                await connection.execution_options(immediate=True)
                async with connection.begin():
                    yield connection
            finally:
                await driver.execute("PRAGMA foreign_keys=ON")

    @contextlib.asynccontextmanager
    async def read_then_write(self) -> AsyncIterator[tuple[Connection, Callable[[], Awaitable[Connection]]]]:
        """A view to think about, and what begins to write. PostgreSQL keeps one transaction, with the rows that were locked by reading.

        SQLite has one write lock, which everybody waits for: it is taken only when writing begins. What was read may have changed by then,
        so the first write must ask whether it still stands.
        """
        if not self.sqlite:
            async with self.write() as tx:
                yield tx, _at_once(tx)
            return
        async with contextlib.AsyncExitStack() as stack:
            reading = await stack.enter_async_context(contextlib.AsyncExitStack())

            async def write() -> Connection:
                await reading.aclose()
                return await stack.enter_async_context(self.write())

            yield await reading.enter_async_context(self.read()), write

    async def alone(self, statement: str, values: Sequence[Any]) -> int:
        """Run one statement as a transaction of its own, durable when this returns: a few trips less than `write()`. How many rows it
        changed. The statement is the driver's (store/dialect_batch.py), and one that may run twice (store/lone.py).
        """
        if self.lone is None:
            async with self.write() as tx:
                return int((await tx.exec_driver_sql(statement, tuple(values))).rowcount)
        async with self.writer if self.sqlite else contextlib.nullcontext():
            return await self.lone.run(statement, values)

    async def reach(self) -> None:
        """Open it once; raises NurtureError with where it is looked for and what it answered. The password is not shown."""
        try:
            async with self.read() as tx:
                await tx.exec_driver_sql("SELECT 1")
        except (OSError, DBAPIError, sqlite3.Error) as error:
            url = self.engine.url
            place = f"the file {url.database}" if self.sqlite else url.set(drivername="postgresql").render_as_string()
            answer = str(getattr(error, "orig", None) or error).rpartition(">: ")[2]
            setting = "NURTURE_DATA_DIR or NURTURE_DATABASE_URL" if self.sqlite else "that the server runs, and NURTURE_DATABASE_URL"
            raise NurtureError(f"the database cannot be opened ({place}): {answer}; check {setting}.", ErrorKind.UNAVAILABLE) from error

    async def close(self) -> None:
        if self.lone:
            await self.lone.close()
        await self.engine.dispose()


def _at_once(tx: Connection) -> Callable[[], Awaitable[Connection]]:
    async def same() -> Connection:
        return tx

    return same


def connect(url: str) -> Database:
    """Describe the database at `url` (`sqlite:///path`, `sqlite://`, `postgresql://...`); the first connection is made when it is used."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url)
    asyncpg = parsed.set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        asyncpg, pool_size=10, max_overflow=10, pool_pre_ping=True, connect_args={"server_settings": LET_GO}, **_QUIET
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
        cursor.close()
        connection.commit()  # else the setting would end with a transaction that is rolled back

    return Database(engine, sqlite=False, single=False, lone=PostgresLone(engine))


def _sqlite(url: str) -> Database:
    parsed = make_url(url).set(drivername="sqlite+aiosqlite")
    memory = parsed.database in (None, "", ":memory:")
    options: dict[str, Any] = {"poolclass": StaticPool, "async_creator": in_memory} if memory else {
        "pool_size": 8, "max_overflow": 8, "connect_args": {"async_creator_fn": in_file},
    }  # fmt: skip
    engine = create_async_engine(parsed, **options, **_QUIET)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        _set_up(connection, memory=memory)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else BEGIN)

    lone = None if memory else SqliteLone(str(parsed.database), partial(_set_up, memory=False))
    return Database(engine, sqlite=True, single=memory, lone=lone)


def _set_up(connection: Any, *, memory: bool) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that a writer can take its lock at once
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
    if not memory:
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an intent that is committed survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-12000")  # KB for each connection: 32 MB saved no time with the system's own cache below it
    cursor.execute("PRAGMA temp_store=MEMORY")  # a batch lies beside its statement: in no file
    cursor.execute(f"PRAGMA busy_timeout={STEP_MS}")
    cursor.close()
