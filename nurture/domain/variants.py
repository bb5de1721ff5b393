"""Variants of a campaign's letter, and who gets which: by a stable hash of the occasion and the person, never by chance.

Variant `a` is the letter as it is written; `b`, `c`, `d` are those listed under `variants`.
"""

import hashlib
from datetime import timedelta
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from nurture.domain.letters import CallToAction, Document, Letter
from nurture.domain.scalars import Duration, HeaderText, Percent

NAMES = "abcd"
FIRST = "a"


class Variant(Document):
    """What differs from the letter as it is written; all else is the same."""

    subject: HeaderText | None = Field(default=None, min_length=1)
    preheader: HeaderText | None = None
    call_to_action: CallToAction | None = None
    body: str | None = Field(default=None, min_length=1, max_length=200_000)
    template: str | None = Field(default=None, pattern=r"^letters/[a-z0-9][a-z0-9_-]*$")

    @model_validator(mode="after")
    def _differs(self) -> "Variant":
        if not self.model_dump(exclude_none=True):
            raise ValueError("a variant says what differs: a `subject`, `preheader`, `call_to_action`, `body` or `template`")
        if self.body is not None and self.template is not None:
            raise ValueError("a variant has `body` or `template`, and not both")
        return self


Outcome: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,79}$")]


class Trial(Document):
    """How variants are compared. `outcome`: `clicked`, or the name of a conversion such as `purchase`. `share` of the people take part;
    with `then: winner` the others wait, at most `within`, and get the winner, or the letter as written where none can be told.
    """

    share: Percent = 1.0
    outcome: Outcome = "clicked"
    then: Literal["winner"] | None = None
    within: Duration = timedelta(days=1)

    @model_validator(mode="after")
    def _coherent(self) -> "Trial":
        if not 0 < self.share <= 1:
            raise ValueError("the `share` of a test is above 0% and at most 100%")
        if (self.then == "winner") is not (self.share < 1):
            raise ValueError("`then: winner` is for a test on a `share` below 100%, such as 20%, and such a share needs it")
        return self


def letter_of(letter: Letter | None, variant: Variant) -> Letter:
    """The whole letter of a variant. Raises ValueError where there is none to vary."""
    if letter is None:
        raise ValueError("there is no letter to vary")
    changed = variant.model_dump(exclude_none=True)
    if variant.body is not None:
        changed["template"] = None
    elif variant.template is not None:
        changed["body"] = None
    return letter.model_copy(update=changed)


def point(*words: str) -> float:
    """A number in [0, 1) that these words always give."""
    digest = hashlib.blake2b("\x00".join(words).encode(), digest_size=8, person=b"nurture-variants").digest()
    return int.from_bytes(digest, "big") / 2**64


def held_out(campaign: str, subscriber_id: int, share: float) -> bool:
    """Whether this person never gets the campaign: the same ones on every occasion, and under a larger share those and others."""
    return share > 0 and point("holdout", campaign, str(subscriber_id)) < share


def variant_for(campaign: str, occasion: str, subscriber_id: int, arms: int, share: float) -> str | None:
    """The variant of a person who takes part in the test, None for one who does not. `arms`: how many there are, with the first."""
    if share < 1 and point("share", campaign, occasion, str(subscriber_id)) >= share:
        return None
    return NAMES[int(point("variant", campaign, occasion, str(subscriber_id)) * arms)]
