"""The relay of an installation without one: letters are written to a folder, where the dashboard shows them. Nothing leaves."""

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nurture.domain.envelopes import Envelope, Phase, Reply
from nurture.mail.crew import NOT_WRITTEN, OneByOne

_PRUNE_EVERY = 50


class CaptureRelay(OneByOne):
    """Writes `<delivery>.eml`; keeps about the newest `keep` of them."""

    name = "capture"

    def __init__(self, folder: Path, keep: int = 500) -> None:
        self._folder = folder
        self._keep = keep
        self._since_pruning = _PRUNE_EVERY  # so that the first letter prunes what an earlier run left

    async def deliver(
        self, envelope: Envelope, may_write: Callable[[], bool] = lambda: True, may_finish: Callable[[], bool] = lambda: True
    ) -> Reply:
        """As a relay's `deliver`; a full disk answers 452, as a relay would."""
        if not (may_write() and may_finish()):
            return Reply(envelope.delivery, Phase.CONNECT, None, None, NOT_WRITTEN, self.name)
        try:
            await asyncio.to_thread(self._write, envelope)
        except OSError as error:
            return Reply(envelope.delivery, Phase.BODY, 452, "4.3.1", f"the letter could not be written: {error.strerror}", self.name)
        return Reply(envelope.delivery, Phase.BODY, 250, "2.0.0", "captured", self.name)

    async def close(self) -> None:
        """Nothing is open."""

    def _write(self, envelope: Envelope) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{envelope.delivery}.{os.getpid()}.part"
        draft.write_bytes(envelope.message)
        draft.replace(_path(self._folder, envelope.delivery))
        self._since_pruning += 1
        if self._since_pruning > _PRUNE_EVERY:
            self._since_pruning = 0
            self._prune()

    def _prune(self) -> None:
        letters = sorted(int(path.stem) for path in self._folder.glob("*.eml") if path.stem.isdecimal())
        forget_captured(self._folder, letters[: -self._keep])


def _path(folder: Path, delivery: int) -> Path:
    return folder / f"{int(delivery)}.eml"


def forget_captured(folder: Path, deliveries: Iterable[int]) -> None:
    """Remove these captured letters."""
    for delivery in deliveries:
        _path(folder, delivery).unlink(missing_ok=True)


def read_captured(folder: Path, delivery: int) -> bytes | None:
    """The captured letter's bytes; None when it was never captured or is pruned."""
    try:
        return _path(folder, delivery).read_bytes()
    except FileNotFoundError:
        return None
