"""What one envelope asks of a server, and the words to ask it with."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import idna

from nurture.domain.envelopes import Envelope, Phase
from nurture.mail.end import End

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f<>\u2028\u2029\ud800-\udfff]")
_EASY = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")  # nearly all addresses there are
_LONE = re.compile(rb"\r(?!\n)")
_ANY_END = re.compile(rb"\r\n|\n|\r")
_DOT = b".\r\n"
_LONGEST = 254  # RFC 5321 4.5.3.1.3, less the angle brackets


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a server's EHLO offers; `size`: the most bytes it says it takes."""

    pipelining: bool = False
    utf8: bool = False
    eight_bit: bool = False
    sized: bool = False
    size: int | None = None

    @classmethod
    def read(cls, offered: dict[str, str]) -> "Extensions":
        """From EHLO's keywords in lower case; a size of 0 or no number says nothing (RFC 1870)."""
        limit = offered.get("size", "").strip()
        most = int(limit) if limit.isdecimal() and limit.isascii() and len(limit) < 20 else 0
        return cls("pipelining" in offered, "smtputf8" in offered, "8bitmime" in offered, "size" in offered, most or None)


class Plan(NamedTuple):
    """A letter that may reach a socket: its addresses checked, its domains as A-labels."""

    envelope: Envelope
    sender: str
    recipient: str
    utf8: bool
    eight_bit: bool

    @classmethod
    def of(cls, envelope: Envelope) -> "Plan | End":
        """The plan, or what is wrong with an address."""
        sender = _checked(envelope.sender) if envelope.sender else ""
        recipient = _checked(envelope.recipient)
        if sender is None or recipient is None:
            phase, address = (Phase.MAIL, envelope.sender) if sender is None else (Phase.RCPT, envelope.recipient)
            return End(phase, 553, f"{address[:80]!r} is not an address that can stand in an SMTP command", "5.1.3")
        if envelope.clean and envelope.sender.isascii() and envelope.recipient.isascii():
            return cls(envelope, sender, recipient, utf8=False, eight_bit=False)
        message = envelope.message
        eight_bit = not message.isascii()
        utf8 = not (sender.isascii() and recipient.isascii() and (not eight_bit or message.partition(b"\r\n\r\n")[0].isascii()))
        return cls(envelope, sender, recipient, utf8, eight_bit)

    def unfit(self, offered: Extensions) -> End | None:
        """Why this server cannot take the letter; nothing need be said to it then."""
        if self.utf8 and not offered.utf8:
            return End(Phase.RCPT, 553, f"the relay does not offer SMTPUTF8, which {self.recipient} needs", "5.6.7")
        if self.eight_bit and not offered.eight_bit:
            return End(Phase.DATA, 554, "the relay does not take 8-bit letters", "5.6.3")
        size = len(self.envelope.message)
        if offered.size is not None and offered.size < size:
            return End(Phase.DATA, 552, f"the letter has {size} bytes, the relay takes {offered.size}", "5.3.4")
        return None

    def commands(self, offered: Extensions) -> bytes:
        """MAIL, RCPT and DATA, each with its line end."""
        options = f" SIZE={len(self.envelope.message)}" if offered.sized else ""
        if self.utf8:
            options += " SMTPUTF8"
        if self.eight_bit:
            options += " BODY=8BITMIME"
        return f"MAIL FROM:<{self.sender}>{options}\r\nRCPT TO:<{self.recipient}>\r\nDATA\r\n".encode()

    def body(self) -> tuple[bytes, bytes]:
        """The message as it stands on the wire, and the dot that ends it where it has none yet: a long text is not copied for a dot."""
        envelope = self.envelope
        return (envelope.message, _DOT) if envelope.clean else (dot_stuffed(envelope.message), b"")


def _checked(address: str) -> str | None:
    """The address as the wire may carry it, its domain as A-label; None where no command may hold it."""
    if len(address) <= _LONGEST and _EASY.fullmatch(address):
        return address
    local, at, domain = address.rpartition("@")
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return None
    if not (local and at and host) or _FORBIDDEN.search(address):
        return None
    whole = f"{local}@{host}"
    return whole if len(whole.encode()) <= _LONGEST else None


def dot_stuffed(message: bytes) -> bytes:
    """RFC 5321 4.5.2, with the final dot. Lone CR and LF become CRLF, so that no body can end the conversation early."""
    if message.count(b"\n") != message.count(b"\r") or _LONE.search(message):
        message = _ANY_END.sub(b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"
