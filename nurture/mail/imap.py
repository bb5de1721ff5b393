"""A mailbox that people's replies and other systems' reports land in, read over IMAP (RFC 9051).

Only letters not seen yet are read, without marking them; each is marked as seen after what it says is durable. The standard library speaks
IMAP and blocks: callers put each step on a thread.
"""

import contextlib
import imaplib
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from nurture.domain.errors import NurtureError
from nurture.mail.inbound.opening import LARGEST

_FORM = "imaps://user:password@host:993/INBOX, or imap://user:password@host:143/INBOX?tls=starttls|none"
_TIMEOUT = 60.0
AWAY = (OSError, imaplib.IMAP4.error)


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """A mailbox's URL, read. `repr` hides the password."""

    host: str
    port: int
    tls: Literal["tls", "starttls", "none"]
    username: str
    password: str
    folder: str

    @classmethod
    def read(cls, url: str) -> "ImapAddress":
        """Raises NurtureError with the form to write; the message never shows the password."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise NurtureError(f"NURTURE_IMAP_URL cannot be read; write it as {_FORM}.") from error
        tls = {"imaps": "tls", "imap": parts.query.removeprefix("tls=") or "starttls"}.get(parts.scheme, "")
        if tls not in ("tls", "starttls", "none") or not host or not parts.username or (parts.scheme == "imaps" and parts.query):
            raise NurtureError(f"NURTURE_IMAP_URL is not understood; write it as {_FORM}.")
        folder = unquote(parts.path.strip("/")) or "INBOX"
        default = 993 if tls == "tls" else 143
        return cls(host, port or default, tls, unquote(parts.username), unquote(parts.password or ""), folder)  # type: ignore[arg-type]  # checked above

    def __repr__(self) -> str:
        return f"ImapAddress({self.host}:{self.port}/{self.folder}, tls={self.tls}, user={self.username!r})"


class Mailbox:
    """An open folder. Every method blocks, and raises one of AWAY when the server does."""

    def __init__(self, address: ImapAddress, context: ssl.SSLContext | None = None, timeout: float = _TIMEOUT) -> None:
        context = context or ssl.create_default_context()
        if address.tls == "tls":
            self._imap: imaplib.IMAP4 = imaplib.IMAP4_SSL(address.host, address.port, ssl_context=context, timeout=timeout)
        else:
            self._imap = imaplib.IMAP4(address.host, address.port, timeout=timeout)
        try:
            if address.tls == "starttls":
                self._imap.starttls(context)
            self._sign_in(address.username, address.password)
            self._asked(*self._imap.select(_quoted(_encoded(address.folder))))
        except BaseException:
            self.close()
            raise

    def _sign_in(self, username: str, password: str) -> None:
        """By LOGIN, which every server has; it knows ASCII alone, and everything else is signed in with PLAIN (RFC 4616)."""
        if username.isascii() and password.isascii():
            self._imap.login(_quoted(username), password)
        else:
            self._imap.authenticate("PLAIN", lambda _: f"\0{username}\0{password}".encode())

    def unseen(self) -> list[bytes]:
        """UIDs of letters not seen yet, the oldest first."""
        (found,) = self._asked(*self._imap.uid("SEARCH", "UNSEEN"))
        return (found or b"").split()

    def read(self, uid: bytes) -> bytes:
        """The letter's beginning, as it lies there; nothing is marked. Empty where it was taken away meanwhile."""
        answer = self._asked(*self._imap.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{LARGEST}>)"))
        return bytes(next((part[1] for part in answer if isinstance(part, tuple)), b""))

    def mark(self, uid: bytes) -> None:
        """Dealt with."""
        self._asked(*self._imap.uid("STORE", uid.decode(), "+FLAGS", r"(\Seen)"))

    def close(self) -> None:
        with contextlib.suppress(*AWAY):
            self._imap.logout()
        with contextlib.suppress(*AWAY):
            self._imap.shutdown()

    def _asked(self, kind: str, answer: Any) -> list[Any]:
        if kind != "OK":
            raise imaplib.IMAP4.error(answer[0] or kind)
        return list(answer)


def said(error: Exception) -> str:
    """The server's words in an error of AWAY; the library hands them on as bytes or as their `repr`."""
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(error)
    return re.sub(r"[\x00-\x1f]+", " ", text)[:200] or type(error).__name__


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def _encoded(folder: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501 5.1.3), as RFC 5092 2.4 has it for the path of a URL."""
    return re.sub(r"&|[^\x00-\x7f]+", lambda found: f"&{_base64(found[0])}-", folder)


def _base64(text: str) -> str:
    return "" if text == "&" else b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
