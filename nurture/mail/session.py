"""One SMTP conversation, step by step, so that everybody knows how far it came: before the body a loss is harmless, after it nobody knows.

aiosmtplib opens the session (TLS, AUTH, EHLO) and speaks the commands; DATA and the body are told apart here.
"""

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass

import aiosmtplib
import idna
from aiosmtplib import SMTPResponseException, SMTPServerDisconnected

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.crew import NOT_WRITTEN

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f<>\u2028\u2029\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TEXT_LIMIT = 1000
LOST = (
    SMTPServerDisconnected,
    aiosmtplib.SMTPTimeoutError,
    aiosmtplib.SMTPConnectError,
    ConnectionError,
    TimeoutError,
    OSError,
    ssl.SSLError,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits by phase, in seconds. RFC 5321 4.5.3.2.6 asks for ten minutes after the dot; less than the relay needs makes duplicates."""

    connect: float = 60
    command: float = 300
    dot: float = 600


class Interrupted(Exception):  # noqa: N818 - it is an answer or a silence, not an error of ours
    """The conversation ended in `phase`: by the relay's answer, or, with `code` None, by silence or a lost line."""

    def __init__(self, phase: Phase, code: int | None, text: str, enhanced: str | None = None) -> None:
        super().__init__(text)
        self.phase, self.code = phase, code
        self.text = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())[:_TEXT_LIMIT].strip()
        found = _ENHANCED.match(text)
        self.enhanced = enhanced or (found[1] if found else None)

    @classmethod
    def of(cls, phase: Phase, error: Exception) -> "Interrupted":
        if isinstance(error, SMTPResponseException) and 200 <= error.code < 600:
            return cls(phase, error.code, error.message)
        return cls(phase, None, str(error) or type(error).__name__)

    def reply(self, delivery: int, relay: str) -> Reply:
        return Reply(delivery, self.phase, self.code, self.enhanced, self.text, relay)


def check_address(address: str, phase: Phase) -> str:
    """The address as the wire may carry it, its domain as A-label; raises Interrupted before anything reaches the socket."""
    local, at, domain = address.rpartition("@")
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        at = host = ""
    if not (local and at and host) or _FORBIDDEN.search(address) or len(f"{local}@{host}".encode()) > 254:
        raise Interrupted(phase, 553, f"{address[:80]!r} is not an address that can stand in an SMTP command", "5.1.3")
    return f"{local}@{host}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one envelope asks of a server: checked against its extensions before MAIL."""

    sender: str
    recipient: str
    message: bytes
    utf8: bool
    eight_bit: bool

    @classmethod
    def of(cls, envelope: Envelope) -> "Plan":
        """Raises Interrupted for addresses that may not reach a socket."""
        sender = check_address(envelope.sender, Phase.MAIL) if envelope.sender else ""
        recipient = check_address(envelope.recipient, Phase.RCPT)
        head = envelope.message.partition(b"\r\n\r\n")[0]
        utf8 = not (sender.isascii() and recipient.isascii() and head.isascii())
        return cls(sender, recipient, envelope.message, utf8, not envelope.message.isascii())

    def options(self, client: aiosmtplib.SMTP) -> list[str]:
        """The parameters of MAIL; raises Interrupted where the server cannot take this letter."""
        options: list[str] = []
        if self.utf8:
            if not client.supports_extension("smtputf8"):
                raise Interrupted(Phase.RCPT, 553, f"the relay does not offer SMTPUTF8, which {self.recipient} needs", "5.6.7")
            options.append("SMTPUTF8")
        if self.eight_bit:
            if not client.supports_extension("8bitmime"):
                raise Interrupted(Phase.DATA, 554, "the relay does not take 8-bit letters", "5.6.3")
            options.append("BODY=8BITMIME")
        if client.supports_extension("size"):
            limit = client.esmtp_extensions.get("size", "").strip()
            if limit.isdigit() and 0 < int(limit) < len(self.message):
                raise Interrupted(Phase.DATA, 552, f"the letter has {len(self.message)} bytes, the relay takes {limit}", "5.3.4")
            options.append(f"SIZE={len(self.message)}")
        return options


class Session:
    """An open, authenticated conversation with the relay; `used` counts its letters."""

    def __init__(self, client: aiosmtplib.SMTP, timeouts: Timeouts) -> None:
        self._client = client
        self._timeouts = timeouts
        self.used = 0

    @property
    def alive(self) -> bool:
        return self._client.is_connected

    async def send(self, plan: Plan, may_finish: Callable[[], bool] = lambda: True) -> tuple[int, str]:
        """Hand over one letter; the code and words after the body. Raises Interrupted in any other case."""
        options = plan.options(self._client)
        encoding = "utf-8" if plan.utf8 else "ascii"
        limit = self._timeouts.command
        self.used += 1
        phase = Phase.MAIL
        try:
            await self._client.mail(plan.sender, options=options, encoding=encoding, timeout=limit)
            phase = Phase.RCPT
            await self._client.rcpt(plan.recipient, encoding=encoding, timeout=limit)
            phase = Phase.DATA
            await self._expect_go_ahead(limit)
        except (SMTPResponseException, *LOST) as error:
            raise Interrupted.of(phase, error) from error
        if not may_finish():
            raise Interrupted(Phase.DATA, None, NOT_WRITTEN)
        return await self._write_body(plan.message)

    async def _expect_go_ahead(self, limit: float) -> None:
        answer = await self._client.execute_command(b"DATA", timeout=limit)
        if answer.code != 354:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _write_body(self, message: bytes) -> tuple[int, str]:
        protocol = self._client.protocol
        try:
            if protocol is None:
                raise SMTPServerDisconnected("Connection lost")
            protocol.write(dot_stuffed(message))
        except LOST as error:  # refused by our own side of the socket: not a byte has left
            raise Interrupted.of(Phase.DATA, error) from error
        try:
            answer = await protocol.read_response(timeout=self._timeouts.dot)
        except (SMTPResponseException, *LOST) as error:
            raise Interrupted.of(Phase.BODY, error) from error
        if not 200 <= answer.code < 600 or 300 <= answer.code < 400:
            raise Interrupted(Phase.BODY, None, f"the relay answered {answer.code} {answer.message}")
        return answer.code, answer.message

    async def reset(self) -> None:
        """After a refusal the next letter begins afresh; raises one of LOST when the server is gone."""
        await self._client.rset(timeout=self._timeouts.command)

    def drop(self) -> None:
        """End without a word; what was half said must not be continued."""
        self._client.close()

    async def quit(self) -> None:
        """End politely."""
        try:
            await self._client.quit(timeout=5)
        except (aiosmtplib.SMTPException, *LOST):
            pass
        finally:
            self._client.close()


def dot_stuffed(message: bytes) -> bytes:
    """RFC 5321 4.5.2, with the final dot. Lone CR and LF become CRLF, so that no body can end the conversation early."""
    lines = message.count(b"\r\n")
    if message.count(b"\n") != lines or message.count(b"\r") != lines:
        message = re.sub(rb"\r\n|\n|\r", b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"
