"""The whole way of a letter, from outbox row to `accepted` committed, against a bare C sender of one constant message at the same sink.

Pairs are measured in turn, ours and theirs, and the ratio is that of the middle pair. Ours runs as processes of its own.
"""

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nurture.mail.dkim import SigningKey
from nurture.store.database import connect
from tests.bench.conftest import Figures
from tests.bench.stages import work_by_stage
from tests.support.databases import cloned_postgres
from tests.support.full_outbox import fill
from tests.support.postfix import bare_sender, running_sink
from tests.support.servers import postgres_server
from tests.support.signatures import ED, RSA, key_folder

pytestmark = pytest.mark.bench
LETTERS, SESSIONS, PAIRS = 16_000, 4, 3  # of 8,000 the beginning and the end are too large a part
JUDGED, JUDGED_PAIRS = {"15kb_sqlite", "15kb_postgres", "15kb_sqlite_ed25519"}, 7  # on a shared machine single pairs swing by a tenth
BODIES = {"3kb": 250, "15kb": 2_900}
UNSIGNED = Path("no-keys")  # no such folder
Fresh = Callable[[], str]


@pytest.fixture(scope="module")
def sink() -> Iterator[int]:
    with running_sink() as port:
        yield port


async def _filled(url: str, letters: int, body: int) -> str:
    db = connect(url)
    try:
        await fill(db, letters, body, datetime.now(UTC))
    finally:
        await db.close()
    return url


def _on_sqlite(folder: Path, body: int) -> Fresh:
    """Makes a fresh copy of one full outbox for each run."""
    full, copies = folder / "full.db", iter(range(1_000))
    asyncio.run(_filled(f"sqlite:///{full}", LETTERS, body))

    def fresh() -> str:
        copy = folder / f"run{next(copies)}.db"
        shutil.copy(full, copy)
        return f"sqlite:///{copy}"

    return fresh


def _on_postgres(server: str, body: int) -> Fresh:
    full = cloned_postgres(server)
    asyncio.run(_filled(full, LETTERS, body))
    return lambda: cloned_postgres(server, full)


def _run(url: str, port: int, processes: int, sessions: int, dkim: Path) -> dict[str, float]:
    """Our senders over one outbox, until the last has found it empty."""
    told = {"database": url, "smtp": f"smtp://127.0.0.1:{port}?tls=none", "connections": sessions // processes, "dkim": str(dkim)}
    command = [sys.executable, "-m", "tests.support.one_sender", json.dumps(told)]
    senders = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    for sender in senders:
        assert sender.stdout is not None
        assert sender.stdout.readline().strip() == "ready"
    start = time.perf_counter()
    for sender in senders:
        assert sender.stdin is not None
        sender.stdin.write("\n")
        sender.stdin.flush()
    ended: list[dict[str, Any]] = [json.loads(sender.stdout.readline()) for sender in senders if sender.stdout]
    spent = time.perf_counter() - start
    assert [sender.wait() for sender in senders] == [0] * processes
    sums = {name: sum(e[name] for e in ended) for name in ("accepted", "work")}
    return {**sums, "seconds": spent, "size": ended[0]["size"], "peak": max(e["peak"] for e in ended)}


def _pairs(
    fresh: Fresh, port: int, figures: Figures, name: str, processes: int = 1, sessions: int = SESSIONS, dkim: Path = UNSIGNED
) -> float:  # fmt: skip
    """The middle ratio of our rate to the bare sender's, with what a letter costs us. `dkim`: the folder of keys that sign."""
    ratios, works, peaks, rates, bares = [], [], [], [], []
    for _ in range(JUDGED_PAIRS if name in JUDGED else PAIRS):
        ours = _run(fresh(), port, processes, sessions, dkim)
        letters = int(ours["accepted"])
        assert LETTERS * 0.9 < letters < LETTERS, "all but those that warmed the processes up"
        bare = bare_sender(port, letters, round(ours["size"]), sessions)
        ratios.append(bare.seconds / ours["seconds"])
        works.append(ours["work"] / letters)
        bares.append(bare.work / letters)
        peaks.append(ours["peak"])
        rates.append(letters / ours["seconds"])
    figures.note(f"send_{name}_letters_per_second", statistics.median(rates))
    figures.note(f"send_{name}_work_us", min(works) * 1e6)
    figures.note(f"send_{name}_work_of_smtp_source_us", min(bares) * 1e6)
    figures.note(f"send_{name}_letters_per_cpu_second", 1 / min(works))
    figures.note(f"send_{name}_peak_mb", max(peaks) / 1e6)
    return figures.note(f"send_{name}_vs_smtp_source_ratio", statistics.median(ratios))


@pytest.mark.parametrize(("size", "processes"), [("15kb", 1), ("3kb", 1), ("15kb", 2)])
def test_sending_on_sqlite(tmp_path: Path, sink: int, figures: Figures, size: str, processes: int) -> None:
    name = f"{size}_sqlite" + ("_two_processes" if processes == 2 else "")
    assert _pairs(_on_sqlite(tmp_path, BODIES[size]), sink, figures, name, processes) > 0


@pytest.mark.parametrize("processes", [1, 2])
def test_sending_over_many_sessions(tmp_path: Path, sink: int, figures: Figures, processes: int) -> None:
    """As a relay of one's own bears it, the bare sender's as many: what the default of four leaves unused."""
    name = "15kb_sqlite_16_sessions" + ("_two_processes" if processes == 2 else "")
    assert _pairs(_on_sqlite(tmp_path, BODIES["15kb"]), sink, figures, name, processes, 16) > 0


@pytest.mark.parametrize(("kind", "keys"), [("ed25519", (ED,)), ("rsa", (RSA,)), ("rsa_and_ed25519", (RSA, ED))])
def test_sending_signed_letters(tmp_path: Path, sink: int, figures: Figures, kind: str, keys: tuple[SigningKey, ...]) -> None:
    dkim = key_folder(tmp_path / "dkim", *keys).path
    assert _pairs(_on_sqlite(tmp_path, BODIES["15kb"]), sink, figures, f"15kb_sqlite_{kind}", dkim=dkim) > 0


@pytest.mark.postgres
@pytest.mark.parametrize(("size", "processes"), [("15kb", 1), ("3kb", 1), ("15kb", 2)])
def test_sending_on_postgres(durable_postgres: str, sink: int, figures: Figures, size: str, processes: int) -> None:
    name = f"{size}_postgres" + ("_two_processes" if processes == 2 else "")
    assert _pairs(_on_postgres(durable_postgres, BODIES[size]), sink, figures, name, processes) > 0


def test_what_each_stage_costs(tmp_path: Path, sink: int, figures: Figures) -> None:
    """The best of three runs for each stage: the one least disturbed by others."""
    fresh = _on_sqlite(tmp_path, BODIES["15kb"])
    runs = [asyncio.run(work_by_stage(fresh(), f"smtp://127.0.0.1:{sink}?tls=none", SESSIONS)) for _ in range(PAIRS)]
    for stage in runs[0]:
        assert figures.note(f"send_15kb_sqlite_{stage}_us", min(run[stage] for run in runs) * 1e6) > 0


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[str]:
    """A server that flushes each commit, as in earnest: the tests' own does not."""
    with postgres_server(durable=True) as url:
        yield url
