"""Letters on the wire, and their results on the way into the ledger.

As many hands as the relay has connections take letters from one queue; a clerk writes the results: one commit for 128 of them or every
20 ms, at once when nothing else is coming. What was not begun within two seconds of its intent goes back to pending.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import structlog

from nurture.domain.answers import Level, Verdict, judge
from nurture.domain.envelopes import Phase, Reply
from nurture.domain.words import State
from nurture.services.sending.pace import Pace
from nurture.services.sending.rules import LEAVE_WITHIN, NOT_WRITTEN, GoOn, Relay, SendingRules
from nurture.services.sending.writing import Outgoing

RESULTS_AT_ONCE = 128
RESULTS_WAIT = 0.02
STOP_CHECK = 0.25  # seconds
LOST_IN_A_ROW = 3  # so many letters without a session: the relay is away, the rest need not try
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ended:
    """One letter's try; `reply` None: it was never begun. `at` is the moment of the answer."""

    letter: Outgoing
    reply: Reply | None
    verdict: Verdict | None
    at: datetime


Record = Callable[[list[Ended]], Awaitable[None]]


@dataclass(slots=True)
class Wire:
    """`record` commits a list of ended tries. `holds` False: the lease may have ended, no further body is written."""

    relay: Relay
    rules: SendingRules
    pace: Pace
    clock: Callable[[], datetime]
    go_on: GoOn
    record: Record
    holds: GoOn = lambda: True
    lost_in_a_row: int = 0
    _queue: "deque[tuple[Outgoing, float]]" = field(default_factory=deque)
    _done: list[Ended] = field(default_factory=list)
    _in_flight: int = 0
    _closing: bool = False  # an error ends the sweep: what is on the wire gets its answer, nothing more is begun
    _waiting: asyncio.Event = field(default_factory=asyncio.Event)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.pace.begin(loop.time())
        hands = [asyncio.create_task(self._hand(), name=f"wire {n}") for n in range(self.rules.connections)]
        self._tasks = [*hands, asyncio.create_task(self._clerk(), name="results")]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self._closing = kind is not None
                await self.room(0)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def away(self) -> bool:
        """The relay gives no session."""
        return self.lost_in_a_row >= LOST_IN_A_ROW

    def put(self, letters: list[Outgoing]) -> None:
        """Letters whose intent has just been committed."""
        until = asyncio.get_running_loop().time() + LEAVE_WITHIN
        self._queue.extend((letter, until) for letter in letters)
        self._in_flight += len(letters)
        self._waiting.set()

    async def room(self, at_most: int) -> None:
        """Return when at most so many letters are between intent and recorded result. Raises what keeps results from being recorded."""
        clerk = self._tasks[-1]
        while self._in_flight > at_most:
            self._room.clear()
            waiting = asyncio.ensure_future(self._room.wait())
            await asyncio.wait([waiting, clerk], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if clerk.done():
                clerk.result()

    async def place(self) -> None:
        """Return when the rate leaves a place soon: an intent for a letter that cannot leave in time would only come back."""
        loop = asyncio.get_running_loop()
        while self.go_on() and not self.away and (rest := self.pace.ahead(loop.time()) - LEAVE_WITHIN / 2) > 0:  # noqa: ASYNC110 - no event tells of a stop
            await asyncio.sleep(min(rest, STOP_CHECK))

    async def _hand(self) -> None:
        while True:
            while not self._queue:
                self._waiting.clear()
                await self._waiting.wait()
            letter, until = self._queue.popleft()
            reply = await self._deliver(letter, until)
            self._end(letter, reply)

    async def _deliver(self, letter: Outgoing, until: float) -> Reply | None:
        loop = asyncio.get_running_loop()
        wait = self.pace.reserve(loop.time(), until)
        if wait is None or self.away or self._closing or not self.go_on():
            return None
        if wait:
            await asyncio.sleep(wait)
        try:
            reply = await self.relay.deliver(letter.envelope, lambda: loop.time() <= until and self.go_on(), self.holds)
        except Exception:
            log.exception("the relay's own code failed; whether the letter left is not known", delivery=letter.row.id)
            return Reply(letter.row.id, Phase.BODY, None, None, "the conversation broke off", "")
        return None if reply.code is None and reply.text == NOT_WRITTEN else reply

    def _end(self, letter: Outgoing, reply: Reply | None) -> None:
        now, row = self.clock(), letter.row
        verdict = judge(reply, row.attempts, row.first_try_at, now) if reply else None
        if verdict and reply:
            moment = asyncio.get_running_loop().time()
            if verdict.state is State.ACCEPTED:
                self.pace.took(moment)
            if verdict.slows:
                self.pace.slow(moment)
            no_session = reply.code is None and verdict.level is Level.RELAY
            self.lost_in_a_row = self.lost_in_a_row + 1 if no_session else 0
        self._done.append(Ended(letter, reply, verdict, now))
        self._ended.set()

    async def _clerk(self) -> None:
        while True:
            await self._ended.wait()
            if len(self._done) < RESULTS_AT_ONCE and len(self._done) < self._in_flight:
                await asyncio.sleep(RESULTS_WAIT)
            batch, self._done = self._done, []
            self._ended.clear()
            for start in range(0, len(batch), RESULTS_AT_ONCE):
                piece = batch[start : start + RESULTS_AT_ONCE]
                await self.record(piece)
                self._in_flight -= len(piece)
                self._room.set()
