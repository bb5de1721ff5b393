"""A person answers a question: once by each letter, and the last word counts. What was sent by the button is an answer at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.asking import Answer, Band, Question, read_answer
from nurture.domain.delivery import letter_name
from nurture.domain.draws import entry_code
from nurture.domain.evidence import Judged
from nurture.domain.words import Evidence, Status
from nurture.store import answers, choices, events
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document, load_policy
from nurture.store.draws import load_draw
from nurture.store.standings import look_now


@dataclass(frozen=True, slots=True)
class Asked:
    """The question of one letter. `known`: the person is still here. `said`: what they answered before."""

    question: Question
    closed: bool
    known: bool
    locale: str | None = None
    commitment: str | None = None
    said: Answer | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """`counted`: it stands in the list, now or since before. `advice`: the letter (`document/id`) that is to follow, and its `occasion`.
    `entry`: the person's number in the draw.
    """

    asked: Asked
    counted: bool = False
    band: Band | None = None
    score: int | None = None
    advice: str | None = None
    occasion: str = ""
    entry: str | None = None


async def look(db: Database, version: int, subscriber: int, now: datetime) -> Asked | None:
    """The question that the letter version asks; None where it asks none, or one that is not there any more."""
    async with db.read() as tx:
        return await _asked(tx, version, subscriber, now)


async def _asked(tx: Connection, version: int, subscriber: int, at: datetime, *, lock: bool = False) -> Asked | None:
    name = await answers.question_of(tx, version)
    stored = await load_document(tx, "question", name) if name else None
    if stored is None or not isinstance(stored.document, Question):
        return None
    question, policy = stored.document, await load_policy(tx)
    person = await choices.stand_of(tx, subscriber, lock=lock)
    before = await answers.last_answer(tx, subscriber, question.name) if person else None
    draw = await load_draw(tx, question.name) if question.draw else None
    return Asked(
        question, question.is_closed(policy.timezone, at), person is not None, person.locale if person else None,
        draw.commitment if draw else None, before.answer if before else None,
    )  # fmt: skip


async def answer(
    db: Database, *, uid: str, version: int, subscriber: int, delivery: int | None, given: Mapping[str, str], verdict: Judged,
    at: datetime, now: datetime,
) -> Answered | None:  # fmt: skip
    """Keep an answer. The same one from the same letter twice is one; a closed question and an erased person keep nothing.

    `uid` is made on receipt, `at` is that moment: an answer that waited for the database counts when it was given. A form that a machine
    sent is kept as such and is no answer. None where there is no such question; raises NurtureError for what answers nothing.
    """
    async with db.write() as tx:
        asked = await _asked(tx, version, subscriber, at, lock=True)
        if asked is None:
            return None
        said = read_answer(asked.question, given)
        if asked.closed or not asked.known:
            return Answered(asked)
        row = answers.answer_row(
            asked.question.name, said, uid=uid, subscriber=subscriber, delivery=delivery, at=at, now=now, how="page",
            evidence=verdict.evidence.value, reason=verdict.reason,
        )  # fmt: skip
        if verdict.evidence is not Evidence.HUMAN:
            await events.add_events(tx, [row])
            return Answered(asked, band=asked.question.band(int(said.value or 0)))
        last = await answers.last_answer(tx, subscriber, asked.question.name)
        if last is not None and last.how == "page" and (last.answer, last.delivery_id) == (said, delivery):
            uid = last.uid
        elif await events.add_events(tx, [row]):
            await look_now(tx, [subscriber], now)
        person = await choices.stand_of(tx, subscriber)
    mailed = person is not None and person.status is Status.SUBSCRIBED
    return _answered(asked, said, uid, subscriber, mailed=mailed)


def _answered(asked: Asked, said: Answer, uid: str, subscriber: int, *, mailed: bool) -> Answered:
    """An advice letter follows only to those who get letters at all; the page says the advice to everybody."""
    question = asked.question
    score = int(said.value or 0) if question.quiz is not None else None
    band = question.band(score) if score is not None else None
    letter = band.letter if band and mailed else None
    return Answered(
        asked, True, band, score, letter_name(question.name, letter.id) if letter else None, uid,
        entry_code(asked.commitment, subscriber) if asked.commitment else None,
    )  # fmt: skip
