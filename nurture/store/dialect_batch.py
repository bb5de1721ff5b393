"""One statement over a whole batch of rows, written once, compiled once for each database, and run without being compiled again.

The rows travel as one value: a JSON text on SQLite, where a statement for each row costs four times as much, arrays on PostgreSQL. On
SQLite what is read comes back as one JSON text too, since each row that is fetched waits for Python's lock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Any, overload
from typing import cast as cast_to

import orjson
from sqlalchemy import ARRAY, FromClause, Select, String, Update, bindparam, cast, exists, func, literal, select, true, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from nurture.store.database import Database
from nurture.store.lone import Execute, PostgresLone, SqliteLone

Rows = Sequence[Sequence[Any]]
Columns = Mapping[str, TypeEngine[Any]]
Convert = Callable[[Any], Any]
_GIVEN = "given_"


@dataclass(frozen=True, slots=True)
class _Compiled:
    """`names` in the order of the statement's values; `fixed`: those that stand in the statement itself. `packed`: rows come as JSON."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    convert: Mapping[str, Convert]
    packed: bool


@dataclass(slots=True)
class Batch:
    """`build` gets the given rows as something to select from, with `columns` as its columns, and returns the statement.

    Other values are `bindparam`s of it, given by name when it runs.
    """

    columns: Columns
    build: Callable[[FromClause], Select[Any] | UpdateBase]
    _compiled: dict[str, _Compiled] = field(default_factory=dict)

    async def change(self, tx: AsyncConnection, rows: Rows, **values: Any) -> int:
        """Run an INSERT, UPDATE or DELETE; how many rows it changed."""
        if not rows:
            return 0
        return int((await tx.exec_driver_sql(*self._bound(tx.dialect, rows, values))).rowcount)

    async def alone(self, db: Database, rows: Rows, **values: Any) -> int:
        """The same as a transaction of its own, durable when this returns."""
        return await db.alone(*self._bound(db.engine.dialect, rows, values)) if rows else 0

    async def read(self, tx: AsyncConnection, rows: Rows, **values: Any) -> Iterable[Sequence[Any]]:
        """Run a SELECT or a statement with RETURNING. Values come as the database keeps them: see `moment` and `read_json`."""
        if not rows and self.columns:
            return []
        found = await tx.exec_driver_sql(*self._bound(tx.dialect, rows, values))
        packed = self._compiled[tx.dialect.name].packed
        return orjson.loads(found.scalar_one()) if packed else found.all()

    def _bound(self, dialect: Dialect, rows: Rows, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """Statement and values for the driver."""
        known = self._compiled.get(dialect.name) or self._compile(dialect)
        given = {**known.fixed, **values}
        for name, convert in known.convert.items():
            given[name] = convert(given[name])
        if self.columns:
            if dialect.name == "sqlite":
                given[_GIVEN] = _as_json(rows if len(self.columns) > 1 else [value for (value,) in rows])
            else:
                given |= zip((_GIVEN + name for name in self.columns), map(list, zip(*rows, strict=True)), strict=True)
        return known.text, tuple([given[name] for name in known.names])

    def _compile(self, dialect: Dialect) -> _Compiled:
        sqlite = dialect.name == "sqlite"
        statement = self.build(_from_json(self.columns) if sqlite else _from_arrays(self.columns))
        compiled: Any = statement.compile(dialect=dialect)
        text, names = str(compiled), tuple(compiled.positiontup)
        packed = False
        if sqlite and isinstance(statement, Select):
            packed = True
            listed = ", ".join(f'"{column.name}"' for column in statement.selected_columns)
            text = f"SELECT json_group_array(json_array({listed})) FROM ({text})"  # noqa: S608 - compiled by SQLAlchemy, values are bound
        others = [name for name in names if not name.startswith(_GIVEN)]
        processors = {name: compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in others}
        convert = {name: found for name, found in processors.items() if found}
        known = _Compiled(text, names, compiled.params, convert, packed)
        self._compiled[dialect.name] = known
        return known


@dataclass(slots=True)
class Chain:
    """A transaction of its own: the rows that `asked` finds go to `change`, by the first of their columns, and `last` tells a row.

    On SQLite all of it is one hop. On PostgreSQL it is one statement, whose parts all see the tables as they were before it
    (postgresql.org/docs/current/queries-with.html): `last` must not look at what `change` writes.
    """

    asked: Batch
    change: Batch
    last: Batch
    _whole: Batch = field(init=False)
    _width: int = 0

    def __post_init__(self) -> None:
        self._whole = Batch({}, lambda _: self._as_one())

    async def run(self, db: Database, **values: Any) -> tuple[Sequence[Sequence[Any]], Sequence[Any]] | None:
        """The rows and that row, durable; None where nothing was found, and nothing is changed then."""
        dialect = db.engine.dialect
        if isinstance(db.lone, SqliteLone):
            async with db.writer:
                return await db.lone.together(partial(self._steps, dialect, values))
        if isinstance(db.lone, PostgresLone):
            told = await db.lone.ask(*self._whole._bound(dialect, (), values))  # noqa: SLF001 - of the same module
            return ([row[: self._width] for row in told], told[0][self._width :]) if told else None
        async with db.write() as tx:
            rows = [*await self.asked.read(tx, (), **values)]
            if not rows:
                return None
            await self.change.change(tx, self._given(rows), **values)
            (last,) = await self.last.read(tx, (), **values)
            return rows, last

    def _given(self, rows: Rows) -> Rows:
        return [row[: len(self.change.columns)] for row in rows]

    def _steps(self, dialect: Dialect, values: Mapping[str, Any], execute: Execute) -> tuple[Rows, Sequence[Any]] | None:
        ((text,),) = execute(*self.asked._bound(dialect, (), values))  # noqa: SLF001
        rows = orjson.loads(text)
        if not rows:
            return None
        execute(*self.change._bound(dialect, self._given(rows), values))  # noqa: SLF001
        (last,) = execute(*self.last._bound(dialect, (), values))  # noqa: SLF001
        return rows, last

    def _as_one(self) -> Select[Any]:
        nothing = select(literal(0)).subquery()
        asked, last = cast_to(Select[Any], self.asked.build(nothing)), cast_to(Update, self.last.build(nothing))
        found = asked.cte("found")
        self._width = len(found.c)
        given = select(*(column.label(name) for column, name in zip(found.c, self.change.columns, strict=False))).subquery("given")
        changed = cast_to(Update, self.change.build(given)).cte("changed")
        told = last.where(exists().select_from(found)).cte("told")
        return select(*found.c, *told.c).select_from(found.join(told, true())).add_cte(changed)


def _from_json(columns: Columns) -> FromClause:
    """Rows of one column travel as plain values: each row of several is written out by SQLite and read once more."""
    each = func.json_each(bindparam(_GIVEN, type_=String)).table_valued("value", name="batch")
    if len(columns) == 1:
        ((name, kind),) = columns.items()
        return select(type_coerce(each.c.value, kind).label(name)).subquery("given")
    taken = (type_coerce(func.json_extract(each.c.value, f"$[{n}]"), kind).label(name) for n, (name, kind) in enumerate(columns.items()))
    return select(*taken).subquery("given")


def _from_arrays(columns: Columns) -> FromClause:
    arrays = (cast(bindparam(_GIVEN + name, type_=ARRAY(kind)), ARRAY(kind)) for name, kind in columns.items())
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _as_json(rows: Sequence[Any]) -> str:
    return orjson.dumps(rows, _stored, orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _stored(value: Any) -> str:
    """As SQLAlchemy writes it into SQLite."""
    if isinstance(value, datetime):
        return _instant(value if value.tzinfo is UTC else value.astimezone(UTC))
    if isinstance(value, date):
        return _day(value)
    raise TypeError(f"{type(value).__name__} cannot be given in a batch")


@lru_cache(maxsize=256)  # the rows of a batch share their days, and many of their moments
def _instant(value: datetime) -> str:
    return value.isoformat(" ", "microseconds")[:26]


@lru_cache(maxsize=256)
def _day(value: date) -> str:
    return value.isoformat()


@overload
def moment(value: str | datetime) -> datetime: ...
@overload
def moment(value: None) -> None: ...
def moment(value: str | datetime | None) -> datetime | None:
    """An instant as Batch.read() gives it: text on SQLite, a value already on PostgreSQL."""
    return datetime.fromisoformat(value + "+00:00") if isinstance(value, str) else value
