"""One POST to another system's address, and nowhere else: it goes where addresses.py has looked.

Redirects are not followed, the answer's body is not read, and everything has its time. HTTP/1.1 over asyncio streams: what a webhook needs
is twenty lines of it, and no client library lets us choose the address that was checked.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult

from nurture.domain.errors import NurtureError
from nurture.hooks.addresses import address_of, parts_of

TIMEOUT = 15.0  # seconds for all of it
_HEAD_MOST = 16_384
WEBHOOK = ("a webhook", "https://example.com/hook")
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
    await address_of(parts_of(url, WEBHOOK, loopback=loopback), loopback=loopback)


async def _post(url: str, body: bytes, headers: Mapping[str, str], *, loopback: bool, tls: ssl.SSLContext | None) -> Answer:
    parts = parts_of(url, WEBHOOK, loopback=loopback)
    address, port = await address_of(parts, loopback=loopback)
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
