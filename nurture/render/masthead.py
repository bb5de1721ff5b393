"""What all letters of one stream share, and the general way to write one of them."""

from dataclasses import dataclass

from nurture.domain.documents import Sender
from nurture.domain.envelopes import Sign
from nurture.domain.readers import Reader
from nurture.domain.tokens import Purpose, TokenKey, of_nobody, sign_each
from nurture.domain.words import Tracking
from nurture.render.message import Heading, enclose
from nurture.render.occasions import Occasion
from nurture.render.rendering import Addressed, Forward, LetterTemplate, render

_PURPOSES = (Purpose.LEAVE, Purpose.OPEN, Purpose.CLICK, Purpose.PREFERENCES, Purpose.ARCHIVE, Purpose.ANSWER)
COUNTED = (Purpose.OPEN, Purpose.CLICK)
_SERVICE_PURPOSES = (Purpose.CONFIRM, Purpose.ANSWER)  # a service letter is not tracked and cannot be left


@dataclass(frozen=True, slots=True)
class Masthead:
    """What all letters of one stream share. `service`: of the kind that is not tracked and cannot be left. `key` signs the links.

    `forward`: what readers may pass on, None where the policy has nothing for it.
    """

    base_url: str
    sender: Sender
    postal_address: str
    heading: Heading
    service: bool
    key: TokenKey
    forward: Forward | None = None

    @property
    def base(self) -> str:
        return self.base_url.rstrip("/")

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        return _SERVICE_PURPOSES if self.service else (*_PURPOSES, Purpose.REFERRAL) if self.forward else _PURPOSES

    def tokens_of_nobody(self, version: int) -> dict[Purpose, str]:
        """What stands in links and pixel for people who allow counts alone."""
        return {} if self.service else {purpose: of_nobody(purpose, version, self.key) for purpose in COUNTED}

    @property
    def reply_to(self) -> str:
        return self.sender.reply_to or self.sender.address

    def head(self, reader: Reader, occasion: Occasion, subject: str, leave: bytes) -> bytes:
        """The header block of one letter; `leave` as heading.leave() gives it."""
        name = reader.name or reader.first_name
        return self.heading.block(reader.email, name, subject, occasion.now, occasion.message_id, leave)


def write_generally(template: LetterTemplate, masthead: Masthead, reader: Reader, occasion: Occasion, sign: Sign | None = None) -> bytes:
    """The complete message by Jinja alone, within its budget. Raises NurtureError when the letter cannot be written for this person."""
    signed = sign_each(masthead.purposes, occasion.delivery, reader.subscriber_id, occasion.version, masthead.key)
    tokens = {purpose: token.decode() for purpose, token in zip(masthead.purposes, signed, strict=True)}
    if reader.tracking is Tracking.AGGREGATE:
        tokens |= masthead.tokens_of_nobody(occasion.version)
    addressed = Addressed(
        base_url=masthead.base,
        tokens=tokens,
        today=occasion.today,
        sender_name=masthead.sender.name,
        postal_address=masthead.postal_address,
        why=occasion.why,
        reply_to=masthead.reply_to,
        data=occasion.data,
        forward=masthead.forward,
    )
    rendered = render(template, reader, addressed)
    return enclose(rendered, masthead.head(reader, occasion, rendered.subject, masthead.heading.leave(rendered.unsubscribe_url)), sign)
