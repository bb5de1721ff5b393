"""People as a letter sees them, with the last useful letters they got."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from nurture.domain.documents import Policy
from nurture.domain.readers import Reader
from nurture.domain.words import Kind, State, Tracking
from nurture.store.database import Connection
from nurture.store.dialect import read_json
from nurture.store.dialect_batch import Batch, moment
from nurture.store.documents import load_policy
from nurture.store.giving_way import in_pieces
from nurture.store.ledger import deliveries, pieces
from nurture.store.tables import METADATA

_s = METADATA.tables["subscribers"].c
_d = deliveries.c
_v = METADATA.tables["letter_versions"].c
_TRACKING = {word.value: word for word in Tracking}
_PEOPLE = Batch(
    {"person": _s.id.type},
    lambda given: select(
        _s.id, _s.email, _s.name, _s.first_name, _s.patronymic, _s.locale, _s.timezone, _s.source, _s.joined_at, _s.tracking, _s.fields
    ).join_from(given, METADATA.tables["subscribers"], _s.id == given.c.person),
)
RECEIVED = 3  # as many useful letters as the shipped promise asks before an offer
_MERGED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


async def readers(
    tx: Connection, ids: Iterable[int], now: datetime, policy: Policy | None = None, asking: Iterable[int] | None = None
) -> dict[int, Reader]:
    """Id -> Reader of those who exist. The policy in force (read when not given) lends zone, locale and tracking where the row has none.

    `now` bounds what counts as received; only of people in `asking` it is looked up, of all where that is not given.
    """
    wanted = sorted(set(ids))
    rule = policy or await load_policy(tx)
    received = await _received(tx, wanted if asking is None else sorted(set(asking)), now)
    found: dict[int, Reader] = {}
    async for piece in in_pieces([*await _PEOPLE.read(tx, [(i,) for i in wanted])], 64):
        for person, email, name, first, patronymic, locale, zone, source, joined, tracking, fields in piece:
            found[person] = Reader(
                person, email, name, first, patronymic, locale or rule.locale, zone or rule.timezone, source, moment(joined),
                _TRACKING[tracking or rule.tracking], {} if fields == "{}" else read_json(fields), tuple(received.get(person, ())),
            )  # fmt: skip
    return found


async def _received(tx: Connection, ids: list[int], now: datetime) -> dict[int, list[str]]:
    """The names of the last useful letters accepted for each person, newest first."""
    if not ids:
        return {}
    got: dict[int, list[int]] = {}
    newest = func.row_number().over(partition_by=_d.subscriber_id, order_by=(_d.accepted_at.desc(), _d.id.desc())).label("place")
    for piece in pieces(ids):
        ranked = (
            select(_d.subscriber_id, _d.version_id, newest)
            .where(_d.subscriber_id.in_(piece), _d.state == State.ACCEPTED.value, _d.kind == Kind.USEFUL.value, _d.accepted_at <= now)
            .subquery()
        )
        query = select(ranked).where(ranked.c.place <= RECEIVED).order_by(ranked.c.subscriber_id, ranked.c.place)
        for row in await tx.execute(query):
            got.setdefault(row.subscriber_id, []).append(row.version_id)
    names = await _names(tx, {version for versions in got.values() for version in versions})
    return {person: [names[v] for v in versions if names.get(v)] for person, versions in got.items()}


async def _names(tx: Connection, versions: Iterable[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    title, subject = _v.content["title"].as_string().label("title"), _v.content["subject"].as_string().label("subject")
    for piece in pieces(sorted(versions)):
        rows: Any = await tx.execute(select(_v.id, title, subject).where(_v.id.in_(piece)))
        found |= {row.id: row.title or plain_subject(row.subject or "") for row in rows}
    return found


def plain_subject(subject: str) -> str:
    """A subject without its merge fields: `{{ first_name }}, five questions` -> `Five questions`."""
    if "{" not in subject:
        return subject
    bare = " ".join(_MERGED.sub("", subject).split()).strip(" ,;:-!–—")
    return bare[:1].upper() + bare[1:]
