"""The service's own socket against those who are slow on purpose and those who never come to an end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from nurture.cli import listening
from nurture.cli.listening import Listener

SOON = 0.4  # seconds: what is 20 s in earnest


async def _counts(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body; at once, or busy with other things first, where the path says so."""
    if scope["path"] == "/busy":
        await asyncio.sleep(2.5 * SOON)
    body = b"" if scope["path"] == "/at-once" else await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(listening, "HEAD_WITHIN", SOON)
    monkeypatch.setattr(listening, "STILL", SOON)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(_counts, lifespan="off", log_level="critical", access_log=False, http=Listener, ws="none", server_header=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listener]))
        while not server.started:  # noqa: ASYNC110 - the server has no event for this
            await asyncio.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        await serving


async def _said(port: int, parts: Iterable[bytes], pause: float) -> bytes:
    """What came back until the service hung up, or three times the patience had gone by."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = asyncio.create_task(reader.read())
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.wait([heard], timeout=pause)
            if heard.done():
                break
    try:
        return await asyncio.wait_for(heard, 3 * SOON)
    except (TimeoutError, ConnectionError) as error:
        return type(error).__name__.encode()
    finally:
        writer.close()


LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


async def test_the_slow_and_the_endless_are_sent_away(port: int) -> None:
    nothing, slow_head, line_ends, slow_body, gone_quiet = await asyncio.gather(
        _said(port, [], 0),
        _said(port, [b"GET / HTTP/1.1\r\nX: ", *[b"x"] * 40], SOON / 8),
        _said(port, [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", *[b"\r\n"] * 40], SOON / 8),
        _said(port, [HEAD % 9999, *[b"x"] * 40], SOON / 8),
        _said(port, [HEAD % 99_999, b"x" * 9_999], 0.01),
    )
    assert [nothing, slow_head, slow_body, gone_quiet] == [b""] * 4
    assert line_ends.endswith(b"0 bytes")  # answered, and then hung up on
    endless = await _said(port, [b"GET / HTTP/1.1\r\nHost: x\r\nX: ", *[b"x" * 30_000] * 20], 0.001)
    assert endless[:12] in (b"HTTP/1.1 400", b"ConnectionRes")
    assert b"200 OK" not in endless


async def test_the_steady_are_served(port: int) -> None:
    """Longer than the patience, but never still; and one connection serves again and again."""
    steady, large, busy, again = await asyncio.gather(
        _said(port, [HEAD.replace(b"Host: x", b"Connection: close") % 50_000, *[b"x" * 5_000] * 10], SOON / 4),
        _said(port, [HEAD % 300_000 + b"x" * 300_000, LAST], SOON / 8),
        _said(port, [HEAD.replace(b"/x", b"/busy") % 300_000 + b"x" * 300_000, LAST], SOON / 8),
        _said(port, [*[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] * 8, LAST], SOON / 4),
    )
    assert b"50000 bytes" in steady
    assert b"300000 bytes" in large
    assert b"300000 bytes" in busy
    assert again.count(b"200 OK") == 9
    assert b"server:" not in again


async def test_each_part_of_a_connection_has_its_own_time(port: int) -> None:
    at_once = b"POST /at-once HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
    early, idle_before, long_after = await asyncio.gather(
        _said(port, [at_once, b"x" * 9, LAST], SOON / 4),
        _said(port, [b"", HEAD % 9, b"x" * 9 + LAST], SOON * 0.6),
        _said(port, [HEAD % 9, b"x" * 9, *[b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] * 6, LAST], SOON / 4),
    )
    assert [answer.count(b"200 OK") for answer in (early, idle_before, long_after)] == [2, 2, 8]
