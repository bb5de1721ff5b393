"""Header lines as bytes, by our own rules: Python's e-mail policies turn long `List-Unsubscribe` addresses into encoded words.

Structured identifiers (`List-*`, `Message-ID`, `Feedback-ID`) are never folded or encoded; words for people are folded at 75 columns and
encoded by RFC 2047 when they are not plain ASCII. No value can end its line: control characters become spaces here, whatever was checked
before.
"""

import base64
import re
from urllib.parse import quote

import idna

from nurture.domain.errors import NurtureError
from nurture.domain.scalars import clean_line

FOLD = 75
LINE_LIMIT = 998  # RFC 5322 2.1.1, without CRLF
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_NAME_LIMIT = 300
_LOCAL_LIMIT = 64  # RFC 5321 4.5.3.1.1, octets
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EASY_NAME = re.compile(f"{_ATOM}(?: {_ATOM})*")
_EASY_ADDRESS = re.compile(rf"(?=[^@]{{1,{_LOCAL_LIMIT}}}@){_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9.-]+")
_EASY_WORDS = re.compile("[!-~]+(?: [!-~]+)*")
_EASY_URL = re.compile(r"[A-Za-z0-9%/:?#\[\]@!$&()*+,;=~._'-]+")


def _clean(value: str) -> str:
    """One line, single spaces, encodable as UTF-8."""
    return re.sub(" +", " ", clean_line(value.encode("utf-8", "replace").decode("utf-8")))


def _is_plain(value: str) -> bool:
    """ASCII that needs no encoding and can be folded at its spaces."""
    return value.isascii() and "=?" not in value and all(len(word) <= FOLD - 2 for word in value.split(" "))


def _encoded_words(value: str, first: int) -> list[str]:
    """RFC 2047 words of at most 75 characters; the first one has `first` columns less to live in. Characters are never cut."""
    words: list[str] = []
    chunk = b""
    room = (FOLD - first - 12) // 4 * 3
    for character in value:
        encoded = character.encode()
        if len(chunk) + len(encoded) > room:
            words.append(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=")
            chunk, room = b"", (FOLD - 1 - 12) // 4 * 3
        chunk += encoded
    words.append(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=")
    return words


def _folded(name: str, words: list[str]) -> bytes:
    """`name: words`, a new line wherever the next word would pass column 75."""
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > FOLD and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode() + b"\r\n"


def text_header(name: str, value: str) -> bytes:
    """An unstructured header, such as Subject."""
    if len(name) + 2 + len(value) <= FOLD and _EASY_WORDS.fullmatch(value) and "=?" not in value:
        return f"{name}: {value}\r\n".encode()
    cleaned = _clean(value)
    return _folded(name, cleaned.split(" ") if _is_plain(cleaned) else _encoded_words(cleaned, len(name) + 2))


def raw_header(name: str, value: str) -> bytes:
    """An identifier: as it is, on one line. Raises NurtureError where it is not ASCII or longer than a line may be."""
    cleaned = value if _EASY_WORDS.fullmatch(value) else clean_line(value)
    if not cleaned.isascii() or len(name) + 2 + len(cleaned) > LINE_LIMIT:
        raise NurtureError(
            f"The header {name} must be ASCII on one line of {LINE_LIMIT} characters; shorten the base address or the names in it."
        )
    return f"{name}: {cleaned}\r\n".encode()


def address_header(name: str, display: str, address: str) -> bytes:
    """`From`, `To`, `Reply-To`: the display name quoted or encoded as it needs, the domain as A-label."""
    short = len(name) + 5 + len(display) + len(address) <= FOLD
    if short and _EASY_NAME.fullmatch(display) and _EASY_ADDRESS.fullmatch(address) and "=?" not in display:
        return f"{name}: {display} <{address}>\r\n".encode()
    spec = f"<{ascii_domain(address)}>"
    shown = _clean(display)[:_NAME_LIMIT]
    if not shown:
        return f"{name}: {spec[1:-1]}\r\n".encode()
    if not _is_plain(shown):
        words = _encoded_words(shown, len(name) + 2)
    elif _ATOMS.fullmatch(shown):
        words = shown.split(" ")
    else:
        words = re.sub(r'(["\\])', r"\\\1", f'"{shown}').split(" ")
        words[0] = words[0].removeprefix("\\")
        words[-1] += '"'
    return _folded(name, [*words, spec])


def ascii_domain(address: str) -> str:
    """The address as it may stand in an envelope: its domain as A-label. Raises NurtureError on one that could break a command."""
    local, at, domain = address.rpartition("@")
    try:
        host = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise NurtureError(f"The domain {domain!r} cannot be written as a host name; correct the address.") from error
    whole = f"{local}@{host}"
    if not (at and local and host) or re.search(r"[\x00-\x20\x7f-\x9f<>\u2028\u2029\ud800-\udfff]", whole):
        raise NurtureError(f"{address!r} is not an address that can be mailed; correct it.")
    if len(local.encode()) > _LOCAL_LIMIT or len(host) > 255 or len(whole.encode()) > 254:
        raise NurtureError(f"The address {address[:40]!r}... is longer than mail servers take; correct it.")
    return whole


def url_in_brackets(url: str) -> str:
    """`<url>` in plain ASCII without anything that could close the bracket."""
    if _EASY_URL.fullmatch(url):
        return f"<{url}>"
    return f"<{quote(clean_line(url), safe='%/:?#[]@!$&()*+,;=~-._' + chr(39))}>"


def check_header_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise NurtureError(f"{name!r} is not the name of a header; use letters, digits and hyphens.")
    return name
