"""Throw-away PostgreSQL and Redis servers, started once a test run when their programs are on the machine.

With NURTURE_TEST_NO_SKIP=1 a missing program is a failure instead of a skip.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3


def missing(what: str) -> None:
    if os.environ.get("NURTURE_TEST_NO_SKIP") == "1":
        pytest.fail(f"{what} is not on this machine and skipping is forbidden")
    pytest.skip(f"{what} is not on this machine")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _postgres_programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = found[-1] if found else shutil.which("initdb")
    return Path(path).parent if path else None


def _as_server_user(command: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command


def _memory() -> str | None:
    """A folder in memory, where the machine has one with room: a database is made four times as quickly there."""
    return str(MEMORY) if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM else None


@contextlib.contextmanager
def postgres_server(*, durable: bool = False, small: bool = False) -> Iterator[str]:
    """The URL of a running server. `durable`: each commit is flushed to the disk, which tests have no need of and figures have. `small`:
    it never holds more than a few small databases at a time, which may lie in memory.
    """
    programs = _postgres_programs()
    if programs is None:
        missing("PostgreSQL")
    folder = Path(tempfile.mkdtemp(prefix="nurture-pg-", dir=_memory() if small else None))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()

    def run(*command: str) -> None:
        subprocess.run(_as_server_user(list(command)), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)

    run(str(programs / "initdb"), "-D", str(data), "-U", "nurture", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync={'on' if durable else 'off'} -c max_connections=200"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
    run(*control, "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql://nurture@127.0.0.1:{port}/postgres"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


async def crash_postgres(url: str, away: float = 0.0) -> None:
    """End the server of `url` as a power cut of its process would, and start it again on the same port after so many seconds."""
    connection = await asyncpg.connect(url)
    try:
        data = Path(await connection.fetchval("SHOW data_directory"))
    finally:
        await connection.close()
    options = (data / "postmaster.opts").read_text().split(" ", 1)[1].replace('"', "").strip()
    control = [str(_postgres_programs() / "pg_ctl"), "-D", str(data), "-w"]  # type: ignore[operator]  # it runs, so it is there
    stop = _as_server_user([*control, "-m", "immediate", "stop"])
    start = _as_server_user([*control, "-o", options, "-l", str(data.parent / "log"), "start"])
    for command, pause in ((stop, away), (start, 0.0)):
        await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=data.parent)
        await asyncio.sleep(pause)


class RedisServer:
    """A server that tests may kill and start again on the same port."""

    def __init__(self, program: str) -> None:
        self.program, self.port = program, free_port()
        self.folder = tempfile.mkdtemp(prefix="nurture-redis-")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
                return
            time.sleep(0.02)
        raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of the throw-away server's `postgres` database; on the disk where big sizes or figures are asked for."""
    with postgres_server(small="not soak" in pytestconfig.option.markexpr) as url:
        yield url


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server")
    server = RedisServer(str(program))
    server.start()
    yield server
    server.close()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url
