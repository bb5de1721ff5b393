"""A rule as a marketer writes it: when something happens to a person, and if a condition holds then, these things are done.

Matching is domain/reacting.py; what is done, services/reacting.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag, model_validator

from nurture.domain.conditions import Condition, check_choice
from nurture.domain.letters import Document
from nurture.domain.people import read_tag
from nurture.domain.scalars import Slug
from nurture.domain.webhooks import refused_literal
from nurture.domain.words import Engagement, EventType, Flag, Kind, Temperature

MERGE = re.compile(r"{{\s*([^{}]*?)\s*}}")
TASK_NAMES = ("name", "first_name", "patronymic", "email")
MOVES: dict[str, tuple[str, ...]] = {
    "engagement": tuple(e.value for e in Engagement),
    "temperature": tuple(t.value for t in Temperature),
    "flag": tuple(f.value for f in Flag),
}
Stage = Literal["entered", "done", "exited", "goal"]


class Moved(Document):
    """A move between classes or temperatures, or a flag that came (`to`) or went (`from`)."""

    moved: Literal["engagement", "temperature", "flag"]
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None

    @model_validator(mode="after")
    def _known_words(self) -> Moved:
        for key, word in (("from", self.from_), ("to", self.to)):
            if word is not None and word not in MOVES[self.moved]:
                raise ValueError(f"{word!r} is no {self.moved} to move {key}; write {', '.join(MOVES[self.moved])}")
        if self.moved == "flag" and self.from_ and self.to:
            raise ValueError("flags come and go one by one; write `to` for one that comes or `from` for one that goes")
        return self


class Happened(Document):
    """An event of human evidence, narrowed by the same words as the condition `did`."""

    did: EventType
    letter: str | None = None
    kind: Kind | None = None
    link: str | None = None
    name: str | None = None
    choice: str | None = None

    @model_validator(mode="after")
    def _choice_of_a_question(self) -> Happened:
        check_choice(self.did, self.name, self.choice)
        return self


class Reached(Document):
    """A stage of a way: entered, done with all letters, exited before, or at its goal."""

    stage: Stage
    sequence: Slug


CAUSE_WORDS: dict[str, type[Document]] = {"moved": Moved, "did": Happened, "stage": Reached}


def _cause_word(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((w for w in CAUSE_WORDS if w in value), None)
    return next((w for w, model in CAUSE_WORDS.items() if type(value) is model), None)


When = Annotated[
    Annotated[Moved, Tag("moved")] | Annotated[Happened, Tag("did")] | Annotated[Reached, Tag("stage")],
    Discriminator(
        _cause_word,
        custom_error_type="value_error",
        custom_error_context={
            "error": "this is nothing a rule waits for; write {moved: temperature, to: hot}, {did: clicked, kind: sales} or "
            "{stage: done, sequence: welcome}"
        },
    ),
]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/@]+(/\S*)?$", max_length=2000)]
TaskText = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Action(Document):
    """One thing to do: enter or leave a sequence, give or take a tag, a task for a person in the team, a webhook."""

    enter: Slug | None = None
    leave: Slug | None = None
    tag: str | None = Field(default=None, min_length=1, max_length=100)
    untag: str | None = Field(default=None, min_length=1, max_length=100)
    task: TaskText | None = None
    webhook: Url | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Action:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("each line of `then` does exactly one thing; write enter, leave, tag, untag, task or webhook")
        for word in (self.tag, self.untag):
            if word is not None and read_tag(word) != word:
                raise ValueError(f"{word!r} is not how a tag is stored; write {read_tag(word)!r}")
        if self.webhook is not None and (refusal := refused_literal(self.webhook)):
            raise ValueError(f"no webhook goes there: {refusal}; write the name of a machine on the open internet")
        for name in MERGE.findall(self.task or ""):
            if name not in TASK_NAMES and not re.fullmatch(r"fields\.\S+", name):
                raise ValueError(f"a task knows no {{{{ {name} }}}}; use {', '.join(TASK_NAMES)} or fields.<name>")
        return self


class Rule(Document):
    """What is done when something happens. Live unless `state: draft`; it acts on what happens after it was applied.

    `once`: for every event anew, or only the first time for each person.
    """

    name: Slug = Field(alias="rule")
    title: str = ""
    state: Literal["live", "draft"] = "live"
    when: When
    if_: Condition | None = Field(default=None, alias="if")
    then: Annotated[tuple[Action, ...], Field(min_length=1, max_length=20)]
    once: Literal["per event", "per person"] = "per event"
