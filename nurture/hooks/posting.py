"""One POST to another system's address, and nowhere else: the name is resolved once, checked, and connected to as it was checked.

Redirects are not followed, the answer's body is not read, and everything has its time. HTTP/1.1 over asyncio streams: what a webhook needs
is twenty lines of it, and no client library lets us choose the address that was checked.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from nurture.domain.errors import NurtureError
from nurture.domain.webhooks import refused_address

TIMEOUT = 15.0  # seconds for all of it
_HEAD_MOST = 16_384
_SUCCESS = range(200, 300)
_GONE = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """`said`: the status line, or what went wrong, in a few words. `gone`: the other side wants no more."""

    delivered: bool
    said: str
    gone: bool = False


async def post(url: str, body: str, headers: Mapping[str, str], *, loopback: bool = False, tls: ssl.SSLContext | None = None) -> Answer:
    """Send it once. Never raises for what the other side or the net does. `tls`: whom to trust; the system's authorities unless told."""
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _post(url, body.encode(), headers, loopback=loopback, tls=tls)
    except TimeoutError:
        return Answer(delivered=False, said=f"no answer within {TIMEOUT:.0f} s")
    except NurtureError as error:
        return Answer(delivered=False, said=error.message)
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return Answer(delivered=False, said=f"{type(error).__name__}: {error}"[:200])


async def check_url(url: str, *, loopback: bool) -> None:
    """Whether a webhook may go there, as far as it can be told now; raises NurtureError with what to write."""
    await _address(_parts(url, loopback=loopback), loopback=loopback)


def _parts(url: str, *, loopback: bool) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NurtureError("a webhook's address is written https://example.com/hook; what stands there is no address") from error
    if port == 0:
        raise NurtureError("a webhook's address has a port from 1 to 65535, or none")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise NurtureError("a webhook's address is written https://example.com/hook")
    if parts.scheme == "http" and not loopback:
        raise NurtureError("a webhook goes over https; write https://... (http only to this machine, with NURTURE_WEBHOOKS_TO_LOOPBACK)")
    if any(ord(c) <= 0x20 or ord(c) == 0x7F for c in url):
        raise NurtureError("a webhook's address holds no spaces and no control characters")
    if not (parts.path + parts.query).isascii():
        raise NurtureError("a webhook's address is ASCII after the name; write other letters as %C3%BC")
    return parts


async def _address(parts: SplitResult, *, loopback: bool) -> tuple[str, int]:
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


async def _post(url: str, body: bytes, headers: Mapping[str, str], *, loopback: bool, tls: ssl.SSLContext | None) -> Answer:
    parts = _parts(url, loopback=loopback)
    address, port = await _address(parts, loopback=loopback)
    secure = parts.scheme == "https"
    context = (tls or ssl.create_default_context()) if secure else None
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=parts.hostname if secure else None, limit=_HEAD_MOST
    )  # fmt: skip
    try:
        writer.write(_head(parts, body, headers) + body)
        await writer.drain()
        return _read(await reader.readline())
    finally:
        writer.close()


def _head(parts: SplitResult, body: bytes, headers: Mapping[str, str]) -> bytes:
    host = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii").decode()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = {
        "Host": host, "User-Agent": "Nurture-Webhooks", "Content-Type": "application/json", "Content-Length": str(len(body)),
        "Connection": "close",
    }  # fmt: skip
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _read(line: bytes) -> Answer:
    words = line.decode("latin-1").split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
        return Answer(delivered=False, said="the answer is not HTTP")
    status = int(words[1])
    said = " ".join(words[1:]).strip()[:100]
    return Answer(status in _SUCCESS, said, gone=status == _GONE)
