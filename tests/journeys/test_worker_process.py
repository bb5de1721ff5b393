"""A real worker process, stopped and killed in the middle of its letters. The sink's record at the final dot is the truth, not the database."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nurture.domain.documents import Policy, Sequence
from nurture.store.database import Database
from nurture.store.documents import save_document
from nurture.store.outbox import plan_rows
from tests.support.outbox_rows import add_letter, planned, the_rows
from tests.support.people import add_people
from tests.support.sending import POLICY, SEQUENCE
from tests.support.smtp import SmtpSink

PEOPLE = 90
IN_FLIGHT = 24


async def fill(db: Database) -> None:
    """Letters that are due, in any hour."""
    now = datetime.now(UTC)
    ids = await add_people(db, *[f"p{n}@example.com" for n in range(PEOPLE)])
    letter = await add_letter(db, "school/two")
    async with db.write() as tx:
        await save_document(tx, Policy.model_validate(POLICY | {"quiet_hours": {"from": "3:33", "until": "3:34"}}), "live", now)
        await save_document(tx, Sequence.model_validate(SEQUENCE), "live", now)
        await plan_rows(tx, [planned(letter, person, due=now, closes=None) for person in ids])


def worker(folder: Path, sink: SmtpSink, log: Path) -> subprocess.Popen[bytes]:
    own = {
        "NURTURE_DATA_DIR": str(folder), "NURTURE_SMTP_URL": sink.url, "NURTURE_SWEEP": "1s", "NURTURE_LEASE_SILENCE": "3s",
        "NURTURE_UNKNOWN_GRACE": "1s", "NURTURE_IN_FLIGHT": str(IN_FLIGHT), "NURTURE_SMTP_RATE": "40",
    }  # fmt: skip
    clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, "-m", "nurture", "worker"], env=clean | own, stdout=file, stderr=file)


def until(found: Callable[[], bool], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)


async def states(db: Database) -> Counter[str]:
    return Counter(row.state for row in await the_rows(db))


async def test_an_orderly_stop_repeats_nothing_and_leaves_nothing_in_hand(tmp_path: Path, sqlite_db: Database, smtp_sink: SmtpSink) -> None:
    db = sqlite_db
    await fill(db)
    log = tmp_path / "log"
    first = worker(tmp_path, smtp_sink, log)
    until(lambda: len(smtp_sink.at_dot) >= 10, log)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0, log.read_text()
    after = await states(db)
    assert set(after) == {"accepted", "pending"}, log.read_text()
    assert after["accepted"] == len(smtp_sink.letters) < PEOPLE
    second = worker(tmp_path, smtp_sink, log)
    until(lambda: len(smtp_sink.at_dot) >= PEOPLE, log)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert await states(db) == {"accepted": PEOPLE}
    assert max(smtp_sink.count().values()) == 1
    assert (tmp_path / "ledger.mark").exists()


async def test_a_killed_worker_loses_nothing_and_repeats_at_most_what_was_in_flight(tmp_path: Path, sqlite_db: Database, smtp_sink: SmtpSink) -> None:
    db = sqlite_db
    await fill(db)
    log = tmp_path / "log"
    first = worker(tmp_path, smtp_sink, log)
    until(lambda: len(smtp_sink.at_dot) >= 10, log)
    first.kill()
    first.wait()
    left = await states(db)
    assert left["sending"] <= IN_FLIGHT
    second = worker(tmp_path, smtp_sink, log)

    async def finished() -> bool:
        return (await states(db))["accepted"] == PEOPLE

    end = time.monotonic() + 60
    while not await finished():
        assert time.monotonic() < end, f"{await states(db)}\n{log.read_text()}"
        await asyncio.sleep(0.2)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    counts = smtp_sink.count()
    assert len(counts) == PEOPLE, "nothing is lost"
    repeated = {who for who, times in counts.items() if times > 1}
    assert len(repeated) <= left["sending"]
    rows: list[Any] = await the_rows(db)
    for row in rows:
        if f"p{row.subscriber_id - 1}@example.com" in repeated:
            assert row.dup_risk == 1, "each repeat is known"
    with contextlib.suppress(ProcessLookupError):
        first.kill()
