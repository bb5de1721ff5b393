"""Draw the winners of a question, once and for good, so that everybody can check it (domain/draws.py)."""

from dataclasses import dataclass
from datetime import datetime

from nurture.domain.asking import Question
from nurture.domain.draws import draw as draw_entries
from nurture.domain.draws import entry_code
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.store import answers
from nurture.store.database import Connection, Database
from nurture.store.documents import load_document, load_policy
from nurture.store.draws import DrawRow, keep_draw, load_draw


@dataclass(frozen=True, slots=True)
class Shown:
    """What everybody may see. `seed` is empty and `entries` and `winners` are none before the draw; `winners`: (entry, the name that the
    winner allowed or nothing). `places`: how many win.
    """

    heading: str
    prize: str
    places: int
    commitment: str
    since: datetime
    drawn_at: datetime | None
    seed: str
    entries: tuple[str, ...]
    winners: tuple[tuple[str, str], ...]


async def draw(db: Database, name: str, now: datetime) -> Shown:
    """Make the draw of a closed question; made before, it is only shown again.

    Everybody takes part who sent an answer by the button before it closed and is still here, once. Raises NurtureError where there is no
    draw, or while answers are taken.
    """
    async with db.write() as tx:
        question, row = await _found(tx, name, lock=True)
        if row.drawn_at is None:
            policy = await load_policy(tx)
            closes = question.closes_at(policy.timezone)
            if closes is None or closes > now:
                raise NurtureError(f"{name} takes answers until {question.closes}; draw when it is closed", ErrorKind.CONFLICT)
            taking = {one.subscriber_id for one in await answers.answers_to(tx, name, until=closes) if one.how == "page"}
            people = {entry_code(row.commitment, person): person for person in taking}
            assert question.draw is not None  # noqa: S101 - _found() saw to it
            won = draw_entries(row.seed, people, question.draw.winners)
            await keep_draw(tx, name, sorted(people), [(entry, people[entry]) for entry in won], now)
        return await _shown(tx, *await _found(tx, name))


async def show_draw(db: Database, name: str) -> Shown | None:
    """None where the question has no draw."""
    async with db.read() as tx:
        try:
            return await _shown(tx, *await _found(tx, name))
        except NurtureError:
            return None


async def _found(tx: Connection, name: str, *, lock: bool = False) -> tuple[Question, DrawRow]:
    stored = await load_document(tx, "question", name)
    question = stored.document if stored else None
    row = await load_draw(tx, name, lock=lock)
    if not isinstance(question, Question):
        raise NurtureError(f"there is no question {name!r}; `nurture questions` lists them", ErrorKind.MISSING)
    if question.draw is None or row is None:
        advice = "write `draw: {winners: 1, prize: ...}` before it is asked"
        raise NurtureError(f"the question {name} has no draw; {advice}", ErrorKind.CONFLICT)
    return question, row


async def _shown(tx: Connection, question: Question, row: DrawRow) -> Shown:
    assert question.draw is not None  # noqa: S101 - _found() saw to it
    drawn = row.drawn_at is not None
    names = {}
    for _, person in row.winners:
        said = await answers.last_answer(tx, person, question.name)
        names[person] = said.answer.named if said else ""
    return Shown(
        question.heading, question.draw.prize, question.draw.winners, row.commitment, row.created_at, row.drawn_at,
        row.seed if drawn else "", row.entries, tuple((entry, names[person]) for entry, person in row.winners),
    )  # fmt: skip
