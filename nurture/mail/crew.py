"""Letters on their way through several sessions at once: who hands them out, who carries them, and how a try is reported.

The carriers pull. A session that is free asks for the next letter, so whoever owns the queue decides order, rate and deadlines, and no
letter waits where nobody sees it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from nurture.domain.envelopes import Envelope, Phase, Reply

NOT_WRITTEN = "not written in time"
log = structlog.get_logger("nurture.mail")


class Letters(Protocol):
    """Where a crew takes letters from. All four are asked in the event loop, between two bytes: they return at once and never raise."""

    def take(self) -> Envelope | None:
        """The next letter that may leave now; None when there is none. Every letter taken ends in exactly one `ended`."""

    def may_write(self, envelope: Envelope) -> bool:
        """Asked again before a letter's first command: opening a session may have taken longer than the hand-off allows.

        Where it says no, nothing was said to the relay, and the reply is a silence in CONNECT with the words NOT_WRITTEN.
        """

    def may_finish(self) -> bool:
        """Asked when the relay waits for the body; where it says no, the line is cut, and NOT_WRITTEN is the reply of DATA."""

    def ended(self, envelope: Envelope, reply: Reply) -> None:
        """The relay's answer, or its silence, with the phase it came in."""


class Crew(Protocol):
    """Carriers at work on one source of letters."""

    def wake(self) -> None:
        """There may be letters to take."""

    async def close(self) -> None:
        """Take nothing more and let go. Letters in the middle of a conversation are cut off and never reported: wait for them before."""


class OneByOne(ABC):
    """A relay that knows how to deliver one letter; its crew is as many tasks as it has sessions."""

    @abstractmethod
    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Hand one letter over; raises nothing for what a relay may do. The two questions are those of Letters."""

    def crew(self, letters: Letters, sessions: int) -> Crew:
        """Carry `letters` over at most so many sessions, until closed."""
        return _Tasks(self.deliver, letters, sessions)


class _Tasks:
    def __init__(self, deliver: Callable[..., Awaitable[Reply]], letters: Letters, sessions: int) -> None:
        self._deliver, self._letters = deliver, letters
        self._awake = asyncio.Event()
        self._tasks = [asyncio.create_task(self._carry(), name=f"carrier {n}") for n in range(sessions)]

    def wake(self) -> None:
        self._awake.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self) -> None:
        letters = self._letters
        while True:
            while (envelope := letters.take()) is None:
                self._awake.clear()
                await self._awake.wait()
            letters.ended(envelope, await self._reply(envelope))

    async def _reply(self, envelope: Envelope) -> Reply:
        try:
            return await self._deliver(envelope, lambda: self._letters.may_write(envelope), self._letters.may_finish)
        except Exception:
            log.exception("the relay's own code failed; whether the letter left is not known", delivery=envelope.delivery)
            return Reply(envelope.delivery, Phase.BODY, None, None, "the conversation broke off", "")
