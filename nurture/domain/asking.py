"""A question as a marketer writes it: choices, a rating, a quiz or open words alone. Letters ask it, people answer on a page of its own.

The address of a choice, `question:<question>/<choice>`, stands in events where a link stands in clicks: one word for both, so that
conditions and rules find an answer by its choice (docs/decisions/0015-questions-and-answers.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints, model_validator

from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Document, Letter
from nurture.domain.scalars import HeaderText, Slug
from nurture.domain.words import Kind

TEXT_MOST = 4_000
NAME_MOST = 80
CHOICES_MOST = 20
Words = Annotated[HeaderText, StringConstraints(min_length=1, max_length=300)]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}( \d{2}:\d{2})?$")]


class Option(Document):
    """One of the answers that may be chosen; a list, since the order in which they stand is part of the question."""

    id: Slug
    text: Words


class Worth(Option):
    points: int = Field(default=0, ge=-100, le=100)


class QuizStep(Document):
    """One of the questions of a quiz; each choice brings points."""

    id: Slug
    text: Words
    choices: Annotated[tuple[Worth, ...], Field(min_length=2, max_length=CHOICES_MOST)]

    def points(self, choice: str) -> int | None:
        """None for a choice that there is not."""
        return next((one.points for one in self.choices if one.id == choice), None)


class Band(Document):
    """A stretch of scores, from `from` up to the next band: what the page says there, and the letter that follows."""

    id: Slug
    from_: int = Field(alias="from")
    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
    letter: Letter | None = None


class Draw(Document):
    """Prizes among those who answered: a seed is drawn when the question is stored, and only its hash is shown until the draw."""

    winners: int = Field(default=1, ge=1, le=1_000)
    prize: Words


class Wording(Document):
    """All words of a question in another language. `choices`: by id; of a quiz the questions (`age`) and their choices (`age/young`)."""

    title: HeaderText = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    choices: Mapping[str, Words] = Field(default_factory=dict)
    bands: Mapping[str, Annotated[str, StringConstraints(min_length=1, max_length=2_000)]] = Field(default_factory=dict)
    prize: Words | None = None
    thanks: Annotated[str, StringConstraints(max_length=2_000)] = ""


class Question(Document):
    """`text` is what is asked; `choices`, `rating` (1 to so many) or a `quiz` say how it is answered, none of them: in own words alone.

    `open`: a field for own words stands above the choices. `one_click`: a click on a choice counts when nothing speaks against a person
    behind it; else only the button on the page counts. `closes`: a date (its end) or a minute of the workspace's clock. `in`: the same in
    other languages; ids, and so answers, are one.
    """

    name: Slug = Field(alias="question")
    title: HeaderText = ""
    text: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    choices: Annotated[tuple[Option, ...], Field(min_length=2, max_length=CHOICES_MOST)] | None = None
    rating: int | None = Field(default=None, ge=2, le=10)
    quiz: Annotated[tuple[QuizStep, ...], Field(min_length=1, max_length=30)] | None = None
    bands: tuple[Band, ...] = ()
    open: bool = True
    one_click: bool = False
    closes: Moment | None = None
    draw: Draw | None = None
    thanks: Annotated[str, StringConstraints(max_length=2_000)] = ""
    result: Letter | None = None
    in_: Mapping[Literal["en", "de", "pl", "ru"], Wording] = Field(default_factory=dict, alias="in")

    @model_validator(mode="after")
    def _coherent(self) -> Question:
        ways = [word for word in ("choices", "rating", "quiz") if getattr(self, word) is not None]
        if len(ways) > 1:
            raise ValueError(f"a question is answered in one way; keep one of {' and '.join(ways)}")
        if not ways and not self.open:
            raise ValueError("nothing is left to answer with; give it choices, a rating or a quiz, or leave `open` on")
        if self.one_click and (self.draw or self.quiz or not ways):
            raise ValueError("`one_click` fits choices and ratings without a draw; a quiz and a draw count what the button sent")
        if self.draw and self.closes is None:
            raise ValueError("a draw needs `closes`: nobody can take part after it")
        if self.closes is not None:
            _minute(self.closes)
        for what, ids in self._names():
            twice = next((one for one in ids if ids.count(one) > 1), None)
            if twice is not None:
                raise ValueError(f"the {what} {twice!r} stands twice; every one is used once")
        if self.bands and self.quiz is None:
            raise ValueError("`bands` belong to a quiz; give the question a quiz, or take them out")
        if self.bands and min(band.from_ for band in self.bands) > self.scores[0]:
            raise ValueError(f"a score of {self.scores[0]} is possible and leads to no band; let the lowest begin there")
        for letter in self.letters:
            if letter.kind is not Kind.SERVICE:
                raise ValueError(f"the letter {letter.id} answers what people did here; write `kind: service`")
        return self

    @model_validator(mode="after")
    def _whole_in_each_language(self) -> Question:
        for language, wording in self.in_.items():
            for what, ours, theirs in self._worded(wording):
                if lacks := [one for one in ours if one not in theirs]:
                    raise ValueError(f"`in: {language}` has no words for {what} {lacks[0]}; a question is whole in each of its languages")
                if strange := [one for one in theirs if one not in ours]:
                    raise ValueError(f"`in: {language}` has words for {what} {strange[0]!r}, which the question does not have")
        return self

    def _worded(self, wording: Wording) -> Iterator[tuple[str, list[str], list[str]]]:
        """What a translation says, by what the question has: (of what, what there is, what there are words for)."""
        yield "the", ["title"] * bool(self.title), ["title"] * bool(wording.title)
        yield "the", ["prize"] * bool(self.draw), ["prize"] * bool(wording.prize)
        quiz = [name for step in self.quiz or () for name in (step.id, *(f"{step.id}/{choice.id}" for choice in step.choices))]
        yield "the choice", [choice.id for choice in self.choices or ()] + quiz, list(wording.choices)
        yield "the band", [band.id for band in self.bands], list(wording.bands)

    def spoken(self, locale: str | None) -> Question:
        """The question in this language where it has words for it; else as it was written."""
        said = self.in_.get((locale or "").replace("_", "-").split("-", maxsplit=1)[0].lower())  # type: ignore[call-overload]
        if said is None:
            return self
        words = said.choices
        choices = self.choices and tuple(one.model_copy(update={"text": words[one.id]}) for one in self.choices)
        quiz = self.quiz and tuple(
            step.model_copy(update={"text": words[step.id], "choices": tuple(
                one.model_copy(update={"text": words[f"{step.id}/{one.id}"]}) for one in step.choices
            )})
            for step in self.quiz
        )  # fmt: skip
        bands = tuple(band.model_copy(update={"text": said.bands[band.id]}) for band in self.bands)
        draw = self.draw and self.draw.model_copy(update={"prize": said.prize})
        told = {"title": said.title, "text": said.text, "thanks": said.thanks}
        return self.model_copy(update=told | {"choices": choices, "quiz": quiz, "bands": bands, "draw": draw})

    def _names(self) -> Iterator[tuple[str, list[Any]]]:
        """What must not stand twice."""
        yield "choice", [choice.id for choice in self.choices or ()]
        for step in self.quiz or ():
            yield "choice", [choice.id for choice in step.choices]
        yield "question of the quiz", [step.id for step in self.quiz or ()]
        yield "band", [band.id for band in self.bands]
        yield "score of a band", [band.from_ for band in self.bands]
        yield "letter", [letter.id for letter in self.letters]

    @property
    def letters(self) -> tuple[Letter, ...]:
        """Those of the bands, then the result."""
        return tuple(x for x in (*(band.letter for band in self.bands), self.result) if x is not None)

    @property
    def heading(self) -> str:
        return self.title or self.text

    @property
    def options(self) -> Mapping[str, str]:
        """What may be chosen with one press, by id: the choices, or the steps of the rating."""
        if self.rating is not None:
            return {str(n): str(n) for n in range(1, self.rating + 1)}
        return {choice.id: choice.text for choice in self.choices or ()}

    @property
    def outcomes(self) -> Mapping[str, str]:
        """What an answer may stand under in events and reports: the options, or the bands of a quiz."""
        return {band.id: band.text for band in self.bands} if self.quiz else self.options

    @property
    def scores(self) -> tuple[int, int]:
        """The lowest and the highest score of the quiz."""
        points = [[choice.points for choice in step.choices] for step in self.quiz or ()]
        return sum(map(min, points)), sum(map(max, points))

    def band(self, score: int) -> Band | None:
        """The band that a score falls into; None where the quiz has none."""
        reached = [band for band in self.bands if band.from_ <= score]
        return max(reached, key=lambda band: band.from_, default=None)

    def closes_at(self, zone: str) -> datetime | None:
        """The first instant at which it is closed; `zone` names the workspace's clock."""
        return None if self.closes is None else _minute(self.closes).replace(tzinfo=ZoneInfo(zone))

    def is_closed(self, zone: str, now: datetime) -> bool:
        until = self.closes_at(zone)
        return until is not None and until <= now


