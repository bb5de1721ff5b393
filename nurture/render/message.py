"""One letter as the bytes that leave: multipart/alternative, quoted-printable, CRLF, and headers by the rules of headers.py.

Every byte is 7-bit (unless an address itself is not ASCII), no line is longer than 998, no CR or LF stands alone: nothing here needs
8BITMIME, and no body can end the SMTP conversation early.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Sign
from nurture.domain.errors import NurtureError
from nurture.domain.scalars import clean_line
from nurture.render.encoding import quoted_printable
from nurture.render.headers import LINE_LIMIT, address_header, check_header_name, raw_header, text_header, url_in_brackets
from nurture.render.rendering import Rendered

BOUNDARY = b"=_letter"  # `=_` cannot stand in quoted-printable, so nobody's words can be taken for it
_PART = b'--%b\r\nContent-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
BEFORE_TEXT = _PART % (BOUNDARY, b"plain")
BEFORE_HTML = b"\r\n" + _PART % (BOUNDARY, b"html")
AFTER_HTML = b"\r\n--%b--\r\n" % BOUNDARY
_MIME = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="%b"\r\n' % BOUNDARY
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")  # printable ASCII without space, brackets and a second @
_OURS = {
    "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding",
    "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "cc", "bcc", "sender",
}  # fmt: skip
_UNTOUCHED = ("list-", "x-", "auto-submitted", "precedence", "references", "in-reply-to")


@dataclass(frozen=True, slots=True)
class Heading:
    """The header fields that all letters of a stream share, ready as bytes. `unsubscribe_mailto` stands behind the https address."""

    sender: bytes
    list_id: bytes
    unsubscribe_mailto: str
    rest: bytes

    def leave(self, url: str | None) -> bytes:
        """RFC 8058: https first, mailto second where the line has room for it, both on one line; nothing without a `url`."""
        if not url:
            return b""
        value = url_in_brackets(url)
        both = f"{value}, {self.unsubscribe_mailto}"
        field = raw_header("List-Unsubscribe", both if self.unsubscribe_mailto and len(both) < 960 else value)
        return field + b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

    def block(self, to: str, to_name: str, subject: str, date: datetime, message_id: str, leave: bytes) -> bytes:
        """The header block of one letter, each field ended by CRLF, without the empty line behind it; `leave` is what leave() gave."""
        if not (len(message_id) <= LINE_LIMIT - len("Message-ID: ") and _MESSAGE_ID.fullmatch(message_id)):
            raise NurtureError(f"{message_id[:200]!r} is not a Message-ID; it reads <letters@domain>.")
        return b"".join((
            self.sender, address_header("To", to_name, to), text_header("Subject", subject), _date(date),
            f"Message-ID: {message_id}\r\n".encode(), self.list_id, leave, self.rest,
        ))  # fmt: skip


def heading(
    sender: Sender, list_id: str, unsubscribe_mailto: str | None, feedback_id: str | None, headers: Iterable[tuple[str, str]] = ()
) -> Heading:
    """Raises NurtureError on an address or header that could not be mailed.

    `list_id` is `stream.domain`; `unsubscribe_mailto` an address, with `?subject=...` if wanted; `feedback_id` up to four fields joined
    by colons; each may be missing.
    """
    reply_to = address_header("Reply-To", "", sender.reply_to) if sender.reply_to else b""
    return Heading(
        sender=address_header("From", sender.name, sender.address) + reply_to,
        list_id=raw_header("List-Id", f"<{_dotted(list_id)}>") if list_id else b"",
        unsubscribe_mailto=url_in_brackets(f"mailto:{unsubscribe_mailto}") if unsubscribe_mailto else "",
        rest=b"".join((
            raw_header("Feedback-ID", _feedback(feedback_id)) if feedback_id else b"",
            *(_own_header(name, value) for name, value in headers), _MIME,
        )),
    )  # fmt: skip


def assemble(
    rendered: Rendered,
    *,
    sender: Sender,
    to: str,
    to_name: str,
    message_id: str,
    date: datetime,
    list_id: str,
    unsubscribe_url: str | None,
    unsubscribe_mailto: str | None,
    feedback_id: str | None,
    headers: Iterable[tuple[str, str]] = (),
    sign: Sign | None = None,
) -> bytes:
    """The complete message, not dot-stuffed. Raises NurtureError on an address or header that could not be mailed.

    `message_id` with its brackets; `unsubscribe_url` None leaves out all `List-Unsubscribe` headers (service letters); `sign` makes the
    fields that stand on top, such as DKIM-Signature, from the finished header block and body. The others are those of `heading`.
    """
    top = heading(sender, list_id, unsubscribe_mailto, feedback_id, headers)
    return enclose(rendered, top.block(to, to_name, rendered.subject, date, message_id, top.leave(unsubscribe_url)), sign)


def enclose(rendered: Rendered, head: bytes, sign: Sign | None = None) -> bytes:
    """The two parts under a header block."""
    return signed(head, (BEFORE_TEXT, quoted_printable(rendered.text), BEFORE_HTML, quoted_printable(rendered.html), AFTER_HTML), sign)


def signed(head: bytes, pieces: Sequence[bytes], sign: Sign | None) -> bytes:
    """The whole message from its header block and the pieces of its body, under its signature where there is one who signs."""
    if sign is None:
        return b"".join((head, b"\r\n", *pieces))
    body = b"".join(pieces)
    return b"".join((sign(head, body), head, b"\r\n", body))


@lru_cache(maxsize=16)
def _date(date: datetime) -> bytes:
    return raw_header("Date", format_datetime(date))


def _dotted(list_id: str) -> str:
    """RFC 2919: a dot-atom; other characters become hyphens."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", clean_line(list_id).strip("<>")).strip(".-") or "letters"


def _feedback(value: str) -> str:
    return re.sub(r"[^\x21-\x7e]+", "-", clean_line(value))


def _own_header(name: str, value: str) -> bytes:
    """A header that the caller adds; those that this writer sets itself cannot stand twice."""
    lowered = check_header_name(name).lower()
    if lowered in _OURS:
        raise NurtureError(f"The header {name} is written by the engine itself; leave it out.")
    if lowered.startswith(_UNTOUCHED) and value.isascii():
        return raw_header(name, value)
    return text_header(name, value)
