"""What every command shares: the root command, opening the App, one sentence for an error, JSON output."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from nurture.bootstrap import App

T = TypeVar("T")
GROUPS = (
    "service", "init", "definitions", "people", "access", "planning", "rules", "reports", "person",
    "forecasting", "simulation", "feedback", "replies", "hygiene", "digest", "dkim", "doctor", "ledger",
)  # fmt: skip


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one command's coroutine on an event loop of its own."""
    return asyncio.run(work)


def run_service(work: Coroutine[Any, Any, T]) -> T:
    """Run a command that goes on for days: on uvloop where there is one (not on Windows), since that halves what a letter's bytes cost."""
    try:
        import uvloop  # noqa: PLC0415 - only these commands pay for it
    except ImportError:
        return run(work)
    return uvloop.run(work)


@contextlib.asynccontextmanager
async def opened() -> "AsyncIterator[App]":
    """The App of the environment's settings, for the length of a command."""
    from nurture.bootstrap import open_app  # noqa: PLC0415 - heavy: only commands that need the database pay for it
    from nurture.settings import load_settings  # noqa: PLC0415

    async with open_app(load_settings()) as app:
        yield app


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
