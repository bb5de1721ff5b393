"""What every statement over the ledger shares: the tables, and lists cut so that no statement carries too many parameters."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_

from nurture.store.tables import METADATA

T = TypeVar("T")
IDS_AT_ONCE = 10_000  # SQLite takes 32,766 parameters in one statement, PostgreSQL 32,767

deliveries = METADATA.tables["deliveries"]
lanes = METADATA.tables["lanes"]
letters = METADATA.tables["letters"]
subscribers = METADATA.tables["subscribers"]
workers = METADATA.tables["workers"]
workspace = METADATA.tables["workspace"]


def pieces(items: Iterable[T], size: int = IDS_AT_ONCE) -> Iterator[Sequence[T]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """`column IN (...)` for statements that run once for each of many rows: an expanding IN cannot."""
    return or_(*[column == word for word in words])
