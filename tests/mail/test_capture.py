"""Letters that do not leave: written whole, read back, the oldest thrown away."""

import os
from pathlib import Path

from nurture.domain.envelopes import Envelope, Phase
from nurture.mail.capture import CaptureRelay, read_captured


def envelope(delivery: int) -> Envelope:
    return Envelope(delivery, "a@example.com", "b@example.org", b"Subject: %d\r\n\r\nHello\r\n" % delivery, f"<{delivery}@x>")


async def test_a_captured_letter_reads_back(tmp_path: Path) -> None:
    relay = CaptureRelay(tmp_path / "captured")
    reply = await relay.deliver(envelope(7))
    assert (reply.phase, reply.code, reply.delivery) == (Phase.BODY, 250, 7)
    assert read_captured(tmp_path / "captured", 7) == envelope(7).message
    assert read_captured(tmp_path / "captured", 8) is None
    assert [p.name for p in (tmp_path / "captured").iterdir()] == ["7.eml"]


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    relay = CaptureRelay(tmp_path, keep=10)
    for n in range(160):
        await relay.deliver(envelope(n))
    kept = sorted(int(name.removesuffix(".eml")) for name in os.listdir(tmp_path))  # noqa: PTH208 - a name is all that is asked
    assert kept[-10:] == list(range(150, 160))
    assert len(kept) <= 10 + 51
    assert read_captured(tmp_path, 3) is None


async def test_a_folder_that_cannot_be_written_is_a_no_for_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    reply = await CaptureRelay(tmp_path / "file").deliver(envelope(1))
    assert (reply.code, reply.phase) == (452, Phase.BODY)


async def test_what_came_too_late_is_not_captured(tmp_path: Path) -> None:
    reply = await CaptureRelay(tmp_path).deliver(envelope(1), may_write=lambda: False)
    assert (reply.code, reply.text) == (None, "not written in time")
    assert read_captured(tmp_path, 1) is None
