"""Letters on their way through several sessions at once: who hands them out, who carries them, and how a try is reported.

The carriers pull. A session that is free asks for the next letter, so whoever owns the queue decides order, rate and deadlines, and no
letter waits where nobody sees it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
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


HandOver = Callable[[Envelope], Awaitable[None]]
"""Takes a letter to its end, and perhaps those that follow it; raises nothing."""


class TaskCrew:
    """A task for each way to hand a letter over; those that find nothing to carry sleep."""

    def __init__(self, letters: Letters, ways: Iterable[HandOver]) -> None:
        self._letters = letters
        self._awake = asyncio.Event()
        self._tasks = [asyncio.create_task(self._carry(way), name=f"carrier {n}") for n, way in enumerate(ways)]

    def wake(self) -> None:
        """There may be letters to take."""
        self._awake.set()

    async def close(self) -> None:
        """As Crew.close."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, hand_over: HandOver) -> None:
        while True:
            while (envelope := self._letters.take()) is None:
                self._awake.clear()
                await self._awake.wait()
            await hand_over(envelope)


class OneByOne(ABC):
    """A relay that knows how to deliver one letter, and no more."""

    @abstractmethod
    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Hand one letter over; raises nothing for what a relay may do. The two questions are those of Letters."""

    def crew(self, letters: Letters, sessions: int) -> Crew:
        """Carry `letters` over at most so many sessions, until closed."""

        async def hand_over(envelope: Envelope) -> None:
            try:
                reply = await self.deliver(envelope, lambda: letters.may_write(envelope), letters.may_finish)
            except Exception:
                log.exception("the relay's own code failed; whether the letter left is not known", delivery=envelope.delivery)
                reply = Reply(envelope.delivery, Phase.BODY, None, None, "the conversation broke off", "")
            letters.ended(envelope, reply)

        return TaskCrew(letters, [hand_over] * sessions)
