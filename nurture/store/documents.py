"""Documents and letters as they are stored: the current version of each, all versions before it, lanes and images.

Nothing here commits. A document's content is canonical JSON: the keys of the YAML, defaults written out, absent values left out.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from sqlalchemy import ColumnElement, RowMapping, exists, inspect, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.delivery import REOPENABLE
from nurture.domain.documents import DOCUMENT_TYPES, AnyDocument, Policy, document_name, document_type
from nurture.domain.variants import FIRST
from nurture.domain.words import Kind, State
from nurture.store.dialect import insert
from nurture.store.outbox import cancel_open
from nurture.store.tables import Delivery, Document, DocumentVersion, Lane, Letter, LetterVersion, Media, Occasion

_documents = inspect(Document).local_table.c
_letters = inspect(Letter).local_table.c
_versions = inspect(LetterVersion).local_table.c
_deliveries = inspect(Delivery).local_table.c
_occasions = inspect(Occasion).local_table.c
_PIECE = 1000  # ids in one statement; SQLite allows 32,766 parameters

Change: TypeAlias = Literal["created", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document's current version. `state`: live or draft, for campaigns and cleanups also what `start` made of them."""

    id: int
    type: str
    name: str
    state: str
    version: int
    document: AnyDocument
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    id: int
    version: int
    change: Change


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A letter by its key's name, `document/id`, with the version that leaves now; `variants`: the versions of its others, by name."""

    id: int
    name: str
    kind: Kind
    version_id: int
    variants: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a letter: `content` is what render.compiling made, `links` the targets in the order of their numbers."""

    id: int
    letter_id: int
    name: str
    kind: Kind
    content: dict[str, Any]
    links: list[str]


class ImageBytes(Protocol):
    """What an image is here: its media type and its bytes."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> bytes: ...


def canonical(document: AnyDocument) -> dict[str, Any]:
    """The document as JSON that reads back equal."""
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _stored(row: RowMapping) -> StoredDocument:
    document = DOCUMENT_TYPES[row["type"]].model_validate(row["content"])
    return StoredDocument(
        row["id"], row["type"], row["name"], row["state"], row["version"], document, row["created_at"], row["changed_at"]
    )  # fmt: skip


async def load_document(tx: AsyncConnection, type: str, name: str) -> StoredDocument | None:  # noqa: A002 - the word of the table and the API
    row = (await tx.execute(select(*_documents).where(_documents.type == type, _documents.name == name))).mappings().one_or_none()
    return _stored(row) if row else None


async def load_documents(tx: AsyncConnection, type: str) -> list[StoredDocument]:  # noqa: A002 - the word of the table and the API
    """All of a type, by name."""
    rows = (await tx.execute(select(*_documents).where(_documents.type == type).order_by(_documents.name))).mappings()
    return [_stored(row) for row in rows]


async def load_policy(tx: AsyncConnection) -> Policy:
    """The workspace's policy; the defaults when none is stored."""
    stored = await load_document(tx, "policy", "default")
    return stored.document if stored and isinstance(stored.document, Policy) else Policy()


async def document_names(tx: AsyncConnection) -> dict[str, set[str]]:
    """The names in use, by type; types without documents are there with an empty set."""
    names: dict[str, set[str]] = {word: set() for word in DOCUMENT_TYPES}
    for found_type, name in await tx.execute(select(_documents.type, _documents.name)):
        names[found_type].add(name)
    return names


async def document_ids(tx: AsyncConnection, type: str) -> dict[str, int]:  # noqa: A002 - the word of the table and the API
    """The ids of all of a type, by name."""
    rows = await tx.execute(select(_documents.name, _documents.id).where(_documents.type == type))
    return {row.name: row.id for row in rows}


