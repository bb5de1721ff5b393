"""Worker processes that start at once: a program that has loaded Nurture already and forks a worker for each order.

    python -m tests.support.nursery

Each life is a process of its own that runs `nurture worker` with the settings it is given, and can be killed like any other.
`arguments`: another command; `folder`: where it runs; `out`: the file of what it prints, which else goes to the log with all it says.
`ahead`: its clock shows so many seconds more. `dies_at`: it kills itself at the n-th passage of a named point (`sys.audit`, see docs/decisions/0011-named-points.md).
"""

import json
import os
import signal
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

NOBODY = 65534
PRELOADED = ("nurture.cli.serving", "nurture.cli.service", "sqlalchemy.dialects.postgresql.asyncpg", "aiosqlite", "asyncpg", "nurture.store.schema")


def die_at(point: str, nth: int) -> None:
    """End this process by SIGKILL when it passes the point for the n-th time."""
    passed = 0

    def hook(event: str, _arguments: tuple[Any, ...]) -> None:
        nonlocal passed
        if event == point:
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def read_only(folder: Path) -> None:
    """From here on this process may read the folder and write nothing in it, also where it began as root."""
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.getuid() == 0:
        above = Path(tempfile.gettempdir())
        for parent in folder.parents:
            if parent != above and parent.is_relative_to(above):
                parent.chmod(parent.stat().st_mode | 0o011)
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def set_ahead(seconds: float) -> None:
    """The clock that this process opens its App with goes as always, only later."""
    from nurture import bootstrap  # noqa: PLC0415 - loaded before the fork

    now = bootstrap.utc_now
    bootstrap.open_app.__wrapped__.__defaults__ = (lambda: now() + timedelta(seconds=seconds),)  # type: ignore[attr-defined]


def live(order: dict[str, Any]) -> None:
    """The forked process: becomes `nurture worker` and never returns."""
    from nurture.cli import main  # noqa: PLC0415 - loaded before the fork

    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if order.get("out") else log
    for target, source in ((0, null), (1, out), (2, log)):
        os.dup2(source, target)
    if order.get("folder"):
        os.chdir(order["folder"])
    for name in [name for name in os.environ if name.startswith("NURTURE_")]:
        del os.environ[name]
    os.environ.update(order["settings"])
    for limit, value in order.get("limits", {}).items():
        import resource  # noqa: PLC0415

        resource.setrlimit(getattr(resource, limit), (value, value))
    if order.get("read_only"):
        read_only(Path(order["read_only"]))
    if order.get("ahead"):
        set_ahead(order["ahead"])
    if order.get("dies_at"):
        die_at(f"nurture.{order['dies_at']}", order.get("nth", 1))
    code = 0
    try:
        main(order.get("arguments", ["worker"]))
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - told in the log, as the interpreter would
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    for name in PRELOADED:
        __import__(name)
    print(json.dumps({"ready": True}), flush=True)
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if "poll" in order:
            child = order["poll"]
            if child not in ended:
                found, status = os.waitpid(child, os.WNOHANG)
                if found:
                    ended[child] = os.waitstatus_to_exitcode(status)
            print(json.dumps({"code": ended.get(child)}), flush=True)
            continue
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            live(order)
        print(json.dumps({"pid": child}), flush=True)


if __name__ == "__main__":
    serve()
