"""Who may knock: API keys (hashed), users, sessions, answers kept for an Idempotency-Key, the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table


class ApiKey(Table, table=True):
    __tablename__ = "api_keys"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    name: str
    prefix: str = Field(unique=True)
    digest: str
    scopes: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class User(Table, table=True):
    """`link_digest`: SHA-256 of the one-time link by which they choose a password; `password` is empty until then."""

    __tablename__ = "users"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    email: str = Field(unique=True)
    password: str
    role: str = Field(default="owner", sa_column_kwargs={"server_default": "owner"})
    link_digest: str | None = None
    link_until: datetime | None = None
    created_at: datetime


class Session(Table, table=True):
    """Server-side; the cookie holds a random value, the row only its digest."""

    __tablename__ = "sessions"
    digest: str = Field(primary_key=True)
    user_id: int = Field(sa_type=Key)
    csrf: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Idempotency(Table, table=True):
    __tablename__ = "idempotency"
    __table_args__ = (UniqueConstraint("key_id", "key"), Index("ix_idempotency_at", "at"))
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    key_id: int = Field(sa_type=Key)
    key: str
    digest: str
    status: int
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime


class Audit(Table, table=True):
    """Rows are only added: a trigger of the database refuses all else, save that an erasure empties `object` and `detail`."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_object", "object"),)
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    at: datetime
    actor: str
    action: str
    object: str
    ip: str | None = None
    detail: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
