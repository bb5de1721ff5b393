"""Why one person got, waits for or never gets each letter, in the planner's own words; and their story in order of time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nurture.domain.delivery import OPEN, REOPENABLE
from nurture.domain.documents import Sequence
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.words import State
from nurture.mail.address import normalise
from nurture.store import timeline
from nurture.store.choices import find_person
from nurture.store.database import Connection, Database
from nurture.store.deliveries import DeliveryLine, deliveries_of
from nurture.store.documents import load_documents
from nurture.store.lanes import notices
from nurture.store.reactions import Done, reactions_of
from nurture.store.tasks import list_tasks

Word = Literal["send", "wait", "skip", "done"]
_STORY = 500
_WAITING = {
    State.UNKNOWN: "the relay's answer was lost; it waits for proof",
    State.HELD: "the relay's answer was lost; held for a decision",
}
_TAKEN_BACK = {
    "paused": "taken back by a pause; it is planned anew when this ends",
    "outranked": "taken back, since another letter goes first; it is planned anew",
    "missed": "its window was missed; it is planned anew",
}


@dataclass(frozen=True, slots=True)
class Why:
    """One decision. `source`: `sequence:<name>`, `campaign:<name>`, `service`. `until`: when it may change, None where it is final.

    `rule`: the rule that spoke, in one word (`window`, `mix`, `gap`, `cap`, ...); `ledger` where the way of the letter itself decided,
    `paused`, `draft`, `new` where the planner has no word yet.
    """

    at: datetime
    letter: str | None
    source: str
    decision: Word
    reason: str
    rule: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a person's story. `what`: letter, event, move, enrolment, rule, task, consent."""

    at: datetime
    what: str
    name: str
    detail: Mapping[str, Any]


async def why(db: Database, subscriber_id: int) -> list[Why]:
    """Every decision on this person that is on record, oldest first; raises MISSING when there is nobody."""
    async with db.read() as tx:
        await _must_exist(tx, subscriber_id)
        letters = await deliveries_of(tx, subscriber_id)
        ways = await timeline.load_ways(tx, subscriber_id)
        entered = _entered(await reactions_of(tx, subscriber_id, _STORY))
        drafts = {d.name for d in await load_documents(tx, "sequence") if isinstance(d.document, Sequence) and d.state != "live"}
        stands = {f"sequence:{name}": ("the sequence is a draft", "draft") for name in drafts}
        stands |= {lane: (said, "paused") for lane, said in (await notices(tx)).items()}
    alive = {f"{way.type}:{way.sequence}" for way in ways if way.ended_at is None}
    found = [_of_letter(line, alive=line.source in alive) for line in letters]
    for way in ways:
        source = f"{way.type}:{way.sequence}"
        found += _of_way(way, source, stands.get(source), written=_written(way, source, letters))
        if way.id in entered:
            found.append(Why(way.enrolled_at, None, source, "wait", entered[way.id], "rule", None))
    return sorted(found, key=lambda w: w.at)


def to_json(found: Why) -> dict[str, Any]:
    """`{at, letter, source, decision, reason, rule, until}`: what the command line and the API give out."""
    return {
        "at": found.at.isoformat(), "letter": found.letter, "source": found.source, "decision": found.decision, "reason": found.reason,
        "rule": found.rule, "until": found.until.isoformat() if found.until else None,
    }  # fmt: skip


async def look_up(db: Database, email: str) -> int | None:
    """The id behind an address as somebody types it."""
    async with db.read() as tx:
        return await find_person(tx, normalise(email))


async def _must_exist(tx: Connection, subscriber_id: int) -> None:
    if await timeline.load_person(tx, subscriber_id) is None:
        raise NurtureError(f"there is no subscriber {subscriber_id}; look one up with /api/v1/subscribers?email=", ErrorKind.MISSING)


def _of_letter(line: DeliveryLine, *, alive: bool) -> Why:
    """`alive`: its way goes on, so that the planner may still take a cancellation back."""
    state = State(line.state)
    if state is State.ACCEPTED:
        return Why(line.accepted_at or line.created_at, line.letter, line.source, "send", line.reason, line.rule, None)
    if state is State.CANCELLED and line.outcome in REOPENABLE and alive:
        return Why(line.ended_at or line.created_at, line.letter, line.source, "wait", _TAKEN_BACK[line.outcome], "ledger", None)
    if state in (State.CANCELLED, State.FAILED, State.REJECTED):
        ended = " ".join(x for x in (f"{state.value}:", line.outcome or "", line.answer or "") if x)
        return Why(line.ended_at or line.created_at, line.letter, line.source, "skip", ended, "ledger", None)
    if state in _WAITING:
        return Why(line.handed_at or line.created_at, line.letter, line.source, "wait", _WAITING[state], "ledger", line.due_at)
    return Why(line.created_at, line.letter, line.source, "send", line.reason, line.rule, line.due_at)


