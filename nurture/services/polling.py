"""What the answers to questions say: the result of one, all of them side by side, every answer as CSV."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

import snowballstemmer

from nurture.domain.asking import Question
from nurture.domain.cells import guard, write_instant
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.remembering import of_people
from nurture.domain.tally import Said, Tally, tally, way_of
from nurture.domain.themes import Text, themes
from nurture.store import answers
from nurture.store.answers import Given
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document, load_policy

_STEMMERS = {"en": "english", "de": "german", "pl": "polish", "ru": "russian"}


@dataclass(frozen=True, slots=True)
class Brief:
    """One question in the list of all. `closed`: answers are not taken any more; `last`: when the newest came."""

    name: str
    heading: str
    way: str
    asked: int
    people: int
    closed: bool
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """The counted result, and the answers of people (the last of each) behind it, newest first."""

    question: Question
    tally: Tally
    said: tuple[Given, ...]


@of_people(20_000)
def stem(word: str, language: str) -> str:
    """What words of one root share, by the Snowball rules of the language; the word itself in any other."""
    name = _STEMMERS.get(language)
    return str(snowballstemmer.stemmer(name).stemWord(word)) if name else word


async def list_questions(db: Database, now: datetime) -> list[Brief]:
    """Every question by name."""
    async with db.read() as tx:
        questions, counted, asked = await answers.load_questions_asked(tx), await answers.count_answers(tx), await answers.count_asked(tx)
        zone = (await load_policy(tx)).timezone
    found = []
    for name, question in questions.items():
        people, last = counted.get(name, (0, None))
        closed = question.is_closed(zone, now)
        found.append(Brief(name, question.heading, way_of(question), asked.get(name, 0), people, closed, last))
    return found


async def result(db: Database, name: str, *, since: datetime | None = None) -> Result:
    """The result of one question; `since`: only answers from that moment on. Raises NurtureError where there is none of that name."""
    async with db.read() as tx:
        question = await _find(tx, name)
        every = await answers.answers_to(tx, name, since)
        asked = (await answers.count_asked(tx, name)).get(name, 0)
        machines = await answers.count_machines(tx, name)
        home = (await load_policy(tx)).locale
    last = answers.last_words(every)
    texts = [Text(one.subscriber_id, one.answer.text, one.locale or home) for one in last if one.answer.text]
    found = themes(texts, stem, question.text)
    counted = tally(question, _said(last), _said(every), asked=asked, machines=machines, themes=found)
    return Result(question, counted, tuple(reversed(last)))


def _said(given: list[Given]) -> list[Said]:
    return [Said(one.subscriber_id, one.at, one.answer, one.how) for one in given]


async def _find(tx: Connection, name: str) -> Question:
    stored = await load_document(tx, "question", name)
    if stored is None or not isinstance(stored.document, Question):
        raise NurtureError(f"there is no question {name!r}; `nurture questions` lists them", ErrorKind.MISSING)
    return stored.document


async def list_answers(db: Database, name: str, *, after: int = 0, limit: int = 100) -> list[Given]:
    """Every answer by id."""
    async with db.read() as tx:
        await _find(tx, name)
        return await answers.answers_by_id(tx, name, after, limit)


async def export_answers(db: Database, name: str, out: TextIO) -> int:
    """Every answer of people who are still here, oldest first, as CSV; how many. Open `out` with newline=""."""
    async with db.read() as tx:
        question = await _find(tx, name)
        every = await answers.answers_to(tx, name)
    writer = csv.writer(out)
    steps = [step.id for step in question.quiz or ()]
    writer.writerow(["at", "email", "choice", "answer", "value", "text", "how", "named", *(guard(f"step.{step}") for step in steps)])
    writer.writerows(_rows(question, every, steps))
    return len(every)


def _rows(question: Question, every: list[Given], steps: list[str]) -> Iterator[list[str]]:
    for one in every:
        said = one.answer
        value = "" if said.value is None else f"{said.value:g}"
        cells = [
            write_instant(one.at), one.email, said.choice or "", question.outcomes.get(said.choice or "", ""), value, said.text, one.how,
            said.named, *(said.steps.get(step, "") for step in steps),
        ]  # fmt: skip
        yield [guard(cell) for cell in cells]
