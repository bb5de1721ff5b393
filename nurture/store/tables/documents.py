"""What marketers wrote: documents with their versions, and each letter's versions as they are mailed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table


class Document(Table, table=True):
    """The current version of a sequence, segment, campaign, cleanup, library letter or policy, in canonical JSON."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("type", "name"),)
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    type: str
    name: str
    state: str
    version: int
    content: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime
    changed_at: datetime


class DocumentVersion(Table, table=True):
    __tablename__ = "document_versions"
    document_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), primary_key=True))
    version: int = Field(primary_key=True)
    content: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    at: datetime


class Occasion(Table, table=True):
    """One occasion of a campaign. `at`: the hour its schedule names; `clock`: whose it is, `reader`, a zone's name, or `moment` where it
    began with the start itself; None in rows of older versions: as the schedule says now. `filled_at`: when all people of the segment were
    taken in (their ways carry the occasion's `number`); None while it is still to come. `ended_at`: when the last of these ways had ended.

    A resend has the date of its occasion and the negative of its number. `letter` and `version_id`: what an occasion drew from a folder or
    feed, or a resend took along (domain Letter as JSON); `drawn`: what is remembered of the drawing; `note`: a sentence about it;
    `tried_at`: when it was tried last. `winner`: the variant that all others get, since `decided_at`. `paused_at`: since when the clock of
    its test stands still, with its lane; how long it stood so, in seconds: `paused_before` the first letter of the test, and `paused_for`
    since.
    """

    __tablename__ = "occasions"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        Index(
            "uq_occasions_nominal", "campaign_id", "nominal", unique=True,
            sqlite_where=text("number > 0"), postgresql_where=text("number > 0"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    campaign_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), nullable=False))
    number: int
    nominal: date
    at: str | None = None
    clock: str | None = None
    opens_at: datetime
    filled_at: datetime | None = None
    ended_at: datetime | None = None
    letter: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    version_id: int | None = Field(default=None, sa_type=Key)
    drawn: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    note: str | None = None
    tried_at: datetime | None = None
    winner: str | None = None
    decided_at: datetime | None = None
    paused_at: datetime | None = None
    paused_before: int | None = None
    paused_for: int | None = None


class Letter(Table, table=True):
    """The key's letter, `document/id`, the same over all versions; `current_version_id` is what leaves now. `archived`: it is public.
    `variants`: the versions of its variants by their names, where it is tried against some.
    """

    __tablename__ = "letters"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    name: str = Field(unique=True)
    kind: str
    current_version_id: int | None = Field(default=None, sa_type=Key)
    archived: bool = False
    variants: dict[str, int] | None = Field(default=None, sa_column=Column(Json, nullable=True))


class LetterVersion(Table, table=True):
    """All that rendering needs: the letter's content (domain Letter as JSON), its template's sources, its links in order."""

    __tablename__ = "letter_versions"
    __table_args__ = (UniqueConstraint("letter_id", "digest"), {"sqlite_autoincrement": True})
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    letter_id: int = Field(sa_column=Column(Key, ForeignKey("letters.id"), nullable=False))
    digest: str
    content: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    links: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    at: datetime


class Media(Table, table=True):
    """Images of templates, by the hash of their bytes."""

    __tablename__ = "media"
    hash: str = Field(primary_key=True)
    type: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Publication(Table, table=True):
    """One page of the public archive: a letter as nobody in particular reads it. `slug` is its address for good (domain/publications.py).
    `html` is ready to be shown, its images at `/media/<hash>`.
    """

    __tablename__ = "publications"
    __table_args__ = (Index("ix_publications_at", "at"), Index("ix_publications_letter_id", "letter_id"))
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    letter_id: int = Field(sa_column=Column(Key, ForeignKey("letters.id"), nullable=False))
    version_id: int = Field(sa_type=Key)
    slug: str = Field(unique=True)
    at: datetime
    changed_at: datetime
    title: str
    summary: str = ""
    html: str
