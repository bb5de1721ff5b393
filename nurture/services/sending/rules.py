"""What sending is told and what it tells: settings as values, the relay it speaks to, the counts of a sweep."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Sign
from nurture.domain.warming import WarmUp
from nurture.mail.crew import Crew, Letters

LEAVE_WITHIN = 2.0  # seconds from the intent to the first byte; what comes later goes back to pending
UNSET_SENDER = Sender(name="Nurture", address="letters@nurture.invalid")  # for captured letters, until the policy names one


class Relay(Protocol):
    def crew(self, letters: Letters, sessions: int) -> Crew:
        """Carry letters over at most so many sessions, until the crew is closed."""


@dataclass(frozen=True, slots=True)
class SendingRules:
    """`captures`: nothing leaves the house, so a policy without sender is no hindrance. `mark_folder`: where `ledger.mark` lies.

    `rate`: letters a second for the whole relay; it is shared among the workers that are alive. `lanes`: a worker keeps `service`
    apart, so that a receipt never waits behind a campaign. `signer`: what signs letters From a domain now, if anything does.
    `in_use`: the relay that letters go to now, one of `relays`; empty where there is none to tell.
    `bounce_domain`: where each letter has a return address of its own; None: reports go to the sender.
    """

    base_url: str
    captures: bool = False
    in_flight: int = 256
    connections: int = 4
    rate: float | None = None
    domain_rates: Mapping[str, float] = field(default_factory=dict)
    warm_up: WarmUp | None = None
    relays: tuple[str, ...] = ()
    avoid: Callable[[Collection[str]], object] = lambda _names: None
    in_use: Callable[[], str] = lambda: ""
    idempotency_header: str = ""
    unknown_grace: timedelta = timedelta(minutes=10)
    render_errors: int = 5
    mark_folder: Path | None = None
    lanes: Literal["all", "service", "others"] = "all"
    bounce_domain: str | None = None
    signer: Callable[[str, datetime], Sign | None] = lambda _domain, _now: None


@dataclass(slots=True)
class Sent:
    """What one sweep did, by word: accepted, deferred, rejected, unknown, failed, cancelled, missed, moved, returned."""

    counts: Counter[str] = field(default_factory=Counter)

    @property
    def accepted(self) -> int:
        return self.counts["accepted"]

    @property
    def handed(self) -> int:
        """Letters that reached the wire."""
        return sum(self.counts[word] for word in ("accepted", "deferred", "rejected", "unknown"))


GoOn = Callable[[], bool]
