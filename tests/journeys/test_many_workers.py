"""Several machines over one PostgreSQL and one Redis, as docs/operations.md says: real processes, each with a data folder of its own."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nurture.services.enrolling import enrol
from nurture.store.tables import METADATA, Delivery, Job
from tests.support.household import ENDED, Household
from tests.support.people import add_people
from tests.support.scripted_sink import FarSide
from tests.support.servers import RedisServer, free_port
from tests.support.worker_process import Crew, Worker

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.parametrize("db_url", ["postgres"], indirect=True)]
MACHINES, PEOPLE = 3, 180


@pytest.fixture
async def house(db_url: str, far_side: FarSide, crew: Crew, tmp_path: Path, redis_server: RedisServer) -> AsyncIterator[Household]:
    opened = Household(db_url, far_side(), tmp_path, crew)
    opened.more |= {"NURTURE_REDIS_URL": redis_server.url, "NURTURE_LOG_FORMAT": "json", "NURTURE_SMTP_RATE": "60"}
    yield opened
    await opened.close()


def machine(house: Household, number: int) -> Worker:
    one = replace(house, folder=house.folder / f"machine{number}")
    one.folder.mkdir()
    return one.worker()


def said(worker: Worker, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


async def holders(house: Household) -> set[int]:
    """The leases that have letters in hand."""
    async with house.db.read() as tx:
        query = select(Delivery.worker_id).where(Delivery.state.in_(["claimed", "sending"]))  # type: ignore[attr-defined]
        return {found for (found,) in await tx.execute(query.distinct()) if found is not None}


async def test_three_machines_share_the_work_and_outlive_one_of_them_and_redis(house: Household, redis_server: RedisServer) -> None:
    await house.fill(PEOPLE, lanes=6)
    machines = [machine(house, number) for number in range(MACHINES)]
    seen: set[int] = set()

    async def all_at_work() -> bool:
        seen.update(await holders(house))
        return len(seen) >= MACHINES and len(house.sink.at_dot) >= 20

    await house.until(all_at_work)
    machines[0].kill()
    await asyncio.to_thread(redis_server.kill)
    assert not await house.finished(), "the others have something to do"
    await house.until(house.finished)
    more = await add_people(house.db, *[f"late{n}@example.com" for n in range(10)], now=datetime.now(UTC))
    await enrol(house.db, "school0", more, datetime.now(UTC), "hand")
    house.people += more
    await house.until(house.finished)
    assert [worker.stop() for worker in machines[1:]] == [0, 0]
    await house.audit(kills=1)

    assert sum(len(said(worker, "classified")) for worker in machines) == 1, "a week is judged by one of them"
    async with house.db.read() as tx:
        weeks = list(await tx.execute(select(Job.ended_at).where(Job.job == "classify")))
        assert (len(weeks), weeks[0][0] is not None) == (1, True)
        left = METADATA.tables["workers"].c
        assert len(list(await tx.execute(select(left.id).where(left.ended_at.is_(None))))) == 0, "every lease has ended, the dead one's too"


class Service:
    """`nurture serve --workers N` in a process of its own."""

    def __init__(self, house: Household, workers: int) -> None:
        self.port, self.log = free_port(), house.folder / "serve.log"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        self.environment = clean | house.settings
        command = [sys.executable, "-m", "nurture", "serve", "--port", str(self.port), "--workers", str(workers)]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)

    def ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def running(self, pids: list[int]) -> list[int]:
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def command(self, *words: str) -> str:
        done = subprocess.run([sys.executable, "-m", "nurture", *words], env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout


@pytest.fixture
def service(house: Household) -> Iterator[Service]:
    house.more |= {"NURTURE_SWEEP": "1h"}  # whatever happens after the start was rung for
    opened = Service(house, workers=2)
    yield opened
    opened.process.kill()
    opened.process.wait()


async def test_serve_keeps_its_workers_and_a_ring_crosses_processes(house: Household, service: Service) -> None:
    await house.until(service.ready)
    await house.until(lambda: len(service.workers()) == 2)
    await house.until(lambda: service.log.read_text().count('"worker started"') == 2)
    await house.fill(20)
    await asyncio.sleep(1)
    assert not house.sink.at_dot, "nobody has rung"
    assert "Nothing was halted" in await asyncio.to_thread(service.command, "resume")
    await house.until(house.finished, 20)
    assert {row.state for row in await house.rows()} <= ENDED

    first = service.workers()
    os.kill(first[0], signal.SIGKILL)
    await house.until(lambda: len(service.workers()) == 2 and service.workers() != first, 20)
    service.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(service.process.wait, 40) == 0, service.log.read_text()
    assert not service.running(first)
    await house.audit(kills=0)