def _minute(written: str) -> datetime:
    """`2026-12-31` is its end, `2026-12-31 18:00` that minute, both by the wall clock."""
    day, _, clock = written.partition(" ")
    try:
        if clock:
            return datetime.fromisoformat(f"{day}T{clock}")
        return datetime.combine(datetime.fromisoformat(day), time()) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{written!r} is no date; write 2026-12-31 or 2026-12-31 18:00") from error


def choice_address(question: str, choice: str) -> str:
    """What stands in `url` of an event where somebody chose."""
    return f"question:{question}/{choice}"


def choice_of(address: str | None, question: str) -> str | None:
    """The choice of an address of this question."""
    prefix = choice_address(question, "")
    return address.removeprefix(prefix) or None if address and address.startswith(prefix) else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said. `choice`: the option, or the band of a quiz. `value`: the rating or the score. `named`: the name under which
    a winner may be named in public, empty where they did not agree.
    """

    choice: str | None = None
    value: float | None = None
    text: str = ""
    named: str = ""
    steps: Mapping[str, str] = field(default_factory=dict)

    def detail(self, how: str) -> dict[str, Any]:
        """As an event keeps it."""
        told = {"choice": self.choice, "text": self.text, "named": self.named, "steps": dict(self.steps)}
        return {"how": how} | {name: value for name, value in told.items() if value}


NOTHING_CHOSEN = "choose one of the answers, or write your own"
STEP_MISSING = "answer every question of the quiz"


def read_answer(question: Question, given: Mapping[str, str]) -> Answer:
    """What a form says: `choice`, `text`, `named`, and `step.<id>` of a quiz. Raises NurtureError for what answers nothing."""
    text = _clean(given.get("text", ""))[:TEXT_MOST] if question.open else ""
    named = " ".join(_clean(given.get("named", "")).split())[:NAME_MOST] if question.draw else ""
    if question.quiz is not None:
        return _quiz_answer(question, given, text, named)
    choice = given.get("choice") or None
    if choice is not None and choice not in question.options:
        raise NurtureError(f"{choice[:80]!r} is no answer to {question.name}; {NOTHING_CHOSEN}", ErrorKind.INVALID)
    if choice is None and not text:
        raise NurtureError(NOTHING_CHOSEN, ErrorKind.INVALID)
    return Answer(choice, float(choice) if choice and question.rating else None, text, named)


def _quiz_answer(question: Question, given: Mapping[str, str], text: str, named: str) -> Answer:
    steps: dict[str, str] = {}
    score = 0
    for step in question.quiz or ():
        choice = given.get(f"step.{step.id}", "")
        points = step.points(choice)
        if points is None:
            raise NurtureError(STEP_MISSING, ErrorKind.INVALID)
        steps[step.id] = choice
        score += points
    band = question.band(score)
    return Answer(band.id if band else None, float(score), text, named, steps)


def _clean(text: str) -> str:
    """Line ends are one kind, other control characters are gone: words come back on pages, in CSV and in letters."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", "", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
