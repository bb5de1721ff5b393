"""What every command shares: the root command, opening the App, one sentence for an error, JSON output."""

import asyncio
import contextlib
import ctypes
import getpass
import json
import re
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from nurture.bootstrap import App

T = TypeVar("T")
_GIVEN: ContextVar[Sequence[str]] = ContextVar("nurture_given", default=())
_M_ARENA_MAX = -8  # malloc.h
_KEY = re.compile(r"(nur_[a-z0-9]{8})_\S+")  # a key given whole is written down by its prefix
GROUPS = (
    "service", "init", "definitions", "people", "access", "planning", "cleanups", "rules", "reports", "person",
    "forecasting", "campaigns", "simulation", "feedback", "auditing", "replies", "questions", "hygiene", "digest", "dkim", "doctor",
    "ledger",
)  # fmt: skip


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one command's coroutine on an event loop of its own."""
    return asyncio.run(work)


def run_service(work: Coroutine[Any, Any, T]) -> T:
    """Run a command that goes on for days: on uvloop where there is one (not on Windows), since that halves what a letter's bytes cost."""
    share_one_heap()
    try:
        import uvloop  # noqa: PLC0415 - only these commands pay for it
    except ImportError:
        return run(work)
    return uvloop.run(work)


def share_one_heap() -> None:
    """Let all threads of this process take memory from one heap, where the C library is glibc: call it before they start.

    It gives eight heaps to each core else. A thread for each connection to SQLite lets its own grow as far as that connection ever needed
    and keeps what is free in it from the others: after a day's work with 200,000 people that was 75 MB, with one heap 6.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library knows no mallopt()
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@contextlib.asynccontextmanager
async def opened() -> "AsyncIterator[App]":
    """The App of the environment's settings, for the length of a command."""
    from nurture.bootstrap import open_app  # noqa: PLC0415 - heavy: only commands that need the database pay for it
    from nurture.settings import load_settings  # noqa: PLC0415
    from nurture.store.auditing import Acting, acting  # noqa: PLC0415

    async with open_app(load_settings()) as app:
        action, thing = _command()
        with acting(Acting(operator(), action, thing, app.clock())):  # what the command changes carries its line of the audit log
            yield app


def operator() -> str:
    """Who runs commands here, for the audit log."""
    with contextlib.suppress(OSError, KeyError, ImportError):  # a container's user without a name
        return f"cli:{getpass.getuser()}"
    return "cli"


def _command() -> tuple[str, str]:
    """The command under way and what it works on: its first argument. Options stay out of the log: they may hold people's addresses."""
    node: Any = typer.main.get_command(build())
    path, words = ["nurture"], list(_GIVEN.get())
    while words and not (words[0] in getattr(node, "commands", {}) and not words[0].startswith("-")):
        words.pop(0)  # options of the root
    while words and words[0] in getattr(node, "commands", {}):
        node = node.commands[words[0]]
        path.append(words.pop(0))
    valued = {name for p in node.params if not getattr(p, "is_flag", True) for name in p.opts}
    thing, skip = "", False
    for word in words:
        if not skip and not word.startswith("-"):
            thing = word
            break
        skip = word in valued
    return " ".join(path), _KEY.sub(r"\1", thing)


def print_json(value: object) -> None:
    """Machine output: one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def build() -> typer.Typer:
    """The whole command tree."""
    app = typer.Typer(
        name="nurture", help="E-mail nurturing that a small team runs itself.", no_args_is_help=True, add_completion=False,
        pretty_exceptions_enable=False, rich_markup_mode=None,
    )  # fmt: skip

    @app.callback()
    def root(debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error.")) -> None:
        """Options before the command."""

    for group in GROUPS:
        import_module(f"nurture.cli.{group}").register(app)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Entry point: errors are one sentence of advice and exit 1; usage errors exit 2; a traceback only with --debug."""
    from nurture.domain.errors import NurtureError  # noqa: PLC0415

    given = sys.argv[1:] if arguments is None else arguments
    _GIVEN.set(given)
    try:
        build()(args=given, prog_name="nurture")
    except NurtureError as error:
        if "--debug" in given:
            raise
        sys.stderr.write(f"{error.message}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; what was committed stays, and the command can be run again.\n")
        raise SystemExit(130) from None
