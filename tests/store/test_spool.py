"""The spool: a line is on the disk when append() returns, whatever happens to the process then."""

import asyncio
import fcntl
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from nurture.store.spool import CROWD, Spool, lines_of


async def test_waiting_lines_share_a_write_and_come_back_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    await asyncio.gather(*(spool.append(f"line {n}") for n in range(200)))
    with spool.ready() as held:
        assert held == []  # the own segment is still written to
    spool.seal()
    with spool.ready() as [segment]:
        assert lines_of(segment) == [f"line {n}" for n in range(200)]
    await spool.close()


@pytest.mark.parametrize(("lines", "first"), [(1, "the pause"), (CROWD, "the lines")])
async def test_a_crowd_is_gathered_for_a_third_of_the_time(tmp_path: Path, lines: int, first: str) -> None:
    spool, ended = Spool(tmp_path, gather=0.1), []

    async def pause() -> None:
        await asyncio.sleep(0.2)
        ended.append("the pause")

    async def write() -> None:
        await asyncio.gather(*(spool.append("x") for _ in range(lines)))
        ended.append("the lines")

    await asyncio.gather(pause(), write())
    assert ended[0] == first
    await spool.close()


async def test_a_killed_process_leaves_its_lines(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom nurture.store.spool import CROWD, Spool\n"
        "async def main():\n    spool = Spool(Path(sys.argv[1]))\n    await spool.append('kept')\n    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script, str(tmp_path)], check=False, capture_output=True)
    assert done.returncode == -9
    with Spool(tmp_path).ready() as [segment]:
        assert lines_of(segment) == ["kept"]


async def test_a_segment_in_use_elsewhere_is_left_alone(tmp_path: Path) -> None:
    writer, reader = Spool(tmp_path), Spool(tmp_path)
    await writer.append("mine")
    with reader.ready() as segments:
        assert segments == []
    await writer.close()
    with reader.ready() as segments:
        assert len(segments) == 1
        with Spool(tmp_path).ready() as others:
            assert others == []  # two folders never read the same segment at once


async def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    torn = tmp_path / "hits-1-a.jsonl"
    torn.write_bytes(b'{"a": 1}\n{"b": ')
    assert lines_of(torn) == ['{"a": 1}']


async def test_a_disk_that_takes_nothing_is_an_error_for_every_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "spool")
    found = await asyncio.gather(*(spool.append("x") for _ in range(3)), return_exceptions=True)
    assert [isinstance(e, OSError) for e in found] == [True] * 3
    with pytest.raises(OSError):
        await spool.append("y")


async def test_half_a_line_on_a_full_disk_spoils_no_later_line(tmp_path: Path) -> None:
    """A wish to leave that was acknowledged may not be glued to what a full disk tore."""
    spool = Spool(tmp_path)
    await spool.append("first")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError):
            await spool.append("torn in the middle")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    await spool.append("later")
    await spool.close()
    with spool.ready() as segments:
        assert sorted(line for path in segments for line in lines_of(path)) == ["first", "later"]


async def test_a_segment_shows_only_under_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads at the very moment a segment is made does not remove it from under the lines that follow."""
    flock, seen = fcntl.flock, []

    def slow(file: int, how: int) -> None:
        if how == fcntl.LOCK_EX:
            with monkeypatch.context() as plain:
                plain.setattr(fcntl, "flock", flock)
                with Spool(tmp_path).ready() as segments:
                    seen.append(list(segments))
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    spool = Spool(tmp_path)
    await spool.append("kept")
    await spool.close()
    assert seen == [[]]
    with spool.ready() as [segment]:
        assert lines_of(segment) == ["kept"]
