"""Taking back what a rule did, the last thing first, when the verdict behind it falls; and what followed from the ways it opened or ended.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nurture.domain.webhooks import WITHDRAWN, message_id
from nurture.services.reacting.acting import message
from nurture.store.audiences import forget_entry
from nurture.store.database import Connection
from nurture.store.endings import end_ways, take_up_again
from nurture.store.enrolments import TAKEN_BACK
from nurture.store.reactions import Done, mark_undone, standing
from nurture.store.subscribers import add_tags, drop_tags, touch
from nurture.store.tasks import end_task
from nurture.store.webhooks import add_messages


async def undo(tx: Connection, done: Done, because: str, now: datetime) -> int:
    """Take back what a reaction did, and what followed from the ways it opened or ended. How many reactions were undone."""
    undone = 1
    await mark_undone(tx, done, because, now)
    for step in reversed(done.did):
        stage = None if "not" in step else await _undo(tx, step, done, because, now)
        for following in await standing(tx, done.subscriber_id, [stage]) if stage else ():
            undone += await undo(tx, following, because, now)
    return undone


async def _undo(tx: Connection, step: Mapping[str, Any], done: Done, because: str, now: datetime) -> str | None:
    """The key of the beginning or the end of a way that never was by this; None for all else."""
    person = done.subscriber_id
    if "enter" in step:
        await end_ways(tx, [step["way"]], TAKEN_BACK, f"taken back, rule {done.rule}: {because}", now)
        if not step.get("baseline"):
            await forget_entry(tx, step["way"])
        return f"entered:{step['way']}"
    if "leave" in step:
        return f"ended:{step['way']}" if await take_up_again(tx, step["way"], now) else None
    if "tag" in step or "untag" in step:
        await (drop_tags(tx, {person: [step["tag"]]}) if "tag" in step else add_tags(tx, {person: [step["untag"]]}))
        await touch(tx, [person], now)
    elif "task" in step:
        await end_task(tx, step["task"], "cancelled", f"rule {done.rule}: {because}", now)
    elif "webhook" in step:
        data = {"rule": done.rule, "reason": because, "reaction": done.id, "withdraws": step["message"], "subscriber": {"id": person}}
        uid = message_id("withdrawn", step["message"])
        await add_messages(tx, [message(uid, person, step["webhook"], WITHDRAWN, data, now)])
    return None
