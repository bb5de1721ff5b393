"""A clock that is moved by hand, and the relay at the end of the wire that takes every letter."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.crew import OneByOne


@dataclass(slots=True)
class Clock:
    """The virtual clock; `now` is aware UTC. `answer`: the moment of a relay's answer, told once to the one who waits for it."""

    now: datetime
    answer: datetime | None = None

    def __call__(self) -> datetime:
        """The moment it is."""
        told, self.answer = self.answer or self.now, None
        return told


class Sink(OneByOne):
    """Takes every letter, each at the moment it was due (`moments`, by delivery), however large its batch.

    It answers 550 for the addresses in `unknown`, and keeps the last `keep` letters.
    """

    def __init__(self, clock: Clock, unknown: Collection[str] = (), keep: int = 0) -> None:
        self.clock = clock
        self.unknown = unknown
        self.moments: Mapping[int, datetime] = {}
        self.accepted: list[int] = []
        self.kept: deque[Envelope] = deque(maxlen=keep)

    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True  # noqa: ARG002
    ) -> Reply:
        """The delivery's id stands in `accepted` until the world has read it."""
        self.clock.answer = self.moments.get(envelope.delivery)
        if envelope.recipient in self.unknown:
            return Reply(envelope.delivery, Phase.RCPT, 550, "5.1.1", "no such mailbox", "sink")
        self.accepted.append(envelope.delivery)
        self.kept.append(envelope)
        return Reply(envelope.delivery, Phase.BODY, 250, "2.0.0", "taken", "sink")

    async def close(self) -> None:
        """Nothing is open."""
