"""Hits on their way in: durable in the spool before the visitor is answered, then folded into the database by a task beside the server."""

import asyncio
import contextlib
import json
import secrets
import time
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from api.auth import client_ip
from nurture.answerdesk import LINE, Sent, keep_answer
from nurture.domain.errors import NurtureError
from nurture.domain.evidence import Hit, asks_ahead
from nurture.domain.tokens import Token
from nurture.services.leaving import leave
from nurture.services.tracking import AGENT_MOST, REST, Received, from_line, record_hits, to_line
from nurture.store.spool import Spool, lines_of

if TYPE_CHECKING:
    from nurture.bootstrap import App

GATHER = 0.02  # seconds that hits are gathered before they go to the database
AGAIN = 1.0  # seconds until the next try while the database is away
RUSH = 1500.0  # hits a second from which on answering takes the process
AFTERWARDS, BESIDE = 4.0, 0.25  # seconds of rest for each second of folding, in a rush and otherwise
_WISH = '{"leave": '
_log = structlog.get_logger("nurture.hits")


def hit_of(request: Request, app: "App", *, link: int | None = None, page: str | None = None) -> Hit:
    return Hit(
        at=app.clock(), method=request.method, link=link, page=page, agent=request.headers.get("user-agent", "")[:AGENT_MOST],
        ip=client_ip(request), prefetch=asks_ahead(request.headers),
    )  # fmt: skip


class _Labelled(dict[str, Any]):
    """The counter of each word, looked up once."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()
        self._counter = counter

    def __missing__(self, what: str) -> Any:
        self[what] = self._counter.labels(what)
        return self[what]


class Recorder:
    """One for each serving process."""

    def __init__(self, app: "App", registry: CollectorRegistry) -> None:
        self._app = app
        self._spool = Spool(app.settings.data_dir / "spool")
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._folding = asyncio.Lock()
        self._arrived, self._looked = 0, 0.0
        self._hits = Counter("nurture_hits", "Opens, clicks and page views taken in.", ("what",), registry=registry)
        self._counters = _Labelled(self._hits)
        self._lost = Counter("nurture_hits_unrecorded", "Hits that could not be written down; the visitor was served.", registry=registry)

    def start(self) -> None:
        """Begin folding; what a dead process left behind goes first."""
        if self._task is None or self._task.done():
            self._wake.set()
            self._task = asyncio.create_task(self._fold_for_ever())

    async def hit(self, token: Token, hit: Hit, url: str | None = None) -> None:
        """Return when the hit is durable. The visitor is served in any case: a full disk only costs the count."""
        received = Received(secrets.token_hex(12), token.delivery, token.subscriber, token.version, hit, url)
        await self._append("open" if hit.is_open else hit.page or "click", to_line(received))

    async def wish_to_leave(self, token: Token, how: str, ip: str) -> bool:
        """The database is away: keep the wish, it is granted as soon as the database is back. False when it could not be kept."""
        wish = {"leave": token.subscriber, "d": token.delivery, "at": self._app.clock().timestamp(), "how": how, "ip": ip}
        return await self._append("leave", json.dumps(wish))

    async def answer_later(self, sent: Sent) -> bool:
        """The database is away: keep the answer, it counts from the moment it was given. False when it could not be kept."""
        return await self._append("answer", sent.to_line())

    async def _append(self, what: str, line: str) -> bool:
        self._counters[what].inc()
        self._arrived += 1
        try:
            await self._spool.append(line)
        except OSError as error:
            self._lost.inc()
            _log.error("a hit could not be written to the spool", error=str(error))
            return False
        self.start() if self._task is None else self._wake.set()
        return True

    async def _fold_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER)
            self._wake.clear()
            try:
                await self.fold_now()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("hits wait in the spool: the database is away", error=type(error).__name__)
                await self._again()
            except Exception as error:  # noqa: BLE001 - whatever it is, hits stay in the spool and the next try may do better
                _log.error("hits could not be folded", traceback="".join(traceback.format_exception(error)))
                await self._again()

    async def _again(self) -> None:
        await asyncio.sleep(AGAIN)
        self._wake.set()

    async def fold_now(self) -> None:
        """Move all that is in the spool into the database; a segment is removed only after its commit.

        The wishes to leave of all segments are granted first: they count before the next letter, however many hits wait beside them.
        """
        async with self._folding:
            self._spool.seal()
            with self._spool.ready() as segments:
                for segment in segments:
                    await self._grant(await asyncio.to_thread(_wishes, segment))
                for segment in segments:
                    await self._keep(await asyncio.to_thread(_answers, segment))
                for segment in segments:
                    hits = _hits(await asyncio.to_thread(lines_of, segment), segment.name)
                    await record_hits(self._app.db, hits, self._app.clock(), self._app.settings.settles, self._rest)
                    segment.unlink(missing_ok=True)

    def _rest(self, spent: float) -> float:
        """Visitors go first: in a rush folding keeps to a fifth of this process, and what is durable already is folded when it is over."""
        now = time.perf_counter()
        rush = self._arrived > RUSH * (now - self._looked)
        self._arrived, self._looked = 0, now
        return max(REST, spent * (AFTERWARDS if rush else BESIDE))

    async def _grant(self, wishes: Iterable[dict[str, Any]]) -> None:
        for wish in wishes:
            await leave(
                self._app.db, wish["leave"], delivery_id=wish["d"] or None, now=self._app.clock(), how=wish["how"], ip=wish["ip"],
                asked=datetime.fromtimestamp(wish["at"], UTC),
            )  # fmt: skip

    async def _keep(self, answers: Iterable[Sent]) -> None:
        for sent in answers:
            try:
                await keep_answer(self._app, sent)
            except NurtureError as error:
                _log.warning("a form that waited answers nothing", reason=error.message)

    async def close(self) -> None:
        """Write what waits; what cannot be folded now is folded at the next start."""
        await self._spool.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(SQLAlchemyError, OSError):
            await self.fold_now()


def _wishes(segment: Path) -> list[dict[str, Any]]:
    found = []
    for line in lines_of(segment):
        if line.startswith(_WISH):
            try:
                wish = json.loads(line)
                found.append({name: wish[name] for name in ("leave", "d", "at", "how", "ip")})
            except (ValueError, KeyError):
                _log.error("a wish to leave cannot be read", segment=segment.name)
    return found


def _answers(segment: Path) -> list[Sent]:
    found = []
    for line in lines_of(segment):
        if line.startswith(LINE):
            try:
                found.append(Sent.from_line(line))
            except (ValueError, KeyError, TypeError):
                _log.error("an answer cannot be read", segment=segment.name)
    return found


def _hits(lines: Iterable[str], segment: str) -> Iterator[Received]:
    """As they are read, some at a time, so that visitors are answered between them."""
    for line in lines:
        if line.startswith((_WISH, LINE)):
            continue
        try:
            yield from_line(line)
        except (ValueError, KeyError, TypeError):
            _log.error("a line of the spool cannot be read", segment=segment)
