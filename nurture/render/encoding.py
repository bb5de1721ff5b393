"""Quoted-printable (RFC 2045 6.7), whole or in pieces that may be set side by side in any order.

Letters leave in quoted-printable and never as 8bit: every server takes it, no relay on the way has a reason to encode it anew (which
would break a DKIM signature, RFC 6376 5.3), and since what is the same for everybody is encoded once, it costs nothing for each person.
"""

import re
from binascii import b2a_qp

SOFT = b"=\r\n"
LINE = 76  # RFC 2045 6.7 (5), without CRLF
ROOM = 44  # columns that a piece leaves at its end for the words behind it: as many as a link's token has
_BLANK_END = re.compile(rb"=(?:20|09)\r\n")
_PLAIN = re.compile(r"(?!\.)(?: ?[!-<>-~]+(?: [!-<>-~]+)*)?")  # what stays as it is: nearly all names
_ODD_ENDS = re.compile("[\r\x85\u2028\u2029]")


def quoted_printable(text: str) -> bytes:
    """RFC 2045 bytes with CRLF line ends. Lone CR and LF become line ends; a dot at the beginning of a line is written `=2E`.

    Of blanks side by side every second one is written `=20`, a tab always `=09`: so DKIM's relaxed body (RFC 6376 3.4.4) is the body as
    it stands. 0xFF and 0xFE mean them to the library, which knows no such choice: UTF-8 has no such bytes.
    """
    lined = re.sub(r"\r\n|\r|\x85|\u2028|\u2029", "\n", text) if _ODD_ENDS.search(text) else text
    raw = lined.encode("utf-8", "replace").replace(b"  ", b" \xff").replace(b"\t", b"\xfe")
    encoded = b2a_qp(raw, istext=True).replace(b"\n", b"\r\n").replace(b"=FF", b"=20").replace(b"=FE", b"=09")
    if b"\r\n." in encoded or encoded[:1] == b"." or _BLANK_END.search(encoded):
        encoded = b"\r\n".join(_dotless(_within(line)) for line in encoded.split(b"\r\n"))
    return encoded


def _within(line: bytes) -> bytes:
    """The library counts a blank before a line's end as one column and writes three."""
    return line if len(line) <= LINE else line[:-3] + SOFT + line[-3:]


def _dotless(line: bytes) -> bytes:
    if not line.startswith(b"."):
        return line
    return b"=2E" + line[1:] if len(line) <= LINE - 2 else b"=2E=\r\n" + _dotless(line[1:])


def quoted_chunk(text: str, *, first: bool = False, last: bool = False) -> bytes:
    """Words that are the same for everybody, on lines of their own; at most LINE - ROOM columns of the last line are used.

    So nothing can run over a line's end or begin with a dot, whatever stands before or behind. `first`, `last`: in the part.
    """
    encoded = quoted_printable(text)
    before = b"" if first or encoded.startswith(b"\r\n") else SOFT
    return before + (encoded if last or _column(encoded) < LINE - ROOM else _open(encoded) + SOFT)


def quoted_words(text: str) -> bytes:
    """A person's words between two chunks: short ones stay on the chunk's line, longer ones begin their own."""
    if len(text) < ROOM and _PLAIN.fullmatch(text):
        return text.encode()
    encoded = quoted_printable(text)
    return encoded if len(encoded) < ROOM else SOFT + _open(encoded)


def _column(encoded: bytes) -> int:
    return len(encoded) - encoded.rfind(b"\n") - 1


def _open(encoded: bytes) -> bytes:
    """With room for the `=` of a soft break at the end."""
    if _column(encoded) < LINE:
        return encoded
    end = 3 if encoded[-3:-2] == b"=" else 1  # a line that began with a dot can end so
    return encoded[:-end] + SOFT + _dotless(encoded[-end:])
