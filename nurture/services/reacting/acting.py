"""What a rule does for one person, in one transaction, kept so that it can be undone; and the undoing, the last thing first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from nurture.domain.reacting import ROUND, Cause, circling, fill_task
from nurture.domain.rules import Action, Reached
from nurture.domain.webhooks import ACTED, WITHDRAWN, message_id, write_body
from nurture.domain.words import Status
from nurture.store.audiences import remember_matches
from nurture.store.database import Connection
from nurture.store.documents import load_document
from nurture.store.endings import active_way, end_ways, take_up_again
from nurture.store.enrolments import enrol, may_re_enter
from nurture.store.reactions import Done, LiveRule, begin, count_recent, keep, mark_undone, standing
from nurture.store.standings import look_now
from nurture.store.subscribers import Person, add_tags, drop_tags, get, touch
from nurture.store.tasks import add_task, end_task
from nurture.store.webhooks import add_messages

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all reactions of a sweep share. `sequences`: ids by name; `zone`: the workspace's."""

    now: datetime
    zone: str
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Case:
    """One rule answering one cause for one person."""

    reaction: int
    rule: str
    reason: str
    person: Person
    setting: Setting

    @property
    def said(self) -> str:
        return f"rule {self.rule}: {self.reason}"


async def act(tx: Connection, rule: LiveRule, cause: Cause, reason: str, person: Person, setting: Setting) -> bool:
    """Do all that the rule says; whether it acted. Another time for the same cause, and in a circle of rules, it does nothing."""
    circle = None
    if isinstance(rule.rule.when, Reached):
        circle = circling(await count_recent(tx, rule.id, person.id, setting.now - ROUND))
    once = "person" if rule.rule.once == "per person" and not circle else cause.key
    row = {
        "rule_id": rule.id, "subscriber_id": person.id, "cause": once, "source": cause.key, "at": setting.now,
        "reason": f"{reason}; refused: {circle}" if circle else reason, "state": "refused" if circle else "acted",
    }  # fmt: skip
    reaction = await begin(tx, row)
    if reaction is None or circle:
        return False
    case = _Case(reaction, rule.rule.name, reason, person, setting)
    await keep(tx, reaction, [await _do(tx, action, number, case) for number, action in enumerate(rule.rule.then)])
    return True


async def _do(tx: Connection, action: Action, number: int, case: _Case) -> Step:
    """Do one thing; returns it with what undoing needs, or with why it was `not` done."""
    person, now = case.person, case.setting.now
    if action.enter is not None:
        return {"enter": action.enter} | await _enter(tx, action.enter, case)
    if action.leave is not None:
        key = case.setting.sequences.get(action.leave)
        way = await active_way(tx, key, person.id) if key else None
        if way is None:
            return {"leave": action.leave, "not": "the person was not on this way"}
        await end_ways(tx, [way], "exited", f"left by {case.said}", now)
        return {"leave": action.leave, "way": way}
    if action.tag is not None or action.untag is not None:
        return await _tag(tx, action, case)
    if action.task is not None:
        text = fill_task(action.task, asdict(person), person.fields)
        return {"task": await add_task(tx, subscriber_id=person.id, reaction_id=case.reaction, rule=case.rule, text=text, now=now)}
    uid = message_id("rule", case.reaction, number)
    data = {"rule": case.rule, "reason": case.reason, "reaction": case.reaction, "subscriber": told_of(person)}
    await add_messages(tx, [_message(uid, person.id, action.webhook or "", ACTED, data, now)])
    return {"webhook": action.webhook, "message": uid}


async def _enter(tx: Connection, name: str, case: _Case) -> Step:
    """By the rules of enrolling by hand: a live sequence, re-entry as it says, and not twice at once."""
    person, now = case.person, case.setting.now
    stored = await load_document(tx, "sequence", name)
    if stored is None or stored.state != "live":
        return {"not": "there is no such sequence" if stored is None else "the sequence is a draft"}
    if person.status is not Status.SUBSCRIBED:
        return {"not": f"the person is {person.status.value}"}
    re_entry = getattr(stored.document, "re_entry", None)
    before = None if re_entry is None else now - re_entry
    allowed = await may_re_enter(tx, stored.id, [person.id], before)
    await remember_matches(tx, stored.id, allowed)
    if not await enrol(tx, stored.id, allowed, by=f"rule:{case.rule}", now=now, own_hour=False, again=before is not None):
        return {"not": "the person is on this way, or was before and may not enter again"}
    await look_now(tx, allowed, now)
    return {"way": await active_way(tx, stored.id, person.id)}


async def _tag(tx: Connection, action: Action, case: _Case) -> Step:
    """Only what changes is kept for undoing: a tag that was there before stays when the verdict falls. Another rule may just have set
    it.
    """
    person, now = case.person, case.setting.now
    fresh = await get(tx, person.id)
    has = set(fresh.tags if fresh else ())
    word, tag = ("tag", action.tag) if action.tag is not None else ("untag", action.untag or "")
    if (tag in has) is (word == "tag"):
        return {word: tag, "not": "it was there already" if word == "tag" else "it was not there"}
    await (add_tags if word == "tag" else drop_tags)(tx, {person.id: [tag]})
    await touch(tx, [person.id], now)
    return {word: tag}


async def undo(tx: Connection, done: Done, because: str, now: datetime) -> int:
    """Take back what a reaction did, and what followed from the ways it opened. How many reactions were undone."""
    undone = 1
    await mark_undone(tx, done, because, now)
    for step in reversed(done.did):
        if "not" not in step:
            await _undo(tx, step, done, because, now)
        if "enter" in step and step.get("way"):
            for following in await standing(tx, done.subscriber_id, [f"entered:{step['way']}"]):
                undone += await undo(tx, following, because, now)
    return undone


async def _undo(tx: Connection, step: Mapping[str, Any], done: Done, because: str, now: datetime) -> None:
    person = done.subscriber_id
    if "enter" in step:
        await end_ways(tx, [step["way"]], "withdrawn", f"taken back, rule {done.rule}: {because}", now)
    elif "leave" in step:
        await take_up_again(tx, step["way"], now)
    elif "tag" in step or "untag" in step:
        await (drop_tags(tx, {person: [step["tag"]]}) if "tag" in step else add_tags(tx, {person: [step["untag"]]}))
        await touch(tx, [person], now)
    elif "task" in step:
        await end_task(tx, step["task"], "cancelled", f"rule {done.rule}: {because}", now)
    elif "webhook" in step:
        data = {"rule": done.rule, "reason": because, "reaction": done.id, "withdraws": step["message"], "subscriber": {"id": person}}
        uid = message_id("withdrawn", step["message"])
        await add_messages(tx, [_message(uid, person, step["webhook"], WITHDRAWN, data, now)])


def told_of(person: Person) -> dict[str, Any]:
    """What other systems are told of a person."""
    return {
        "id": person.id, "email": person.email, "name": person.name, "tags": list(person.tags), "status": person.status.value,
        "engagement": person.engagement.value, "temperature": person.temperature.value,
    }  # fmt: skip


def _message(uid: str, person: int, url: str, kind: str, data: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "uid": uid, "webhook_id": None, "subscriber_id": person, "url": url, "type": kind, "body": write_body(kind, now, data),
        "created_at": now, "due_at": now,
    }  # fmt: skip
