"""Where another system may be called: its name is resolved once, checked, and connected to as it was checked."""

import asyncio
import socket
from urllib.parse import SplitResult, urlsplit

from nurture.domain.errors import NurtureError
from nurture.domain.webhooks import refused_address


def parts_of(url: str, what: tuple[str, str], *, loopback: bool) -> SplitResult:
    """The parts of an address that may be called. `what`: how it is named to the marketer, and an example. Raises NurtureError."""
    name, example = what
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NurtureError(f"{name}'s address is written {example}; what stands there is no address") from error
    if port == 0:
        raise NurtureError(f"{name}'s address has a port from 1 to 65535, or none")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise NurtureError(f"{name}'s address is written {example}")
    if parts.scheme == "http" and not loopback:
        raise NurtureError(f"{name} goes over https; write https://... (http only to this machine, with NURTURE_WEBHOOKS_TO_LOOPBACK)")
    if any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise NurtureError(f"{name}'s address holds no spaces and no control characters")
    if not (parts.path + parts.query).isascii():
        raise NurtureError(f"{name}'s address is ASCII after the name; write other letters as %C3%BC")
    return parts


async def address_of(parts: SplitResult, *, loopback: bool) -> tuple[str, int]:
    """The first address of the name, all of which must be allowed: a name with one foot inside the house is refused."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # a name that cannot be one is a UnicodeError
        raise NurtureError(f"the name {parts.hostname} cannot be found") from error
    addresses = [str(info[4][0]).partition("%")[0] for info in found]
    for address in addresses:
        if refusal := refused_address(address, loopback=loopback):
            raise NurtureError(f"{parts.hostname} is refused: {refusal}")
        if parts.scheme == "http" and not refused_address(address, loopback=False):
            raise NurtureError(f"{parts.hostname} is refused: over plain http only this machine is called; write https://")
    return addresses[0], port
