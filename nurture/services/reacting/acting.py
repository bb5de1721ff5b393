"""What a rule does for the people whose cause it answers, kept so that it can be undone (undoing.py).

One thing is done for all of them before the next: a few statements for each, since a transaction holds everybody's lock on SQLite.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.domain.reacting import ROUND, Cause, circling, fill_task
from nurture.domain.rules import Action, Reached
from nurture.domain.webhooks import ACTED, message_id, write_body
from nurture.domain.words import Status
from nurture.store.audiences import remember_matches
from nurture.store.database import Connection
from nurture.store.documents import load_document
from nurture.store.endings import active_ways, end_ways
from nurture.store.enrolments import enrol, may_re_enter
from nurture.store.reactions import LiveRule, begin, count_recent, keep
from nurture.store.standings import look_now
from nurture.store.subscribers import Person, add_tags, drop_tags, touch, with_tag
from nurture.store.tasks import add_tasks
from nurture.store.webhooks import add_messages

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all reactions of a sweep share. `sequences`: ids by name; `zone`: the workspace's."""

    now: datetime
    zone: str
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Case:
    """One rule answering one cause of one person."""

    reaction: int
    rule: str
    reason: str
    person: Person


Cases = Sequence[Case]
Steps = dict[int, Step]  # what was done, by person, with what undoing needs, or with why it was `not` done


async def act(
    tx: Connection, rule: LiveRule, found: Sequence[tuple[Cause, str]], people: Mapping[int, Person], setting: Setting
) -> int:  # fmt: skip
    """Do all that the rule says for each of these causes; how many it acted on. A cause that it has answered before is passed over."""
    acted = 0
    for turn in _turns(found):
        cases = await _begun(tx, rule, turn, people, setting)
        did: dict[int, list[Step]] = {case.reaction: [] for case in cases}
        for number, action in enumerate(rule.rule.then if cases else ()):
            steps = await _do(tx, action, number, cases, setting)
            for case in cases:
                did[case.reaction].append(steps[case.person.id])
        await keep(tx, did)
        acted += len(cases)
    return acted


def _turns(found: Sequence[tuple[Cause, str]]) -> Iterator[list[tuple[Cause, str]]]:
    """Each person once in each turn, their causes in order of time."""
    turns: list[dict[int, tuple[Cause, str]]] = []
    for one in found:
        free = next((turn for turn in turns if one[0].subscriber_id not in turn), None)
        if free is None:
            turns.append(free := {})
        free[one[0].subscriber_id] = one
    for turn in turns:
        yield list(turn.values())


async def _begun(
    tx: Connection, rule: LiveRule, turn: Sequence[tuple[Cause, str]], people: Mapping[int, Person], setting: Setting
) -> list[Case]:  # fmt: skip
    """The reactions written; those in a circle of rules as refused, with the reason, and they are no cases."""
    recent: Mapping[int, int] = {}
    if isinstance(rule.rule.when, Reached):
        recent = await count_recent(tx, rule.id, [c.subscriber_id for c, _ in turn], setting.now - ROUND)
    rows, going = [], {}
    for cause, reason in turn:
        circle = circling(recent.get(cause.subscriber_id, 0))
        rows.append({
            "rule_id": rule.id, "subscriber_id": cause.subscriber_id, "source": cause.key, "at": setting.now,
            "cause": "person" if rule.rule.once == "per person" and not circle else cause.key,
            "reason": f"{reason}; refused: {circle}" if circle else reason, "state": "refused" if circle else "acted",
        })  # fmt: skip
        if not circle:
            going[cause.subscriber_id] = reason
    written = await begin(tx, rows)
    return [Case(key, rule.rule.name, going[i], people[i]) for i, key in sorted(written.items()) if i in going]


async def _do(tx: Connection, action: Action, number: int, cases: Cases, setting: Setting) -> Steps:
    """One thing, for all of them."""
    if action.enter is not None:
        return await _enter(tx, action.enter, cases, setting.now)
    if action.leave is not None:
        return await _leave(tx, action.leave, cases, setting)
    if action.tag is not None:
        return await _tag(tx, action.tag, cases, setting.now)
    if action.untag is not None:
        return await _untag(tx, action.untag, cases, setting.now)
    if action.task is not None:
        return await _task(tx, action.task, cases, setting.now)
    return await _webhook(tx, action.webhook or "", number, cases, setting.now)


