"""React: rules answer what has happened, once for each cause, in the transaction that marks it as seen, and are undone with its verdict.

A sweep: it reads moves between classes, events that have stood their minute, and stages of ways. What is done is acting.py, what is taken
back undoing.py, what webhooks are told telling.py.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nurture.domain.reacting import Cause, Move, reason_for
from nurture.domain.rules import Happened, Moved, Reached
from nurture.domain.webhooks import EVENT_NAMES, MOVED, STAGE_NAMES
from nurture.domain.words import EventType
from nurture.services.reacting.acting import Setting, act
from nurture.services.reacting.telling import tell, tell_fallen, type_of
from nurture.services.reacting.undoing import undo
from nurture.store.causes import (
    Heard,
    answered_by,
    anything_fallen,
    judged_anew,
    mark_seen,
    new_ends,
    new_entries,
    new_events,
    new_moves,
    withdrawn_moves,
)
from nurture.store.conditions import matching
from nurture.store.database import Connection, Database
from nurture.store.documents import document_ids, load_policy
from nurture.store.reactions import LiveRule, live_rules, standing
from nurture.store.segments import expanded
from nurture.store.subscribers import get_many
from nurture.store.webhooks import WebhookRow, live_webhooks
from nurture.store.workspace import load_workspace

CHUNK = 20  # causes that somebody waits for, in a transaction: on SQLite it holds the lock for some 20 ms
LOOK = 500  # causes of each sort looked at meanwhile: most are nobody's
REST = 0.002  # seconds between two transactions, so that other writers get their turn


@dataclass(frozen=True, slots=True)
class Reacted:
    """What a sweep did. `seen`: causes and fallen verdicts looked at; `told`: messages put out for webhooks."""

    seen: int = 0
    acted: int = 0
    undone: int = 0
    told: int = 0

    def __add__(self, other: "Reacted") -> "Reacted":
        return Reacted(self.seen + other.seen, self.acted + other.acted, self.undone + other.undone, self.told + other.told)


async def react(db: Database, now: datetime, chunk: int = CHUNK) -> Reacted:
    """Answer all there is, a chunk a transaction. Idempotent: a mark on each cause, and one row for each rule, person and cause."""
    total = Reacted()
    async with db.read() as tx:
        if (await load_workspace(tx)).halted:
            return total
        rules, hooks = await live_rules(tx), await live_webhooks(tx)
        if not (rules or hooks or await anything_fallen(tx)):
            return total
        setting = Setting(now, (await load_policy(tx)).timezone, await document_ids(tx, "sequence"))
    while True:
        async with db.write() as tx:
            done = await _chunk(tx, rules, hooks, setting, chunk)
        total += done
        if done.seen == 0:
            return total
        await asyncio.sleep(REST)


async def _chunk(tx: Connection, rules: Sequence[LiveRule], hooks: Sequence[WebhookRow], setting: Setting, limit: int) -> Reacted:
    now = setting.now
    anew = await judged_anew(tx, limit)
    fallen = await withdrawn_moves(tx, limit)
    undone = await _undo_fallen(tx, anew, fallen, now)
    heard: list[Heard] = []
    fresh: list[Cause] = []
    if len(fallen) < limit:  # else more may have fallen, and what they took back is not to be answered before
        heard = await _events(tx, rules, hooks, now)
        fresh = [*await _moves(tx, rules, hooks), *(h.event for h in heard), *await _steps(tx, rules, hooks, setting)]
    seen, causes = _portion(fresh, rules, hooks, limit)
    await mark_seen(tx, seen)
    causes += [h.event for h in anew]
    people = await get_many(tx, {c.subscriber_id for c in causes})
    causes = sorted((c for c in causes if c.subscriber_id in people), key=_order)
    acted = 0
    for rule in rules:
        acted += await act(tx, rule, await _answering(tx, rule, causes, setting), people, setting)
    told = await tell(tx, hooks, causes, {h.event.id: h for h in [*anew, *heard]}, people, now)
    told += await tell_fallen(tx, hooks, [h for h in anew if not h.event.believed], now)
    return Reacted(len(seen) + len(anew) + len(fallen), acted, undone, told)


def _order(cause: Cause) -> tuple[datetime, str]:
    return cause.at, cause.key


def _portion(
    fresh: Sequence[Cause], rules: Sequence[LiveRule], hooks: Sequence[WebhookRow], limit: int
) -> tuple[list[Cause], list[Cause]]:  # fmt: skip
    """(all that is dealt with now, the `limit` of it that somebody waits for), in order of time."""
    seen: list[Cause] = []
    wanted: list[Cause] = []
    for cause in sorted(fresh, key=_order):
        if _is_wanted(cause, rules, hooks):
            if len(wanted) == limit:
                break
            wanted.append(cause)
        seen.append(cause)
    return seen, wanted


def _is_wanted(cause: Cause, rules: Sequence[LiveRule], hooks: Sequence[WebhookRow]) -> bool:
    ruled = any(cause.at >= rule.since and reason_for(rule.rule, cause) for rule in rules)
    return ruled or any(cause.at >= hook.created_at and type_of(cause) in hook.types for hook in hooks)


async def _answering(tx: Connection, rule: LiveRule, causes: Sequence[Cause], setting: Setting) -> list[tuple[Cause, str]]:
    """The causes that this rule answers, with the reason; `if` is asked of all their people at once."""
    found = [(c, reason) for c in causes if c.at >= rule.since and (reason := reason_for(rule.rule, c))]
    if not found or rule.rule.if_ is None:
        return found
    asked = await expanded(tx, rule.rule.if_)
    holds = set(await matching(tx, asked, setting.now, [c.subscriber_id for c, _ in found], setting.zone))
    return [(c, reason) for c, reason in found if c.subscriber_id in holds]


async def _undo_fallen(tx: Connection, anew: Sequence[Heard], fallen: Sequence[Move], now: datetime) -> int:
    """What rested on a verdict that fell is taken back: on the event itself, or on the move that it had caused."""
    undone = 0
    for heard in anew:
        if not heard.event.believed:
            for done in await standing(tx, heard.event.subscriber_id, [heard.event.key]):
                undone += await undo(tx, done, f"the verdict fell: {heard.reason or heard.evidence}", now)
    for move in fallen:
        earlier = await answered_by(tx, move)
        if earlier is None:
            continue
        await mark_seen(tx, [earlier])  # after a halt it may not have been answered yet, and is not any more
        for done in await standing(tx, move.subscriber_id, [earlier.key]):
            undone += await undo(tx, done, f"the verdict fell, and with it: {done.reason}", now)
    return undone


async def _moves(tx: Connection, rules: Sequence[LiveRule], hooks: Sequence[WebhookRow]) -> list[Move]:
    since = [r.since for r in rules if isinstance(r.rule.when, Moved)] + [h.created_at for h in hooks if MOVED in h.types]
    return await new_moves(tx, min(since), LOOK) if since else []


async def _events(tx: Connection, rules: Sequence[LiveRule], hooks: Sequence[WebhookRow], now: datetime) -> list[Heard]:
    since: dict[EventType, datetime] = {}
    for rule in rules:
        if isinstance(rule.rule.when, Happened):
            since[rule.rule.when.did] = min(rule.since, since.get(rule.rule.when.did, rule.since))
    for hook in hooks:
        for kind in (k for k, name in EVENT_NAMES.items() if name in hook.types):
            since[kind] = min(hook.created_at, since.get(kind, hook.created_at))
    return await new_events(tx, since, min(since.values()), now, LOOK) if since else []


async def _steps(
    tx: Connection, rules: Sequence[LiveRule], hooks: Sequence[WebhookRow], setting: Setting
) -> list[Cause]:  # fmt: skip
    """Beginnings, then ends of the ways that somebody waits for."""
    found: list[Cause] = []
    for entered, read in ((True, new_entries), (False, new_ends)):
        wanted: dict[int, datetime] = {}
        for rule in rules:
            when = rule.rule.when
            if isinstance(when, Reached) and (when.stage == "entered") is entered and when.sequence in setting.sequences:
                key = setting.sequences[when.sequence]
                wanted[key] = min(rule.since, wanted.get(key, rule.since))
        for hook in hooks:
            if any(name in hook.types for stage, name in STAGE_NAMES.items() if (stage == "entered") is entered):
                wanted |= {key: min(hook.created_at, wanted.get(key, hook.created_at)) for key in setting.sequences.values()}
        if wanted:
            found += await read(tx, wanted, min(wanted.values()), LOOK)
    return found
