"""A raw mail as a flat list of parts, within bounds: no mail, however made, costs more than a moment or raises anything.

The standard library's parser follows any nesting and keeps every part; this one walks with a list of what is left to open, to a depth of
eight and fifty parts, and reads the first 256 KB (a report stands in front of the mail that it returns).
"""

import base64
import binascii
import codecs
import contextlib
import quopri
import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header

from selectolax.lexbor import LexborHTMLParser

LARGEST = 256 * 1024
DEEPEST = 8
MOST_PARTS = 50
LONGEST_HTML = 32_000
_HEADS = 200  # header fields of one part
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_FOLD = re.compile(rb"\r?\n[ \t]+")
_PARAMETER = re.compile(r";\s*([\w-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;]+)")
_IN_ANGLES = re.compile(r"<\s*([^<>\s@]{1,200}@[^<>\s@]{1,255})\s*>")
_BARE = re.compile(r"[^<>()\[\]\s@,;:]{1,200}@[^<>()\[\]\s@,;:]{1,255}")
_NO_CHARSETS = ("punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7")  # slow, or of lone surrogates
_ODD = {codecs.lookup(name).name for name in _NO_CHARSETS}  # by the names that the library calls them, `unicode-escape` among them


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the mail. `headers`: lower-cased names, decoded values, the first of each name wins. `depth` 0 is the mail itself."""

    kind: str
    parameters: dict[str, str]
    headers: dict[str, str]
    body: bytes
    depth: int

    @property
    def text(self) -> str:
        """The body decoded, HTML without its tags; never raises, whatever charset it claims. NUL, which PostgreSQL refuses, is a space."""
        raw = _decoded(self.body, self.headers.get("content-transfer-encoding", "").strip().lower())
        text = _in_charset(raw, self.parameters.get("charset", "")).replace("\0", " ")
        return _without_tags(text) if self.kind == "text/html" else text.replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Opened:
    """`headers` of the mail itself, `parts` in order; what a returned mail holds stands behind its `message/rfc822` part."""

    headers: dict[str, str]
    kind: str
    parameters: dict[str, str]
    parts: tuple[Part, ...] = field(default=())


def open_mail(raw: bytes) -> Opened:
    """Take a mail apart. Raises nothing: what cannot be read is missing from the result."""
    raw = raw[:LARGEST]
    if raw.startswith((b"From ", b">From ")):  # a line of an mbox file
        raw = raw.partition(b"\n")[2]
    headers, body = split_headers(raw)
    kind, parameters = content_type(headers)
    parts: list[Part] = []
    left = [(kind, parameters, headers, body, 0)]
    while left and len(parts) < MOST_PARTS:
        kind_, parameters_, headers_, body_, depth = left.pop()
        boundary = parameters_.get("boundary")
        if kind_.startswith("multipart/") and boundary and depth < DEEPEST:
            inner = []
            for piece in _pieces(body_, boundary.encode("utf-8", "replace")):
                heads, rest = split_headers(piece)
                inner.append((*content_type(heads), heads, rest, depth + 1))
            left.extend(reversed(inner))
        else:
            parts.append(Part(kind_, parameters_, headers_, body_, depth))
    return Opened(headers, kind, parameters, tuple(parts))


def split_headers(raw: bytes) -> tuple[dict[str, str], bytes]:
    """Header fields and what follows the empty line. Text that begins with no field is all body."""
    head, body = _head_and_body(raw.lstrip(b"\r\n") if raw[:2] in (b"\r\n", b"\n\n") else raw)
    headers: dict[str, str] = {}
    for line in _FOLD.sub(b" ", head).split(b"\n", _HEADS)[:_HEADS]:
        found = _FIELD.fullmatch(line.rstrip(b"\r"))
        if found:
            headers.setdefault(found[1].decode("ascii", "replace").lower(), header_text(found[2]))
    return headers, body


def _head_and_body(raw: bytes) -> tuple[bytes, bytes]:
    for begin in re.finditer(rb"\r?\n\r?\n|\A\r?\n", raw):
        return raw[: begin.start()], raw[begin.end() :]
    return (raw, b"") if _FIELD.match(raw) else (b"", raw)


def header_text(value: bytes) -> str:
    """RFC 2047 words decoded, unknown charsets as Latin-1, control characters as spaces."""
    text = _in_charset(value[:4000], "")
    if "=?" in text:
        with contextlib.suppress(MessageError, ValueError, AssertionError):  # then it stays as it was written
            text = "".join(_in_charset(p, c or "") if isinstance(p, bytes) else p for p, c in decode_header(text))
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text).strip()


def addresses_in(value: str) -> list[str]:
    """The addresses of a field like To or From, in order. The standard library's reader recurses as deep as a sender likes."""
    plain = re.sub(r'"[^"]{0,200}"', " ", value[:4000])
    return _IN_ANGLES.findall(plain) or _BARE.findall(re.sub(r"\([^()]{0,200}\)", " ", plain))


def content_type(headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """`text/plain` where none is told or it makes no sense (RFC 2045 5.2)."""
    value = headers.get("content-type", "")
    kind = value.partition(";")[0].strip().lower()
    parameters = {name.lower(): _unquoted(told) for name, told in _PARAMETER.findall(value)}
    return (kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "text/plain"), parameters


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value[:1] == '"' else value


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    """What stands between the lines of a boundary; a missing last line is forgiven."""
    pieces = re.split(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)", body, maxsplit=MOST_PARTS)
    found = []
    for closed, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        if closed:
            break
        found.append(piece.removeprefix(b"\r").removeprefix(b"\n"))
    return found


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        try:
            return base64.b64decode(re.sub(rb"[^A-Za-z0-9+/]", b"", body) + b"===", validate=False)
        except binascii.Error:
            return b""
    return body


def _in_charset(raw: bytes, charset: str) -> str:
    for name in (charset, "utf-8"):
        try:
            if codecs.lookup(name).name not in _ODD:
                return raw.decode(name)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def _without_tags(text: str) -> str:
    text = re.sub(r"<(?=[^\s<>@]{1,80}@)", "&lt;", text)  # an address in angle brackets is no tag
    tree = LexborHTMLParser(text[:LONGEST_HTML])
    for unseen in tree.css("style, script, head, title"):
        unseen.decompose()
    return tree.body.text(separator="\n") if tree.body else ""
