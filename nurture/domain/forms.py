"""The forms by which people join: part of the policy, one for each place they stand in."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from nurture.domain.letters import Document
from nurture.domain.scalars import HeaderText, Slug

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Form(Document):
    """`text`: what people agree to; its wording is kept with every consent. `topics`: those they may choose among; all when none is named.

    `tags`: put on everybody who joins here. `ask`: what else is asked for; `tracking` is what may be counted, which the
    policy says where nothing is ticked. `locale`: the form's language; the visitor's unless told.
    """

    title: HeaderText
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2_000)]
    topics: tuple[Slug, ...] = ()
    tags: tuple[Tag, ...] = ()
    ask: tuple[Literal["first_name", "name", "tracking"], ...] = ("first_name",)
    locale: Literal["en", "de", "pl", "ru"] | None = Field(default=None)
