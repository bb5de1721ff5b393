"""How one try to hand a letter over ended: the relay's words, or its silence, and how far the conversation had come."""

import re
from typing import NamedTuple

from nurture.domain.envelopes import Phase, Reply

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_TEXT_LIMIT = 1000


class End(NamedTuple):
    """`code` None: silence or a lost line, and `text` says which. `text` is as the relay said it, its lines joined by LF."""

    phase: Phase
    code: int | None
    text: str
    enhanced: str | None = None

    @property
    def said(self) -> str:
        """Printable and bounded: for the ledger and the log."""
        text = self.text
        if not (text.isascii() and text.isprintable()):
            text = _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())
        return text[:_TEXT_LIMIT].strip()

    def reply(self, delivery: int, relay: str) -> Reply:
        """For the ledger, with the enhanced code (RFC 3463) found."""
        found = _ENHANCED.match(self.text)
        return Reply(delivery, self.phase, self.code, self.enhanced or (found[1] if found else None), self.said, relay)


class Unopened(Exception):  # noqa: N818 - it is an answer or a silence, not an error of ours
    """There is no session: `end` says why."""

    def __init__(self, end: End) -> None:
        super().__init__(end.text)
        self.end = end
