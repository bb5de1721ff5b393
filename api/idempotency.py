"""`Idempotency-Key`: the same key with the same request gets the first answer again; with another request it is refused.

An error is not kept: it may be tried again. A first request that died with its process gives the key free after a minute.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from api.auth import app_of, principal_of
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store import idempotency as rows
from nurture.store.auditing import acting
from nurture.store.database import Database

DIED_AFTER = timedelta(minutes=1)
WAIT = 0.05
WAITS = 200
LONGEST_KEY = 255


class IdempotentRoute(APIRoute):
    """A route whose POST answers once for each key of each API key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get("idempotency-key", "")
            principal = await principal_of(request) if key and request.method == "POST" else None
            if principal is None:  # without a valid key the route itself refuses
                return await answer(request)
            if len(key) > LONGEST_KEY or not key.isprintable():
                raise NurtureError(f"an Idempotency-Key is a line of at most {LONGEST_KEY} characters")
            digest = await _digest(request)
            db, began = app_of(request).db, app_of(request).clock()
            first = await _first(db, principal.key_id, key, digest, began)
            if first is not None:
                return first
            return await _keeping(db, principal.key_id, key, began, answer(request))

        return once


async def _digest(request: Request) -> str:
    said = f"{request.method} {request.url.path}?{request.url.query}\n{request.headers.get('content-type', '')}\n"
    return hashlib.sha256(said.encode() + await request.body()).hexdigest()


async def _first(db: Database, key_id: int, key: str, digest: str, now: datetime) -> Response | None:
    """The answer of the first request; None for the caller who is the first."""
    for _ in range(WAITS):
        async with db.write() as tx:
            if await rows.reserve(tx, key_id, key, digest, now):
                return None
            kept = await rows.kept(tx, key_id, key)
            old = kept is not None and now - kept.at > (DIED_AFTER if kept.status == rows.UNDER_WAY else rows.KEPT_FOR)
            if kept is not None and old:
                await rows.forget(tx, key_id, key, kept.at)
        if kept is None or old:
            continue
        if kept.digest != digest:
            raise NurtureError("this Idempotency-Key was used for another request; take a new key for a new request")
        if kept.status != rows.UNDER_WAY:
            return Response(kept.body, kept.status, {"Idempotency-Replayed": "true"}, "application/json")
        await asyncio.sleep(WAIT)
    raise NurtureError("the first request with this Idempotency-Key is still under way; ask again in a moment", ErrorKind.CONFLICT)


async def _keeping(db: Database, key_id: int, key: str, began: datetime, work: Coroutine[Any, Any, Response]) -> Response:
    try:
        response = await work
    except BaseException:
        with acting(None):
            async with db.write() as tx:
                await rows.forget(tx, key_id, key, began)
        raise
    with acting(None):  # keeping an answer is no action of the caller's
        return await _kept(db, key_id, key, began, response)


async def _kept(db: Database, key_id: int, key: str, began: datetime, response: Response) -> Response:
    async with db.write() as tx:
        if response.status_code < 400:
            await rows.keep(tx, key_id, key, response.status_code, bytes(response.body))
        else:
            await rows.forget(tx, key_id, key, began)
    return response
