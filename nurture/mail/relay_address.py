"""A relay's URL, and several of them in one setting."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from nurture.domain.errors import NurtureError

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_FORM = "smtp://user:password@host:587?tls=starttls (or tls, none), and several with spaces between them"
_LABEL = re.compile(r"[A-Za-z0-9._-]{1,40}")  # no colon: it never looks like the host and port of another


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay's URL, read. `label`: what the operator calls it. `repr` shows nothing of the sign-in: some take one token for both."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    username: str | None
    password: str | None
    label: str | None = None

    @classmethod
    def read(cls, url: str) -> "RelayAddress":
        """Raises NurtureError with the form to write; the message never shows the password."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise NurtureError(f"NURTURE_SMTP_URL cannot be read; write it as {_FORM}.") from error
        options = parse_qs(parts.query, keep_blank_values=True)
        label = options.pop("name", [None])[-1]
        tls = options.pop("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not host or options or parts.path not in ("", "/") or tls not in _PORTS:
            raise NurtureError(f"NURTURE_SMTP_URL is not understood; write it as {_FORM}.")
        if label is not None and not _LABEL.fullmatch(label):
            raise NurtureError("NURTURE_SMTP_URL has a name that cannot stand; write at most 40 letters, digits, dots, hyphens.")
        user = unquote(parts.username) if parts.username else None
        password = unquote(parts.password or "") if user else None
        return cls(host, port or _PORTS[tls], tls, user, password, label)  # type: ignore[arg-type]  # checked above

    @classmethod
    def read_all(cls, urls: str) -> "list[RelayAddress]":
        """Several URLs with white space between them, the preferred first. Raises NurtureError as `read` does, for none, and for two that
        bear one name.
        """
        found = [cls.read(url) for url in urls.split()]
        names = Counter(address.name.lower() for address in found)
        if not found:
            raise NurtureError(f"NURTURE_SMTP_URL names no relay; write it as {_FORM}.")
        if twins := [name for name, times in names.items() if times > 1]:
            how = "where both are meant, as with two users, give each a name of its own: ?tls=starttls&name=first"
            raise NurtureError(f"NURTURE_SMTP_URL names a relay twice ({twins[0]}); {how}.")
        return found

    @property
    def name(self) -> str:
        """What stands for it in the ledger, in logs and figures, and no other relay bears: its label, else its host and port."""
        return self.label or f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"RelayAddress({self.name}, {self.host}:{self.port}, tls={self.tls})"
