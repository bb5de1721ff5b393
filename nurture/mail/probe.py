"""A look at a relay without sending: connect, TLS, sign in, ask whether the sender is taken, say goodbye."""

import asyncio
import socket
import ssl

import aiosmtplib
from cryptography.x509 import load_der_x509_certificate

from nurture.domain.examination.facts import RelayFacts
from nurture.mail.opening import own_name, tls_context
from nurture.mail.relay_address import RelayAddress

LIMIT = 15.0  # seconds for each step; who waits longer here waits longer for every letter


async def look(address: RelayAddress, sender: str | None, *, verify: bool | ssl.SSLContext = True) -> RelayFacts:
    """Never raises for what the relay does. `sender`: the address that MAIL FROM will name."""
    facts = RelayFacts(address.name, address.host, address.tls, address.username, verified=verify is not False)
    client = aiosmtplib.SMTP(
        hostname=address.host, port=address.port, use_tls=address.tls == "tls", start_tls=False, timeout=LIMIT,
        tls_context=tls_context(verify) if address.tls != "none" else None, local_hostname=own_name(),
    )  # fmt: skip
    try:
        found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        facts.addresses = tuple(dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found))
        await _converse(client, address, facts, sender)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        facts.trouble = _in_words(error)
    finally:
        client.close()
    return facts


async def _converse(client: aiosmtplib.SMTP, address: RelayAddress, facts: RelayFacts, sender: str | None) -> None:
    facts.greeting = (await client.connect()).message
    facts.step = "hello"
    await client.ehlo()
    if address.tls == "starttls":
        facts.step = "TLS"
        if not client.supports_extension("starttls"):
            raise ValueError("it offers no STARTTLS; write ?tls=tls or ?tls=none in NURTURE_SMTP_URL")
        await client.starttls()
        await client.ehlo()
    if (line := client.get_transport_info("ssl_object")) is not None:
        facts.tls = str(line.version())
        if certificate := line.getpeercert(binary_form=True):
            facts.certificate_until = load_der_x509_certificate(certificate).not_valid_after_utc
    facts.offers = {name.upper(): value for name, value in client.esmtp_extensions.items()}
    if address.username is not None:
        facts.step = "sign in"
        await client.login(address.username, address.password or "")
    facts.step = "hello"
    if sender:
        try:
            await client.mail(sender)
            await client.rset()
        except aiosmtplib.SMTPResponseException as error:
            facts.sender_refused = f"{error.code} {error.message}"
    await client.quit()


def _in_words(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return "its name leads to no address"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{error.code} {error.message}"
    return str(error) or type(error).__name__