async def save_document(tx: AsyncConnection, document: AnyDocument, state: str, now: datetime) -> Saved:
    """Store a document. The same content again is `unchanged` (only its state may move); other content is the next version."""
    kind, name, content = document_type(document), document_name(document), canonical(document)
    lock = select(_documents.id, _documents.version, _documents.state, _documents.content)
    old = (await tx.execute(lock.where(_documents.type == kind, _documents.name == name).with_for_update())).mappings().one_or_none()
    if old is None:
        values = {"type": kind, "name": name, "state": state, "version": 1, "content": content, "created_at": now, "changed_at": now}
        new_id = (await tx.execute(insert(tx, Document).values(values).returning(_documents.id))).scalar_one()
        await _keep_version(tx, new_id, 1, content, now)
        return Saved(new_id, 1, "created")
    same = _text(canonical(DOCUMENT_TYPES[kind].model_validate(old["content"]))) == _text(content)
    if same and old["state"] == state:
        return Saved(old["id"], old["version"], "unchanged")
    version = old["version"] if same else old["version"] + 1
    changed = {"state": state, "version": version, "content": content, "changed_at": now}
    await tx.execute(update(Document).where(_documents.id == old["id"]).values(changed))
    if not same:
        await _keep_version(tx, old["id"], version, content, now)
    return Saved(old["id"], version, "unchanged" if same else "changed")


async def set_state(tx: AsyncConnection, document_id: int, state: str, now: datetime) -> None:
    """What `start` and time make of a campaign: draft, running, finished, cancelled. Its content and version stay."""
    await tx.execute(update(Document).where(_documents.id == document_id).values(state=state, changed_at=now))


async def _keep_version(tx: AsyncConnection, document_id: int, version: int, content: dict[str, Any], now: datetime) -> None:
    await tx.execute(insert(tx, DocumentVersion).values(document_id=document_id, version=version, content=content, at=now))


async def load_versions(tx: AsyncConnection, document_id: int) -> list[tuple[int, datetime, dict[str, Any]]]:
    """(version, since when, canonical content), oldest first."""
    columns = inspect(DocumentVersion).local_table.c
    query = select(columns.version, columns.at, columns.content).where(columns.document_id == document_id).order_by(columns.version)
    return [(version, at, content) for version, at, content in await tx.execute(query)]


async def save_letter_version(
    tx: AsyncConnection, name: str, kind: Kind, content: Mapping[str, Any], links: Sequence[str], now: datetime, variant: str | None = None
) -> int:
    """The id of the version with this content, made current; deliveries that have not been claimed yet leave in it.

    The same content keeps its version id for ever, so that links in letters already sent go on meaning the same. `variant`: of a variant,
    where the letter as it is written must be there already; its own deliveries leave in it.
    """
    letter_id = await _letter_of_kind(tx, name, kind, now)
    version_id = await _version_of(tx, letter_id, content, links, now)
    if variant is None:
        await tx.execute(update(Letter).where(_letters.id == letter_id).values(current_version_id=version_id))
    else:
        known = (await tx.execute(select(_letters.variants).where(_letters.id == letter_id))).scalar_one() or {}
        await tx.execute(update(Letter).where(_letters.id == letter_id).values(variants={**known, variant: version_id}))
    waiting = (State.PENDING.value, State.DEFERRED.value)
    theirs = _deliveries.variant == variant if variant else or_(_deliveries.variant.is_(None), _deliveries.variant == FIRST)
    await tx.execute(
        update(Delivery)
        .where(_deliveries.letter_id == letter_id, _deliveries.state.in_(waiting), _deliveries.version_id != version_id, theirs)
        .where(~_kept_words())
        .values(version_id=version_id)
    )  # fmt: skip
    return version_id


async def keep_letter_version(
    tx: AsyncConnection, name: str, kind: Kind, content: Mapping[str, Any], links: Sequence[str], now: datetime
) -> int:
    """The id of the version with this content, kept for one occasion of its own: what other deliveries leave in stays as it is."""
    letter_id = await _letter_of_kind(tx, name, kind, now)
    version_id = await _version_of(tx, letter_id, content, links, now)
    fresh = (_letters.id == letter_id, _letters.current_version_id.is_(None))
    await tx.execute(update(Letter).where(*fresh).values(current_version_id=version_id))
    return version_id


