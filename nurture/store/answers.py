"""Answers to questions, as events: who said what, the last word of each person, and the clicks that stand for an answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.asking import Answer, Question, choice_address, choice_of
from nurture.domain.words import EventType, Evidence
from nurture.store.documents import load_documents
from nurture.store.events import EVENTS, SUBSCRIBERS, change_verdicts
from nurture.store.ledger import pieces
from nurture.store.tables import METADATA

_e, _s = EVENTS.c, SUBSCRIBERS.c
_d, _versions = METADATA.tables["deliveries"].c, METADATA.tables["letter_versions"].c
_BY_CLICK = "answer:click:"
_ANSWERED = (_e.type == EventType.ANSWERED.value, _e.evidence == Evidence.HUMAN.value)


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it is kept. `how`: `page`, sent by the button, or `click`."""

    id: int
    uid: str
    subscriber_id: int
    delivery_id: int | None
    at: datetime
    answer: Answer
    how: str
    email: str = ""
    locale: str | None = None
    status: str = ""


def answer_row(
    question: str, answer: Answer, *, uid: str, subscriber: int, delivery: int | None, at: datetime, now: datetime, how: str,
    evidence: str, reason: str,
) -> dict[str, Any]:  # fmt: skip
    """The event of an answer; its choice stands where a click has its link."""
    return {
        "uid": uid, "subscriber_id": subscriber, "delivery_id": delivery, "type": EventType.ANSWERED.value, "at": at, "settles_at": now,
        "name": question, "url": choice_address(question, answer.choice) if answer.choice else None, "value": answer.value,
        "evidence": evidence, "reason": reason, "detail": answer.detail(how),
    }  # fmt: skip


async def question_of(tx: AsyncConnection, version: int) -> str | None:
    """The question that a letter version asks."""
    content = (await tx.execute(select(_versions.content).where(_versions.id == version))).scalar_one_or_none()
    return content.get("question") if content else None


async def load_questions_asked(tx: AsyncConnection) -> dict[str, Question]:
    """Every question that letters ask, by name."""
    return {s.name: s.document for s in await load_documents(tx, "question") if isinstance(s.document, Question)}


async def last_answer(tx: AsyncConnection, subscriber: int, question: str) -> Given | None:
    """What this person said last."""
    query = select(EVENTS).where(_e.subscriber_id == subscriber, *_ANSWERED, _e.name == question)
    row = (await tx.execute(query.order_by(_e.at.desc(), _e.id.desc()).limit(1))).mappings().one_or_none()
    return _given(dict(row)) if row else None


async def answers_to(
    tx: AsyncConnection, question: str, since: datetime | None = None, until: datetime | None = None
) -> list[Given]:  # fmt: skip
    """All answers of people who are still here, oldest first."""
    query = _of_people(question)
    if since is not None:
        query = query.where(_e.at >= since)
    if until is not None:
        query = query.where(_e.at < until)
    return [_given(dict(row)) for row in (await tx.execute(query.order_by(_e.at, _e.id))).mappings()]


async def answers_by_id(tx: AsyncConnection, question: str, after: int, limit: int) -> list[Given]:
    """The same in the order of their ids."""
    query = _of_people(question).where(_e.id > after).order_by(_e.id).limit(limit)
    return [_given(dict(row)) for row in (await tx.execute(query)).mappings()]


def _of_people(question: str) -> Select[Any]:
    query = select(EVENTS, _s.email, _s.locale, _s.status).join(SUBSCRIBERS, _s.id == _e.subscriber_id)
    return query.where(*_ANSWERED, _e.name == question, _s.erased_at.is_(None))


def last_words(answers: Iterable[Given]) -> list[Given]:
    """One answer a person: the last of those given, in the order of time."""
    newest = {one.subscriber_id: one for one in answers}
    return sorted(newest.values(), key=lambda one: (one.at, one.id))


async def count_answers(tx: AsyncConnection) -> dict[str, tuple[int, datetime]]:
    """(people who answered, when last) of each question."""
    query = select(_e.name, func.count(_e.subscriber_id.distinct()), func.max(_e.at)).where(*_ANSWERED, _e.name.is_not(None))
    return {name: (people, last) for name, people, last in await tx.execute(query.group_by(_e.name))}


async def count_asked(tx: AsyncConnection, question: str | None = None) -> dict[str, int]:
    """People who were mailed each question, or this one."""
    found = {}
    for name, asking in (await _asking(tx)).items():
        if question in (None, name):
            query = select(func.count(_d.subscriber_id.distinct())).where(*_letters_of(asking), _d.accepted_at.is_not(None))
            found[name] = int((await tx.execute(query)).scalar_one())
    return found


