"""Open a session: connect, EHLO, STARTTLS, AUTH, all by aiosmtplib; from then on its transport is ours."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import aiosmtplib
from aiosmtplib import SMTPResponseException

from nurture.domain.envelopes import Phase
from nurture.mail.end import End, Unopened
from nurture.mail.line import Line
from nurture.mail.plan import Extensions
from nurture.mail.relay_address import RelayAddress
from nurture.mail.session import Session, Timeouts


@dataclass(frozen=True, slots=True)
class Door:
    """How sessions with one relay are opened. `verify`: True, False, or a context that trusts what it should. `helo`: our name in EHLO."""

    address: RelayAddress
    timeouts: Timeouts
    verify: bool | ssl.SSLContext = True
    helo: str | None = None

    async def open(self) -> Session:
        """Raises Unopened with the relay's answer, or its silence, and the phase it came in."""
        address, limit = self.address, self.timeouts.connect
        context = tls_context(self.verify) if address.tls != "none" else None
        client = aiosmtplib.SMTP(
            hostname=address.host, port=address.port, use_tls=address.tls == "tls", start_tls=False, tls_context=context, timeout=limit,
            local_hostname=self.helo or own_name(),
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
                await client.login(address.username, address.password or "", timeout=self.timeouts.command)
            return self._take_over(client)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # certificates, lost lines and time-outs are OSError
            client.close()
            raise Unopened(_end(phase, error)) from error
        except BaseException:
            client.close()
            raise

    def _take_over(self, client: aiosmtplib.SMTP) -> Session:
        """The transport without the client, who goes: both are asyncio's own interface, none of the library's inside is touched."""
        if client.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("the relay closed the line")
        transport = cast("asyncio.Transport", client.transport)
        line = Line(transport)
        transport.set_protocol(line)
        return Session(line, Extensions.read(client.esmtp_extensions), self.timeouts)


def tls_context(verify: bool | ssl.SSLContext) -> ssl.SSLContext:
    """Whom to trust: the system's authorities, nobody in particular (False), or those of a context that was given."""
    return verify if isinstance(verify, ssl.SSLContext) else _made(verify)


@lru_cache
def _made(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def own_name() -> str:
    """What we call ourselves in EHLO."""
    name = socket.gethostname()
    return name if name.isascii() and name.replace("-", "").replace(".", "").isalnum() else "localhost"


async def _start_tls(client: aiosmtplib.SMTP) -> None:
    """Encrypted or not at all: neither credentials nor a letter go out in clear where STARTTLS was asked for."""
    if not client.supports_extension("starttls"):
        raise Unopened(End(Phase.TLS, 530, "the relay offers no STARTTLS; write ?tls=tls or ?tls=none in NURTURE_SMTP_URL", "5.7.10"))
    await client.starttls()
    await client.ehlo()


def _end(phase: Phase, error: Exception) -> End:
    """What went wrong before any letter. Libraries wrap certificate errors; a missing AUTH is the operator's to mend."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return End(Phase.TLS, 530, f"the relay's certificate is not trusted: {cause.verify_message}", "5.7.10")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, SMTPResponseException):
        return End(phase, error.code if 200 <= error.code < 600 else None, error.message)
    if phase is Phase.AUTH and not isinstance(error, OSError):
        return End(phase, 530, f"the relay offers no way to sign in: {error}", "5.7.8")
    return End(phase, None, str(error) or type(error).__name__)
