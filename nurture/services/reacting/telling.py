"""Webhooks that asked for events are told of them: one message for each webhook and cause, in the transaction that marks the cause seen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nurture.domain.reacting import Cause, Event, Move
from nurture.domain.webhooks import EVENT_NAMES, MOVED, STAGE_NAMES, message_id, write_body
from nurture.domain.words import Evidence
from nurture.services.reacting.acting import told_of
from nurture.store.causes import Heard
from nurture.store.database import Connection
from nurture.store.subscribers import Person
from nurture.store.webhooks import WebhookRow, add_messages, known_messages


async def tell(
    tx: Connection, hooks: Sequence[WebhookRow], causes: Sequence[Cause], heard: Mapping[int, Heard], people: Mapping[int, Person],
    now: datetime,
) -> int:  # fmt: skip
    """Put out what each webhook wants of these causes; how many messages."""
    rows = []
    for hook in hooks:
        for cause in causes:
            name = type_of(cause)
            if name in hook.types and cause.at >= hook.created_at:
                data = {"subscriber": told_of(people[cause.subscriber_id])} | _data(cause, heard)
                rows.append(_row(hook, cause.key, cause.subscriber_id, name, cause.at, data, now))
    return await add_messages(tx, rows)


async def tell_fallen(tx: Connection, hooks: Sequence[WebhookRow], fallen: Sequence[Heard], now: datetime) -> int:
    """Who was told of an event whose verdict fell is told that, too: `email.clicked.withdrawn`."""
    rows = []
    for hook in hooks:
        told = await known_messages(tx, [_uid(hook, h.event.key) for h in fallen])
        for one in fallen:
            uid = _uid(hook, one.event.key)
            if uid in told:
                name = f"{type_of(one.event)}.withdrawn"
                data = {"withdraws": uid, "subscriber": {"id": one.event.subscriber_id}, "is_bot": True, "reason": one.reason}
                rows.append(_row(hook, f"{one.event.key}/withdrawn", one.event.subscriber_id, name, now, data, now))
    return await add_messages(tx, rows)


def type_of(cause: Cause) -> str:
    """The name under which other systems know it."""
    match cause:
        case Move():
            return MOVED
        case Event():
            return EVENT_NAMES[cause.type]
    return STAGE_NAMES[cause.stage]


def _data(cause: Cause, heard: Mapping[int, Heard]) -> dict[str, Any]:
    match cause:
        case Move():
            return {"what": cause.what, "from": cause.old, "to": cause.new}
        case Event():
            told: dict[str, Any] = {"event": cause.id, "letter": cause.letter, "kind": cause.kind, "url": cause.url, "name": cause.name}
            if one := heard.get(cause.id):
                bot = one.evidence == Evidence.MACHINE.value
                told |= {"evidence": one.evidence, "is_bot": bot, "reason": one.reason, "value": one.value, "currency": one.currency}
            return {key: value for key, value in told.items() if value is not None}
    return {"sequence": cause.sequence, "enrolment": cause.enrolment_id, "stage": cause.stage}


def _uid(hook: WebhookRow, cause: str) -> str:
    return message_id("webhook", hook.id, cause)


def _row(
    hook: WebhookRow, cause: str, person: int, kind: str, at: datetime, data: Mapping[str, Any], now: datetime
) -> dict[str, Any]:  # fmt: skip
    return {
        "uid": _uid(hook, cause), "webhook_id": hook.id, "subscriber_id": person, "url": hook.url, "type": kind,
        "body": write_body(kind, at, data), "created_at": now, "due_at": now,
    }  # fmt: skip
