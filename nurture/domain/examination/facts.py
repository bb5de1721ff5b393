"""What was seen, before anybody judges it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class RelayFacts:
    """One relay, as far as the look at it went. `mode`: starttls, tls or none, as asked for; `tls`: the version that came of it.

    `step` is the one that `trouble` ended: connect, hello, TLS, sign in. `offers`: extensions by name in capitals, with their words.
    """

    name: str
    host: str
    mode: str
    user: str | None = None
    verified: bool = True
    addresses: tuple[str, ...] = ()
    greeting: str = ""
    offers: dict[str, str] = field(default_factory=dict)
    tls: str = ""
    certificate_until: datetime | None = None
    sender_refused: str = ""
    step: str = "connect"
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """`promises`: settings that a durable commit rests on, as they are. `clock`: None where the database has none of its own."""

    kind: str
    version: tuple[int, ...]
    promises: dict[str, str]
    newest_schema: bool = True
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """An answer over HTTP. `trouble`: why there is none. `location`: where it sends us. `date`: the clock of who answered."""

    status: int = 0
    body: bytes = b""
    location: str = ""
    date: datetime | None = None
    trouble: str = ""
