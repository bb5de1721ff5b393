"""Thousands of rows in one statement, as each database takes them fastest: flat values on SQLite, arrays on PostgreSQL.

Values are converted by the column's own type, so that a row written here is the same as one written by any other statement.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from nurture.store.ledger import pieces

_PARAMETERS = 30_000  # SQLite takes 32,766 in one statement
_ARRAY_ROWS = 10_000
Convert = Callable[[Any], Any]


async def insert_rows(
    tx: AsyncConnection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], returning: Sequence[str]
) -> list[Any]:
    """Insert `rows`, each with the values of `columns`; those that conflict are passed over. Gives `returning` of what went in."""
    names, wanted, done = tuple(columns), tuple(returning), list[Any]()
    on_sqlite = tx.dialect.name == "sqlite"
    for piece in pieces(rows, _PARAMETERS // len(names) if on_sqlite else _ARRAY_ROWS):
        converted = _converted(tx.dialect, table, names, piece)
        if on_sqlite:
            result = await tx.exec_driver_sql(_values_insert(table, names, len(piece), wanted), tuple(v for row in converted for v in row))
        else:
            result = await tx.exec_driver_sql(_array_insert(tx.dialect, table, names, wanted), _turned(converted))
        done += result.all()
    return done


async def update_rows(tx: AsyncConnection, table: Table, key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set `columns` of the rows whose `key` is each row's *last* value."""
    names = (*columns, key)
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        wanted = ", ".join(f"{name} = ?" for name in columns)
        statement = f"UPDATE {table.name} SET {wanted} WHERE {key} = ?"  # noqa: S608 - names of our own tables
        await tx.exec_driver_sql(statement, list(_converted(tx.dialect, table, names, rows)))
        return
    for piece in pieces(rows, _ARRAY_ROWS):
        statement = _array_update(tx.dialect, table, key, tuple(columns))
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
def _converters(_name: str, dialect: Dialect, table: Table, columns: tuple[str, ...]) -> list[tuple[int, Convert]]:
    found: list[tuple[int, Convert]] = []
    for place, name in enumerate(columns):
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            found.append((place, convert))
    return found


@functools.lru_cache(maxsize=256)
def _values_insert(table: Table, columns: tuple[str, ...], rows: int, returning: tuple[str, ...]) -> str:
    values = ", ".join([f"({', '.join('?' * len(columns))})"] * rows)
    return _insert(table, columns, f"VALUES {values}", returning)


@functools.lru_cache(maxsize=64)
def _array_insert(dialect: Dialect, table: Table, columns: tuple[str, ...], returning: tuple[str, ...]) -> str:
    source = f"SELECT {_picked(dialect, table, columns)} FROM {_unnested(dialect, table, columns)}"  # noqa: S608 - names of our own tables
    return _insert(table, columns, source, returning)


def _insert(table: Table, columns: tuple[str, ...], source: str, returning: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) {source} "
        f"ON CONFLICT DO NOTHING RETURNING {', '.join(returning)}"
    )


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