def _written(way: timeline.WayLine, source: str, letters: Iterable[DeliveryLine]) -> bool:
    """Whether the planner has written a letter of this way: it is told by its own row."""
    return any(line.source == source and (State(line.state) in OPEN or line.created_at >= way.enrolled_at) for line in letters)


def _of_way(way: timeline.WayLine, source: str, stands: tuple[str, str] | None, *, written: bool) -> list[Why]:
    """`stands`: why nothing of this way leaves now, and the rule: the planner's last word was said before, and is not true meanwhile."""
    found = [
        Why(
            datetime.fromisoformat(step["at"]), step["letter"], source, "skip", step.get("reason") or step["outcome"],
            step.get("rule") or step["outcome"], None,
        )
        for step in way.history
        if step.get("outcome") != "sent" and step.get("delivery") is None
    ]  # fmt: skip
    if way.ended_at is not None:
        found.append(Why(way.ended_at, None, source, "done", way.end_reason or way.state, way.state, None))
    elif stands is not None:
        found.append(Why(way.enrolled_at, None, source, "wait", *stands, None))
    elif way.decision and way.decision["decision"] != "send":  # older versions wrote that too
        found.append(_of_decision(way.decision, source))
    elif not way.decision and not written:
        found.append(Why(way.enrolled_at, None, source, "wait", "enrolled; the planner has not looked yet", "new", None))
    return found


def _of_decision(decision: Mapping[str, Any], source: str) -> Why:
    until = decision.get("until")
    return Why(
        datetime.fromisoformat(decision["at"]), decision.get("letter"), source, decision["decision"], decision["reason"], decision["rule"],
        datetime.fromisoformat(until) if until else None,
    )  # fmt: skip


async def story(db: Database, subscriber_id: int, limit: int = _STORY) -> list[Happening]:
    """Letters, events, moves, enrolments, what rules did, tasks and consents of one person, newest first; raises MISSING."""
    async with db.read() as tx:
        await _must_exist(tx, subscriber_id)
        letters = await deliveries_of(tx, subscriber_id)
        happened = await timeline.load_events(tx, subscriber_id, limit)
        moves = await timeline.load_moves(tx, subscriber_id, limit)
        ways = await timeline.load_ways(tx, subscriber_id)
        ruled = await reactions_of(tx, subscriber_id, limit)
        tasks = await list_tasks(tx, subscriber_id=subscriber_id, limit=limit)
        consents = await timeline.load_consents(tx, subscriber_id, limit)
    lines = [
        *(_letter(x) for x in letters),
        *(_event(x) for x in happened),
        *(Happening(m.at, "move", m.what, {"from": m.old, "to": m.new, "reason": m.reason}) for m in moves),
        *(Happening(w.enrolled_at, "enrolment", w.sequence, {"state": "entered", "by": w.by}) for w in ways),
        *(Happening(w.ended_at, "enrolment", w.sequence, {"state": w.state, "reason": w.end_reason}) for w in ways if w.ended_at),
        *(line for r in ruled for line in _ruled(r)),
        *(Happening(t.ended_at, "task", t.text, {"state": t.state, "by": t.ended_by}) for t in tasks if t.ended_at),
        *(Happening(c.at, "consent", c.what, {"granted": c.granted, "source": c.source}) for c in consents),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:limit]


def _entered(ruled: Iterable[Done]) -> dict[int, str]:
    """Which ways a rule opened, and why."""
    return {step["way"]: f"entered by rule {r.rule}: {r.reason}" for r in ruled for step in r.did if "enter" in step and step.get("way")}


def _ruled(done: Done) -> Iterator[Happening]:
    state = "refused" if done.state == "refused" else "acted"
    yield Happening(done.at, "rule", done.rule, {"state": state, "reason": done.reason, "did": list(done.did)})
    if done.undone_at is not None:
        yield Happening(done.undone_at, "rule", done.rule, {"state": "undone", "reason": done.undone_because})


def _letter(line: DeliveryLine) -> Happening:
    at = line.accepted_at or line.ended_at or line.created_at
    told = {"delivery": line.id, "state": line.state, "kind": line.kind, "source": line.source, "reason": line.reason}
    return Happening(at, "letter", line.letter, told)


def _event(line: timeline.EventLine) -> Happening:
    more = {"delivery": line.delivery_id, "letter": line.letter, "url": line.url, "name": line.name, "value": line.value,
            "currency": line.currency}  # fmt: skip
    known = {key: value for key, value in more.items() if value is not None}
    return Happening(line.at, "event", line.type, known | {"evidence": line.evidence, "reason": line.reason})
