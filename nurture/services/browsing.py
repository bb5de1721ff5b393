"""Looking through what is there: letters, people, one person's whole story, sequences. Nothing here writes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nurture.domain.documents import Policy
from nurture.domain.documents import Sequence as SequenceDocument
from nurture.domain.recommending import Recommending, standing
from nurture.domain.standing import FlagBit
from nurture.store import browsing as lists
from nurture.store import referrals
from nurture.store import timeline as rows
from nurture.store.browsing import LetterLine, PersonLine, View
from nurture.store.database import Database
from nurture.store.documents import load_documents, load_policy
from nurture.store.reactions import reactions_of
from nurture.store.tasks import TaskLine, list_tasks

PAGE = 50
_LETTERS, _EVENTS, _MOVES = 150, 200, 60
_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Pages:
    """Some lines, and whether more follow the last of them."""

    lines: Sequence[Any]
    more: bool


async def letters(
    db: Database, view: View, *, kind: str | None = None, text: str = "", after: tuple[datetime, int] | None = None, limit: int = PAGE
) -> tuple[Pages, Policy]:
    """One page of letters, and the policy whose zone speaks for people without one. `text` looks in addresses and names."""
    async with db.read() as tx:
        people = await lists.find_people(tx, text) if text else None
        found = await lists.list_letters(tx, view, kind=kind, people=people, after=after, limit=limit + 1)
        return Pages(found[:limit], len(found) > limit), await load_policy(tx)


async def people(
    db: Database, *, text: str = "", engagement: str | None = None, status: str | None = None, before: int | None = None
) -> tuple[Pages, Policy]:
    """One page of people, the newest first."""
    async with db.read() as tx:
        found = await lists.list_people(tx, text=text, engagement=engagement, status=status, before=before, limit=PAGE + 1)
        return Pages(found[:PAGE], len(found) > PAGE), await load_policy(tx)


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a timeline. `what` picks its sign; `letter` is the delivery it belongs to; `detail` is the reason in words."""

    at: datetime
    what: Literal["letter", "event", "move", "way", "consent", "skip", "rule", "task"]
    name: str
    detail: str = ""
    letter: LetterLine | None = None
    delivery: int | None = None
    evidence: str | None = None
    more: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """`row`: columns of the person and their standing. `next`: the planner's last word for each way still open.

    `brought`: how many joined by this person, who `recommends` so; `came_by`: who brought this person.
    """

    row: Mapping[str, Any]
    tags: Sequence[str]
    flags: tuple[str, ...]
    ways: Sequence[rows.WayLine]
    coming: Sequence[LetterLine]
    timeline: Sequence[Happening]
    policy: Policy
    tasks: Sequence[TaskLine] = ()
    recommends: Recommending = Recommending.NEVER
    brought: int = 0
    came_by: int | None = None

    @property
    def titles(self) -> dict[int, str]:
        """What each letter of the story is called, by its delivery."""
        return {h.letter.id: h.letter.called for h in self.timeline if h.letter}

    @property
    def zone(self) -> str:
        return str(self.row["timezone"] or self.policy.timezone)


