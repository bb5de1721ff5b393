"""From a claimed row to the bytes that leave: the person, the compiled letter, the signed links, the headers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from nurture.domain.documents import Policy, Sender
from nurture.domain.envelopes import Envelope, Sign
from nurture.domain.errors import NurtureError
from nurture.domain.letterbook import LetterBook
from nurture.domain.readers import Reader, why
from nurture.domain.recommending import words_of
from nurture.domain.return_address import return_address
from nurture.domain.tokens import TokenKey
from nurture.domain.words import Kind
from nurture.render.masthead import Masthead, write_generally
from nurture.render.message import heading
from nurture.render.occasions import Occasion
from nurture.render.rendering import Forward, prepare
from nurture.render.stencil import Stencil, stencil
from nurture.services.sending.desk import Prepared
from nurture.services.sending.rules import UNSET_SENDER, SendingRules
from nurture.store.claims import Claimed, Intent


class Outgoing(NamedTuple):
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
    """Writes the letters of one sweep. `key` signs the links, `sign` the whole letter. `clean`: see Envelope."""

    rules: SendingRules
    book: LetterBook
    key: TokenKey
    sign: Sign | None = None
    clean: bool = False

    @classmethod
    def of(cls, rules: SendingRules, book: LetterBook, key: TokenKey, now: datetime) -> "Writer":
        """Signing as the sender's domain can. Raises NurtureError where its DKIM key cannot be read: unsigned nothing leaves then."""
        sender = book.policy.sender or UNSET_SENDER
        clean = f"{sender.address}{sender.reply_to}".isascii()
        return cls(rules, book, key, rules.signer(sender.address.rsplit("@", 1)[1], now), clean)

    @property
    def policy(self) -> Policy:
        return self.book.policy

    @property
    def sender(self) -> Sender:
        return self.policy.sender or UNSET_SENDER

    def write(
        self, rows: Sequence[Claimed], lane: str, versions: Mapping[int, Prepared], people: Mapping[int, Reader], now: datetime
    ) -> Iterator[Outgoing | Unwritable]:
        """Every row becomes bytes or a fault, when the next one is asked for; one bad row harms no other."""
        press = _Press(self, lane, versions, now)
        for row in rows:
            try:
                written: Outgoing | Unwritable = press.one(row, people.get(row.subscriber_id))
            except NurtureError as error:
                written = Unwritable(row, error.message)
            except Exception as error:  # noqa: BLE001 - whatever a letter does, it fails alone
                written = Unwritable(row, f"{type(error).__name__}: {error}")
            yield written

    def masthead(self, lane: str, kind: Kind) -> Masthead:
        """What the letters of this kind in this lane share. Raises NurtureError on a sender that could not be mailed."""
        sender, stream, service = self.sender, _stream(lane), kind is Kind.SERVICE
        source, domain = lane.split(":", 1)[0], sender.address.rsplit("@", 1)[1]
        top = heading(
            sender,
            list_id="" if service else f"{stream}.{domain}",
            unsubscribe_mailto=f"{sender.reply_to or sender.address}?subject=unsubscribe",
            feedback_id=f"{stream}:{kind.value}:{source}:{_short(sender.address)}",
        )
        return Masthead(self.rules.base_url, sender, self.policy.postal_address or "", top, service, self.key, self._forward())

    def _forward(self) -> Forward | None:
        found = self.policy.recommend
        return Forward(found.form, words_of(found, self.policy.locale)) if found else None


class _Press:
    """Writes one slice of a lane: what its letters have in common is looked up once."""

    def __init__(self, writer: Writer, lane: str, versions: Mapping[int, Prepared], now: datetime) -> None:
        self.writer, self.lane, self.versions, self.now = writer, lane, versions, now
        self.sign, self.clean, self.sender = writer.sign, writer.clean, writer.sender.address
        self.header, self.bounces = writer.rules.idempotency_header, writer.rules.bounce_domain
        self.mastheads: dict[Kind, Masthead] = {}
        self.letters: dict[tuple[int, Kind], tuple[str | None, Stencil]] = {}
        self.days: dict[str, tuple[str, date]] = {}

    def one(self, row: Claimed, reader: Reader | None) -> Outgoing:
        if reader is None:
            raise NurtureError("The person is no longer there.")
        zone, today = self.days.get(reader.zone) or self._day(reader.zone)
        occasion = Occasion(row.id, row.version_id, row.message_id, self.now, today, why(reader))
        if row.payload:
            topic, message = self._own_words(row, row.payload, reader, occasion)
        else:
            topic, letter = self.letters.get((row.version_id, row.kind)) or self._letter(row)
            message = letter.write(reader, occasion, self.sign)
        if self.header:
            message = f"{self.header}: {row.message_id[1:].partition('@')[0]}\r\n".encode() + message
        sender = self._comes_back_to(row, self.bounces) if self.bounces else self.sender
        envelope = Envelope(row.id, sender, reader.email, message, row.message_id, self.clean)
        return Outgoing(row, Intent(row.id, row.fence, zone, today, topic), envelope)

    def _comes_back_to(self, row: Claimed, domain: str) -> str:
        """The envelope's sender where this service gets the mail of a domain: a return address of the letter's own."""
        return return_address(row.id, row.subscriber_id, row.version_id, domain, self.writer.key)

    def _own_words(self, row: Claimed, payload: Mapping[str, Any], reader: Reader, occasion: Occasion) -> tuple[str | None, bytes]:
        """A letter that somebody asked for: with data for this one person, perhaps with words of its own."""
        occasion.data = payload.get("data") or {}
        if "content" in payload:
            topic, template = None, prepare(payload["content"], payload.get("links") or [])
        else:
            topic, letter = self._letter(row)
            template = letter.template
        return topic, write_generally(template, self._masthead(row.kind), reader, occasion, self.sign)

    def _letter(self, row: Claimed) -> tuple[str | None, Stencil]:
        """The topic and the stencil of a stored version."""
        found = self.versions.get(row.version_id)
        if found is None:
            raise NurtureError("The letter's version is not stored any more.")
        if found.template is None:
            raise NurtureError(found.fault)
        topic = None if row.kind is Kind.SERVICE else self.writer.book.topic(found.name)
        self.letters[row.version_id, row.kind] = (topic, stencil(found.template, self._masthead(row.kind)))
        return self.letters[row.version_id, row.kind]

    def _masthead(self, kind: Kind) -> Masthead:
        if kind not in self.mastheads:
            self.mastheads[kind] = self.writer.masthead(self.lane, kind)
        return self.mastheads[kind]

    def _day(self, name: str) -> tuple[str, date]:
        """The zone in force for people of the zone `name`, and their date now."""
        zone = self.writer.book.zone(name)
        self.days[name] = (zone.key, self.now.astimezone(zone).date())
        return self.days[name]


def _stream(lane: str) -> str:
    """`sequence:roofing-school` -> `roofing-school`."""
    return lane.split(":", 1)[-1]


def _short(address: str) -> str:
    """The stable last field of Feedback-ID: 5 to 15 characters."""
    return address.rsplit("@", 1)[1].replace(".", "")[:15].ljust(5, "x")
