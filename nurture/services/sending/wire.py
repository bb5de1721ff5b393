"""Letters on the wire, and their results on the way into the ledger.

The relay's sessions pull letters from one queue; a clerk writes the results: one commit for 128 of them or every 20 ms, at once when
nothing else is coming. What was not begun within two seconds of its intent goes back to pending.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import NamedTuple, Self

from nurture.domain.answers import Level, Verdict, judge
from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.words import State
from nurture.mail.crew import NOT_WRITTEN, Crew
from nurture.services.sending.pace import Pace
from nurture.services.sending.rules import LEAVE_WITHIN, GoOn, Relay, SendingRules
from nurture.services.sending.writing import Outgoing
from nurture.store.giving_way import give_way

RESULTS_AT_ONCE = 128
RESULTS_WAIT = 0.02
STOP_CHECK = 0.25  # seconds
LULL = 8  # turns: so long who writes letters waits for those who carry them
_OPENING = (Phase.CONNECT, Phase.TLS, Phase.AUTH)
LOST_IN_A_ROW = 3  # so many letters without a session: the relay is away, the rest need not try


class Ended(NamedTuple):
    """One letter's try; `reply` None: it was never begun. `at` is the moment of the answer."""

    letter: Outgoing
    reply: Reply | None
    verdict: Verdict | None
    at: datetime


Record = Callable[[list[Ended]], Awaitable[None]]


@dataclass(slots=True)
class Wire:
    """The letters between intent and recorded result; a relay's crew takes them from here (`nurture.mail.crew.Letters`).

    `record` commits a list of ended tries. `holds` False: the lease may have ended, no further body is written. `heard`: tries that ended.
    """

    relay: Relay
    rules: SendingRules
    pace: Pace
    clock: Callable[[], datetime]
    go_on: GoOn
    record: Record
    holds: GoOn = lambda: True
    lost_in_a_row: int = 0
    heard: int = 0
    _queue: "deque[tuple[Outgoing, float]]" = field(default_factory=deque)
    _taken: dict[int, tuple[Outgoing, float]] = field(default_factory=dict)
    _done: list[Ended] = field(default_factory=list)
    _in_flight: int = 0
    _closing: bool = False  # an error ends the sweep: what is on the wire gets its answer, nothing more is begun
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _place: asyncio.TimerHandle | None = None
    _due: asyncio.TimerHandle | None = None  # the clerk's next look
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _turn: float = -1.0  # of the loop, and the moment that its answers came at
    _moment: datetime = field(init=False)
    _crew: Crew = field(init=False)
    _recording: asyncio.Task[None] = field(init=False)

    async def __aenter__(self) -> Self:
        self.pace.begin(self._loop.time())
        self._recording = asyncio.create_task(self._clerk(), name="results")
        self._crew = self.relay.crew(self, self.rules.connections)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None or issubclass(kind, Exception):
                self._closing = kind is not None
                await self.room(0)
        finally:
            for timer in filter(None, (self._place, self._due)):
                timer.cancel()
            await self._crew.close()
            self._recording.cancel()
            await asyncio.gather(self._recording, return_exceptions=True)

    @property
    def away(self) -> bool:
        """The relay gives no session."""
        return self.lost_in_a_row >= LOST_IN_A_ROW

    def put(self, letters: list[Outgoing]) -> None:
        """Letters whose intent has just been committed."""
        until = self._loop.time() + LEAVE_WITHIN
        self._queue.extend(zip(letters, repeat(until)))
        self._in_flight += len(letters)
        self._turn = -1.0  # no answer to them is older than their hand-off
        self._crew.wake()

    async def room(self, at_most: int) -> None:
        """Return when at most so many letters are between intent and recorded result. Raises what keeps results from being recorded."""
        clerk = self._recording
        while self._in_flight > at_most:
            self._room.clear()
            waiting = asyncio.ensure_future(self._room.wait())
            await asyncio.wait([waiting, clerk], return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if clerk.done():
                clerk.result()

    async def place(self) -> None:
        """Return when the rate leaves a place soon: an intent for a letter that cannot leave in time would only come back."""
        while self.go_on() and not self.away and (rest := self.pace.ahead(self._loop.time()) - LEAVE_WITHIN / 2) > 0:  # noqa: ASYNC110 - no event tells of a stop
            await asyncio.sleep(min(rest, STOP_CHECK))

    async def lull(self) -> None:
        """Give way, and again while each time brings an answer: what is on the wire goes before what will be there later."""
        for _ in range(LULL):
            heard = self.heard
            await give_way()
            if self.heard == heard:
                return

    def take(self) -> Envelope | None:
        """The next letter that may leave now. Those whose time is over, or can only come too late, go back."""
        now = self._loop.time()
        while self._queue:
            letter, until = self._queue[0]
            wait = self.pace.ahead(now)
            if now + wait > until or self.away or self._closing or not self.go_on():
                self._queue.popleft()
                self._end(letter, None)
            elif wait:
                self._wake_in(wait)
                return None
            else:
                self.pace.reserve(now)
                self._taken[letter.row.id] = self._queue.popleft()
                return letter.envelope
        return None

    def _wake_in(self, wait: float) -> None:
        if self._place:
            self._place.cancel()
        self._place = self._loop.call_later(wait, self._crew.wake)

    def may_write(self, envelope: Envelope) -> bool:
        """Still within two seconds of the intent, and nobody has asked us to stop."""
        return self._loop.time() <= self._taken[envelope.delivery][1] and self.go_on()

    def may_finish(self) -> bool:
        """The lease is ours for certain."""
        return self.holds()

    def ended(self, envelope: Envelope, reply: Reply) -> None:
        """The relay answered, or will not any more."""
        letter, _ = self._taken.pop(envelope.delivery)
        self._end(letter, None if reply.code is None and reply.text == NOT_WRITTEN else reply)

    def _end(self, letter: Outgoing, reply: Reply | None) -> None:
        self.heard += 1
        turn, row = self._loop.time(), letter.row
        if turn != self._turn:  # what one turn of the loop heard came at one moment
            self._turn, self._moment = turn, self.clock()
        now = self._moment
        verdict = None
        if reply:
            verdict = judge(reply, row.attempts, row.first_try_at, now)
            self._heed(verdict, reply, turn)
        self._done.append(Ended(letter, reply, verdict, now))
        self._call_clerk()

    def _heed(self, verdict: Verdict, reply: Reply, moment: float) -> None:
        """What an answer says about the relay."""
        if verdict.state is State.ACCEPTED:
            self.pace.took(moment, reply.relay)
            self.lost_in_a_row = 0
            return
        if verdict.slows and verdict.level is Level.RELAY:
            self.pace.slow(moment, reply.relay)
        no_session = verdict.level is Level.RELAY and (reply.code is None or reply.phase in _OPENING)
        self.lost_in_a_row = self.lost_in_a_row + 1 if no_session else 0

    def _call_clerk(self) -> None:
        """At once when a commit is full or nothing else is coming, else in 20 ms."""
        if len(self._done) >= min(RESULTS_AT_ONCE, self._in_flight):
            self._ended.set()
        elif self._due is None:
            self._due = self._loop.call_later(RESULTS_WAIT, self._ended.set)

    async def _clerk(self) -> None:
        while True:
            await self._ended.wait()
            self._ended.clear()
            if self._due:
                self._due.cancel()
                self._due = None
            batch, self._done = self._done, []
            for start in range(0, len(batch), RESULTS_AT_ONCE):
                piece = batch[start : start + RESULTS_AT_ONCE]
                await self.record(piece)
                self._in_flight -= len(piece)
                self._room.set()
            if self._done:
                self._call_clerk()
