"""Saved questions, found by name."""

from nurture.domain.advice import did_you_mean
from nurture.domain.conditions import Condition
from nurture.domain.documents import Segment
from nurture.domain.errors import ErrorKind, NurtureError
from nurture.domain.questions import expand, segments_in
from nurture.store.database import Connection
from nurture.store.documents import StoredDocument, load_document, load_documents


async def load_questions(tx: Connection) -> dict[str, Condition]:
    """What each stored segment asks, by name."""
    return {segment.name: segment.where for _, segment in await all_segments(tx)}


async def expanded(tx: Connection, condition: Condition) -> Condition:
    """The same question with the segments it names written out; most name none."""
    return expand(condition, await load_questions(tx)) if segments_in(condition) else condition


async def segment_condition(tx: Connection, name: str) -> Condition:
    """What the segment asks, with the segments inside written out. Raises NurtureError MISSING for an unknown name."""
    stored = await load_document(tx, "segment", name)
    if stored is not None and isinstance(stored.document, Segment):
        return await expanded(tx, stored.document.where)
    near = did_you_mean(name, [s.name for s in await load_documents(tx, "segment")])
    raise NurtureError(f"there is no segment {name!r}{near or '; apply its file first'}", ErrorKind.MISSING)


async def all_segments(tx: Connection) -> list[tuple[StoredDocument, Segment]]:
    return [(stored, stored.document) for stored in await load_documents(tx, "segment") if isinstance(stored.document, Segment)]
