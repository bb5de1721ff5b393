"""A migrated database for each test: a SQLite file, and a database on the throw-away PostgreSQL server cloned from a migrated template."""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from nurture.store.database import Database, connect
from nurture.store.schema import migrate

_TEMPLATE = "nurture_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "nurture.db"


async def _made(template: Path) -> None:
    if not template.exists():  # noqa: ASYNC240 - a test's own folder, looked at once
        db = connect(f"sqlite:///{template}")
        await migrate(db)
        await db.close()


async def _sqlite_url(template: Path, folder: Path) -> str:
    await _made(template)
    shutil.copy(template, folder / "nurture.db")
    return f"sqlite:///{folder / 'nurture.db'}"


async def _postgres_url(server: str) -> str:
    base = server.rsplit("/", 1)[0]
    name = f"t{uuid4().hex}"
    connection = await asyncpg.connect(server)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _TEMPLATE):
            await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            template = connect(f"{base}/{_TEMPLATE}")
            await migrate(template)
            await template.close()
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    finally:
        await connection.close()
    return f"{base}/{name}"


async def _drop(url: str) -> None:
    """A database is ten megabytes, and a test run makes more than a thousand."""
    server, name = url.rsplit("/", 1)
    connection = await asyncpg.connect(f"{server}/postgres")
    try:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def _cloned(server: str, template: str | None) -> str:
    name = f"t{uuid4().hex}"
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
    finally:
        await connection.close()
    return f"{server.rsplit('/', 1)[0]}/{name}"


def cloned_postgres(server: str, full: str | None = None) -> str:
    """The URL of a database like the one at `full`, which nobody may be using; an empty one without it."""
    return asyncio.run(_cloned(server, full and full.rsplit("/", 1)[1]))


async def both_urls(template: Path, folder: Path, server: str | None) -> dict[str, str]:
    """`sqlite` and, where there is a server, `postgres`: a fresh migrated database each, for tests that live on both at once."""
    (folder / "sqlite").mkdir()
    urls = {"sqlite": await _sqlite_url(template, folder / "sqlite")}
    return urls | ({"postgres": await _postgres_url(server)} if server else {})


def fresh_postgres(server: str) -> str:
    """The URL of a fresh migrated database, for tests that run no event loop of their own."""
    return asyncio.run(_postgres_url(server))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def db_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> AsyncIterator[str]:
    """The URL of a fresh migrated database, once for each kind."""
    if request.param == "sqlite":
        yield await _sqlite_url(sqlite_template, tmp_path)
        return
    url = await _postgres_url(request.getfixturevalue("postgres"))
    yield url
    await _drop(url)


@pytest.fixture
async def db(db_url: str) -> AsyncIterator[Database]:
    """Both databases in turn: the one suite of the store and the services."""
    database = connect(db_url)
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def sqlite_file(template: Path, folder: Path) -> AsyncIterator[Database]:
    """A fresh migrated one in the folder, for fixtures that live on another loop or longer than a test."""
    database = connect(await _sqlite_url(template, folder))
    yield database
    await database.close()


@pytest.fixture
async def sqlite_db(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    async with sqlite_file(sqlite_template, tmp_path) as database:
        yield database


@pytest.fixture
async def postgres_db(postgres: str) -> AsyncIterator[Database]:
    """For what only happens where several writers work at once: SQLite has one."""
    url = await _postgres_url(postgres)
    database = connect(url)
    yield database
    await database.close()
    await _drop(url)


@pytest.fixture
async def memory_db(sqlite_template: Path) -> AsyncIterator[Database]:
    """The file's pages, copied: migrations would take a fifth of a second each time."""
    await _made(sqlite_template)
    database = connect("sqlite://")
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        with contextlib.closing(sqlite3.connect(sqlite_template)) as source:
            source.backup(driver._conn)
    yield database
    await database.close()
