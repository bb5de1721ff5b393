"""A cleanup whose workers are killed again and again, day after day, on either database: it goes on, and nobody gets two offers on one date.

Each day of the cleanup is a day of the workers' clocks, which are set ahead; the far side's fsynced ledger says what came.
"""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import and_, func, or_, select, update

from nurture.definitions.loading import load_text
from nurture.domain.cleanup.words import CleanupState
from nurture.services.cleaning import begin, result
from nurture.services.defining import apply
from nurture.shipped import shipped
from nurture.store.ledger import deliveries
from nurture.store.tables import Cleanup, Standing
from nurture.store.workspace import ensure_workspace
from tests.faults.test_kills import CLEANING
from tests.support.cleaning import asleep
from tests.support.household import POLICY, Household, Houses
from tests.support.outbox_rows import IDENTITY
from tests.support.people import add_people
from tests.support.worker_process import Worker

_d = deliveries.c
A_DAY = timedelta(hours=24, minutes=10)
SPRING = """
---
cleanup: spring
silent: keep
offers:
"""
OFFER = """
  - id: day-{n}
    kind: sales
    window: any
    subject: "Offer {n}"
    call_to_action: reply
    body: Hello {{{{ first_name }}}}.
"""
POINTS: tuple[tuple[str, ...], ...] = (
    ("cleaning", "planning", "claimed", "intended"), ("cleaned", "planned", "dot", "recording"), ("written", "done", "folding"),
    ("intending", "recorded", "folded"),
)  # fmt: skip
WIRE = ("dot", "done")


async def prepare(house: Household, people: int, noon: datetime) -> None:
    quiet = noon + timedelta(hours=14)
    text = POLICY.format(quiet=f"{quiet:%H:%M}", loud=f"{quiet + timedelta(minutes=1):%H:%M}") + SPRING
    loaded = load_text(text + "".join(OFFER.format(n=n) for n in range(1, 4)))
    assert not loaded.errors, loaded.errors
    async with house.db.write() as tx:
        await ensure_workspace(tx, noon, IDENTITY)
    await apply(house.db, loaded.documents, noon, templates=shipped("templates"))
    emails = [f"p{n}@example.com" for n in range(people)]
    house.people = await add_people(house.db, *emails, now=noon - timedelta(days=900), first_name="Ann")
    async with house.db.write() as tx:
        await tx.execute(update(Standing).values(asleep(noon)))
    await begin(house.db, "spring", noon)


async def led_on(house: Household, since: datetime) -> bool:
    """The cleanup was looked at on this day, no letter of the day is open, and nobody is to be planned: what waits is due on the next one."""
    async with house.db.read() as tx:
        judged, ended = (await tx.execute(select(Cleanup.judged_at, Cleanup.ended_at))).one()
        in_hand = _d.state.in_(("claimed", "sending", "unknown"))
        today = and_(_d.state.in_(("pending", "deferred")), _d.due_at < since + timedelta(hours=6))
        unread = and_(_d.folded == 0, _d.state.in_(("accepted", "rejected", "failed", "cancelled", "held")))
        waiting = (await tx.execute(select(func.count()).select_from(deliveries).where(or_(in_hand, today, unread)))).scalar_one()
        waiting += (await tx.execute(select(func.count(Standing.subscriber_id)).where(Standing.plan_at < since + timedelta(hours=6)))).scalar_one()
    looked_at = judged is not None and judged >= since + timedelta(seconds=4)
    return (looked_at or ended is not None) and not waiting  # nobody looks at one that is over


async def ended_or_idle(house: Household, worker: Worker, since: datetime) -> bool:
    return worker.code() is not None or await led_on(house, since)


async def live(house: Household, people: int, kills: Any, last_day: int = 19) -> None:
    """Day after day until the cleanup is finished, or, with another `last_day`, has gone on after its canary; `kills(day)`: at which points workers are killed then."""
    now = datetime.now(UTC)
    noon = now.replace(hour=12, minute=0, second=0) + timedelta(days=1)
    await prepare(house, people, noon)
    days: list[list[Any]] = []
    killed: list[str] = []
    seen = 0
    house.more |= {"NURTURE_IN_FLIGHT": "4"}
    for day in range(last_day + 1):
        ahead = (noon + day * A_DAY - now).total_seconds()
        for point in kills(day):
            worker = house.worker(ahead=ahead, **({} if point in WIRE else {"dies_at": point}))
            if point in WIRE:
                house.sink.script(point, "kill", pid=worker.pid, times=1)
            began = datetime.now(UTC) + timedelta(seconds=ahead)
            await house.until(lambda worker=worker, began=began: ended_or_idle(house, worker, began), 90)
            worker.kill()  # where the point is not passed any more on this day, it dies idle
            killed.append(point)
        last = house.worker(ahead=ahead)
        began = datetime.now(UTC) + timedelta(seconds=ahead)
        await house.until(lambda began=began: led_on(house, began), 90)
        await house.stop(last)
        days.append(house.sink.at_dot[seen:])
        seen = len(house.sink.at_dot)
        sheet = await result(house.db, "spring", datetime.now(UTC) + timedelta(seconds=ahead))
        if sheet.state is (CleanupState.RAMP if last_day < 19 else CleanupState.FINISHED):
            break
    assert killed
    for day, letters in enumerate(days):
        twice = {to: times for to, times in Counter(letter.to for letter in letters).items() if times > 1}
        assert not twice, f"two offers on day {day}"
    sent = Counter(letter.to for letters in days for letter in letters)
    if last_day < 19:
        told = [(day, len(letters)) for day, letters in enumerate(days)], await house.states(), house.told()
        assert sheet.state is CleanupState.RAMP, told
        assert len(sent) == sum(sheet.table["offers"].values()), "it went on after the canary"
        return
    assert sheet.state is CleanupState.FINISHED, sheet.moves
    assert sheet.people == sum(sheet.table["all"].values()) == people
    assert not sheet.table["all"]["open"], "everybody has a verdict"
    assert len(sent) == sum(sheet.table["offers"].values()), "the holdout got nothing, everybody else something"
    assert sum(sent.values()) >= 3 * len(sent) - len(killed) * 4


async def test_a_cleanup_goes_on_after_its_workers_were_killed(houses: Houses) -> None:
    """Until more follow the canary; all of it, with a kill at every named point, runs in soak."""
    points = ("cleaning", "planned", "cleaned", "intended")
    assert {*CLEANING} <= {*points}
    await houses.each(lambda house: live(house, 16, lambda day: () if day else points, last_day=6))


@pytest.mark.soak
async def test_a_cleanup_goes_on_after_a_kill_at_every_named_point(houses: Houses) -> None:
    await houses.each(lambda house: live(house, 24, lambda day: POINTS[day] if day < len(POINTS) else ()))


@pytest.mark.soak
async def test_a_cleanup_under_many_random_kills(houses: Houses) -> None:
    async def many(house: Household) -> None:
        rng = random.Random(house.sqlite)
        every = sorted({point for points in POINTS for point in points} - {"folding", "folded"})
        await live(house, 400, lambda day: rng.choices(every, k=6) if day < 4 else ())

    await houses.each(many)
