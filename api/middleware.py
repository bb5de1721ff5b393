"""What every answer carries and every request must keep to: security headers, a request id, a limit on bodies."""

import json
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import PROBLEM
from nurture.store.auditing import acting

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
TOKEN_PAGES = ("/o/", "/c/", "/u/", "/preferences/", "/stay/", "/confirm/", "/archive/", "/setup/", "/a/")
BODY_MOST = 2 * 1024 * 1024
IMPORT_MOST = 512 * 1024 * 1024
IMPORT_PATH = "/api/v1/subscribers/import"
AREAS = frozenset({
    "api", "inbound", "o", "c", "u", "preferences", "confirm", "subscribe", "a", "draws", "archive", "media", "static", "health", "metrics",
    "docs",
})  # fmt: skip


class Meters:
    """What is counted of every answer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter("nurture_http_requests", "Requests answered.", ("area", "status"), registry=registry)
        self.seconds = Histogram(
            "nurture_http_seconds", "Time to the first byte of an answer.", ("area",), registry=registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        )  # fmt: skip


class Guard:
    """Outermost ASGI layer. `https`: the public address is served by TLS, so that browsers may be told to insist."""

    def __init__(self, app: ASGIApp, *, https: bool, meters: Meters) -> None:
        self._app = app
        self._https = https
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, request_id, began = scope["path"], secrets.token_hex(8), time.perf_counter()
        first = path.partition("/")[2].partition("/")[0]  # `OPTIONS *` has no slash at all
        area = first if first in AREAS else "dashboard"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                mark(message, path, request_id, https=self._https)
                self._meters.requests.labels(area, str(message["status"])).inc()
                self._meters.seconds.labels(area).observe(time.perf_counter() - began)
            await send(message)

        most = _most(path)
        if most is not None and int_or_zero(Headers(scope=scope).get("content-length")) > most:
            await _too_large(most, answer)
            return
        with acting(None):  # whoever is let in says whose action this is; it ends with the request
            await self._app(scope, receive if most is None else _counted(receive, most), answer)


def mark(message: MutableMapping[str, Any], path: str, request_id: str, *, https: bool) -> None:
    """Put on an answer what every answer carries."""
    headers = MutableHeaders(scope=message)
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer" if path.startswith(TOKEN_PAGES) else "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY" if "frame-ancestors 'none'" in headers["content-security-policy"] else "SAMEORIGIN")
    headers["X-Request-Id"] = request_id
    if https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")


def int_or_zero(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def _most(path: str) -> int | None:
    """The largest body taken at `path`; None where the body is never read: leaving works whatever is sent."""
    if path.startswith("/u/"):
        return None
    return IMPORT_MOST if path == IMPORT_PATH else BODY_MOST


def _counted(receive: Receive, most: int) -> Receive:
    """A body without a stated length is counted as it comes."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, f"this body is larger than {most} bytes; send less at once")
        return message

    return counting


async def _too_large(most: int, send: Send) -> None:
    detail = f"this body is larger than {most} bytes; send less at once"
    body = json.dumps({"type": "about:blank", "title": "Too large", "status": 413, "detail": detail}).encode()
    headers = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
