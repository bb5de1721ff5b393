"""The scripted SMTP sink from the test's side: a process of its own (scripted_server.py) and the ledger that it fsyncs at the dot."""

import contextlib
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("scripted_server.py")


@dataclass(frozen=True)
class AtDot:
    """A letter at its final dot. `taken`: the server has it, whether or not the sender heard so."""

    at: float
    to: str
    sender: str
    id: str
    bytes: int
    sha: str
    taken: bool


class ScriptedSink:
    """`script(stage, do, ...)` as `Fault` in scripted_server.py says; `taken` and `at_dot` read the ledger, also after its death."""

    def __init__(self, folder: Path, **options: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.tls = folder / "far.ledger", options.get("tls", "none")
        command = [sys.executable, "-W", "ignore", str(PROGRAM), str(self.path), json.dumps(options)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._read()["port"])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls={self.tls}"

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._read()

    def script(self, stage: str, do: str = "", **more: Any) -> None:
        self._order(script={"stage": stage, "do": do} | more)

    def offer(self, **extensions: bool) -> None:
        """From the next EHLO on: `pipelining=False`, `auth=True`."""
        self._order(offer=extensions)

    def clear(self) -> None:
        """Forget faults, commands and attempts; the ledger stays."""
        self._order(clear=True)

    def tell(self) -> dict[str, Any]:
        """`commands` (those under TLS begin with `tls `), `sessions`, `attempts` by recipient."""
        return self._order(tell=True)

    @property
    def at_dot(self) -> list[AtDot]:
        """All letters that came to the dot; a line that was torn by a kill was not yet answered and does not count."""
        lines = self.path.read_bytes().split(b"\n")[:-1] if self.path.exists() else []
        raw = [json.loads(line) for line in lines]
        return [AtDot(r["at"], r["to"], r["from"], r["id"], r["bytes"], r["sha"], r["taken"]) for r in raw]

    @property
    def size(self) -> int:
        """Of the ledger in bytes: it grows with every letter."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def taken(self) -> Counter[str]:
        """How often the server took which Message-ID."""
        return Counter(letter.id for letter in self.at_dot if letter.taken)

    @property
    def people(self) -> Counter[str]:
        """How many letters it took for whom."""
        return Counter(letter.to for letter in self.at_dot if letter.taken)

    def ids_of(self) -> dict[str, set[str]]:
        """Recipient -> the Message-IDs of what came to the dot for them."""
        found: dict[str, set[str]] = defaultdict(set)
        for letter in self.at_dot:
            found[letter.to].add(letter.id)
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


class FarSide:
    """Makes scripted sinks: `far_side(pipelining=False, tls="starttls", certificate=(pem, key), auth=True, narrow=True)`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._sinks = folder, list[ScriptedSink]()

    def __call__(self, **options: Any) -> ScriptedSink:
        sink = ScriptedSink(self._folder / f"sink{len(self._sinks)}", **options)
        self._sinks.append(sink)
        return sink

    def close(self) -> None:
        for sink in self._sinks:
            sink.close()


@pytest.fixture
def far_side(tmp_path: Path) -> Iterator[FarSide]:
    maker = FarSide(tmp_path)
    yield maker
    maker.close()
