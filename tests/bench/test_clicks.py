"""Clicks on one serving process: how many a second and what each costs, beside a bare answer of the same server; and while letters leave.

The load comes from another process: `wrk` where it is installed, else visitors of our own in this one. Rates and waits are of this machine at
this moment; the ratio of processor time to a bare answer is the figure that travels.
"""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from nurture.store.database import connect
from tests.bench.conftest import Figures
from tests.support import full_outbox
from tests.support.clicking import AGENT, SECRET, Service, all_in, click, fill, service
from tests.support.postfix import running_sink

pytestmark = pytest.mark.bench
SECONDS, VISITORS, LETTERS = 6, 100, 20_000
RATE, LIMIT = 500, 0.05  # clicks a second, and within which time 99 of 100 are answered
BARE = """
import uvicorn, uvloop
HEADERS = [(b"location", b"https://example.com/a"), (b"content-length", b"0")]
async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 302, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b""})
config = uvicorn.Config(app, port=%d, log_level="warning", access_log=False, proxy_headers=False, lifespan="off")
uvloop.run(uvicorn.Server(config).serve())
"""


class Load(NamedTuple):
    answers: int
    seconds: float
    p99: float


def closed_loop(port: int, paths: list[str], folder: Path) -> Load:
    """A hundred visitors, each clicking again as soon as they are answered."""
    if shutil.which("wrk") is None:
        began = time.perf_counter()
        told = asyncio.run(click(port, paths * 2, rate=1e9, connections=VISITORS // 8))
        return Load(len(told.led_on), time.perf_counter() - began, told.p99())
    (folder / "paths").write_text("\n".join(paths))
    script = folder / "load.lua"
    script.write_text(
        f'local paths, i = {{}}, 0\nfor l in io.lines("{folder}/paths") do paths[#paths + 1] = l end\n'
        f'request = function() i = i + 1; return wrk.format("GET", paths[i % #paths + 1], {{["User-Agent"] = "{AGENT}", ["Accept"] = "text/html"}}) end\n'
        'done = function(s, l, r) io.write(string.format("%d %d %f %d", s.requests, s.duration, l:percentile(99), s.errors.status)) end\n'
    )
    command = ["wrk", "-t1", f"-c{VISITORS}", f"-d{SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}/"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) (\d+) ([\d.]+) (\d+)$", said)
    assert found, said
    assert int(found[4]) == 0, said
    return Load(int(found[1]), int(found[2]) / 1e6, float(found[3]) / 1e6)


@contextlib.contextmanager
def bare_server(folder: Path) -> Iterator[Service]:
    running = Service(folder, "")
    running.process = subprocess.Popen([sys.executable, "-c", BARE % running.port])
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", running.port), 0.2):
            break
        time.sleep(0.05)
    yield running
    running.stop()


def measured(running: Service, paths: list[str], folder: Path) -> tuple[Load, float]:
    """The load, and microseconds of the server's processor for each answer."""
    before = running.cpu()
    load = closed_loop(running.port, paths, folder)
    return load, (running.cpu() - before) / load.answers * 1e6


def test_clicks_when_nothing_is_sent(tmp_path: Path, figures: Figures) -> None:
    url = f"sqlite:///{tmp_path / 'nurture.db'}"
    paths = asyncio.run(fill(url, LETTERS))
    running = Service(tmp_path, url)
    asyncio.run(running.start())
    try:
        asyncio.run(click(running.port, paths[:50], rate=200))
        load, cost = measured(running, paths, tmp_path)
    finally:
        running.kill()
    with bare_server(tmp_path) as bare:
        _, plain = measured(bare, paths, tmp_path)
    figures.note("clicks_a_second_closed_loop", load.answers / load.seconds)
    figures.note("clicks_closed_loop_p99_ms", load.p99 * 1e3)
    figures.note("click_cpu_us", cost)
    assert figures.note("click_to_bare_answer_ratio", cost / plain) < 5


@contextlib.asynccontextmanager
async def sending(folder: Path, url: str, port: int, **more: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """A worker beside the service."""
    settings = {"NURTURE_DATA_DIR": str(folder), "NURTURE_DATABASE_URL": url, "NURTURE_SECRET_KEY": SECRET, "NURTURE_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
    process = subprocess.Popen([sys.executable, "-m", "nurture", "worker"], env=kept | settings | more, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


async def accepted(url: str) -> int:
    db = connect(url)
    async with db.read() as tx:
        count = (await tx.exec_driver_sql("SELECT count(*) FROM deliveries WHERE state = 'accepted'")).scalar_one()
    await db.close()
    return int(count)


@pytest.mark.parametrize("cap", [500, None], ids=["at 500 a second", "at full speed"])
async def test_clicks_while_letters_leave(tmp_path: Path, figures: Figures, cap: int | None) -> None:
    """Nothing is lost at any speed; where sending is capped, 99 of 100 are answered in 50 ms on a machine that is not busy otherwise."""
    url = f"sqlite:///{tmp_path / 'nurture.db'}"
    paths = await fill(url, RATE * SECONDS)
    db = connect(url)
    await full_outbox.fill(db, 12_000 if cap is None else cap * (SECONDS + 6), 8_000, datetime.now(UTC))
    await db.close()
    quiet = os.getloadavg()[0] < 1.5
    more = {"NURTURE_SMTP_RATE": str(cap)} if cap else {}
    with running_sink() as sink:
        async with service(tmp_path, url) as running, sending(tmp_path, url, sink, **more):
            start = await accepted(url)
            while await accepted(url) == start:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
            began, before = time.perf_counter(), await accepted(url)
            told = await click(running.port, paths, RATE)
            rate = (await accepted(url) - before) / (time.perf_counter() - began)
            found = await all_in(url, len(paths))
    name = f"clicks_beside_{cap or 'full'}_sending"
    figures.note(f"{name}_p99_ms", told.p99() * 1e3)
    figures.note(f"{name}_letters_a_second", rate)
    assert set(told.statuses.values()) == {302}
    assert (len(found), set(found.values())) == (len(paths), {1})
    assert not (quiet and cap) or told.p99() < LIMIT
