"""The relay: one SMTP server, or several in order of preference; a crew of carriers speaks to them over a few kept sessions."""

import asyncio
import ssl
from collections.abc import Callable, Collection

import structlog

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.crew import NOT_WRITTEN, Crew, Letters, TaskCrew
from nurture.mail.end import End, Unopened
from nurture.mail.opening import Door
from nurture.mail.plan import Plan
from nurture.mail.pool import Pool
from nurture.mail.relay_address import RelayAddress
from nurture.mail.session import Session, Timeouts

log = structlog.get_logger("nurture.mail")


class SmtpRelay:
    """At most `connections` sessions with each relay of `urls`, opened when needed and kept. Timeouts in seconds, by phase (see Timeouts).

    The first relay is preferred; while it is away the next one takes over. `verify`: True, False, or a context that trusts what it should.
    `helo`: our name in EHLO, the machine's unless told.
    """

    def __init__(
        self,
        urls: str,
        *,
        connections: int = 4,
        connect_timeout: float = 60,
        command_timeout: float = 300,
        dot_timeout: float = 600,
        verify: bool | ssl.SSLContext = True,
        helo: str | None = None,
    ) -> None:
        timeouts = Timeouts(connect_timeout, command_timeout, dot_timeout)
        addresses = RelayAddress.read_all(urls)
        self.pools = [Pool(Door(address, timeouts, verify, helo), connections) for address in addresses]

    def crew(self, letters: Letters, sessions: int) -> Crew:
        """Carry `letters` over at most so many sessions, until closed. Every letter ends in one Reply, whatever happens."""
        return TaskCrew(letters, [Carrier(self, letters).hand_over for _ in range(sessions)])

    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Hand one letter over; the relay's answer, or its silence, with the phase it came in. The two questions are those of Letters."""
        only = _Only(may_write, may_finish)
        await Carrier(self, only).hand_over(envelope)
        return only.reply

    @property
    def names(self) -> tuple[str, ...]:
        """The preferred one first."""
        return tuple(pool.name for pool in self.pools)

    def avoid(self, names: Collection[str]) -> None:
        """Leave these relays alone until told otherwise; the others carry what there is."""
        for pool in self.pools:
            pool.avoided = pool.name in names

    def in_use(self) -> str:
        """The name of the relay that the next letter goes to; of the preferred one while none is there."""
        return (self.best(asyncio.get_running_loop().time()) or self.pools[0]).name

    def best(self, now: float) -> Pool | None:
        """The relay to use now: the first that is not away."""
        for pool in self.pools:
            if not pool.rests(now):
                return pool
        return None

    async def close(self) -> None:
        """Say goodbye on every idle session; those in use end after their letter."""
        await asyncio.gather(*(pool.close() for pool in self.pools))


class Carrier:
    """One letter at a time, over whichever session is at hand."""

    def __init__(self, relay: SmtpRelay, letters: Letters) -> None:
        self._relay, self._letters = relay, letters
        self._loop = asyncio.get_running_loop()
        self._pool = relay.pools[0]
        self._in_hand: dict[int, Envelope] = {}
        self.may_finish = letters.may_finish

    async def hand_over(self, envelope: Envelope) -> None:
        """This letter, and those that follow it on the same session."""
        try:
            letter = self._planned(envelope)
            while letter:
                letter = await self._try(letter)
        except Exception:
            log.exception("the relay's own code failed; whether the letters left is not known", deliveries=list(self._in_hand))
            for lost in list(self._in_hand.values()):
                self._report(lost, End(Phase.BODY, None, "the conversation broke off"))

    async def _try(self, letter: Plan) -> Plan | None:
        """Over the best relay that opens a session. Returns a letter that was not heard of, for another try."""
        session = await self._session(letter)
        if session is None:
            return None
        pool = self._pool
        try:
            if unfit := letter.unfit(session.offered):
                self.ended(letter, unfit)
            elif not self._letters.may_write(letter.envelope):
                self.ended(letter, End(Phase.CONNECT, None, NOT_WRITTEN))
            else:
                return await session.carry(letter, self)
            return None
        finally:
            pool.give_back(session)

    async def _session(self, letter: Plan) -> Session | None:
        """None: no relay opens one, and the letter has its end."""
        tried: list[Pool] = []
        while pool := next((p for p in self._relay.pools if p not in tried and not p.rests(self._loop.time())), None):
            self._pool = pool
            try:
                return await pool.borrow()
            except Unopened:
                tried.append(pool)
        self._pool = (tried or self._relay.pools)[0]
        self.ended(letter, self._pool.trouble)
        return None

    def _planned(self, envelope: Envelope) -> Plan | None:
        """None where an address is not fit for a socket: that was the letter's end."""
        self._in_hand[envelope.delivery] = envelope
        plan = Plan.of(envelope)
        if isinstance(plan, End):
            self._report(envelope, plan)
            return None
        return plan

    # Source: what a session asks

    def follow(self, session: Session) -> Plan | None:
        """The next letter that this session can take; none when somebody waits for the session or a better relay is back."""
        pool, relay = self._pool, self._relay
        undisturbed = pool is relay.pools[0] and pool.undisturbed
        if not undisturbed and (pool.wanted or pool.avoided or relay.best(self._loop.time()) not in (pool, None)):
            return None
        while envelope := self._letters.take():
            letter = self._planned(envelope)
            if letter is None:
                continue
            unfit = letter.unfit(session.offered)
            if unfit is None:
                return letter
            self.ended(letter, unfit)
        return None

    def ahead(self) -> bool:
        """Not where the relay could not bear it."""
        return self._pool.ahead(self._loop.time())

    def ended(self, letter: Plan, end: End) -> None:
        """A letter has its end; what it says about the relay is noted."""
        if end.code is not None and end.phase in _SPOKEN:
            self._pool.answered()
        elif end.code is None and end.phase in _LOST and end.text != NOT_WRITTEN:
            self._pool.failed(end)
        self._report(letter.envelope, end)

    def _report(self, envelope: Envelope, end: End) -> None:
        del self._in_hand[envelope.delivery]
        self._letters.ended(envelope, end.reply(envelope.delivery, self._pool.name))


_SPOKEN = (Phase.BODY, Phase.MAIL, Phase.RCPT, Phase.DATA)
_LOST = (Phase.MAIL, Phase.RCPT, Phase.DATA)


class _Only:
    """One letter and its reply."""

    def __init__(self, may_write: Callable[[], bool], may_finish: Callable[[], bool]) -> None:
        self._may_write, self.may_finish = may_write, may_finish
        self.reply: Reply

    def take(self) -> Envelope | None:
        return None

    def may_write(self, _envelope: Envelope) -> bool:
        return self._may_write()

    def ended(self, _envelope: Envelope, reply: Reply) -> None:
        self.reply = reply