async def _version_of(tx: AsyncConnection, letter_id: int, content: Mapping[str, Any], links: Sequence[str], now: datetime) -> int:
    digest = hashlib.blake2b(_text([dict(content), list(links)]).encode(), digest_size=16).hexdigest()
    version = insert(tx, LetterVersion).values(letter_id=letter_id, digest=digest, content=dict(content), links=list(links), at=now)
    await tx.execute(version.on_conflict_do_nothing(index_elements=["letter_id", "digest"]))
    which = select(_versions.id).where(_versions.letter_id == letter_id, _versions.digest == digest)
    return int((await tx.execute(which)).scalar_one())


def _kept_words() -> ColumnElement[bool]:
    """Whether a delivery leaves in the version that its occasion kept."""
    return exists().where(_occasions.version_id == _deliveries.version_id)


async def _letter_of_kind(tx: AsyncConnection, name: str, kind: Kind, now: datetime) -> int:
    """The letter's id. Where its kind changed, what waits gives its place back: mix and window are decided anew."""
    old = (await tx.execute(select(_letters.id, _letters.kind).where(_letters.name == name))).one_or_none()
    if old is None:
        new = insert(tx, Letter).values(name=name, kind=kind.value).on_conflict_do_nothing(index_elements=["name"])
        await tx.execute(new)
        return int((await tx.execute(select(_letters.id).where(_letters.name == name))).scalar_one())
    if old.kind != kind.value:
        await cancel_open(tx, "outranked", now, letter_ids=[old.id])
        await tx.execute(update(Letter).where(_letters.id == old.id).values(kind=kind.value))
        reopenable = (_deliveries.state == State.CANCELLED.value, _deliveries.outcome.in_(REOPENABLE))
        await tx.execute(update(Delivery).where(_deliveries.letter_id == old.id, *reopenable).values(kind=kind.value))
    return int(old.id)


async def letter_catalogue(tx: AsyncConnection) -> dict[str, LetterRow]:
    """Every letter that has a version, by the name `document/id`."""
    columns = (_letters.id, _letters.name, _letters.kind, _letters.current_version_id, _letters.variants)
    rows = await tx.execute(select(*columns).where(_letters.current_version_id.is_not(None)))
    return {name: LetterRow(key, name, Kind(kind), version, variants or {}) for key, name, kind, version, variants in rows}


async def load_letter_versions(tx: AsyncConnection, ids: Iterable[int]) -> dict[int, VersionRow]:
    """By version id; unknown ids are left out."""
    wanted = sorted(set(ids))
    found: dict[int, VersionRow] = {}
    query = select(_versions.id, _versions.letter_id, _letters.name, _letters.kind, _versions.content, _versions.links)
    query = query.join_from(LetterVersion, Letter, _letters.id == _versions.letter_id)
    for start in range(0, len(wanted), _PIECE):
        for row in await tx.execute(query.where(_versions.id.in_(wanted[start : start + _PIECE]))):
            found[row[0]] = VersionRow(row[0], row[1], row[2], Kind(row[3]), row[4], row[5])
    return found


async def save_media(tx: AsyncConnection, images: Mapping[str, ImageBytes]) -> None:
    """Images by the hash of their bytes; those stored already are left alone."""
    rows = [{"hash": key, "type": image.type, "data": image.data} for key, image in sorted(images.items())]
    if rows:
        await tx.execute(insert(tx, Media).on_conflict_do_nothing(index_elements=["hash"]), rows)


async def load_media(tx: AsyncConnection, hash: str) -> tuple[str, bytes] | None:  # noqa: A002 - the word of the table and the route
    """(media type, bytes)."""
    columns = inspect(Media).local_table.c
    row = (await tx.execute(select(columns.type, columns.data).where(columns.hash == hash))).one_or_none()
    return (row[0], bytes(row[1])) if row else None


async def ensure_lane(tx: AsyncConnection, name: str, priority: int) -> int:
    """The lane's id; its priority is set to what the document says now, its flag is kept."""
    values = insert(tx, Lane).values(name=name, priority=priority, flag="running")
    await tx.execute(values.on_conflict_do_update(index_elements=["name"], set_={"priority": priority}))
    columns = inspect(Lane).local_table.c
    return int((await tx.execute(select(columns.id).where(columns.name == name))).scalar_one())
