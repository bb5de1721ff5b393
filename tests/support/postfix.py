"""Debian's smtp-sink and smtp-source (package postfix): a server that takes everything, and the bare sender that ours is held against."""

import contextlib
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.servers import free_port, missing


def program(name: str) -> str:
    """The program's path; without it the test is skipped by name, or fails where skipping is forbidden."""
    found = shutil.which(name) or next((str(p) for p in (Path("/usr/sbin") / name, Path("/usr/lib/postfix/sbin") / name) if p.exists()), None)
    if found is None:
        missing(f"{name} (Debian's postfix)")
    return str(found)


@contextlib.contextmanager
def running_sink() -> Iterator[int]:
    """The port of a running smtp-sink on loopback."""
    port = free_port()
    process = subprocess.Popen([program("smtp-sink"), "-u", "nobody", f"127.0.0.1:{port}", "1024"])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


class Bare(NamedTuple):
    """Seconds by the clock, and of work in the sender itself."""

    seconds: float
    work: float


def bare_sender(port: int, letters: int, size: int, sessions: int) -> Bare:
    """How long `smtp-source -d` takes for one constant message of `size` bytes, again and again."""
    addresses = ["-f", "anna@example.com", "-t", "p1@example.com"]
    command = [program("smtp-source"), "-d", "-s", str(sessions), "-l", str(size), "-m", str(letters), *addresses, f"127.0.0.1:{port}"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    spent, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Bare(spent, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
