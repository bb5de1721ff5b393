"""A cleanup under way: how far it is, its audience with each one's verdict, and every move it made."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, text
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table

HELD = "taken_at IS NOT NULL AND released_at IS NULL"


class Cleanup(Table, table=True):
    """One row from `start` on; the state itself stands with the document. `step`: 0 canary, 1-3 the ramp (5 %, 20 %, all).

    `drawn_to`: up to which person the audience is drawn, `filled_at`: when it was whole, `treated` and `held` people. `judged_at`: up to
    when verdicts were looked for.
    `settled_at`: when everybody had one; `ended_at`: finished or stopped. `before` and `after`: the workspace at the start and at the end,
    as the result sheet compares them; `exempt`: how many were left alone, by reason.
    """

    __tablename__ = "cleanups"
    document_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), primary_key=True))
    step: int = 0
    started_at: datetime
    step_at: datetime
    drawn_to: int = Field(default=0, sa_type=Key)
    filled_at: datetime | None = None
    held: int = 0
    canary: int = 0
    treated: int = 0
    judged_at: datetime | None = None
    settled_at: datetime | None = None
    paused_at: datetime | None = None
    ended_at: datetime | None = None
    warned: str = ""
    exempt: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    before: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    after: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))


class CleanupMember(Table, table=True):
    """One person of the audience. `rank`: their place in the drawing. `taken_at` to `released_at`: while the cleanup has them; `closed_at`:
    when their closing letter was ordered, `archived_at`: when they were archived.
    """

    __tablename__ = "cleanup_members"
    __table_args__ = (
        Index("ix_cleanup_members_rank", "document_id", "part", "rank"),
        Index("ix_cleanup_members_subscriber", "subscriber_id"),
        Index("ix_cleanup_members_held", "document_id", sqlite_where=text(HELD), postgresql_where=text(HELD)),
    )
    document_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), primary_key=True))
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True))
    part: str
    rank: int = Field(sa_type=Key)
    engagement: str
    taken_at: datetime | None = None
    released_at: datetime | None = None
    verdict: str | None = None
    reason: str = ""
    verdict_at: datetime | None = None
    closed_at: datetime | None = None
    archived_at: datetime | None = None


class CleanupMove(Table, table=True):
    """Append-only: every move with its reason and the numbers it was made by."""

    __tablename__ = "cleanup_moves"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    document_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), index=True, nullable=False))
    old: str
    new: str
    reason: str
    numbers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    at: datetime
