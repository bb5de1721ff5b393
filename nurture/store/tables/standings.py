"""The standing of each person (packed forms: domain/standing.py), the moves between classes, and the way through each sequence."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ON_AGENDA = "plan_at IS NOT NULL"  # most people have their next letter written and are on none


class Standing(Table, table=True):
    """`plan_at`: when the planner looks at this person again; None while nothing is wanted. It is an agenda, not part of what `rebuild`
    recomputes. `served_at`: when the last letter of `recent` was accepted, 1970 for who never got one: the agenda's order among equals.
    """

    __tablename__ = "standings"
    __table_args__ = (
        Index("ix_standings_plan_at", "plan_at", "served_at", sqlite_where=text(ON_AGENDA), postgresql_where=text(ON_AGENDA)),
        Index("ix_standings_engagement", "engagement"),
    )
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True))
    recent: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    received: int = 0
    useful_since_sales: int = 0
    others_since_sales: int = 0
    last_sign_at: datetime | None = None
    answers: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    purchases: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    conversions: int = 0
    customer: bool = False
    bought_at: datetime | None = None
    wanted_at: datetime | None = None
    asked_at: datetime | None = None
    refused_at: datetime | None = None
    score: float = 0.0
    score_at: datetime | None = None
    peaks: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    acts: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    engagement: str = "new"
    engagement_at: datetime | None = None
    downs: int = 0
    downs_at: datetime | None = None
    flags: int = 0
    temperature: str = "cold"
    temperature_at: datetime | None = None
    plan_at: datetime | None = None
    served_at: datetime = NEVER


class Move(Table, table=True):
    """A person went from one class, flag set or temperature to another. `withdrawn`: 1 where a verdict fell and took an earlier move back.

    `reacted`: 0 the rules have not seen it, 1 they have.
    """

    __tablename__ = "moves"
    __table_args__ = (
        Index("ix_moves_unreacted", "at", sqlite_where=text("reacted = 0"), postgresql_where=text("reacted = 0")),
        Index(
            "ix_moves_withdrawn", "id",
            sqlite_where=text("reacted = 0 AND withdrawn = 1"), postgresql_where=text("reacted = 0 AND withdrawn = 1"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), index=True, nullable=False))
    what: str
    old: str
    new: str
    reason: str
    at: datetime
    withdrawn: int = 0
    reacted: int = 0


class Pull(Table, table=True):
    """How much each hour of the reader's day is preferred in one lane, and under the empty name on the whole list (domain/rhythm.py).
    `expected` and `pull` hold 24 numbers; `letters` and `acts` say what they were learned from.
    """

    __tablename__ = "pulls"
    name: str = Field(primary_key=True)
    letters: int
    acts: int
    expected: list[float] = Field(sa_column=Column(Json, nullable=False))
    pull: list[float] = Field(sa_column=Column(Json, nullable=False))
    learned_at: datetime


class Composition(Table, table=True):
    """How many people stood in each class at the end of a weekly run."""

    __tablename__ = "compositions"
    week: str = Field(primary_key=True)
    engagement: str = Field(primary_key=True)
    people: int


class Enrolment(Table, table=True):
    """One person's way through one sequence, or through one occasion (`number`) of a campaign.

    `history` lists what is done, in order: {"letter", "kind", "outcome", "day", "at", "delivery", "reason"}.
    `decision` is the last word of the planner for this way: {"at", "letter", "decision", "reason", "rule", "until"}; None where it was to
    send a letter: the delivery says so (store/last_words.py). `state`: active, done, goal, exited, withdrawn, left, ended.
    `version`: the document's version that the way is pinned to; None: the newest. `entry_reacted`, `end_reacted`: whether the rules have
    seen its beginning and its end.
    """

    __tablename__ = "enrolments"
    __table_args__ = (
        UniqueConstraint("sequence_id", "subscriber_id", "number"),
        Index("ix_enrolments_subscriber", "subscriber_id", "state"),
        Index(
            "ix_enrolments_entry_unreacted", "sequence_id", "enrolled_at",
            sqlite_where=text("entry_reacted = 0"), postgresql_where=text("entry_reacted = 0"),
        ),
        Index(
            "ix_enrolments_end_unreacted", "sequence_id", "ended_at",
            sqlite_where=text("end_reacted = 0"), postgresql_where=text("end_reacted = 0"),
        ),
        Index(
            "ix_enrolments_pinned", "sequence_id", "version",
            sqlite_where=text("version IS NOT NULL"), postgresql_where=text("version IS NOT NULL"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    sequence_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), nullable=False))
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False))
    number: int = 1
    version: int | None = None
    state: str = "active"
    by: str = "audience"
    enrolled_at: datetime
    now_until: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    history: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    stale_since: datetime | None = None
    decision: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    entry_reacted: int = 0
    end_reacted: int = 0


class Match(Table, table=True):
    """Who matches a sequence's audience already: only those who come to match afterwards are enrolled."""

    __tablename__ = "matches"
    sequence_id: int = Field(sa_column=Column(Key, ForeignKey("documents.id"), primary_key=True))
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True))