async def profile(db: Database, person: int, now: datetime) -> Profile | None:
    """Everything that is known of one person; None where there is nobody. A dozen statements, however long the story."""
    async with db.read() as tx:
        row = await rows.load_person(tx, person)
        if row is None:
            return None
        tags = await rows.load_tags(tx, person)
        policy = await load_policy(tx)
        ways = await rows.load_ways(tx, person)
        sent = await lists.list_letters(tx, "sent", people=[person], limit=_LETTERS)
        coming = await lists.list_letters(tx, "coming", people=[person], limit=_LETTERS)
        stopped = await lists.list_letters(tx, "stopped", people=[person], limit=_LETTERS)
        events = await rows.load_events(tx, person, _EVENTS)
        moves = await rows.load_moves(tx, person, _MOVES)
        consents = await rows.load_consents(tx, person, _MOVES)
        ruled = await reactions_of(tx, person, _MOVES)
        tasks = await list_tasks(tx, subscriber_id=person, limit=_MOVES)
        brought, came_by = await referrals.brought_by(tx, person), await referrals.recommender_of(tx, person)
    story = [
        *(Happening(x.accepted_at or x.due_at, "letter", "accepted", x.reason, letter=x) for x in sent),
        *(Happening(x.ended_at or x.due_at, "letter", x.state, x.outcome or x.answer or x.reason, letter=x) for x in stopped),
        *(_event(x) for x in events),
        *(Happening(m.at, "move", m.what, m.reason, more={"old": m.old, "new": m.new}) for m in moves),
        *(Happening(c.at, "consent", c.what, c.source, more={"granted": c.granted}) for c in consents),
        *(h for way in ways for h in _way(way)),
        *(Happening(r.at, "rule", "refused" if r.state == "refused" else "acted", r.reason, more={"rule": r.rule}) for r in ruled),
        *(Happening(r.undone_at, "rule", "undone", r.undone_because or "", more={"rule": r.rule}) for r in ruled if r.undone_at),
        *(Happening(t.ended_at, "task", t.state, t.ended_by or "", more={"text": t.text}) for t in tasks if t.ended_at),
    ]
    flags = tuple(f.name.lower() for f in FlagBit if (row["flags"] or 0) & f and f.name)
    told = sorted(story, key=lambda h: h.at, reverse=True)
    recommends = standing(brought, now)
    return Profile(row, tags, flags, ways, coming, told, policy, tasks, recommends, len(brought), came_by)


async def happenings(db: Database, line: LetterLine) -> tuple[list[Happening], str]:
    """What came back of one letter, the newest first, and the zone its reader lives in."""
    async with db.read() as tx:
        events = await rows.load_events(tx, line.subscriber_id, _EVENTS, delivery=line.id)
        zone = line.zone or (await load_policy(tx)).timezone
    return [_event(x) for x in events], zone


def _event(line: rows.EventLine) -> Happening:
    more = {"letter": line.letter, "url": line.url, "name": line.name, "value": line.value, "currency": line.currency}
    return Happening(line.at, "event", line.type, line.reason, delivery=line.delivery_id, evidence=line.evidence, more=more)


def _way(way: rows.WayLine) -> list[Happening]:
    """Entering and leaving a sequence, and the letters the planner left out."""
    title = way.content.get("title") or way.sequence
    story = [Happening(way.enrolled_at, "way", "entered", way.by, more={"sequence": title})]
    if way.ended_at:
        story.append(Happening(way.ended_at, "way", way.state, way.end_reason or "", more={"sequence": title}))
    for step in way.history:
        at = step.get("at")
        if at and step.get("outcome") not in (None, "sent"):
            why = str(step.get("reason") or step["outcome"])
            story.append(Happening(datetime.fromisoformat(str(at)), "skip", str(step.get("letter")), why))
    return story


@dataclass(frozen=True, slots=True)
class SequenceLine:
    """One sequence with its people. `finished`: ways that have ended, `goal` of them at the goal. `next` counts, for each letter id, the
    people whose next letter it is.
    """

    document: SequenceDocument
    state: str
    version: int
    under_way: int
    finished: int
    next: Mapping[str, int]
    goal: int = 0


async def sequences(db: Database) -> list[SequenceLine]:
    """Every sequence, with where its people stand."""
    async with db.read() as tx:
        stored = await load_documents(tx, "sequence")
        ways = await lists.count_enrolments(tx)
        steps = await lists.count_next(tx)
    by_state: dict[int, Counter[str]] = defaultdict(Counter)
    for document_id, state, number in ways:
        by_state[document_id][state] += number
    following: dict[int, Counter[str]] = defaultdict(Counter)
    for document_id, letter, _word, number in steps:
        if letter:
            following[document_id][letter.rpartition("/")[2]] += number
    found = []
    for kept in stored:
        if isinstance(kept.document, SequenceDocument):
            counted = by_state[kept.id]
            finished = sum(n for state, n in counted.items() if state != _ACTIVE)
            line = SequenceLine(
                kept.document, kept.state, kept.version, counted[_ACTIVE], finished, dict(following[kept.id]), counted["goal"]
            )  # fmt: skip
            found.append(line)
    return found


__all__ = [
    "PAGE",
    "Happening",
    "LetterLine",
    "Pages",
    "PersonLine",
    "Profile",
    "SequenceLine",
    "happenings",
    "letters",
    "people",
    "profile",
    "sequences",
]
