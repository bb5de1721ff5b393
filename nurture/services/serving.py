"""Service letters: a confirmation, a receipt - one letter for one person now, outside mix, caps and windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.delivery import message_id
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.letters import Letter
from nurture.domain.words import Kind, State
from nurture.render.compiling import compile_letter
from nurture.render.rendering import prepare
from nurture.store.database import Database
from nurture.store.documents import ensure_lane, letter_catalogue, load_policy, save_letter_version
from nurture.store.outbox import plan_rows
from nurture.store.service_rows import ServiceRow, service_row
from nurture.store.workspace import load_workspace

LANE_PRIORITY = 100
EITHER = "A service letter needs either `letter`, or `subject` and `body`."
WORDS = "service/words"  # the key's letter of service letters that are given as words


@dataclass(frozen=True, slots=True)
class Queued:
    """`fresh` False: the same occasion was asked for before; this is the row of then."""

    id: int
    message_id: str
    state: State
    fresh: bool


async def queue_service_letter(
    db: Database, *, subscriber_id: int, occasion: str, now: datetime, templates: Path, subject: str | None = None, body: str | None = None,
    letter: str | None = None, data: Mapping[str, Any] | None = None,
) -> Queued:  # fmt: skip
    """Put one service letter into the lane `service`; ring `send` afterwards.

    `occasion`: the Idempotency-Key, or a random id of the caller's; the same one queues once. Either `subject` and `body` (Markdown), or
    `letter`, the name of a stored letter of kind `service`; both see `data`. Raises NurtureError on words that cannot become a letter, and
    for an occasion that asked for other words before.
    """
    payload: dict[str, Any] = {"data": dict(data or {})}
    if letter is None:
        payload |= _compiled(subject, body, templates)
    elif subject is not None or body is not None:
        raise NurtureError(EITHER)
    async with db.write() as tx:
        name = letter or WORDS
        letter_id, version_id = await _version(tx, letter, now)
        policy, identity = await load_policy(tx), (await load_workspace(tx)).identity
        domain = policy.sender.address.rsplit("@", 1)[1] if policy.sender else "nurture.invalid"
        row = {
            "letter_id": letter_id, "subscriber_id": subscriber_id, "occasion": occasion, "version_id": version_id,
            "lane_id": await ensure_lane(tx, Kind.SERVICE.value, LANE_PRIORITY), "kind": Kind.SERVICE.value,
            "message_id": message_id(identity, name, subscriber_id, occasion, domain), "due_at": now, "created_at": now,
            "reason": "asked for", "rule": "service", "payload": payload,
        }  # fmt: skip
        fresh = bool(await plan_rows(tx, [row]))
        found: ServiceRow = await service_row(tx, letter_id, subscriber_id, occasion)
    if not fresh and found.payload is not None and _said(found.payload) != _said(payload):
        raise NurtureError("another service letter was asked for under this Idempotency-Key; take a new key for a new letter")
    return Queued(found.id, found.message_id, found.state, fresh)


def _compiled(subject: str | None, body: str | None, templates: Path) -> dict[str, Any]:
    """The letter of these words, ready to be written: what is broken in it is the caller's to hear of now."""
    if not subject or not body:
        raise NurtureError(EITHER)
    try:
        written = Letter(id="words", kind=Kind.SERVICE, subject=subject, body=body)
    except ValidationError as error:
        raise NurtureError(f"The service letter cannot be written: {error.errors()[0]['msg']}.") from error
    compiled = compile_letter(written, templates)
    prepare(compiled.content, compiled.links)
    return {"subject": subject, "content": dict(compiled.content), "links": list(compiled.links)}


def _said(payload: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the person would read, whatever the layout around it is by now."""
    return payload.get("data"), payload.get("subject"), (payload.get("content") or {}).get("text")


async def _version(tx: AsyncConnection, letter: str | None, now: datetime) -> tuple[int, int]:
    """The letter and its version. Words travel with the row: their version is one empty stand-in, the same for all."""
    catalogue = await letter_catalogue(tx)
    if letter is None:
        if WORDS not in catalogue:
            await save_letter_version(tx, WORDS, Kind.SERVICE, {"kind": Kind.SERVICE.value, "subject": "", "size": "short"}, [], now)
            catalogue = await letter_catalogue(tx)
        return catalogue[WORDS].id, catalogue[WORDS].version_id
    if letter not in catalogue:
        raise NurtureError(f"There is no letter {letter!r}; apply its document first.", ErrorKind.MISSING)
    if catalogue[letter].kind is not Kind.SERVICE:
        kind = catalogue[letter].kind.value
        raise NurtureError(f"{letter!r} is a letter of kind {kind}; only service letters are sent by hand, the others keep the mix.")
    return catalogue[letter].id, catalogue[letter].version_id
