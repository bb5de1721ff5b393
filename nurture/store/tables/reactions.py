"""What rules did, the tasks they set for people, and the webhooks that are on their way to other systems."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, UniqueConstraint, text
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table


class Reaction(Table, table=True):
    """A rule answered a cause for one person: UNIQUE lets it happen once. `cause`: `move:12`, `event:34`, `entered:56`, `ended:56`, or
    `person` where the rule answers each person once; `source` is always what really happened.

    `state`: acted, refused (a circle of rules), undone (the verdict fell). `did` keeps what was done, in order, so that it can be undone.
    """

    __tablename__ = "reactions"
    __table_args__ = (
        UniqueConstraint("rule_id", "subscriber_id", "cause"),
        Index("ix_reactions_source", "subscriber_id", "source"),
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    rule_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), nullable=False))
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False))
    cause: str
    source: str
    reason: str
    state: str = "acted"
    did: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    at: datetime
    undone_at: datetime | None = None
    undone_because: str | None = None


class Task(Table, table=True):
    """Something a person of the team is to do. `state`: open, done, cancelled."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_open", "id", sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_tasks_subscriber", "subscriber_id"),
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False))
    reaction_id: int | None = Field(default=None, sa_type=Key)
    rule: str
    text: str
    state: str = "open"
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


class Webhook(Table, table=True):
    """Another system's address that wants to hear of events. The secret signs, so it is kept, sealed; it is shown once."""

    __tablename__ = "webhooks"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    url: str
    types: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    secret: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_because: str | None = None


class WebhookMessage(Table, table=True):
    """The outbox of webhooks. `uid` goes out as `webhook-id` and makes a message be written once; `webhook_id` is None for a rule's own.

    `state`: pending, delivered, failed, cancelled. `due_at` is the next try.
    """

    __tablename__ = "webhook_messages"
    __table_args__ = (
        Index("ix_webhook_messages_due", "due_at", sqlite_where=text("state = 'pending'"), postgresql_where=text("state = 'pending'")),
        Index(
            "ix_webhook_messages_ended", "ended_at",
            sqlite_where=text("ended_at IS NOT NULL"), postgresql_where=text("ended_at IS NOT NULL"),
        ),
        Index("ix_webhook_messages_subscriber", "subscriber_id"),
    )  # fmt: skip
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    uid: str = Field(unique=True)
    webhook_id: int | None = Field(default=None, sa_type=Key)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False))
    url: str
    type: str
    body: str
    state: str = "pending"
    attempts: int = 0
    due_at: datetime
    created_at: datetime
    ended_at: datetime | None = None
    answer: str | None = None
