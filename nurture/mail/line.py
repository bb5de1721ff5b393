"""An open line to a relay: commands go out, answers come in, each in its turn. What comes unasked ends the line.

aiosmtplib opens the session and its transport is then ours (`transport.set_protocol`), because it pairs one answer with one command and
throws away what comes beyond; a pipelined conversation (RFC 2920) has several under way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Container

_LONGEST = 32_768  # bytes of one answer with all its lines; RFC 5321 4.5.3.1.5 allows 512 a line
_MARKS = (b" ", b"-", b"")
_CODES = {b"%d" % code: code for code in range(100, 1000)}
_WHOLE = {b"%d " % code: code for code in range(200, 600)}  # how nearly every answer begins, which then is one line


Answer = tuple[int, bytes]
"""The code, and the words without it, their lines joined by LF."""


class LineLost(Exception):  # noqa: N818 - an event on the wire, not an error of ours
    """No further answer will come: the line was cut, the time ran out, or what came was no SMTP."""


class Line(asyncio.Protocol):
    """Answers are matched to commands by their order alone, so an answer that nobody asked for is never taken for one that is to come."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._answers: deque[Answer] = deque()  # heard and not yet taken
        self._owed = 0  # answers to commands that were said
        self._rest = b""  # of a line
        self._lines: list[bytes] = []  # of an answer
        self._class = 0  # the first digit of their code
        self._heard = 0  # bytes of that answer
        self.lost = ""  # why no further answer will come
        self._news: asyncio.Future[None] | None = None
        self._at_once: Callable[[bytes], bool] | None = None
        self._limit = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def alive(self) -> bool:
        return not (self.lost or self._transport.is_closing())

    def say(self, words: bytes, answers: int, *, body: bytes = b"") -> None:
        """Send commands that will be answered so many times. A lost line says nothing: `answer` will tell.

        `body` goes before the words; it is not copied to stand with them.
        """
        if self.alive:
            self._owed += answers
            if body:
                self._transport.writelines((body, words))
            else:
                self._transport.write(words)

    def agrees(self, *expected: Container[int]) -> bool:
        """Whether so many answers are here and each has a code that is expected; then they are taken, otherwise they stay."""
        heard = self._answers
        if len(heard) < len(expected):
            return False
        for (code, _), codes in zip(heard, expected, strict=False):
            if code not in codes:
                return False
        for _ in expected:
            heard.popleft()
        return True

    async def answer(self, limit: float, at_once: Callable[[bytes], bool] | None = None) -> Answer:
        """The next answer, within `limit` seconds; raises LineLost. What was heard before the line was lost is still told.

        `at_once` gets what is heard in one piece, where nothing came before it. Where it takes that for all the answers that are owed, the
        wait begins anew.
        """
        while not self._answers:
            if not self.alive:
                raise LineLost(self.lost or "the line was closed")
            self._news, self._at_once, self._limit = self._loop.create_future(), at_once, limit
            self._watch(limit)
            try:
                await self._news
            finally:
                self._news = self._at_once = None
        return self._answers.popleft()

    def cut(self, why: str = "the line was cut") -> None:
        """End without a word; what was half said is not continued."""
        self.lost = self.lost or why
        self._transport.abort()
        self._tell()

    def close(self) -> None:
        """End when what was said has left."""
        self.lost = self.lost or "the line was closed"
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._at_once and self._taken_at_once(self._at_once, data):
            return
        *lines, self._rest = (self._rest + data if self._rest else data).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if self.lost:
                return
            code = _WHOLE.get(line[:4])
            if code and self._owed and not self._lines:
                self._owed -= 1
                self._answers.append((code, line[4:]))
            else:
                self._hear(line)
        if self._rest and not self._owed:
            self.cut("the relay spoke without being asked")
        elif self._heard + len(self._rest) > _LONGEST:
            self.cut("the relay's answer has no end")
        if self._answers:
            self._tell()

    def _taken_at_once(self, takes: Callable[[bytes], bool], data: bytes) -> bool:
        owed = self._owed
        if self._rest or self._lines or self._answers or self.lost or not takes(data):
            return False
        self._owed -= owed
        self._watch(self._limit)
        return True

    def eof_received(self) -> bool:
        self.lost = self.lost or "the relay closed the line"
        return False  # the transport closes itself

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.lost or (f"the line was lost: {exc}" if exc else "the relay closed the line")
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._tell()

    def _hear(self, line: bytes) -> None:
        """One line of an answer (RFC 5321 4.2.1); the last one ends it."""
        mark, code = line[3:4], _CODES.get(line[:3])
        if code is None or mark not in _MARKS or (self._lines and code // 100 != self._class):
            self.cut(f"the relay answered {line[:200].decode('utf-8', 'replace')!r}, which is no SMTP")
        elif not self._owed:
            self.cut(f"the relay spoke without being asked: {line[:200].decode('utf-8', 'replace')}")
        elif mark == b"-":
            self._lines.append(line[4:])
            self._heard += len(line)
            self._class = code // 100
        else:
            self._owed -= 1
            if self._lines:
                self._answers.append((code, b"\n".join([*self._lines, line[4:]])))
                self._lines.clear()
                self._heard = 0
            else:
                self._answers.append((code, line[4:]))

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _watch(self, limit: float) -> None:
        """One timer for all waits: it is set anew when it rings early, not with every wait."""
        self._due = self._loop.time() + limit
        if self._timer is None or self._timer.when() > self._due:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._news is None or self._news.done():
            return
        if self._loop.time() >= self._due:
            self.cut("the relay kept silent for too long")
        else:
            self._timer = self._loop.call_at(self._due, self._ring)
