"""`worker`: what plans, sends, folds and classifies, until it is stopped. It knows nothing of the web server, which takes 20 MB more."""

import asyncio
import contextlib
import io
import os
import signal
import sys
from typing import Any, TextIO, cast

import structlog
from sqlalchemy.exc import SQLAlchemyError

from nurture.bootstrap import open_app
from nurture.domain.remembering import forget_people
from nurture.services.erasing import Mark, forget_erased
from nurture.settings import Settings
from nurture.store.database import Database
from nurture.worker import run_worker

WATCH_SECONDS = 1.0
FORGET_SECONDS = 30.0


class _Patient(io.TextIOBase):
    """Standard error, where a line that cannot be written - the disk of the log is full - is lost and stops nobody's work."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure_logs(settings: Settings) -> None:
    """One line for each event on standard error, for people or as JSON."""
    plain = structlog.dev.plain_traceback  # the pretty one would print local variables: addresses, letters, secrets
    shape: list[Any] = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    if settings.log_format == "json":
        shape = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    times = structlog.processors.TimeStamper(fmt="iso")
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, times, *shape],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Patient())),
    )


async def work(settings: Settings, parent: int | None = None) -> None:
    """Run a worker until SIGTERM or SIGINT, or until the process that supervises it is gone."""
    configure_logs(settings)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for word in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(word, stop.set)
    async with open_app(settings) as app:
        watching, forgetting = asyncio.create_task(_watch_parent(parent, stop)), asyncio.create_task(forget(app.db))
        try:
            await run_worker(app, stop)
        finally:
            watching.cancel()
            forgetting.cancel()


async def forget(db: Database) -> None:
    """Nobody who was erased by another process stays in what this one remembers; while nobody can be asked, nobody stays at all."""
    mark: Mark | None = None
    while True:
        try:
            mark = await forget_erased(db, mark)
        except (SQLAlchemyError, OSError):
            forget_people()
        await asyncio.sleep(FORGET_SECONDS)


async def _watch_parent(parent: int | None, stop: asyncio.Event) -> None:
    while parent is not None and os.getppid() == parent:  # noqa: ASYNC110 - the system tells of it in no other way
        await asyncio.sleep(WATCH_SECONDS)
    if parent is not None:
        stop.set()
