"""A worker that is told to stop, one that sleeps, and a supervisor that starts a killed one anew."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.household import Household
from tests.support.servers import free_port


async def test_an_orderly_stop_repeats_nothing_and_leaves_nothing_in_hand(house: Household) -> None:
    house.sink.script("dot", delay=0.2)
    await house.fill(people=60)
    first = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 8)
    assert first.stop() == 0
    after = await house.states()
    assert set(after) == {"accepted", "pending"}, "what was on the wire had its answer, the rest went back"
    assert after["accepted"] == len(house.sink.at_dot) < 60
    house.sink.clear()
    second = house.worker()
    await house.until(house.finished)
    assert second.stop() == 0
    assert await house.audit(kills=0) == {}
    assert not [row.id for row in await house.rows() if row.dup_risk]
    assert (house.folder / "ledger.mark").exists()


async def test_a_worker_that_slept_writes_no_further_body(house: Household) -> None:
    """A machine that was suspended: another worker takes its rows over, and what the sleeper had at the dot is found out."""
    house.sink.script("dot", delay=0.05)
    await house.fill(people=150)
    sleeper = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 10)
    sleeper.signal(signal.SIGSTOP)
    other = house.worker()
    await house.until(lambda: len(house.sink.at_dot) >= 100)
    await house.until(house.reaped)
    sleeper.signal(signal.SIGCONT)
    await house.until(house.finished)
    assert sleeper.stop() == 0
    assert other.stop() == 0
    await house.audit(kills=1)


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
    assert served.stop() == 0
    await house.audit(kills=1)
