"""A relay's URL, and several of them in one setting."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from nurture.domain.errors import NurtureError

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_FORM = "smtp://user:password@host:587?tls=starttls (or tls, none), and several with spaces between them"


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """A relay's URL, read. `repr` hides the password."""

    host: str
    port: int
    tls: Literal["starttls", "tls", "none"]
    username: str | None
    password: str | None

    @classmethod
    def read(cls, url: str) -> "RelayAddress":
        """Raises NurtureError with the form to write; the message never shows the password."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise NurtureError(f"NURTURE_SMTP_URL cannot be read; write it as {_FORM}.") from error
        options = parse_qs(parts.query, keep_blank_values=True)
        tls = options.pop("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not host or options or parts.path not in ("", "/") or tls not in _PORTS:
            raise NurtureError(f"NURTURE_SMTP_URL is not understood; write it as {_FORM}.")
        user = unquote(parts.username) if parts.username else None
        return cls(host, port or _PORTS[tls], tls, user, unquote(parts.password or "") if user else None)  # type: ignore[arg-type]  # checked above

    @classmethod
    def read_all(cls, urls: str) -> "list[RelayAddress]":
        """Several URLs with white space between them, the preferred first. Raises NurtureError as `read` does, for none and for twins."""
        found = [cls.read(url) for url in urls.split()]
        names = [address.name for address in found]
        if not found or len(set(names)) < len(names):
            raise NurtureError(f"NURTURE_SMTP_URL names {'a relay twice' if found else 'no relay'}; write it as {_FORM}.")
        return found

    @property
    def name(self) -> str:
        """What stands in the ledger for it."""
        return f"{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"RelayAddress({self.host}:{self.port}, tls={self.tls}, user={self.username!r})"
