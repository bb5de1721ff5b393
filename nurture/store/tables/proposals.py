"""What the weekly hygiene proposes; only a person's word acts on it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from nurture.domain.hygiene import ProposalKind, ProposalState
from nurture.store.tables.base import Json, Key, Table, one_of


class ProposalRow(Table, table=True):
    """`key` tells it from others of its kind from week to week. `detail` names nobody: ids, domains, words. `seen_at`: the last run that
    found it.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        CheckConstraint(one_of("kind", ProposalKind), name="kind"),
        CheckConstraint(one_of("state", ProposalState), name="state"),
        Index("ix_proposals_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    kind: str
    key: str
    people: int
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    state: str = ProposalState.OPEN.value
    found_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    outcome: str | None = None
