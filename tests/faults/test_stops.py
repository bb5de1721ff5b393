"""A worker that is told to stop, one that sleeps, and a supervisor that starts a killed one anew."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.support.household import Household, Houses
from tests.support.servers import free_port
from tests.support.worker_process import Worker


async def test_an_orderly_stop_repeats_nothing_and_leaves_nothing_in_hand(houses: Houses) -> None:
    async def live(house: Household) -> None:
        house.sink.script("dot", delay=0.2)
        await house.fill(people=60)
        first = house.worker()
        await house.until(lambda: len(house.sink.at_dot) >= 8)
        await house.stop(first)
        after = await house.states()
        assert set(after) == {"accepted", "pending"}, "what was on the wire had its answer, the rest went back"
        assert after["accepted"] == len(house.sink.at_dot) < 60
        house.sink.clear()
        second = house.worker()
        await house.until(house.finished)
        await house.stop(second)
        assert await house.audit(kills=0) == {}
        assert not [row.id for row in await house.rows() if row.dup_risk]
        assert (house.folder / "ledger.mark").exists()

    await houses.each(live)


OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND "


async def freeze(house: Household, worker: Worker, *, in_transaction: bool) -> None:
    """Stop it like a machine that is suspended, at a moment when it has written in an open transaction, or when it has none open."""
    connection = await asyncpg.connect(house.url)
    try:
        for _ in range(500):
            worker.signal(signal.SIGSTOP)
            await asyncio.sleep(0.02)  # what the server was asked meanwhile is answered
            found = await connection.fetchval(OPEN + ("backend_xid IS NOT NULL" if in_transaction else "state <> 'idle'"))
            if bool(found) == in_transaction:
                return
            worker.signal(signal.SIGCONT)
            await asyncio.sleep(0.003)
    finally:
        await connection.close()
    raise AssertionError("it never stood so")


@pytest.mark.parametrize("db_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("in_transaction", [False, pytest.param(True, marks=pytest.mark.soak)])
async def test_a_worker_that_slept_writes_no_further_body(house: Household, in_transaction: bool) -> None:
    """Another worker takes its rows over, and what the sleeper had at the dot is found out. Its locks are broken after half a minute."""
    house.sink.script("dot", delay=0.05)
    await house.fill(people=120)
    sleeper = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 10)
    await freeze(house, sleeper, in_transaction=in_transaction)
    await asyncio.sleep(0.2)
    before = set(house.sink.taken)
    other = house.worker()
    await house.until(house.reaped)
    await house.until(lambda: len(house.sink.at_dot) >= 80)
    sleeper.signal(signal.SIGCONT)
    await house.until(house.finished)
    await house.stop(sleeper, other)
    repeated = await house.audit(kills=1)
    assert set(repeated) <= before, "on waking it wrote what it had not begun"


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("db_url", ["sqlite"], indirect=True)
async def test_a_killed_worker_of_serve_is_started_again(house: Household) -> None:
    house.sink.script("dot", delay=0.05)
    await house.fill(people=120)
    served = house.worker(arguments=["serve", "--port", str(free_port())])
    await house.until(lambda: len(house.sink.at_dot) >= 20)
    for child in children(served.pid):
        os.kill(child, signal.SIGKILL)
    await house.until(house.finished)
    await house.stop(served)
    await house.audit(kills=1)
