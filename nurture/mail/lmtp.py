"""A door for the local mail server: mail for the bounce domain and for replies comes in over LMTP (RFC 2033), one letter at a time.

250 is said when the letter has been dealt with and is durable; where it could not be, 451 leaves it in the mail server's queue.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from nurture.domain.errors import NurtureError

LARGEST = 25 * 1024 * 1024  # more than this is refused at the dot; only the beginning is read anyway
Deliver = Callable[[bytes, str], Awaitable[bool]]
"""Takes a raw mail and its recipient; False when it must come again later."""


class _Handler:
    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    async def handle_RCPT(  # noqa: N802 - called by this name
        self, _server: LMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:  # fmt: skip
        if envelope.rcpt_tos:  # after DATA each recipient needs an answer of its own; a mail server splits at this
            return "452 4.5.3 one recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: LMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - called by this name
        done = await self._deliver(cast("bytes", envelope.content), envelope.rcpt_tos[0])  # str only with decode_data
        return "250 2.0.0 heard" if done else "451 4.3.0 cannot be kept now; come again"


def read_listen(where: str) -> tuple[str, int]:
    """`127.0.0.1:2424` or `[::1]:2424` -> host and port. Raises NurtureError."""
    host, colon, port = where.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise NurtureError(f"NURTURE_LMTP_LISTEN: {where!r} is no address to listen on; write 127.0.0.1:2424")
    return host.strip("[]") or "127.0.0.1", int(port)


async def listen(where: str, deliver: Deliver) -> asyncio.Server:
    """Open the door. Raises OSError where the address is taken, NurtureError where it makes no sense."""
    host, port = read_listen(where)
    handler = _Handler(deliver)
    return await asyncio.get_running_loop().create_server(
        lambda: LMTP(handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="nurture", ident="LMTP", timeout=60), host, port
    )
