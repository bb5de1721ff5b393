"""Draws among those who answered a question."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlmodel import Field

from nurture.store.tables.base import Json, Key, Table


class Drawing(Table, table=True):
    """One draw, made once. `commitment` is the hash of `seed`, shown from the beginning; `seed` is shown only after `drawn_at`.
    `entries`: the numbers of all who took part; `winners`: [{"entry", "subscriber"}], best first (domain/draws.py).
    """

    __tablename__ = "draws"
    id: int | None = Field(default=None, sa_type=Key, primary_key=True)
    question: str = Field(unique=True)
    seed: str
    commitment: str
    created_at: datetime
    drawn_at: datetime | None = None
    entries: list[Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
    winners: list[Any] | None = Field(default=None, sa_column=Column(Json, nullable=True))
