"""One letter as the bytes that leave: multipart/alternative, quoted-printable, CRLF, and headers by the rules of headers.py.

Every byte is 7-bit (unless an address itself is not ASCII), no line is longer than 998, no CR or LF stands alone: nothing here needs
8BITMIME, and no body can end the SMTP conversation early.
"""

import hashlib
import re
from binascii import b2a_qp
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Sign
from nurture.domain.errors import NurtureError
from nurture.domain.scalars import clean_line
from nurture.render.headers import address_header, check_header_name, raw_header, text_header, url_in_brackets
from nurture.render.rendering import Rendered

_MESSAGE_ID = re.compile(r"<[^<>@\s\x00-\x1f\x7f]+@[^<>@\s\x00-\x1f\x7f]+>")
_OURS = {
    "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding",
    "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "cc", "bcc", "sender",
}  # fmt: skip
_UNTOUCHED = ("list-", "x-", "auto-submitted", "precedence", "references", "in-reply-to")


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

    `message_id` with its brackets; `list_id` is `stream.domain`; `unsubscribe_url` None leaves out all `List-Unsubscribe` headers
    (service letters); `unsubscribe_mailto` an address, with `?subject=...` if wanted; `feedback_id` up to four fields joined by colons;
    `sign` makes the fields that stand on top, such as DKIM-Signature, from the finished header block and body.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise NurtureError(f"{message_id!r} is not a Message-ID; it reads <letters@domain>.")
    boundary = "=_" + hashlib.blake2b(message_id.encode(), digest_size=15).hexdigest()  # `=_` cannot stand in quoted-printable
    fields = [
        address_header("From", sender.name, sender.address),
        address_header("To", to_name, to),
        address_header("Reply-To", "", sender.reply_to) if sender.reply_to else b"",
        text_header("Subject", rendered.subject),
        raw_header("Date", format_datetime(date)),
        raw_header("Message-ID", message_id),
        raw_header("List-Id", f"<{_dotted(list_id)}>") if list_id else b"",
        *_leave_headers(unsubscribe_url, unsubscribe_mailto),
        raw_header("Feedback-ID", _feedback(feedback_id)) if feedback_id else b"",
        *(_own_header(name, value) for name, value in headers),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode(),
    ]
    head, body = b"".join(fields), b"".join(_parts(rendered, boundary.encode()))
    return b"".join((sign(head, body) if sign else b"", head, b"\r\n", body))


def _leave_headers(url: str | None, mailto: str | None) -> list[bytes]:
    """RFC 8058: https first, mailto second, both on one line; without an address to open, nothing."""
    if not url:
        return []
    value = url_in_brackets(url)
    if mailto:
        both = f"{value}, {url_in_brackets('mailto:' + mailto)}"
        value = both if len(both) < 960 else value
    return [raw_header("List-Unsubscribe", value), b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"]


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


def _parts(rendered: Rendered, boundary: bytes) -> list[bytes]:
    head = b'\r\nContent-Type: text/%b; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    start = b"--" + boundary
    return [
        start, head % b"plain", quoted_printable(rendered.text), b"\r\n",
        start, head % b"html", quoted_printable(rendered.html), b"\r\n",
        start, b"--\r\n",
    ]  # fmt: skip


def quoted_printable(text: str) -> bytes:
    """RFC 2045 bytes with CRLF line ends. Lone CR and LF become line ends; a dot at the beginning of a line is written `=2E`."""
    lined = re.sub(r"\r\n|\r|\x85|\u2028|\u2029", "\n", text) if _ODD_ENDS.search(text) else text
    encoded = b2a_qp(lined.encode("utf-8", "replace"), istext=True).replace(b"\n", b"\r\n")
    if b"\r\n." in encoded or encoded[:1] == b".":
        encoded = b"\r\n".join(_dotless(line) for line in encoded.split(b"\r\n"))
    return encoded


def _dotless(line: bytes) -> bytes:
    if not line.startswith(b"."):
        return line
    return b"=2E" + line[1:] if len(line) <= 74 else b"=2E=\r\n" + _dotless(line[1:])


_ODD_ENDS = re.compile("[\r\x85\u2028\u2029]")
