"""Letters that do not leave: written whole, read back, the oldest thrown away."""

from pathlib import Path

from nurture.domain.envelopes import Envelope, Phase
from nurture.mail.capture import CaptureRelay, forget_captured, read_captured


def envelope(delivery: int, words: bytes = b"Hello") -> Envelope:
    return Envelope(delivery, "a@example.com", "b@example.org", b"Subject: %d\r\n\r\n%s\r\n" % (delivery, words), f"<{delivery}@x>")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_captured_letter_reads_back(tmp_path: Path) -> None:
    relay = CaptureRelay(tmp_path / "data" / "captured")
    reply = await relay.deliver(envelope(7))
    assert (reply.phase, reply.code, reply.delivery) == (Phase.BODY, 250, 7)
    assert read_captured(tmp_path / "data" / "captured", 7) == envelope(7).message
    assert read_captured(tmp_path / "data" / "captured", 8) is None
    assert names(tmp_path / "data" / "captured") == ["7.eml"]


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    relay = CaptureRelay(tmp_path, keep=10)
    for n in range(160):
        await relay.deliver(envelope(n))
    kept = sorted(int(name.removesuffix(".eml")) for name in names(tmp_path))
    assert kept[-10:] == list(range(150, 160))
    assert len(kept) <= 10 + 51
    assert read_captured(tmp_path, 3) is None


async def test_the_first_letter_prunes_what_an_earlier_run_left_and_knows_its_own(tmp_path: Path) -> None:
    for n in range(8, 13):
        (tmp_path / f"{n}.eml").write_text("of old")
    (tmp_path / "mine.eml").write_text("put there by hand")
    await CaptureRelay(tmp_path, keep=3).deliver(envelope(13))
    assert names(tmp_path) == ["11.eml", "12.eml", "13.eml", "mine.eml"]


async def test_who_reads_a_letter_while_it_is_captured_anew_reads_one_of_the_two(tmp_path: Path) -> None:
    relay = CaptureRelay(tmp_path)
    await relay.deliver(envelope(1, b"the longer one"))
    with (tmp_path / "1.eml").open("rb") as reading:
        await relay.deliver(envelope(1, b"short"))
        assert reading.read() == envelope(1, b"the longer one").message
    assert read_captured(tmp_path, 1) == envelope(1, b"short").message


async def test_captured_letters_are_forgotten_also_where_some_are_gone(tmp_path: Path) -> None:
    for n in (1, 2, 3):
        await CaptureRelay(tmp_path).deliver(envelope(n))
    forget_captured(tmp_path, [1, 99, 3])
    assert names(tmp_path) == ["2.eml"]


async def test_a_folder_that_cannot_be_written_is_a_no_for_now(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    reply = await CaptureRelay(tmp_path / "file").deliver(envelope(1))
    assert (reply.code, reply.phase) == (452, Phase.BODY)


async def test_what_came_too_late_is_not_captured(tmp_path: Path) -> None:
    for late in ({"may_write": lambda: False}, {"may_finish": lambda: False}):
        reply = await CaptureRelay(tmp_path).deliver(envelope(1), **late)
        assert (reply.code, reply.text) == (None, "not written in time")
    assert read_captured(tmp_path, 1) is None
