"""From a claimed row to the bytes that leave: the person, the compiled letter, the signed links, the headers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.documents import Policy, Sender
from nurture.domain.envelopes import Envelope, Sign
from nurture.domain.errors import NurtureError
from nurture.domain.letterbook import LetterBook
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, Token, TokenKey, sign
from nurture.domain.words import Kind
from nurture.render.message import assemble
from nurture.render.rendering import Addressed, LetterTemplate, prepare, render
from nurture.services.sending.desk import Prepared
from nurture.services.sending.rules import UNSET_SENDER, SendingRules
from nurture.store.claims import Claimed, Intent

_PURPOSES = (Purpose.OPEN, Purpose.CLICK, Purpose.LEAVE, Purpose.PREFERENCES, Purpose.ARCHIVE)
_SERVICE_PURPOSES = (Purpose.CONFIRM,)  # a service letter is not tracked and cannot be left
_WHY = {
    "en": ("You have been getting these letters since {day}.", "You have been getting these letters since {day}; you came by {source}."),
    "de": ("Sie bekommen diese Briefe seit dem {day}.", "Sie bekommen diese Briefe seit dem {day}; Sie kamen über {source}."),
    "pl": ("Otrzymujesz te listy od {day}.", "Otrzymujesz te listy od {day}; źródło: {source}."),
    "ru": ("Вы получаете эти письма с {day}.", "Вы получаете эти письма с {day}; источник: {source}."),
}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A written letter on its way to the intent."""

    row: Claimed
    intent: Intent
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Unwritable:
    row: Claimed
    fault: str


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the letters of one sweep. `key` signs the links, `sign` the whole letter."""

    rules: SendingRules
    book: LetterBook
    key: TokenKey
    sign: Sign | None = None

    @classmethod
    def of(cls, rules: SendingRules, book: LetterBook, key: TokenKey, now: datetime) -> "Writer":
        """Signing as the sender's domain can. Raises NurtureError where its DKIM key cannot be read: unsigned nothing leaves then."""
        sender = book.policy.sender or UNSET_SENDER
        return cls(rules, book, key, rules.signer(sender.address.rsplit("@", 1)[1], now))

    @property
    def policy(self) -> Policy:
        return self.book.policy

    @property
    def sender(self) -> Sender:
        return self.policy.sender or UNSET_SENDER

    def write(
        self, rows: Sequence[Claimed], lane: str, versions: Mapping[int, Prepared], people: Mapping[int, Reader], now: datetime
    ) -> tuple[list[Outgoing], list[Unwritable]]:
        """Every row becomes bytes or a fault; one bad row harms no other."""
        ready: list[Outgoing] = []
        faults: list[Unwritable] = []
        for row in rows:
            try:
                ready.append(self._one(row, lane, versions, people, now))
            except NurtureError as error:
                faults.append(Unwritable(row, error.message))
            except Exception as error:  # noqa: BLE001 - whatever a letter does, it fails alone
                faults.append(Unwritable(row, f"{type(error).__name__}: {error}"))
        return ready, faults

    def _one(
        self, row: Claimed, lane: str, versions: Mapping[int, Prepared], people: Mapping[int, Reader], now: datetime
    ) -> Outgoing:  # fmt: skip
        reader = people.get(row.subscriber_id)
        if reader is None:
            raise NurtureError("The person is no longer there.")
        name, template = _template(row, versions)
        zone = self.book.zone(reader.zone)
        today = now.astimezone(zone).date()
        rendered = render(template, reader, self._addressed(row, reader, today=today))
        service = row.kind is Kind.SERVICE
        message = assemble(
            rendered, sender=self.sender, to=reader.email, to_name=reader.name or reader.first_name, message_id=row.message_id, date=now,
            list_id="" if service else f"{_stream(lane)}.{self.sender.address.rsplit('@', 1)[1]}",
            unsubscribe_url=None if service else rendered.unsubscribe_url,
            unsubscribe_mailto=f"{self.sender.reply_to or self.sender.address}?subject=unsubscribe",
            feedback_id=f"{_stream(lane)}:{row.kind.value}:{lane.split(':', 1)[0]}:{_short(self.sender.address)}",
            sign=self.sign,
        )  # fmt: skip
        if self.rules.idempotency_header:
            message = f"{self.rules.idempotency_header}: {row.message_id[1:].partition('@')[0]}\r\n".encode() + message
        intent = Intent(row.id, row.fence, zone.key, today, None if service else self.book.topic(name))
        return Outgoing(row, intent, Envelope(row.id, self.sender.address, reader.email, message, row.message_id))

    def _addressed(self, row: Claimed, reader: Reader, today: Any) -> Addressed:
        purposes = _SERVICE_PURPOSES if row.kind is Kind.SERVICE else _PURPOSES
        return Addressed(
            base_url=self.rules.base_url,
            tokens={p: sign(Token(p, row.id, row.subscriber_id, row.version_id), self.key) for p in purposes},
            today=today,
            sender_name=self.sender.name,
            postal_address=self.policy.postal_address or "",
            why=why(reader),
            reply_to=self.sender.reply_to or self.sender.address,
            data=(row.payload or {}).get("data") or {},
        )


def _template(row: Claimed, versions: Mapping[int, Prepared]) -> tuple[str, LetterTemplate]:
    """The stored version; a service letter that was given as words carries its own."""
    payload = row.payload or {}
    if "content" in payload:
        return "", prepare(payload["content"], payload.get("links") or [])
    found = versions.get(row.version_id)
    if found is None:
        raise NurtureError("The letter's version is not stored any more.")
    if found.template is None:
        raise NurtureError(found.fault)
    return found.name, found.template


def why(reader: Reader) -> str:
    """Since when and from where: the sentence every letter owes its reader, in their language."""
    if reader.joined_at is None:
        return ""
    plain, with_source = _WHY.get(reader.locale.split("-")[0].lower(), _WHY["en"])
    return (with_source if reader.source else plain).format(day=reader.joined_at.date().isoformat(), source=reader.source)


def _stream(lane: str) -> str:
    """`sequence:roofing-school` -> `roofing-school`."""
    return lane.split(":", 1)[-1]


def _short(address: str) -> str:
    """The stable last field of Feedback-ID: 5 to 15 characters."""
    return address.rsplit("@", 1)[1].replace(".", "")[:15].ljust(5, "x")
