"""What goes to the relay and what comes back, as values. Judging a reply is domain/answers.py."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

Sign = Callable[[bytes, bytes], bytes]
"""From the header block (every field as it stands on the wire, each ended by CRLF, no empty line) and the body (all behind the empty line,
not dot-stuffed) to the signature fields that go on top of them, each ended by CRLF."""


class Envelope(NamedTuple):
    """One message for one recipient. `message` is complete: CRLF line ends, no dot-stuffing (the wire does that).

    `clean`: who wrote it answers for it that it has no other line ends, ends with one, that no line begins with a dot, and that all of it
    is ASCII where both addresses are. Such a message goes out as it is; any other is looked through and mended first, which for 15 KB
    costs as much as the rest of the wire.
    """

    delivery: int
    sender: str
    recipient: str
    message: bytes
    message_id: str
    clean: bool = False


class Phase(StrEnum):
    """How far the conversation had come. After BODY nobody but the server knows whether it has the letter."""

    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"


class Reply(NamedTuple):
    """The relay's answer, or its silence: `code` None means the line was lost or the time ran out in that phase."""

    delivery: int
    phase: Phase
    code: int | None
    enhanced: str | None
    text: str
    relay: str
