"""People: who they are, what they allow, what they agreed to."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index
from sqlmodel import Field

from nurture.domain.words import Frequency, Kinds, Status, ZoneSource
from nurture.store.tables.base import Json, JsonOrNull, Key, Table, one_of


class Subscriber(Table, table=True):
    """One person per lower-cased address with the domain as A-label. `changed_at` moves with every edit of the row or its tags.

    `cleanup_lane`: the lane of the cleanup that has the person now; nothing but its letters and service ones leaves to them meanwhile.
    `erased_at`: the row is nobody's any more and stays for the letters that point to it; its address is `erased:<id>`.
    `told_at`: name -> day for what was told after joining (domain/field_ages.py); None: all is as old as `joined_at`.
    """

    __tablename__ = "subscribers"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status"),
        CheckConstraint(one_of("frequency", Frequency), name="frequency"),
        CheckConstraint(one_of("kinds", Kinds), name="kinds"),
        Index("ix_subscribers_changed_at", "changed_at"),
        {"sqlite_autoincrement": True},  # ids stand in links for ever and are never used twice
    )
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    email: str = Field(unique=True)
    name: str = ""
    first_name: str = ""
    patronymic: str = ""
    timezone: str | None = None
    zone_source: str = ZoneSource.DEFAULT.value
    locale: str | None = None
    country: str | None = None
    status: str = Status.SUBSCRIBED.value
    status_at: datetime
    source: str = ""
    topics: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    frequency: str = Frequency.NORMAL.value
    kinds: str = Kinds.ALL.value
    tracking: str | None = None
    paused_until: datetime | None = None
    cleanup_lane: int | None = Field(default=None, sa_type=Key)
    joined_at: datetime
    changed_at: datetime
    erased_at: datetime | None = None
    told_at: dict[str, Any] | None = Field(default=None, sa_column=Column(JsonOrNull, nullable=True))


class Suppression(Table, table=True):
    """An erased address: a keyed hash, so that it cannot come back by a file (store/suppressions.py)."""

    __tablename__ = "suppressions"
    digest: str = Field(primary_key=True)
    at: datetime


class SubscriberTag(Table, table=True):
    __tablename__ = "subscriber_tags"
    __table_args__ = (Index("ix_subscriber_tags_tag", "tag", "subscriber_id"),)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True))
    tag: str = Field(primary_key=True)


class Consent(Table, table=True):
    """Append-only: who agreed to or withdrew what, when, from where, in which wording."""

    __tablename__ = "consents"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), index=True, nullable=False))
    what: str
    granted: bool
    wording: str = ""
    source: str = ""
    ip: str | None = None
    at: datetime




class Referral(Table, table=True):
    """Who brought whom: one row for each newcomer, so that a person counts once. `confirmed_at`: when they made the letters theirs."""

    __tablename__ = "referrals"
    __table_args__ = (Index("ix_referrals_recommender_id", "recommender_id"),)
    subscriber_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True))
    recommender_id: int = Field(sa_column=Column(Key, ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False))
    form: str
    at: datetime
    confirmed_at: datetime | None = None
