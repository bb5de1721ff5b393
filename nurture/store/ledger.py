"""What every statement over the ledger shares: the tables, and lists cut so that no statement carries too many parameters."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, not_, or_

from nurture.domain.people import HOUSE
from nurture.domain.words import Status
from nurture.store.tables import METADATA

T = TypeVar("T")
IDS_AT_ONCE = 10_000  # SQLite takes 32,766 parameters in one statement, PostgreSQL 32,767

deliveries = METADATA.tables["deliveries"]
lanes = METADATA.tables["lanes"]
letters = METADATA.tables["letters"]
subscribers = METADATA.tables["subscribers"]
workers = METADATA.tables["workers"]
workspace = METADATA.tables["workspace"]


def of_the_list() -> ColumnElement[bool]:
    """Of `subscribers`: people of the list, neither erased nor only of the house (domain/people.py)."""
    return and_(subscribers.c.erased_at.is_(None), not_(of_the_house()))


def of_the_house() -> ColumnElement[bool]:
    return and_(subscribers.c.source == HOUSE, subscribers.c.status == Status.ARCHIVED.value)


def pieces(items: Iterable[T], size: int = IDS_AT_ONCE) -> Iterator[Sequence[T]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """`column IN (...)` for statements that run once for each of many rows: an expanding IN cannot."""
    return or_(*[column == word for word in words])
