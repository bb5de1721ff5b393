"""The sessions of one relay: opened when needed, kept while there is work, closed after a rest. A relay that is away is left alone."""

import asyncio
from collections import deque

import structlog

from nurture.domain.envelopes import Phase
from nurture.mail.end import End, Unopened
from nurture.mail.opening import Door
from nurture.mail.session import Session

IDLE = 30.0  # seconds; relays hang up after some minutes, and what stands between forgets a silent line even sooner
TRIES = 3  # so many failures in a row, and the relay is away
LONGEST_REST = 60.0
NOT_AHEAD = 600.0  # seconds without letters announced ahead, once an answer was lost with one
_OPENING = (Phase.CONNECT, Phase.TLS, Phase.AUTH)
log = structlog.get_logger("nurture.mail")


class Pool:
    """At most `connections` sessions at a time. Moments are the event loop's."""

    def __init__(self, door: Door, connections: int) -> None:
        self.name = door.address.name
        self._door = door
        self._free = asyncio.Semaphore(connections)
        self._waiting = 0
        self._idle: deque[tuple[Session, float]] = deque()
        self._closed = False
        self.avoided = False  # it refuses the sender, as somebody above has found: others take over
        self._failures = 0
        self._rests_until = 0.0
        self._probing = False
        self._trouble: End | None = None
        self._not_ahead_until = 0.0
        self._tidying: asyncio.TimerHandle | None = None

    @property
    def wanted(self) -> bool:
        """Somebody waits for a session: who has one gives it back after this letter."""
        return self._waiting > 0

    @property
    def undisturbed(self) -> bool:
        """Nobody waits, nothing is amiss: as it is for nearly every letter."""
        return not (self._waiting or self.avoided or self._failures)

    def rests(self, now: float) -> bool:
        """Away: not to be tried now. When its rest is over one letter tries it, and the others still go elsewhere."""
        return self.avoided or (self._failures >= TRIES and (now < self._rests_until or self._probing))

    @property
    def trouble(self) -> End:
        """What a letter is told that the relay cannot be tried for."""
        last = self._trouble
        if last and last.phase in _OPENING:
            return last
        return End(Phase.CONNECT, None, f"the relay is away: {last.text}" if last else "no relay can be reached")

    def ahead(self, now: float) -> bool:
        """Whether the relay bears a letter announced before the last one has its answer."""
        return now >= self._not_ahead_until

    async def borrow(self) -> Session:
        """A session that lives as far as we know; give it back. Raises Unopened."""
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            return self._kept() or await self._open()
        except BaseException:
            self._free.release()
            raise

    def _kept(self) -> Session | None:
        while self._idle:
            session, _ = self._idle.pop()
            if session.alive:
                return session
            session.drop()
        return None

    async def _open(self) -> Session:
        self._probing = self._failures >= TRIES
        try:
            return await self._door.open()
        except Unopened as error:
            self.failed(error.end)
            raise
        finally:
            self._probing = False

    def give_back(self, session: Session) -> None:
        """After a conversation; a session that was cut is forgotten."""
        self._free.release()
        now = asyncio.get_running_loop().time()
        if session.broke_ahead:
            self._not_ahead_until = now + NOT_AHEAD
            log.warning("an answer was lost with the next letter announced; letters go one by one for a while", relay=self.name)
        if not session.alive:
            session.drop()
        elif self._closed:
            session.leave()
        else:
            session.fresh = False
            self._idle.append((session, now))
            if self._tidying is None:
                self._tidying = asyncio.get_running_loop().call_later(IDLE, self._tidy)

    def _tidy(self) -> None:
        """End what has rested long enough."""
        self._tidying = None
        loop = asyncio.get_running_loop()
        while self._idle and self._idle[0][1] <= loop.time() - IDLE:
            self._idle.popleft()[0].leave()
        if self._idle:
            self._tidying = loop.call_at(self._idle[0][1] + IDLE, self._tidy)

    def answered(self) -> None:
        """The relay does its work."""
        self._failures = 0

    def failed(self, end: End) -> None:
        """No session, or a line lost before a body: after three in a row the relay is left alone, ever longer, for at most a minute."""
        self._failures += 1
        self._trouble = end
        if self._failures >= TRIES:
            rest = min(2.0 ** (self._failures - TRIES), LONGEST_REST)
            self._rests_until = asyncio.get_running_loop().time() + rest
            log.warning("the relay is away", relay=self.name, phase=end.phase.value, code=end.code, answer=end.said[:200], rest=rest)

    async def close(self) -> None:
        """Say goodbye on every idle session; those in use end after their letter."""
        self._closed = True
        if self._tidying:
            self._tidying.cancel()
        idle, self._idle = self._idle, deque()
        await asyncio.gather(*(session.quit() for session, _ in idle))
