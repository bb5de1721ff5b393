"""The installation itself: its identity, whether it is paused, its notices, the runs of its jobs and imports."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary, UniqueConstraint
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table


class Workspace(Table, table=True):
    """One row, id 1. `identity` keys Message-IDs; `halted` stops planning and sending with its reason; `claims` numbers the claims
    (ledger.mark).
    """

    __tablename__ = "workspace"
    id: int = Field(default=1, primary_key=True)
    identity: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    halted: str | None = None
    claims: int = 0
    created_at: datetime


class Job(Table, table=True):
    """A run of a periodic job: UNIQUE (job, period) lets one worker do it once."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("job", "period"),)
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    job: str
    period: str
    started_at: datetime
    ended_at: datetime | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))


class Import(Table, table=True):
    """A file on its way in: `line` is the last one committed, so that a killed import goes on from there."""

    __tablename__ = "imports"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    digest: str = Field(unique=True)
    line: int = 0
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(Json, nullable=False))
    started_at: datetime
    finished_at: datetime | None = None
