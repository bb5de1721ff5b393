"""A real worker process and what it lives on: an installation's settings, its log, its end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
QUICK = {
    "NURTURE_SWEEP": "1s", "NURTURE_LEASE_SILENCE": "1s", "NURTURE_UNKNOWN_GRACE": "1s", "NURTURE_IN_FLIGHT": "20",
    "NURTURE_SMTP_CONNECTIONS": "4", "NURTURE_SETTLES": "1s", "NURTURE_SECRET_KEY": "a secret of the tests, long enough",
}  # fmt: skip


class Nursery:
    """`start(settings, log, dies_at=..., nth=...)` -> a running worker. One loaded program forks them all (nursery.py)."""

    def __init__(self) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("NURTURE_")}
        command = [sys.executable, "-m", "tests.support.nursery"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._read()
        self._one = threading.Lock()  # two installations of a test may live in a thread each

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin
        with self._one:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return self._read()

    def start(self, settings: dict[str, str], log: Path, **more: Any) -> "Worker":
        log.touch()
        return Worker(self, self.order(settings=settings, log=str(log), **more)["pid"], log)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


class Worker:
    def __init__(self, nursery: Nursery, pid: int, log: Path) -> None:
        self._nursery, self.pid, self.log = nursery, pid, log

    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it lives."""
        code: int | None = self._nursery.order(poll=self.pid)["code"]
        return code

    def wait(self, seconds: float = 30) -> int:
        """Until it has ended; its exit code."""
        end = time.monotonic() + seconds
        while (code := self.code()) is None:
            assert time.monotonic() < end, f"the worker did not end\n{self.log.read_text()}"
            time.sleep(0.01)
        return code

    def signal(self, word: signal.Signals) -> None:
        if self.code() is None:
            os.kill(self.pid, word)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self, seconds: float = 30) -> int:
        """In an orderly way; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)


class Crew:
    """The workers of one test, all ended at its end."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery, self._workers = nursery, list[Worker]()

    def __call__(self, settings: dict[str, str], log: Path, **more: Any) -> Worker:
        self._workers.append(self._nursery.start(settings, log, **more))
        return self._workers[-1]

    def close(self) -> None:
        for worker in self._workers:
            worker.kill()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    opened = Nursery()
    yield opened
    opened.close()


@pytest.fixture
def crew(nursery: Nursery) -> Iterator[Crew]:
    """`crew(settings, log, dies_at="claimed", nth=2)` starts a worker process."""
    found = Crew(nursery)
    yield found
    found.close()
