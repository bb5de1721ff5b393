"""The far side as a program: an SMTP server that fails as it is told and remembers what it took, whoever is killed.

    python tests/support/scripted_server.py LEDGER '{"tls": "none", "pipelining": true}'

It prints its port as JSON, then obeys one JSON object a line on standard input and answers each with one. `LEDGER` gets a line for every
letter at its final dot, fsynced before the answer: the truth that the database is held against. Standard library only, so that it
starts at once.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

DOT = b"\r\n.\r\n"
AT_ONCE = 16_384
MIDDLE = 200  # bytes of a body after which a fault of the stage `body` strikes
_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_PATH = re.compile(r"<(.*?)>")


@dataclass
class Fault:
    """What happens at a stage: `connect ehlo tls auth mail rcpt data body dot done rset`, of the recipient `to` only, or of everybody.

    `attempts`: only the tries from..to of each recipient (1 is the first). `skip`: pass over so many first; `times`: then strike so often.
    `delay`: seconds before it. `do`: `""` nothing but the delay; `drop` FIN; `cut` RST; `silent` no further word; `lose` (at the dot)
    RST without having taken the letter; `kill` SIGKILL to `pid`, then as usual; `trickle` the usual answer, a byte each `delay`;
    `clear` (at tls) 220 and then no handshake; `inject` (at tls) words in clear behind the 220; anything else is the answer.
    """

    stage: str
    do: str = ""
    to: str | None = None
    attempts: tuple[int, int] | None = None
    skip: int = 0
    times: int | None = None
    delay: float = 0.0
    pid: int = 0

    def strikes(self, stage: str, to: str | None, attempt: int) -> bool:
        if stage != self.stage or self.times == 0 or (self.to and self.to != to):
            return False
        if self.attempts and not self.attempts[0] <= attempt <= self.attempts[1]:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Gone(Exception):  # noqa: N818 - the end of a conversation, on purpose
    """This conversation is over."""


@dataclass
class Server:
    ledger: int
    tls: str = "none"
    context: ssl.SSLContext | None = None
    pipelining: bool = True
    auth: bool = False
    narrow: bool = False
    faults: list[Fault] = field(default_factory=list)
    attempts: Counter[str] = field(default_factory=Counter)
    commands: list[str] = field(default_factory=list)
    sessions: int = 0

    def strike(self, stage: str, to: str | None = None) -> Fault | None:
        return next((f for f in self.faults if f.strikes(stage, to, self.attempts[to or ""])), None)

    def note(self, sender: str, to: str, message: bytes, taken: bool) -> None:
        """Durable before anybody hears of it."""
        head, _, body = message.partition(b"\r\n\r\n")
        found = _ID.search(head)
        line = {
            "at": time.time(), "to": to, "from": sender, "id": found[1].decode() if found else "", "bytes": len(message),
            "sha": hashlib.sha256(body).hexdigest(), "taken": taken,
        }  # fmt: skip
        os.write(self.ledger, json.dumps(line).encode() + b"\n")
        os.fsync(self.ledger)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        with contextlib.suppress(Gone, OSError, asyncio.IncompleteReadError, ValueError):
            await Conversation(self, reader, writer).run()
        with contextlib.suppress(OSError):
            writer.close()


@dataclass
class Conversation:
    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sender: str | None = None  # of the letter that was begun and is not over
    to: str | None = None
    pace: float = 0.0
    heard: bytearray = field(default_factory=bytearray)

    async def run(self) -> None:
        await self.answer("connect", "220 far.test ESMTP")
        while True:
            text = (await self.until(b"\r\n")).decode("utf-8", "replace")
            secure = self.writer.get_extra_info("sslcontext") is not None
            self.server.commands.append(f"{'tls ' if secure else ''}{text}")
            await self.obey(text, text.split(" ", 1)[0].upper())

    async def more(self) -> None:
        piece = await self.reader.read(AT_ONCE)
        if not piece:
            raise Gone
        self.heard += piece

    async def until(self, end: bytes) -> bytes:
        """What was heard up to `end`, which is taken away, too."""
        while (at := self.heard.find(end)) < 0:
            await self.more()
        found = bytes(self.heard[:at])
        del self.heard[: at + len(end)]
        return found

    async def obey(self, text: str, word: str) -> None:
        if self.heard and not self.server.pipelining:
            await self.say("503 5.5.0 nobody offered PIPELINING")
            raise Gone
        if word in ("EHLO", "HELO", "RSET"):
            self.sender = self.to = None
        if word in ("EHLO", "HELO"):
            await self.answer("ehlo", self.greeting())
        elif word == "STARTTLS":
            await self.start_tls()
        elif word == "AUTH":
            await self.answer("auth", "235 2.7.0 welcome")
        elif word == "MAIL":
            nested = self.sender is not None
            said = await self.answer("mail", "503 5.5.1 one letter at a time" if nested else "250 2.1.0 ok")
            if said.startswith("2"):
                self.sender = self.path(text)
        elif word == "RCPT":
            to = self.path(text)
            self.server.attempts[to] += 1
            if (await self.answer("rcpt", "250 2.1.5 ok", to)).startswith("2"):
                self.to = to
        elif word == "DATA":
            await self.data()
        elif word == "RSET":
            await self.answer("rset", "250 2.0.0 ok")
        elif word == "QUIT":
            await self.say("221 2.0.0 bye")
            raise Gone
        else:
            await self.say("250 2.0.0 ok" if word == "NOOP" else "500 5.5.2 what?")

    def greeting(self) -> str:
        secure = self.writer.get_extra_info("sslcontext") is not None
        words = ["far.test", "8BITMIME", "SMTPUTF8", "SIZE 33554432", "ENHANCEDSTATUSCODES"]
        words += ["PIPELINING"] if self.server.pipelining else []
        words += ["STARTTLS"] if self.server.tls == "starttls" and not secure else []
        words += ["AUTH PLAIN LOGIN"] if self.server.auth else []
        return "\r\n".join(f"250{'-' if n < len(words) else ' '}{word}" for n, word in enumerate(words, 1))

    @staticmethod
    def path(text: str) -> str:
        found = _PATH.search(text)
        return found[1] if found else ""

    async def answer(self, stage: str, usual: str, to: str | None = None) -> str:
        """Say what the script wants here, else the usual; returns what was said."""
        fault = self.server.strike(stage, to if to is not None else self.to)
        said = await self.befall(fault) if fault else ""
        await self.say(said or usual)
        return said or usual

    async def befall(self, fault: Fault) -> str:
        """Carry a fault out; the answer that it puts in place of the usual one, or nothing."""
        if fault.do == "trickle":
            self.pace = fault.delay
            return ""
        await asyncio.sleep(fault.delay)
        if fault.do == "kill":
            with contextlib.suppress(ProcessLookupError):
                os.kill(fault.pid, signal.SIGKILL)
            if fault.stage == "body":
                raise Gone  # what the dead man's kernel still holds never comes, as when his machine is gone
            return ""
        if fault.do == "silent":
            while await self.reader.read(AT_ONCE):
                pass
            raise Gone
        if fault.do in ("cut", "lose"):
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        if fault.do in ("cut", "lose", "drop"):
            raise Gone
        return fault.do

    async def say(self, text: str) -> None:
        data = text.encode() + b"\r\n"
        for piece in [data[n : n + 1] for n in range(len(data))] if self.pace else [data]:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(self.pace)
        if text.startswith("421"):
            raise Gone

    async def start_tls(self) -> None:
        fault = self.server.strike("tls")
        if fault and fault.do == "inject":
            self.writer.write(b"220 2.0.0 go\r\n250 2.0.0 said in clear\r\n")
        elif fault and fault.do == "clear":
            await self.say("220 2.0.0 go")
            self.writer.write(b"this is no handshake\r\n")
            await self.befall(Fault("tls", "silent"))
        elif fault:
            await self.say(await self.befall(fault) or "220 2.0.0 go")
            return
        else:
            await self.say("220 2.0.0 go")
        if self.server.context is None:
            raise Gone
        await self.writer.start_tls(self.server.context)

    async def data(self) -> None:
        if self.to is None:
            await self.say("503 5.5.1 nobody to send it to")
            return
        if not (await self.answer("data", "354 go ahead")).startswith("354"):
            return
        message, to, sender = await self.body(), self.to, self.sender or ""
        self.sender = self.to = None
        fault = self.server.strike("dot", to)
        said = "250 2.0.0 taken"
        if fault and fault.do not in ("", "trickle", "drop", "cut", "silent", "kill"):
            self.server.note(sender, to, message, taken=fault.do.startswith("2"))
        else:
            self.server.note(sender, to, message, taken=True)
        if fault:
            said = await self.befall(fault) or said
        await self.say(said)
        after = self.server.strike("done", to)
        if after:
            await self.befall(after)

    async def body(self) -> bytes:
        """To the final dot, without the stuffing."""
        fault = self.server.strike("body", self.to)
        self.heard[:0] = b"\r\n"  # an empty letter is a lone dot
        if fault:
            while len(self.heard) < MIDDLE:
                await self.more()
            await self.befall(fault)
        message = await self.until(DOT)
        return (message + b"\r\n").removeprefix(b"\r\n").replace(b"\r\n..", b"\r\n.")


def obey(server: Server, order: dict[str, Any]) -> dict[str, Any]:
    """`{"script": {...}}`, `{"offer": {"pipelining": false}}`, `{"clear": true}`, `{"tell": true}`."""
    if "script" in order:
        server.faults.append(Fault(**order["script"]))
    for name, value in order.get("offer", {}).items():
        setattr(server, name, value)
    if order.get("clear"):
        server.faults.clear()
        server.commands.clear()
        server.attempts.clear()
    if order.get("tell"):
        return {"commands": server.commands, "sessions": server.sessions, "attempts": server.attempts}
    return {"ok": True}


async def main(path: str, options: dict[str, Any]) -> None:
    certificate = options.pop("certificate", None)
    oldest = options.pop("newest_tls", None)
    server = Server(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), **options)
    if certificate:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(*certificate)
        if oldest:
            server.context.minimum_version = ssl.TLSVersion.TLSv1
            server.context.maximum_version = ssl.TLSVersion[oldest]
            server.context.set_ciphers("ALL:@SECLEVEL=0")  # else OpenSSL itself would refuse, and not the other side
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)  # cut lines are meant
    door = socket.socket()
    if server.narrow:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that a big body is still on its way when its beginning is read
    door.bind(("127.0.0.1", 0))
    implicit = server.context if server.tls == "tls" else None
    await asyncio.start_server(server.serve, sock=door, ssl=implicit, limit=AT_ONCE)
    orders = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print(json.dumps({"port": door.getsockname()[1]}), flush=True)
    while line := await orders.readline():
        print(json.dumps(obey(server, json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
