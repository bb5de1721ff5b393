"""Letters for a crew, and the replies that came back."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from nurture.domain.envelopes import Envelope, Reply
from nurture.mail.relay import SmtpRelay
from tests.support.far_end import FarEnd

BODY = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\n\r\nHello\r\n"


def envelope(delivery: int = 1, recipient: str = "", message: bytes = BODY, sender: str = "anna@example.com") -> Envelope:
    """Letter n for p<n>@example.org unless told."""
    return Envelope(delivery, sender, recipient or f"p{delivery}@example.org", message, f"<{delivery}@example.com>")


def relay_to(*ends: FarEnd, **options: object) -> SmtpRelay:
    """Over these in their order of preference; it waits five seconds at most, unless told."""
    given: dict[str, object] = {"connections": 4, "connect_timeout": 5.0, "command_timeout": 5.0, "dot_timeout": 5.0}
    return SmtpRelay(" ".join(end.url for end in ends), **given | options)  # type: ignore[arg-type]


class Stack:
    """A source of letters; `replies` in the order they came, `twice` what was reported twice or was never taken: always a fault."""

    def __init__(
        self, letters: Iterable[Envelope], may_write: Callable[[Envelope], bool] = lambda _: True, may_finish: Callable[[], bool] = lambda: True
    ) -> None:  # fmt: skip
        self.letters = deque(letters)
        self.wanted = len(self.letters)
        self.taken: set[int] = set()
        self.replies: list[Reply] = []
        self.twice: list[Reply] = []
        self.may_write, self.may_finish = may_write, may_finish
        self._all = asyncio.Event()

    def take(self) -> Envelope | None:
        if not self.letters:
            return None
        letter = self.letters.popleft()
        self.taken.add(letter.delivery)
        return letter

    def ended(self, letter: Envelope, reply: Reply) -> None:
        if letter.delivery not in self.taken or reply.delivery != letter.delivery:
            self.twice.append(reply)
        self.taken.discard(letter.delivery)
        self.replies.append(reply)
        if len(self.replies) >= self.wanted:
            self._all.set()

    async def finished(self) -> None:
        await self._all.wait()

    def by_letter(self) -> dict[int, tuple[str, int | None]]:
        return {reply.delivery: (reply.phase.value, reply.code) for reply in self.replies}


async def carry(relay: SmtpRelay, letters: Iterable[Envelope], sessions: int = 1, **questions: Callable[..., bool]) -> Stack:
    """All letters over one crew, whose relay is closed then."""
    stack = Stack(letters, **questions)
    crew = relay.crew(stack, sessions)
    try:
        async with asyncio.timeout(60):
            await stack.finished()
    finally:
        await crew.close()
        await relay.close()
    assert not stack.twice
    assert len(stack.replies) == stack.wanted
    return stack
