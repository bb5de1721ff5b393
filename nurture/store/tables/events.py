"""What came back. Never edited but for its verdict, never dropped."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlmodel import Field

from nurture.domain.words import Evidence
from nurture.store.tables.base import Json, Key, Table, one_of


class Event(Table, table=True):
    """`uid` makes a replay fold once. `folded`: 0 the standing does not know it yet, 1 it does, 2 the verdict changed since, 3 the class
    is still to follow. `reacted`: 0 the rules have not seen it, 1 they have, 2 the verdict changed since.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(one_of("evidence", Evidence), name="evidence"),
        Index("ix_events_unfolded", "settles_at", sqlite_where=text("folded = 0"), postgresql_where=text("folded = 0")),
        Index("ix_events_withdrawn", "subscriber_id", sqlite_where=text("folded > 1"), postgresql_where=text("folded > 1")),
        Index("ix_events_unreacted", "type", "at", sqlite_where=text("reacted = 0"), postgresql_where=text("reacted = 0")),
        Index("ix_events_reacted_anew", "id", sqlite_where=text("reacted > 1"), postgresql_where=text("reacted > 1")),
        # With `type`, since SQLite, which keeps no statistics here, else prefers ix_events_type_at and reads every event of the type.
        Index("ix_events_subscriber", "subscriber_id", "type", "at"),
        Index("ix_events_delivery", "delivery_id", "type", "at"),
        Index("ix_events_type_at", "type", "at"),
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    uid: str = Field(unique=True)
    subscriber_id: int = Field(sa_type=Key)
    delivery_id: int | None = Field(default=None, sa_type=Key)
    type: str
    at: datetime
    settles_at: datetime
    link: int | None = None
    url: str | None = None
    name: str | None = None
    value: float | None = None
    currency: str | None = None
    ip: str | None = None
    agent: str | None = None
    evidence: str = Evidence.UNKNOWN.value
    reason: str = ""
    rule_version: int = 1
    folded: int = 0
    reacted: int = 0
    detail: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
