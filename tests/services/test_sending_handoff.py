"""Between pen and wire: what is written while the slice before it waits, how much, and what becomes of it when it may not leave."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.services.sending import Desk, SendingRules, handoff
from nurture.services.sending.pace import Pace
from nurture.store.claims import Intent
from nurture.store.database import Database
from tests.support.outbox_rows import the_rows
from tests.support.sending import BASE, Sink, prepare, says, send


class Mute(Sink):
    """A relay that answers nobody until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.speaks = asyncio.Event()

    async def deliver(self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, *_: object) -> Reply:
        reply = await super().deliver(envelope, may_write)
        await self.speaks.wait()
        return reply


@pytest.fixture
def passages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """How many letters each writing and each intent had, in the order in which they began."""
    seen: list[tuple[str, int]] = []
    written, hand_over = handoff.written, handoff.hand_over

    async def writes(batch: Any, rows: Sequence[Any], *more: Any) -> Any:
        seen.append(("written", len(rows)))
        return await written(batch, rows, *more)

    async def intends(db: Database, rows: Sequence[Intent], *more: Any) -> set[int]:
        seen.append(("intent", len(rows)))
        return await hand_over(db, rows, *more)

    monkeypatch.setattr(handoff, "written", writes)
    monkeypatch.setattr(handoff, "hand_over", intends)
    return seen


async def test_one_slice_is_written_ahead_and_no_more(db: Database, passages: list[tuple[str, int]]) -> None:
    lease, _, _ = await prepare(db, 40)
    sink, going = Mute(), [True]
    sweep = asyncio.create_task(send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=4), go_on=lambda: going[0]))
    async with asyncio.timeout(10):
        while passages.count(("written", 4)) < 4:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert passages.count(("intent", 4)) == 2, "eight are in flight, as many as may be"
    assert passages.count(("written", 4)) == 4, "one waits for its room, one is ready behind it"
    going[0] = False
    sink.speaks.set()
    await sweep
    assert (passages.count(("written", 4)), passages.count(("intent", 4))) == (4, 2), "a stop ends pen and commits alike"
    states = Counter(r.state for r in await the_rows(db))
    assert states == {"accepted": len(sink.letters), "pending": 40 - len(sink.letters)}
    assert {r.attempts for r in await the_rows(db) if r.state == "pending"} == {0}


async def test_a_relay_that_is_away_ends_pen_and_commits(db: Database, passages: list[tuple[str, int]]) -> None:
    lease, _, _ = await prepare(db, 40)
    sink = Sink(says(None, "no relay can be reached", phase=Phase.CONNECT))
    await send(db, sink, lease, rules=SendingRules(BASE, in_flight=4, connections=4), desk=Desk(pace=_Fours()))
    assert passages.count(("intent", 4)) == 1, "the rest stands written or claimed and is not handed over"
    assert passages.count(("written", 4)) <= 3
    assert Counter(r.state for r in await the_rows(db)) == {"deferred": 3, "pending": 37}, "three in a row, and it is away"


async def test_a_sweep_that_is_cancelled_does_not_wait_for_the_relay(
    db: Database, passages: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    lease, _, _ = await prepare(db, 12)
    writes, third = handoff.written, asyncio.Event()

    async def never_ends(batch: Any, rows: Sequence[Any], *more: Any) -> Any:
        if passages.count(("written", 4)) == 2:
            third.set()
            await asyncio.Event().wait()
        return await writes(batch, rows, *more)

    monkeypatch.setattr(handoff, "written", never_ends)
    sweep = asyncio.create_task(send(db, Mute(), lease, rules=SendingRules(BASE, in_flight=4, connections=4), desk=Desk(pace=_Fours())))
    async with asyncio.timeout(10):
        await third.wait()
    sweep.cancel()
    ended, _ = await asyncio.wait([sweep], timeout=5)
    assert ended
    assert sweep.cancelled()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "hand-off"]


async def test_others_have_their_turn_after_each_letter_that_takes_long(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay is answered while letters are written, however long one takes: signing alone may be a third of a millisecond."""
    lease, _, _ = await prepare(db, 12)
    turns, seen = [0], []

    async def others() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    def slowly(_domain: str, _now: Any) -> Callable[[bytes, bytes], bytes]:
        def sign(head: bytes, body: bytes) -> bytes:
            seen.append(turns[0])
            time.sleep(2 * handoff.AT_A_STRETCH)
            return b""

        return sign

    beside = asyncio.create_task(others())
    sent = await send(db, Sink(), lease, rules=SendingRules(BASE, in_flight=24, connections=4, signer=slowly))
    beside.cancel()
    assert sent.accepted == 12
    assert all(later - before >= 2 for before, later in pairwise(seen)), "once to hear, once to answer"


async def test_what_was_written_is_handed_over_at_the_rate_of_the_moment(db: Database, passages: list[tuple[str, int]]) -> None:
    """The relay asks for less while a slice of many stands written: an intent for letters that cannot leave would only come back."""
    lease, _, _ = await prepare(db, 12)

    class Slower(Pace):
        def slice(self, in_flight: int, connections: int) -> int:
            return 12 if not passages else 3

    sent = await send(db, Sink(), lease, rules=SendingRules(BASE, in_flight=24, connections=1), desk=Desk(pace=Slower()))
    assert passages == [("written", 12), *[("intent", 3)] * 4]
    assert sent.accepted == 12


async def test_a_hand_off_that_fails_ends_the_sweep_and_nothing_is_begun_after_it(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    lease, _, _ = await prepare(db, 40)
    works, begun = handoff.hand_over, []

    async def breaks(db: Database, rows: Sequence[Intent], *more: Any) -> set[int]:
        begun.append(len(rows))
        if len(begun) == 2:
            raise OperationalError("UPDATE", {}, OSError("the database is gone"))
        return await works(db, rows, *more)

    monkeypatch.setattr(handoff, "hand_over", breaks)
    sink = Sink()
    with pytest.raises(OperationalError, match="the database is gone"):
        await send(db, sink, lease, rules=SendingRules(BASE, in_flight=8, connections=4))
    assert begun == [4, 4], "the slice that was written meanwhile is not handed over"
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "hand-off"]
    await send(db, sink, lease)
    assert Counter(r.state for r in await the_rows(db)) == {"accepted": 40}
    assert max(Counter(e.delivery for e in sink.letters).values()) == 1


async def test_an_error_at_the_pen_waits_for_the_commit_under_way_and_begins_none(
    db: Database, passages: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The second slice cannot be written at all, while the first waits for its room: it goes back, as it was claimed."""
    lease, _, _ = await prepare(db, 12)
    writes = handoff.written

    async def breaks(batch: Any, rows: Sequence[Any], *more: Any) -> Any:
        if passages.count(("written", 4)) == 2:
            sink.speaks.set()
            raise RuntimeError("the pen broke")
        return await writes(batch, rows, *more)

    monkeypatch.setattr(handoff, "written", breaks)
    sink = Mute()
    with pytest.raises(RuntimeError, match="the pen broke"):
        await send(db, sink, lease, rules=SendingRules(BASE, in_flight=4, connections=4), desk=Desk(pace=_Fours()))
    assert [kind for kind, _ in passages].count("intent") == 1
    assert Counter(r.state for r in await the_rows(db)) == {"accepted": 4, "pending": 4, "claimed": 4}
    monkeypatch.setattr(handoff, "written", writes)
    await send(db, sink, lease)
    assert Counter(r.state for r in await the_rows(db)) == {"accepted": 12}


class _Fours(Pace):
    def slice(self, in_flight: int, connections: int) -> int:
        return 4
