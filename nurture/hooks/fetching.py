"""One GET of another system's page, such as a feed: only where addresses.py has looked, bounded in size and time, with few redirects."""

import asyncio
import http.client
import socket
import ssl
import time
from urllib.parse import SplitResult, urljoin

from nurture.domain.errors import NurtureError
from nurture.hooks.addresses import address_of, parts_of

FEED = ("a feed", "https://example.com/feed.xml")
TIMEOUT = 15.0  # seconds for all of it
MOST = 2_000_000  # bytes
_REDIRECTS = 3
_MOVED = (301, 302, 303, 307, 308)
_HEADERS = {
    "User-Agent": "Nurture-Feeds", "Accept": "application/atom+xml, application/rss+xml, application/xml, text/xml, */*;q=0.1",
    "Accept-Encoding": "identity", "Connection": "close",
}  # fmt: skip


async def fetch(url: str, *, loopback: bool = False, tls: ssl.SSLContext | None = None, most: int = MOST) -> bytes:
    """The page's bytes. Raises NurtureError with what the other side or the net did. `tls`: whom to trust; the system's unless told."""
    end = time.monotonic() + TIMEOUT
    for _ in range(_REDIRECTS + 1):
        parts = parts_of(url, FEED, loopback=loopback)
        try:
            address, port = await address_of(parts, loopback=loopback)
            body, moved = await asyncio.to_thread(_get, parts, address, port, tls, most, end)
        except TimeoutError as error:
            raise NurtureError(f"{parts.hostname} gave no whole answer within {TIMEOUT:.0f} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NurtureError(f"{parts.hostname} cannot be read: {why}") from error
        if moved is None:
            return body
        url = urljoin(url, moved)
    raise NurtureError(f"{parts.hostname} sends on and on; write the address that it ends at")


def _get(parts: SplitResult, address: str, port: int, tls: ssl.SSLContext | None, most: int, end: float) -> tuple[bytes, str | None]:
    """The body, or where the page has moved to."""
    connection = http.client.HTTPConnection(parts.hostname or "", port, timeout=_left(end))
    line = socket.create_connection((address, port), timeout=_left(end))
    try:
        if parts.scheme == "https":
            line = (tls or ssl.create_default_context()).wrap_socket(line, server_hostname=parts.hostname)
        connection.sock = line
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=_HEADERS)
        answer = connection.getresponse()
        if answer.status in _MOVED and (target := answer.headers.get("Location")):
            return b"", target
        if answer.status != 200:
            raise NurtureError(f"{parts.hostname} answers {answer.status} {answer.reason}".rstrip())
        return _body(answer, line, most, end), None
    finally:
        connection.close()
        line.close()


def _body(answer: http.client.HTTPResponse, line: socket.socket, most: int, end: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while True:
        line.settimeout(_left(end))
        piece = answer.read1(65_536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise NurtureError(f"the answer is longer than {most:,} bytes; a feed of the newest items is enough")


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
