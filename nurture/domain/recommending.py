"""Recommenders: whose recommendation counts, how constant they are, and the words that readers pass on.

Constant, rare, never: how practice tells recommenders apart ("Ask after praise; give a reason, a benefit to both, and a text to forward").
It names the three and draws no line between them; these are ours:

- constant: by this person three people or more joined within the last year, over thirty days at least: a habit, not one evening;
- rare: by this person somebody joined, ever;
- never: nobody did.

Somebody joined when they confirmed by their own POST. They count once, for whoever brought them first, and only if they were not known
before; nobody brings themselves.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from nurture.domain.letters import Document
from nurture.domain.scalars import Slug

YEAR = timedelta(days=365)
CONSTANT_PEOPLE, CONSTANT_OVER = 3, timedelta(days=30)
LINK = "{link}"
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})
_WORDS = {
    "en": "I read these letters and thought of you. If you like, you can have them too: {link}",
    "de": "Ich lese diese Briefe und habe dabei an dich gedacht. Wenn du magst, kannst du sie auch bekommen: {link}",
    "pl": "Czytam te listy i przyszło mi do głowy, że mogą Ci się przydać. Też możesz je dostawać: {link}",
    "ru": "Я читаю эти письма и вспомнил о тебе. Если захочешь, можешь получать их тоже: {link}",
}


class Recommend(Document):
    """`form`: where a recommendation leads. `text`: what readers may pass on, `{link}` being their own link; a plain one if not told."""

    form: Slug
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)] | None = Field(default=None)


class Recommending(StrEnum):
    CONSTANT = "constant"
    RARE = "rare"
    NEVER = "never"


def words_of(recommend: Recommend, locale: str) -> str:
    """The policy's text, else a plain one in the workspace's language."""
    return recommend.text or _WORDS.get(locale.split("-", maxsplit=1)[0].lower(), _WORDS["en"])


def forward_text(text: str, link: str) -> str:
    """What a reader may pass on, with their link; it stands at the end where the text has no place for it."""
    return text.replace(LINK, link) if LINK in text else f"{text} {link}"


def standing(joined: Iterable[datetime], now: datetime) -> Recommending:
    """`joined`: when each person whom they brought confirmed."""
    moments = list(joined)
    lately = [moment for moment in moments if now - YEAR <= moment <= now]
    if len(lately) >= CONSTANT_PEOPLE and max(lately) - min(lately) >= CONSTANT_OVER:
        return Recommending.CONSTANT
    return Recommending.RARE if moments else Recommending.NEVER


def same_mailbox(one: str, other: str) -> bool:
    """Whether two normalised addresses lead to one mailbox: what stands behind a `+` does not count, nor do Gmail's dots (RFC 5233)."""
    return mailbox(one) == mailbox(other)


def mailbox(address: str) -> tuple[str, str]:
    """(local part, domain) of the mailbox that a normalised address leads to."""
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0] or local
    return (local.replace(".", ""), "gmail.com") if domain in _DOTLESS else (local, domain)