async def _asking(tx: AsyncConnection) -> dict[str, list[tuple[int, int]]]:
    """(letter, version) of all that ask, by question. Versions are few; deliveries are found by their letter then, as they are indexed."""
    asked = _versions.content["question"].as_string()
    found: dict[str, list[tuple[int, int]]] = {}
    for letter, version, name in await tx.execute(select(_versions.letter_id, _versions.id, asked).where(asked.is_not(None))):
        found.setdefault(name, []).append((letter, version))
    return found


def _letters_of(asking: Sequence[tuple[int, int]]) -> tuple[ColumnElement[bool], ...]:
    letters, versions = {letter for letter, _ in asking}, {version for _, version in asking}
    return _d.letter_id.in_(sorted(letters)), _d.version_id.in_(sorted(versions))


async def mailed_already(tx: AsyncConnection, letter: str, occasion: str) -> set[int]:
    """People who have a row of this letter for this occasion."""
    letters = METADATA.tables["letters"].c
    query = select(_d.subscriber_id).join_from(_d.id.table, letters.id.table, letters.id == _d.letter_id)
    return set((await tx.execute(query.where(letters.name == letter, _d.occasion == occasion))).scalars())


async def count_machines(tx: AsyncConnection, question: str) -> int:
    """Hits on the answers of a question, and forms sent, that no person made."""
    asking = (await _asking(tx)).get(question, [])
    types = (EventType.CLICKED.value, EventType.ANSWERED.value)
    about = or_(_e.url == f"question:{question}", _e.url.startswith(choice_address(question, ""), autoescape=True), _e.name == question)
    query = select(func.count()).select_from(EVENTS).join(_d.id.table, _d.id == _e.delivery_id)
    query = query.where(*_letters_of(asking), _e.type.in_(types), about, _e.evidence == Evidence.MACHINE.value)
    return int((await tx.execute(query)).scalar_one()) if asking else 0


async def clicked_choices(
    tx: AsyncConnection, ids: Sequence[int], first: datetime, last: datetime
) -> list[Mapping[str, Any]]:  # fmt: skip
    """Of these clicks, which happened from `first` to `last`: those on a choice, of people who sent no answer from that letter."""
    found: list[Mapping[str, Any]] = []
    other = EVENTS.alias("sent")
    sent = exists().where(
        other.c.delivery_id == _e.delivery_id, other.c.type == EventType.ANSWERED.value, ~other.c.uid.startswith(_BY_CLICK)
    )
    columns = select(_e.id, _e.subscriber_id, _e.delivery_id, _e.at, _e.url)
    for piece in pieces(sorted(ids)):
        chosen = columns.where(_e.id.in_(piece), _e.at.between(first, last), _e.url.startswith("question:"), ~sent)
        found += [dict(row) for row in (await tx.execute(chosen)).mappings()]
    return found


def rows_of_clicks(clicks: Iterable[Mapping[str, Any]], asked: Mapping[str, Question], now: datetime) -> list[dict[str, Any]]:
    """The answers that settled clicks stand for: only at questions that say so."""
    rows = []
    for click in clicks:
        name = click["url"].removeprefix("question:").partition("/")[0]
        question, choice = asked.get(name), choice_of(click["url"], name)
        if question is None or not question.one_click or choice is None or choice not in question.options:
            continue
        answer = Answer(choice, float(choice) if question.rating else None)
        rows.append(
            answer_row(
                name, answer, uid=f"{_BY_CLICK}{click['id']}", subscriber=click["subscriber_id"], delivery=click["delivery_id"],
                at=click["at"], now=now, how="click", evidence=Evidence.HUMAN.value, reason="a settled click on the answer",
            )
        )  # fmt: skip
    return rows


async def withdraw_clicks(tx: AsyncConnection, people: Sequence[int]) -> None:
    """Answers of these people that stand on a click which no person made, as it turned out, are no answers."""
    for piece in pieces(sorted(people)):
        query = select(_e.id, _e.uid).where(_e.subscriber_id.in_(piece), *_ANSWERED, _e.uid.startswith(_BY_CLICK))
        standing = {int(uid.removeprefix(_BY_CLICK)): answer for answer, uid in await tx.execute(query)}
        fallen = select(_e.id).where(_e.id.in_(sorted(standing)), _e.evidence != Evidence.HUMAN.value)
        why = "the click it stood on was withdrawn"
        changes = [(standing[click], Evidence.MACHINE.value, why, 1) for click in (await tx.execute(fallen)).scalars()]
        await change_verdicts(tx, changes)


def _given(row: Mapping[str, Any]) -> Given:
    detail = row["detail"] or {}
    answer = Answer(
        detail.get("choice"), row["value"], detail.get("text", ""), detail.get("named", ""), dict(detail.get("steps") or {})
    )  # fmt: skip
    return Given(
        row["id"], row["uid"], row["subscriber_id"], row["delivery_id"], row["at"], answer, detail.get("how", "page"),
        row.get("email") or "", row.get("locale"), row.get("status") or "",
    )  # fmt: skip