async def _enter(tx: Connection, name: str, cases: Cases, now: datetime) -> Steps:
    """By the rules of enrolling by hand: a live sequence, re-entry as it says, and not twice at once."""
    stored = await load_document(tx, "sequence", name)
    if stored is None or stored.state != "live":
        reason = "there is no such sequence" if stored is None else "the sequence is a draft"
        return {case.person.id: {"enter": name, "not": reason} for case in cases}
    re_entry = getattr(stored.document, "re_entry", None)
    before = None if re_entry is None else now - re_entry
    here = [case.person.id for case in cases if case.person.status is Status.SUBSCRIBED]
    allowed = await may_re_enter(tx, stored.id, here, before)
    new = await remember_matches(tx, stored.id, allowed)
    by = f"rule:{cases[0].rule}"
    taken = await enrol(tx, stored.id, allowed, by=by, now=now, own_hour=False, again=before is not None)
    await look_now(tx, taken, now)
    ways = await active_ways(tx, stored.id, taken)
    return {case.person.id: {"enter": name} | _entered(case.person, ways, new) for case in cases}


def _entered(person: Person, ways: Mapping[int, int], new: set[int]) -> Step:
    """`baseline`: the audience passed this person over before, so undoing must not let them in by it."""
    if person.id in ways:
        return {"way": ways[person.id]} | ({} if person.id in new else {"baseline": True})
    if person.status is not Status.SUBSCRIBED:
        return {"not": f"the person is {person.status.value}"}
    return {"not": "the person is on this way, or was before and may not enter again"}


async def _leave(tx: Connection, name: str, cases: Cases, setting: Setting) -> Steps:
    key = setting.sequences.get(name)
    ways = await active_ways(tx, key, [case.person.id for case in cases]) if key else {}
    by_reason: dict[str, list[int]] = defaultdict(list)
    for case in cases:
        if case.person.id in ways:
            by_reason[f"left by rule {case.rule}: {case.reason}"].append(ways[case.person.id])
    for reason, ended in by_reason.items():
        await end_ways(tx, ended, "exited", reason, setting.now)
    nowhere = {"not": "the person was not on this way"}
    return {i: {"leave": name} | ({"way": ways[i]} if i in ways else nowhere) for i in (case.person.id for case in cases)}


async def _tag(tx: Connection, tag: str, cases: Cases, now: datetime) -> Steps:
    """Only what changes is kept for undoing: a tag that was there before stays when the verdict falls."""
    people = [case.person.id for case in cases]
    have = await with_tag(tx, tag, people)
    new = [i for i in people if i not in have]
    await add_tags(tx, {i: [tag] for i in new})
    await touch(tx, new, now)
    return {i: {"tag": tag} | ({"not": "it was there already"} if i in have else {}) for i in people}


async def _untag(tx: Connection, tag: str, cases: Cases, now: datetime) -> Steps:
    people = [case.person.id for case in cases]
    have = await with_tag(tx, tag, people)
    await drop_tags(tx, {i: [tag] for i in have})
    await touch(tx, have, now)
    return {i: {"untag": tag} | ({} if i in have else {"not": "it was not there"}) for i in people}


async def _task(tx: Connection, text: str, cases: Cases, now: datetime) -> Steps:
    rows = [
        {
            "subscriber_id": case.person.id, "reaction_id": case.reaction, "rule": case.rule, "state": "open", "created_at": now,
            "text": fill_task(text, asdict(case.person), case.person.fields),
        }
        for case in cases
    ]  # fmt: skip
    return {person: {"task": task} for person, task in (await add_tasks(tx, rows)).items()}


async def _webhook(tx: Connection, url: str, number: int, cases: Cases, now: datetime) -> Steps:
    steps, rows = {}, []
    for case in cases:
        uid = message_id("rule", case.reaction, number)
        data = {"rule": case.rule, "reason": case.reason, "reaction": case.reaction, "subscriber": told_of(case.person)}
        rows.append(message(uid, case.person.id, url, ACTED, data, now))
        steps[case.person.id] = {"webhook": url, "message": uid}
    await add_messages(tx, rows)
    return steps


def told_of(person: Person) -> dict[str, Any]:
    """What other systems are told of a person."""
    return {
        "id": person.id, "email": person.email, "name": person.name, "tags": list(person.tags), "status": person.status.value,
        "engagement": person.engagement.value, "temperature": person.temperature.value,
    }  # fmt: skip


def message(uid: str, person: int, url: str, kind: str, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "uid": uid, "webhook_id": None, "subscriber_id": person, "url": url, "type": kind, "body": write_body(kind, now, data),
        "created_at": now, "due_at": now,
    }  # fmt: skip
