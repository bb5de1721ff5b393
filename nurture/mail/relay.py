"""The relay: a few SMTP sessions kept open, each used by one letter at a time. Every envelope ends in one Reply, whatever happens."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPResponseException

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.domain.errors import NurtureError
from nurture.mail.crew import NOT_WRITTEN, OneByOne
from nurture.mail.session import LOST, Interrupted, Plan, Session, Timeouts

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_FORM = "smtp://user:password@host:587?tls=starttls (or tls, none)"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay's URL, read. `repr` hides the password."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    username: str | None
    password: str | None

    @classmethod
    def read(cls, url: str) -> "RelayAddress":
        """Raises NurtureError with the form to write; the message never shows the password."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise NurtureError(f"NURTURE_SMTP_URL cannot be read; write it as {_FORM}.") from error
        options = parse_qs(parts.query, keep_blank_values=True)
        tls = options.pop("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not host or options or parts.path not in ("", "/") or tls not in _PORTS:
            raise NurtureError(f"NURTURE_SMTP_URL is not understood; write it as {_FORM}.")
        user = unquote(parts.username) if parts.username else None
        return cls(host, port or _PORTS[tls], tls, user, unquote(parts.password or "") if user else None)  # type: ignore[arg-type]  # checked above

    def __repr__(self) -> str:
        return f"RelayAddress({self.host}:{self.port}, tls={self.tls}, user={self.username!r})"


class SmtpRelay(OneByOne):
    """At most `connections` sessions, opened when needed and kept. Timeouts in seconds, by phase (see Timeouts).

    `verify`: True, False, or a context that trusts what it should. `helo`: our name in EHLO, the machine's unless told.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        connect_timeout: float = 60,
        command_timeout: float = 300,
        dot_timeout: float = 600,
        verify: bool | ssl.SSLContext = True,
        helo: str | None = None,
    ) -> None:
        self._address = RelayAddress.read(url)
        self.name = f"{self._address.host}:{self._address.port}"
        self._timeouts = Timeouts(connect_timeout, command_timeout, dot_timeout)
        self._verify = verify
        self._helo = helo
        self._free = asyncio.Semaphore(connections)
        self._idle: list[Session] = []
        self._closed = False

    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True
    ) -> Reply:
        """Hand the letter over; the relay's answer, or its silence, with the phase it came in.

        `may_write` is asked once more when a session is at hand: waiting for one may have taken longer than the hand-off allows. Where
        it says no, nothing was said to the relay, and the reply is a silence in CONNECT with the words "not written in time". `may_finish`
        is asked when the relay waits for the body; where it says no, the line is cut, and those words are the reply of DATA.
        """
        try:
            plan = Plan.of(envelope)
        except Interrupted as refusal:
            return refusal.reply(envelope.delivery, self.name)
        async with self._free:
            try:
                return await self._attempt(envelope, plan, may_write, may_finish)
            except Interrupted as end:
                return end.reply(envelope.delivery, self.name)

    async def _attempt(self, envelope: Envelope, plan: Plan, may_write: Callable[[], bool], may_finish: Callable[[], bool]) -> Reply:
        session = self._take()
        if session is not None:
            end = await self._converse(session, plan, may_write, may_finish)
            if not _stale(end):
                return end.reply(envelope.delivery, self.name)
        return (await self._converse(await self._open(), plan, may_write, may_finish)).reply(envelope.delivery, self.name)

    def _take(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            if session.alive:
                return session
            session.drop()
        return None

    async def _converse(
        self, session: Session, plan: Plan, may_write: Callable[[], bool], may_finish: Callable[[], bool]
    ) -> Interrupted:  # fmt: skip
        """One letter over one session, which is then kept, reset or dropped as its end asks. Raises nothing but a cancellation."""
        kept = False
        try:
            if not may_write():
                kept = True
                return Interrupted(Phase.CONNECT, None, NOT_WRITTEN)
            try:
                code, text = await session.send(plan, may_finish)
            except Interrupted as end:
                kept = end.code is not None and end.code != 421 and session.alive and await _reset(session)
                return end
            kept = code != 421
            return Interrupted(Phase.BODY, code, text)
        finally:
            if kept and not self._closed:
                self._idle.append(session)
            elif not kept:
                session.drop()
            else:
                await session.quit()

    async def _open(self) -> Session:
        address, limit = self._address, self._timeouts.connect
        context = self._context() if address.tls != "none" else None
        client = aiosmtplib.SMTP(
            hostname=address.host, port=address.port, use_tls=address.tls == "tls", start_tls=False, tls_context=context, timeout=limit,
            local_hostname=self._helo or _own_name(),
        )  # fmt: skip
        phase = Phase.CONNECT
        try:
            await client.connect()
            await client.ehlo()
            if address.tls == "starttls":
                phase = Phase.TLS
                await _start_tls(client)
            if address.username is not None:
                phase = Phase.AUTH
                await client.login(address.username, address.password or "", timeout=self._timeouts.command)
        except ssl.SSLCertVerificationError as error:
            client.close()
            words = f"the relay's certificate is not trusted: {error.verify_message}"
            raise Interrupted(Phase.TLS, 530, words, "5.7.10") from error
        except (aiosmtplib.SMTPException, *LOST) as error:
            client.close()
            raise _opening(phase, error) from error
        except BaseException:
            client.close()
            raise
        return Session(client, self._timeouts)

    def _context(self) -> ssl.SSLContext:
        if isinstance(self._verify, ssl.SSLContext):
            return self._verify
        context = ssl.create_default_context()
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    async def close(self) -> None:
        """Say goodbye on every idle session; those in use end after their letter."""
        self._closed = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))


def _own_name() -> str:
    name = socket.gethostname()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "localhost"


def _stale(end: Interrupted) -> bool:
    """An old session that the relay had left, or leaves now, before this letter was begun: a fresh one is tried, nothing was sent."""
    return end.phase is Phase.MAIL and end.code in (None, 421)


async def _reset(session: Session) -> bool:
    try:
        await session.reset()
    except (SMTPResponseException, *LOST):
        return False
    return True


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    """Encrypted or not at all: neither credentials nor a letter go out in clear where STARTTLS was asked for."""
    if not client.supports_extension("starttls"):
        raise Interrupted(Phase.TLS, 530, "the relay offers no STARTTLS; write ?tls=tls or ?tls=none in NURTURE_SMTP_URL", "5.7.10")
    await client.starttls()
    await client.ehlo()


def _opening(phase: Phase, error: Exception) -> Interrupted:
    """What went wrong before any letter. Libraries wrap certificate errors; a missing AUTH is the operator's to mend."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Interrupted(Phase.TLS, 530, f"the relay's certificate is not trusted: {cause.verify_message}", "5.7.10")
        cause = cause.__cause__ or cause.__context__
    if phase is Phase.AUTH and not isinstance(error, SMTPResponseException | OSError):
        return Interrupted(phase, 530, f"the relay offers no way to sign in: {error}", "5.7.8")
    return Interrupted.of(phase, error)
