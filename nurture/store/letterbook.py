"""Reading the letter book from the stored documents, again only when one of them has changed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.domain.documents import DOCUMENT_TYPES, Policy
from nurture.domain.letterbook import LetterBook
from nurture.store.tables import METADATA

_documents = METADATA.tables["documents"].c
_NEWEST = select(func.count(), func.coalesce(func.sum(_documents.version), 0), func.max(_documents.changed_at))
Stamp = tuple[int, int, datetime | None]


@dataclass(slots=True)
class BookShelf:
    """Keeps the last book that was read; one for each process."""

    stamp: Stamp | None = None
    book: LetterBook | None = None

    async def read(self, tx: AsyncConnection) -> LetterBook:
        """The book as the documents stand now."""
        count, versions, changed = (await tx.execute(_NEWEST)).one()
        if self.book is None or self.stamp != (count, versions, changed):
            self.book, self.stamp = await _load(tx), (count, versions, changed)
        return self.book


async def _load(tx: AsyncConnection) -> LetterBook:
    rows = await tx.execute(select(_documents.type, _documents.content))
    documents = [DOCUMENT_TYPES[kind].model_validate(content) for kind, content in rows]
    policy = next((d for d in documents if isinstance(d, Policy)), Policy())
    return LetterBook.of(documents, policy)
