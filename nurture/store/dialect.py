"""The few statements that SQLite and PostgreSQL spell differently."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Table,
    any_,
    cast,
    extract,
    func,
    inspect,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert(db_or_tx: Any, table: Table | type) -> Any:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on the database at hand."""
    core = table if isinstance(table, Table) else inspect(table).local_table
    name = db_or_tx.dialect.name if isinstance(db_or_tx, AsyncConnection) else db_or_tx.engine.dialect.name
    return postgresql.insert(core) if name == "postgresql" else sqlite.insert(core)


def skip_locked(tx: AsyncConnection, query: Select[Any]) -> Select[Any]:
    """Rows that another claimer holds are passed over on PostgreSQL; SQLite's one writer needs no such words."""
    return query.with_for_update(skip_locked=True) if tx.dialect.name == "postgresql" else query


_BY_KEY = {"enable_hashjoin": "off", "enable_mergejoin": "off", "join_collapse_limit": "1", "random_page_cost": "1.1", "jit": "off"}


async def by_key(tx: AsyncConnection) -> None:
    """For the rest of the transaction what is joined is looked up by its key, in the order written.

    PostgreSQL would sooner read a table of a hundred thousand people from end to end for each chunk of two thousand, since it takes every
    page for one on a turning disk and knows little of a list that has just come in: the cost of a person would grow with the list.
    """
    if tx.dialect.name == "postgresql":
        await tx.exec_driver_sql("SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _BY_KEY.items()))


def among(tx: AsyncConnection, column: Any, ids: Iterable[int]) -> ColumnElement[bool]:
    """`column IN (...)` with one parameter, however many ids there are."""
    if tx.dialect.name == "postgresql":
        return column == any_(literal(list(ids), postgresql.ARRAY(BigInteger)))  # type: ignore[no-any-return]
    return column.in_(select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value))  # type: ignore[no-any-return]


async def alone(tx: AsyncConnection, work: str) -> bool:
    """Whether no other transaction does this work now; then none does until this one ends. SQLite has one writer anyway."""
    if tx.dialect.name == "sqlite":
        return True
    return bool((await tx.execute(select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"nurture:{work}", 0))))).scalar_one())


def seconds(tx: AsyncConnection, column: Any) -> ColumnElement[int]:
    """Whole seconds since 1970 UTC of an instant, cut, not rounded: an integer costs a tenth of an instant to read. For grouping too."""
    if tx.dialect.name == "postgresql":
        return cast(func.floor(extract("epoch", column)), BigInteger)
    return extract("epoch", func.substr(column, literal_column("1", Integer), literal_column("19", Integer)))  # SQLite would round


def minute(tx: AsyncConnection, column: Any) -> ColumnElement[int]:
    """Whole minutes since 1970 UTC of an instant, for grouping: no bound values inside, so that it may stand in GROUP BY."""
    sixty = literal_column("60", Integer)
    if tx.dialect.name == "postgresql":
        return cast(func.floor(extract("epoch", column) / sixty), BigInteger)
    return seconds(tx, column) // sixty


def within_minute(tx: AsyncConnection, column: Any) -> ColumnElement[Any]:
    """The same for all instants of one minute: for grouping a whole list, a fifth of what the number of the minute costs on SQLite."""
    if tx.dialect.name == "postgresql":
        return func.date_trunc(literal_column("'minute'"), column)
    return func.substr(column, literal_column("1", Integer), literal_column("16", Integer))


def read_json(value: Any) -> Any:
    """A JSON column that was read without its type: text on SQLite, a value already on PostgreSQL."""
    return json.loads(value) if isinstance(value, str) else value
