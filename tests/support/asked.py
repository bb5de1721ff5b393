"""Answers to the shipped survey and quiz, as if people had sent them over half a year."""

from datetime import datetime, timedelta

from sqlalchemy import select

from nurture.definitions.loading import load_files
from nurture.domain.asking import Question, read_answer
from nurture.services.defining import apply
from nurture.shipped import shipped
from nurture.store.answers import answer_row, load_questions_asked
from nurture.store.database import Database
from nurture.store.events import add_events
from nurture.store.tables import METADATA

SAID = (
    {"choice": "leak", "text": "The chimney leaks when it rains from the west."}, {"choice": "cost", "text": "A new roof costs more than I earn."},
    {"choice": "leak", "text": "Our chimney is leaking, and nobody comes."}, {"choice": "trust", "text": "Finding a roofer who comes."},
    {"text": "Die Preise der Dachdecker sind zu hoch."}, {"choice": "cost"}, {"choice": "nothing"}, {"choice": "leak", "text": "A leaking chimney!"},
)  # fmt: skip


async def ask_people(db: Database, now: datetime) -> None:
    """Store the documents, and one answer to the survey for each person there is."""
    loaded = load_files([shipped("sequences") / "asking.yaml"])
    await apply(db, loaded.documents, now, templates=shipped("templates"))
    subscribers = METADATA.tables["subscribers"].c
    async with db.write() as tx:
        question: Question = (await load_questions_asked(tx))["biggest-problem"]
        people = list((await tx.execute(select(subscribers.id).order_by(subscribers.id))).scalars())
        await add_events(tx, [
            answer_row(
                question.name, read_answer(question, SAID[n % len(SAID)]), uid=f"answer:{n}", subscriber=person, delivery=None,
                at=now - timedelta(days=6 * n), now=now, how="page" if n % 3 else "click", evidence="human", reason="of the tests",
            )
            for n, person in enumerate(people)
        ])  # fmt: skip
