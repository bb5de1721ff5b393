"""Thousands of rows in one statement, as each database takes them fastest: flat values on SQLite, arrays on PostgreSQL.

Values are converted by the column's own type, so that a row written here is the same as one written by any other statement. What is read
comes as the driver gives it: JSON as text, instants as text on SQLite (`moment` of store/dialect_batch.py).
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import JSON, Column, Select, Table, text
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel.sql.sqltypes import UTCDateTime

from nurture.store.ledger import pieces

_PARAMETERS = 30_000  # SQLite takes 32,766 in one statement
_ARRAY_ROWS = 10_000
_AMONG = {"sqlite": "IN (SELECT value FROM json_each(?))", "postgresql": "= ANY($1::bigint[])"}
Convert = Callable[[Any], Any]
Constants = tuple[tuple[str, str | int], ...]


async def rows_of(tx: AsyncConnection, query: Select[Any], column: Column[Any], ids: Sequence[int]) -> Sequence[Any]:
    """The rows of `query`, which binds no values, whose `column` is among `ids`; one parameter however many they are."""
    statement = _among(tx.dialect.name, tx.dialect, query, column)
    result = await tx.exec_driver_sql(statement, (json.dumps(ids) if tx.dialect.name == "sqlite" else list(ids),))
    return result.all()


@functools.lru_cache(maxsize=64)
def _among(name: str, dialect: Dialect, query: Select[Any], column: Column[Any]) -> str:
    return str(query.where(text(f"{column.table.name}.{column.name} {_AMONG[name]}")).compile(dialect=dialect))


async def insert_rows(
    tx: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], returning: Sequence[str],
    constants: Mapping[str, str | int] = {},
) -> list[Any]:  # fmt: skip
    """Insert `rows`, each with the values of `columns` and all with `constants`; those that conflict are passed over. Gives `returning` of
    what went in.
    """
    names, wanted, same, done = tuple(columns), tuple(returning), tuple(constants.items()), list[Any]()
    on_sqlite = tx.dialect.name == "sqlite"
    for piece in pieces(rows, _PARAMETERS // len(names) if on_sqlite else _ARRAY_ROWS):
        converted = _converted(tx.dialect, table, names, piece)
        if on_sqlite:
            statement, values = _values_insert(table, names, len(piece), wanted, same), tuple(chain.from_iterable(converted))
        else:
            statement, values = _array_insert(tx.dialect, table, names, wanted, same), _turned(converted)
        done += (await tx.exec_driver_sql(statement, values)).all()
    return done


async def update_rows(
    tx: AsyncConnection, table: Table, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], where: str = ""
) -> None:
    """Set `columns` of the rows whose `key` is each row's *last* value, and of which `where` (SQL without values) is true."""
    names = (*columns, key)
    if not rows:
        return
    also = f" AND {table.name}.{where}" if where else ""
    if tx.dialect.name == "sqlite":
        wanted = ", ".join(f"{name} = ?" for name in columns)
        statement = f"UPDATE {table.name} SET {wanted} WHERE {key} = ?{also}"  # noqa: S608 - names of our own tables
        await tx.exec_driver_sql(statement, list(_converted(tx.dialect, table, names, rows)))
        return
    for piece in pieces(rows, _ARRAY_ROWS):
        statement = _array_update(tx.dialect, table, key, tuple(columns)) + also
        await tx.exec_driver_sql(statement, _turned(_converted(tx.dialect, table, names, piece)))


def _converted(dialect: Dialect, table: Table, columns: tuple[str, ...], rows: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    converters = _converters(dialect.name, dialect, table, columns)
    if not converters:
        return map(tuple, rows)
    by_column = [list(column) for column in zip(*rows, strict=True)]
    for place, convert in converters:
        known: dict[datetime, Any] = {}  # many rows of a batch share a moment
        by_column[place] = [
            (known[value] if value in known else known.setdefault(value, convert(value))) if isinstance(value, datetime)
            else None if value is None else convert(value)
            for value in by_column[place]
        ]  # fmt: skip
    return zip(*by_column, strict=True)


def _turned(rows: Iterable[tuple[Any, ...]]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


@functools.lru_cache(maxsize=64)
def _converters(name: str, dialect: Dialect, table: Table, columns: tuple[str, ...]) -> list[tuple[int, Convert]]:
    found: list[tuple[int, Convert]] = []
    for place, column in enumerate(columns):
        kind = table.c[column].type
        convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
        if isinstance(kind, UTCDateTime) and name == "sqlite":
            convert = _instant_text
        if convert is not None:
            found.append((place, _unless_packed(convert) if isinstance(kind, JSON) else convert))
    return found


def _instant_text(value: datetime | str) -> str:
    """As the column's type writes it on SQLite, in a quarter of the time; what was read as text stays as it is."""
    return value if isinstance(value, str) else value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


def _unless_packed(convert: Convert) -> Convert:
    """No JSON column of ours holds a mere text: text is JSON that is packed already."""
    return lambda value: value if type(value) is str else convert(value)


@functools.lru_cache(maxsize=256)
def _values_insert(table: Table, columns: tuple[str, ...], rows: int, returning: tuple[str, ...], constants: Constants) -> str:
    row = f"({', '.join(['?'] * len(columns) + [_literal(value) for _, value in constants])})"
    return _insert(table, columns, f"VALUES {', '.join([row] * rows)}", returning, constants)


@functools.lru_cache(maxsize=64)
def _array_insert(
    dialect: Dialect, table: Table, columns: tuple[str, ...], returning: tuple[str, ...], constants: Constants
) -> str:
    picked = ", ".join([_picked(dialect, table, columns), *(_literal(value) for _, value in constants)])
    source = f"SELECT {picked} FROM {_unnested(dialect, table, columns)}"  # noqa: S608 - names of our own tables
    return _insert(table, columns, source, returning, constants)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


def _insert(table: Table, columns: tuple[str, ...], source: str, returning: tuple[str, ...], constants: Constants) -> str:
    names = ", ".join([*columns, *(name for name, _ in constants)])
    return f"INSERT INTO {table.name} ({names}) {source} ON CONFLICT DO NOTHING RETURNING {', '.join(returning)}"


@functools.lru_cache(maxsize=64)
def _array_update(dialect: Dialect, table: Table, key: str, columns: tuple[str, ...]) -> str:
    wanted = ", ".join(f"{name} = new_{_cast(dialect, table, name)}" for name in columns)
    source = _unnested(dialect, table, (*columns, key))
    return f"UPDATE {table.name} SET {wanted} FROM {source} WHERE {table.name}.{key} = new_{key}"  # noqa: S608 - names of our own tables


def _type(dialect: Dialect, table: Table, column: str) -> str:
    return str(table.c[column].type.compile(dialect))


def _cast(dialect: Dialect, table: Table, column: str) -> str:
    return f"{column}::jsonb" if _type(dialect, table, column) == "JSONB" else column


def _picked(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    return ", ".join(f"new_{_cast(dialect, table, name)}" for name in columns)


def _unnested(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    """`unnest($1::bigint[], ...) AS new (new_id, ...)`; JSON travels as text."""
    types = ["text" if (kind := _type(dialect, table, name)) == "JSONB" else kind for name in columns]
    arrays = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))
    return f"unnest({arrays}) AS new ({', '.join(f'new_{name}' for name in columns)})"
