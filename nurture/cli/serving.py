"""`serve`: the web server in this process, the workers in processes of their own, so that sending never slows a click."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import structlog
import uvicorn

from api.app import create_app
from nurture.bootstrap import App, open_app
from nurture.cli.listening import Listener
from nurture.cli.working import configure_logs, forget
from nurture.domain.errors import NurtureError
from nurture.domain.scalars import format_duration
from nurture.services.access import needs_setup, setup_token
from nurture.settings import PREFIX, Settings

DEMO_FOLDER = Path("demo-data")
RESTART_SECONDS = 1.0
STOP_SECONDS = 30.0
Furnish = Callable[[App], Awaitable[None]]
log = structlog.get_logger("nurture.serve")


def demo_settings(settings: Settings) -> Settings:
    """The same, with a data folder of its own, no relay and no server: invented people never get real letters."""
    changes = {"data_dir": DEMO_FOLDER, "database_url": None, "redis_url": None, "smtp_url": None}
    return settings.model_copy(update=changes)


def served_at(settings: Settings, host: str, port: int) -> Settings:
    """Where nobody said under which address letters should link here, it is the one that is served."""
    if "base_url" in settings.model_fields_set:
        return settings
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return settings.model_copy(update={"base_url": f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"})


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which another process reads these same settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if value is not None:
            text = format_duration(value) if isinstance(value, timedelta) else str(value).lower() if isinstance(value, bool) else str(value)
            kept[PREFIX + name.upper()] = text
    return kept


def claim(host: str, port: int) -> None:
    """Raises NurtureError where this address cannot be listened on, before anything else is begun or promised."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in found[:1]:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise NurtureError(f"port {port} is taken by another program; stop that one, or choose another: --port {port + 1}") from error
        if error.errno == errno.EACCES:
            raise NurtureError(f"port {port} is kept for the system; choose one from 1024 on, with a proxy in front") from error
        raise NurtureError(f"{host} is no address of this machine ({error.strerror}); use 127.0.0.1, or 0.0.0.0 for all") from error


class _Server(uvicorn.Server):
    """Leaves the signals to us: uvicorn would raise them again after its own shutdown, before the workers have finished."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def leave(self) -> None:
        """The first time orderly, the second time at once."""
        self.force_exit, self.should_exit = self.should_exit, True


async def serve(settings: Settings, host: str, port: int, workers: int, demo: bool, furnish: Furnish | None = None) -> None:
    """Run until SIGTERM or SIGINT. `furnish` fills an installation before anybody looks at it."""
    configure_logs(settings)
    settings = served_at(settings, host, port)
    claim(host, port)
    async with open_app(settings) as app:
        if furnish:
            await furnish(app)
        config = uvicorn.Config(
            create_app(app, demo=demo), host=host, port=port, log_level="warning", access_log=False, proxy_headers=False,
            timeout_graceful_shutdown=10, http=Listener, ws="none", server_header=False,
        )  # fmt: skip
        server, stop = _Server(config), asyncio.Event()
        for word in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(word, server.leave)
        crew = [asyncio.create_task(_keep_worker(settings, stop), name=f"worker {n}") for n in range(workers)]
        forgetting = asyncio.create_task(forget(app.db))
        try:
            await _announce(app, demo)
            await server.serve()
        finally:
            stop.set()
            forgetting.cancel()
            await asyncio.gather(*crew)


async def _announce(app: App, demo: bool) -> None:
    base = app.settings.base_url
    sys.stdout.write(f"Nurture is at {base}\n")
    if app.captures:
        sys.stdout.write("No NURTURE_SMTP_URL: letters are captured and shown in the dashboard, none leaves.\n")
    if not demo and await needs_setup(app.db):
        sys.stdout.write(f"Set up the first user: {base}/setup/{setup_token(app.keys[0])}\n")
    sys.stdout.flush()


async def _keep_worker(settings: Settings, stop: asyncio.Event) -> None:
    """One worker process, started again when it dies."""
    command = [sys.executable, "-m", "nurture", "worker", "--parent", str(os.getpid())]
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(*command, env=environment_of(settings), start_new_session=True)
        ended, asked = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if stop.is_set():
            await _end(process)
            return
        log.error("a worker died and is started again", code=ended.result())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to finish what is on the wire; one that does not is killed, and the reaper of the next start sees to its rows."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
