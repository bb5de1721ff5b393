"""A million letters by one worker process to Debian's smtp-sink: each costs what one of ten thousand does, in flat memory, and a
confirmation passes them all. Run by `make soak`.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from nurture.services.serving import queue_service_letter
from nurture.shipped import shipped
from nurture.store.database import Database, connect
from nurture.store.ledger import deliveries
from nurture.store.tables.deliveries import STILL_OPEN, UNFOLDED
from tests.support.databases import fresh_postgres
from tests.support.full_outbox import fill
from tests.support.postfix import running_sink

pytestmark = pytest.mark.soak
SHORT, LONG = 10_000, 1_000_000
BODY = 2_900  # a letter of 15 KB with ten tracked links
MOST_MB, MORE_MB = 200, 60
WITHIN_SECONDS = 10.0  # for a confirmation among the waiting letters; most of it is the machine's other work
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sent:
    letters: int
    work_us: float
    a_second: float
    peak_mb: float
    confirmed_after: float

    def __str__(self) -> str:
        return (
            f"{self.letters:>9,} letters: {self.work_us:,.0f} us of work each, {self.a_second:,.0f} a second by the clock, "
            f"peak {self.peak_mb:.0f} MB, a confirmation left after {self.confirmed_after:.1f} s"
        )


class Sender:
    """A running `nurture worker`, with what it costs the machine."""

    def __init__(self, url: str, port: int, folder: Path) -> None:
        own = {
            "NURTURE_DATA_DIR": str(folder), "NURTURE_DATABASE_URL": url, "NURTURE_SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none",
            "NURTURE_SECRET_KEY": "a secret of the tests, long enough",
        }  # fmt: skip
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        folder.mkdir()
        self._log = folder / "log"
        with self._log.open("wb") as out:
            self._process = subprocess.Popen([sys.executable, "-m", "nurture", "worker"], env=clean | own, stdout=out, stderr=out)

    def started(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        return "worker started" in self._log.read_text()

    def worked(self) -> float:
        """Seconds of processor time."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak(self) -> float:
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self._process.pid}/status").read_text())[1]) / 1024  # type: ignore[index]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


async def count(db: Database, which: str) -> int:
    async with db.read() as tx:
        return int((await tx.execute(select(func.count()).select_from(deliveries).where(text(which)))).scalar_one())


async def confirmed(db: Database, sender: Sender) -> float:
    """Seconds from the wish to the accepted letter."""
    asked = time.monotonic()
    row = await queue_service_letter(
        db, subscriber_id=1, occasion="confirm", now=datetime.now(UTC), templates=shipped("templates"), subject="Confirm", body="Please confirm."
    )
    while not await count(db, f"id = {row.id} AND state = 'accepted'"):
        assert sender.started()
        await asyncio.sleep(0.05)
    return time.monotonic() - asked


async def sent(url: str, folder: Path, letters: int) -> Sent:
    """All of a full outbox by one worker, folded as well: that is the worker's whole day."""
    db = connect(url)
    try:
        await fill(db, letters, BODY, datetime.now(UTC))
        with running_sink() as port:
            sender = Sender(url, port, folder)
            try:
                return await _watched(db, sender, letters)
            finally:
                sender.stop()
    finally:
        await db.close()


async def _watched(db: Database, sender: Sender, letters: int) -> Sent:
    while not sender.started():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)
    begun, start = sender.worked(), time.monotonic()
    confirmation = await confirmed(db, sender)
    assert await count(db, STILL_OPEN), "nothing was waiting"
    while await count(db, STILL_OPEN):
        assert sender.started()
        await asyncio.sleep(0.5)
    spent = time.monotonic() - start
    while await count(db, UNFOLDED):
        assert sender.started()
        await asyncio.sleep(0.5)
    figures = Sent(letters, (sender.worked() - begun) / letters * 1e6, letters / spent, sender.peak(), confirmation)
    assert await count(db, "state = 'accepted'") == letters + 1
    print(f"\n  {figures}", flush=True)
    return figures


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_a_letter_of_a_million_costs_what_one_of_ten_thousand_does(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    found = []
    for letters in (SHORT, LONG):
        url = f"sqlite:///{tmp_path / f'{letters}.db'}" if kind == "sqlite" else await asyncio.to_thread(
            fresh_postgres, request.getfixturevalue("postgres")
        )  # fmt: skip
        found.append(await sent(url, tmp_path / str(letters), letters))
    short, long = found
    assert long.work_us < 1.2 * short.work_us
    assert long.peak_mb < MOST_MB
    assert long.peak_mb < short.peak_mb + MORE_MB
    assert long.confirmed_after < WITHIN_SECONDS
