"""The far end of an SMTP line, byte by byte: a test's coroutine is the server, and may say what no server should."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000")
GO = ("250 2.1.0 ok", "250 2.1.5 ok", "354 go on")
DOT = b"\r\n.\r\n"


@dataclass
class Far:
    """One connection. `heard` is what was read and not yet taken."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard: bytes = b""

    async def greet(self, *offers: str) -> None:
        """Up to the end of EHLO."""
        self.say("220 far.test ESMTP")
        await self.hello(*offers)

    async def hello(self, *offers: str) -> None:
        """EHLO and its answer."""
        await self.until(b"EHLO")
        await self.line()
        words = ["far.test", *offers]
        self.say("\r\n".join(f"250{'-' if n < len(words) else ' '}{word}" for n, word in enumerate(words, 1)))

    def say(self, *answers: str, end: str = "\r\n") -> None:
        """All of them in one packet."""
        self.writer.write("".join(answer + end for answer in answers).encode("utf-8", "surrogateescape"))

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """STARTTLS, up to the safe line."""
        assert await self.line() == "STARTTLS"
        self.say("220 2.0.0 go on")
        await self.writer.start_tls(context)

    async def piecemeal(self, data: bytes, pieces: list[int]) -> None:
        """A packet for every piece of so many bytes; the rest in one."""
        for size in pieces:
            if not data:
                return
            self.writer.write(data[:size])
            data = data[size:]
            await self.writer.drain()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self.writer.write(data)

    async def until(self, end: bytes) -> bytes:
        """What comes up to `end`, and that too; raises IncompleteReadError when the line ends before."""
        while end not in self.heard:
            piece = await self.reader.read(65_536)
            if not piece:
                raise asyncio.IncompleteReadError(self.heard, None)
            self.heard += piece
        taken, _, self.heard = self.heard.partition(end)
        return taken + end

    async def line(self) -> str:
        return (await self.until(b"\r\n")).decode().removesuffix("\r\n")

    async def lines(self, count: int) -> list[str]:
        return [await self.line() for _ in range(count)]

    async def body(self) -> bytes:
        """To the final dot; an empty one is a lone dot."""
        self.heard = b"\r\n" + self.heard
        return (await self.until(DOT)).removeprefix(b"\r\n")

    async def letter(self) -> bytes:
        """One letter whose three commands come together, up to its dot, which waits for its answer; its body."""
        await self.lines(3)
        self.say(*GO)
        return await self.body()

    async def take(self, answer: str = "250 2.0.0 taken") -> bytes:
        """The same, and the answer."""
        body = await self.letter()
        self.say(answer)
        return body

    async def all(self) -> bytes:
        """Whatever comes until the other side is gone."""
        while piece := await self.reader.read(65_536):
            self.heard += piece
        return self.heard

    def hang_up(self) -> None:
        self.writer.close()

    def tear(self) -> None:
        """RST in place of a goodbye."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Far], Awaitable[None]]


async def take_all(far: Far) -> None:
    """A good server: pipelining, everything taken."""
    await far.greet(*OFFERS)
    while True:
        if (await far.line()).split(" ")[0] == "QUIT":
            return
        await far.lines(2)
        far.say(*GO)
        await far.body()
        far.say("250 2.0.0 taken")


@dataclass
class FarEnd:
    """`sessions` counts the connections; `faults` are the errors of the scripts, which `far_end` raises at the end."""

    port: int = 0
    sessions: int = 0
    faults: list[BaseException] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=none"


@contextlib.asynccontextmanager
async def far_end(*scripts: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[FarEnd]:
    """A server whose n-th connection follows the n-th script, the last script for all that come after it.

    A script that returns hangs up; one whose line is cut simply ends. `context`: TLS from the first byte.
    """
    end = FarEnd()
    open_lines: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_lines.add(asyncio.current_task())  # type: ignore[arg-type]
        script = scripts[min(end.sessions, len(scripts) - 1)]
        end.sessions += 1
        try:
            await script(Far(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except AssertionError as error:
            end.faults.append(error)
        finally:
            with contextlib.suppress(ConnectionError):
                writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    end.port = server.sockets[0].getsockname()[1]
    try:
        yield end
    finally:
        server.close()
        for task in open_lines:
            task.cancel()
        await asyncio.gather(*open_lines, return_exceptions=True)
    for fault in end.faults:
        raise fault
