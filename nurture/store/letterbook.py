"""Reading the letter book from the stored documents, again only when one of them has changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.documents import DOCUMENT_TYPES, Campaign, Policy
from nurture.domain.letterbook import LetterBook
from nurture.store.occasions import own_copies, unended_occasions
from nurture.store.tables import METADATA

_documents, _occasions = METADATA.tables["documents"].c, METADATA.tables["occasions"].c
_DRAWN = (_occasions.letter.is_not(None), _occasions.ended_at.is_(None))
_NEWEST = select(
    func.count(), func.coalesce(func.sum(_documents.version), 0), func.max(_documents.changed_at),
    select(func.max(_occasions.id)).where(*_DRAWN).scalar_subquery(),
)  # fmt: skip
Stamp = tuple[int, int, datetime | None, int | None]


@dataclass(slots=True)
class BookShelf:
    """Keeps the last book that was read; one for each process."""

    stamp: Stamp | None = None
    book: LetterBook | None = None

    async def read(self, tx: AsyncConnection) -> LetterBook:
        """The book as the documents stand now."""
        count, versions, changed, drawn = (await tx.execute(_NEWEST)).one()
        stamp: Stamp = (count, versions, changed, drawn)
        if self.book is None or self.stamp != stamp:
            self.book, self.stamp = await _load(tx), stamp
        return self.book


async def _load(tx: AsyncConnection) -> LetterBook:
    rows = await tx.execute(select(_documents.id, _documents.type, _documents.content))
    documents = {key: DOCUMENT_TYPES[kind].model_validate(content) for key, kind, content in rows}
    policy = next((d for d in documents.values() if isinstance(d, Policy)), Policy())
    campaigns = {key: d for key, d in documents.items() if isinstance(d, Campaign)}
    drawn = own_copies(await unended_occasions(tx), campaigns)
    return LetterBook.of([*documents.values(), *drawn.values()], policy)
