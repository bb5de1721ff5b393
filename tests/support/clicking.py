"""A real serving process, and visitors that click on it over sockets: at a fixed rate, whatever the answers (open loop), or one after another."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import insert

from nurture.domain.tokens import Purpose, Token, TokenKey, sign
from nurture.store.database import Database, connect
from nurture.store.schema import migrate
from nurture.store.tables import METADATA
from nurture.store.workspace import ensure_workspace
from tests.support.ledger import add_delivery, add_letter
from tests.support.people import NOW, add_people
from tests.support.servers import free_port

SECRET = "a secret of the tests"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
LINKS = ["https://example.com/a", "https://example.com/b"]


async def fill(url: str, deliveries: int) -> list[str]:
    """So many accepted letters of one version; the path of the first link of each."""
    db = connect(url)
    await migrate(db)
    async with db.write() as tx:
        await ensure_workspace(tx, NOW, b"0123456789abcdef")
    [person] = await add_people(db, "visitor@example.com")
    letter, version = await add_letter(db, links=LINKS)
    first = await add_delivery(db, person, (letter, version))
    table = METADATA.tables["deliveries"]
    async with db.write() as tx:
        row = dict((await tx.execute(table.select().where(table.c.id == first))).mappings().one())
        row.pop("id")
        more = [row | {"occasion": f"more-{n}", "message_id": f"<more-{n}@example.com>"} for n in range(1, deliveries)]
        ids = [first]
        for start in range(0, len(more), 500):
            ids += (await tx.execute(insert(table).returning(table.c.id), more[start : start + 500])).scalars()
    await db.close()
    key = TokenKey.derive(SECRET)
    return [f"/c/{sign(Token(Purpose.CLICK, d, person, version), key)}/0" for d in ids]


@dataclass
class Service:
    """`python -m nurture serve` without workers."""

    folder: Path
    url: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    more: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        settings = {"NURTURE_DATA_DIR": str(self.folder), "NURTURE_DATABASE_URL": self.url, "NURTURE_SECRET_KEY": SECRET} | self.more
        kept = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        command = [sys.executable, "-m", "nurture", "serve", "--workers", "0", "--port", str(self.port)]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=kept | settings, stdout=subprocess.DEVNULL, stderr=log)  # noqa: ASYNC220 - milliseconds
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, IndexError):
                if await _ask(self.port, "/health/live") == 200:
                    return
            await asyncio.sleep(0.05)
        raise AssertionError((self.folder / "serve.log").read_text())

    def cpu(self) -> float:
        """Seconds of processor so far."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


@contextlib.asynccontextmanager
async def service(folder: Path, url: str, **more: str) -> AsyncIterator[Service]:
    running = Service(folder, url, more=more)
    await running.start()
    try:
        yield running
    finally:
        running.stop()


async def _ask(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await _get(reader, writer, path)
    finally:
        writer.close()


async def _get(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> int:
    """The status of one request on an open connection; the answer is read to its end."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {AGENT}\r\nAccept: text/html\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    size = head.split("content-length:")[1].split("\r\n")[0] if "content-length:" in head else "0"
    await reader.readexactly(int(size))
    return int(head.split()[1])


@dataclass
class Told:
    """What visitors were told: each path's status (0: the connection broke), and how long each answer took, in seconds."""

    statuses: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    @property
    def led_on(self) -> set[str]:
        return {path for path, status in self.statuses.items() if status == 302}

    def p99(self) -> float:
        return sorted(self.waits)[int(len(self.waits) * 0.99)]


async def click(port: int, paths: Sequence[str], rate: float, connections: int = 32, told: Told | None = None) -> Told:
    """Open loop: each path once, at its time, whatever became of those before. Waiting counts from when it was due. `told` fills meanwhile."""
    told, idle = told or Told(), asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
    opened = asyncio.Semaphore(connections * 8)

    async def one(path: str, due: float) -> None:
        async with opened:
            line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
            try:
                while line is None and not idle.empty():
                    kept = idle.get_nowait()
                    line = None if kept[0].at_eof() else kept  # the server closes what has rested for some seconds
                line = line or await asyncio.open_connection("127.0.0.1", port)
                told.statuses[path] = await _get(*line, path)
                idle.put_nowait(line)
            except (OSError, asyncio.IncompleteReadError):
                told.statuses[path] = 0
                if line:
                    line[1].close()
        told.waits.append(asyncio.get_running_loop().time() - due)

    start, tasks = asyncio.get_running_loop().time() + 0.05, []
    for n, path in enumerate(paths):
        due = start + n / rate
        if (pause := due - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(one(path, due)))
    await asyncio.gather(*tasks)
    while not idle.empty():
        idle.get_nowait()[1].close()
    return told


async def clicks_in(db: Database) -> dict[int, int]:
    """How many clicks each delivery has."""
    async with db.read() as tx:
        rows = await tx.exec_driver_sql("SELECT delivery_id, count(*) FROM events WHERE type = 'clicked' GROUP BY delivery_id")
        return {int(d): int(n) for d, n in rows}


async def all_in(url: str, expected: int, seconds: float = 60) -> dict[int, int]:
    """The clicks of each delivery, once so many are in or the time is over."""
    db, end = connect(url), time.monotonic() + seconds
    try:
        while sum((found := await clicks_in(db)).values()) < expected and time.monotonic() < end:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
        return found
    finally:
        await db.close()
