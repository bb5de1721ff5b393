"""SIGKILL at every named point and at random, on either database. The far side's fsynced ledger is the truth, not ours.

The promise over K kills with C letters in flight: every row ends, nothing is missing that is not listed as held, at most K x C copies
under `retry_once` and none under `hold`, each under the same Message-ID and known to its row. Nobody lends a hand.
"""

import asyncio
import random
import re
import signal

import pytest

from tests.support.household import IN_FLIGHT, Household, Houses
from tests.support.worker_process import ROOT

EARLY = ("planning", "planned", "claimed", "written", "intending", "intended", "recording", "recorded", "folding", "folded")
ON_THE_WIRE = ("connect", "ehlo", "mail", "rcpt", "data", "body", "dot", "done")
LATE = ("reaping", "reaped", "resolving", "resolved")  # when a lease has been silent, and when a grace has ended
CLEANING = ("cleaning", "cleaned")  # tests/faults/test_cleanup_kills.py
RANDOM_KILLS, MANY = 15, 200


def test_every_named_point_of_the_code_is_one_of_these() -> None:
    files = [path for folder in ("nurture", "api") for path in (ROOT / folder).rglob("*.py")]
    found = {name for path in files for name in re.findall(r'sys\.audit\("nurture\.(\w+)"', path.read_text())}
    assert found == {*EARLY, *LATE, *CLEANING}


async def kill_at_named_points(house: Household, policy: str) -> None:
    house.more |= {"NURTURE_UNKNOWN_POLICY": policy}
    await house.fill(people=150, letters=2, lanes=30)  # one kill strands one lane: the next life has another one
    for point in EARLY:
        assert await house.end(house.worker(dies_at=point)) == -signal.SIGKILL, point
        states = await house.states()
        assert states["sending"] <= IN_FLIGHT * (1 + EARLY.index(point))
        if point in ("planning", "planned", "claimed", "written", "intending"):
            assert not states["sending"], f"nothing is handed over at {point}"
    for stage in ON_THE_WIRE:
        worker = house.worker()
        house.sink.script(stage, "kill", pid=worker.pid, times=1)
        assert await house.end(worker) == -signal.SIGKILL, stage
    for point in LATE:
        assert await house.end(house.worker(dies_at=point)) == -signal.SIGKILL, point
    last = house.worker()
    await house.until(house.finished)
    await house.stop(last)
    await house.audit(len(EARLY) + len(ON_THE_WIRE) + len(LATE), policy)


async def test_a_kill_at_every_named_point(houses: Houses) -> None:
    await houses.each(lambda house: kill_at_named_points(house, "hold" if house.sqlite else "retry_once"))


@pytest.mark.soak
async def test_a_kill_at_every_named_point_the_other_way_round(houses: Houses) -> None:
    await houses.each(lambda house: kill_at_named_points(house, "retry_once" if house.sqlite else "hold"))


async def kill_at_random(house: Household, kills: int, seed: int, policy: str = "retry_once") -> None:
    """Two workers side by side; again and again one of them is killed and another takes its place."""
    rng = random.Random(seed)
    house.more |= {"NURTURE_UNKNOWN_POLICY": policy}
    house.sink.script("dot", delay=0.02)  # so that many a kill comes between the dot and the 250
    workers = [house.worker(), house.worker()]
    for _ in range(kills):
        seen = house.sink.size
        await house.until(lambda seen=seen: house.sink.size > seen)  # in the midst of its work, however slow the machine is
        await asyncio.sleep(rng.uniform(0, 0.2))
        victim = rng.randrange(2)
        workers[victim].kill()
        workers[victim] = house.worker()
    await house.until(house.finished, 240)
    await house.stop(*workers)
    repeated = await house.audit(kills, policy)
    print(f"\n{kills} kills on {house.db.engine.dialect.name} under {policy}: {repeated.total()} copies, {dict(await house.states())}")


async def test_random_kills_of_two_workers(houses: Houses) -> None:
    async def live(house: Household) -> None:
        await house.fill(people=300, letters=2, lanes=8)
        await kill_at_random(house, RANDOM_KILLS, seed=4)

    await houses.each(live)


@pytest.mark.soak
@pytest.mark.parametrize("policy", ["retry_once", "hold"])
async def test_two_hundred_random_kills(houses: Houses, policy: str) -> None:
    async def live(house: Household) -> None:
        await house.fill(people=8000, letters=2, lanes=16)
        await kill_at_random(house, MANY, 200, policy)

    await houses.each(live)
