"""A folder of append-only files: what came in is durable before the answer goes out, also while the database is away.

Each process appends to a segment of its own, held by a lock that ends with the process; many waiting lines share one fdatasync. A segment
that nobody holds is ready to be read into the database and removed. Reading one twice does no harm: every line carries its own id.
"""

import asyncio
import contextlib
import fcntl
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

SEGMENT_MOST = 4 * 1024 * 1024  # bytes after which another segment is begun
GATHER = 0.001  # seconds that lines are gathered before one fdatasync, three times as long unless a crowd waits
CROWD = 8


class Spool:
    def __init__(self, folder: Path, gather: float = GATHER) -> None:
        self._folder = folder
        self._gather = gather
        self._lock = threading.Lock()
        self._file: int | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, line: str) -> None:
        """Return once the line is on the disk; raises OSError when it cannot be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line.encode() + b"\n", done))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        while self._waiting:
            for _ in range(3):
                await asyncio.sleep(self._gather)
                if len(self._waiting) >= CROWD:
                    break
            batch, self._waiting = self._waiting, []
            error: OSError | None = None
            try:
                await asyncio.to_thread(self._write, b"".join(line for line, _ in batch))
            except OSError as caught:
                error = caught
            for _, done in batch:
                if not done.done():  # the visitor may have hung up
                    done.set_exception(error) if error else done.set_result(None)

    def _write(self, data: bytes) -> None:
        with self._lock:
            file = self._file if self._file is not None else self._open()
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(file, rest) :]
                os.fdatasync(file)
                if os.lseek(file, 0, os.SEEK_END) > SEGMENT_MOST:
                    self._let_go()  # a segment is read into memory as a whole
            except OSError:
                self._let_go()  # half a line may stand there: the next one would be glued to it and lost
                raise

    def _open(self) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"hits-{os.getpid()}-{secrets.token_hex(6)}.jsonl"
        path, unborn = self._folder / name, self._folder / f"new-{name}"
        file = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        unborn.rename(path)  # readers find a segment only under its lock: an empty one without would be removed before its first line
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)  # the name of the new file is durable too
        os.close(folder)
        self._file = file
        return file

    def seal(self) -> None:
        """Let go of the current segment, so that it can be read; the next line opens another."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @contextlib.contextmanager
    def ready(self) -> Iterator[list[Path]]:
        """Segments that no process writes to, of this process and of dead ones, locked against other readers while the block runs."""
        held: list[int] = []
        paths: list[Path] = []
        for path in sorted(self._folder.glob("hits-*.jsonl")):
            with contextlib.suppress(OSError):
                file = os.open(path, os.O_RDWR)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(file)
                    continue
                held.append(file)
                paths.append(path)
        try:
            yield paths
        finally:
            for file in held:
                os.close(file)

    async def close(self) -> None:
        """Write what waits and let go."""
        if self._flusher is not None:
            await self._flusher
        self.seal()


def lines_of(path: Path) -> list[str]:
    """The whole lines of a segment; a torn last line was never acknowledged."""
    data = path.read_bytes()
    return [line.decode(errors="replace") for line in data[: data.rfind(b"\n") + 1].splitlines()]
