"""How a value of a JSON object is read on each database: the part of `dialect.py` that conditions need.

Each element takes (JSON column, key) and is NULL where the value is missing or of another nature, so comparisons never cross types. A text
that looks like a number or a truth counts as one: values of a CSV file are all text.
"""

from typing import Any

from sqlalchemy import Boolean, Float, Integer, Numeric, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class FieldText(FunctionElement[str]):
    """The value when it is text."""

    type = String()
    inherit_cache = True


class FieldNumber(FunctionElement[float]):
    """The value when it is a number, or text that looks like one."""

    type = Numeric().with_variant(Float(), "sqlite")  # type: ignore[assignment]
    inherit_cache = True


class FieldTruth(FunctionElement[bool]):
    """The value when it is true or false, or text that says so."""

    type = Boolean()
    inherit_cache = True


class FieldFilled(FunctionElement[bool]):
    """True when there is a value that is neither null nor empty text; NULL when the key is missing."""

    type = Boolean()
    inherit_cache = True


class FieldHolds(FunctionElement[bool]):
    """(column, key, text): a list with exactly this text in it."""

    type = Boolean()
    inherit_cache = True


class AsciiLower(FunctionElement[str]):
    """A to Z made small, all else left alone: the one folding both databases agree on."""

    type = String()
    inherit_cache = True


class Bytewise(FunctionElement[str]):
    """Text that compares by its code points on both databases, whatever the locale of the server."""

    type = String()
    inherit_cache = True


class Position(FunctionElement[int]):
    """(text, part): where the part begins, 0 when it is not in there."""

    type = Integer()
    inherit_cache = True


class MonthDay(FunctionElement[str]):
    """`12-31` of an instant, in UTC."""

    type = String()
    inherit_cache = True


def _parts(element: FunctionElement[Any], compiler: Any, kw: dict[str, Any]) -> list[str]:
    return [compiler.process(clause, **kw) for clause in element.clauses]


# SQLite: json_each unescapes keys, which json_extract's paths do not (a key in Cyrillic is stored as \u escapes).
_UNSIGNED = "ltrim(substr(j.atom, 1, 1), '-') || substr(j.atom, 2)"
_LOOKS_NUMERIC = (
    f"{_UNSIGNED} GLOB '[0-9]*' AND {_UNSIGNED} GLOB '*[0-9]' AND NOT {_UNSIGNED} GLOB '*[^0-9.]*' AND NOT {_UNSIGNED} GLOB '*.*.*'"
    " AND length(j.atom) <= 60"
)
_SQLITE = {
    FieldText: "CASE WHEN j.type = 'text' THEN j.atom END",
    FieldNumber: (
        f"CASE WHEN j.type IN ('integer', 'real') THEN j.atom WHEN j.type = 'text' AND {_LOOKS_NUMERIC} THEN CAST(j.atom AS REAL) END"
    ),
    FieldTruth: (
        "CASE WHEN j.type = 'true' THEN 1 WHEN j.type = 'false' THEN 0 WHEN j.type = 'text' THEN"
        " CASE j.atom WHEN 'true' THEN 1 WHEN 'false' THEN 0 END END"
    ),
    FieldFilled: "j.type <> 'null' AND NOT (j.type = 'text' AND j.atom = '')",
}
_POSTGRES = {
    FieldText: "CASE jsonb_typeof({0} -> {1}) WHEN 'string' THEN {0} ->> {1} END",
    FieldNumber: (
        "CASE jsonb_typeof({0} -> {1}) WHEN 'number' THEN CAST({0} ->> {1} AS NUMERIC) WHEN 'string' THEN"
        " CASE WHEN {0} ->> {1} ~ '^-?[0-9]+([.][0-9]+)?$' AND length({0} ->> {1}) <= 60 THEN CAST({0} ->> {1} AS NUMERIC) END END"
    ),
    FieldTruth: (
        "CASE jsonb_typeof({0} -> {1}) WHEN 'boolean' THEN CAST({0} ->> {1} AS BOOLEAN) WHEN 'string' THEN"
        " CASE {0} ->> {1} WHEN 'true' THEN true WHEN 'false' THEN false END END"
    ),
    FieldFilled: "(jsonb_typeof({0} -> {1}) <> 'null' AND {0} -> {1} <> '\"\"'::jsonb)",
}


def _read_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, key = _parts(element, compiler, kw)
    return f"(SELECT {_SQLITE[type(element)]} FROM json_each({column}) AS j WHERE j.key = {key})"  # noqa: S608 - compiled clauses and our own words; values are bound


def _read_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    column, key = _parts(element, compiler, kw)
    return "(" + _POSTGRES[type(element)].format(column, key) + ")"


for _element in _SQLITE:
    compiles(_element, "sqlite")(_read_on_sqlite)
    compiles(_element, "postgresql")(_read_on_postgres)


@compiles(FieldHolds, "sqlite")
def _holds_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, key, text = _parts(element, compiler, kw)
    inside = f"SELECT 1 FROM json_each(j.value) AS i WHERE i.type = 'text' AND i.atom = {text}"  # noqa: S608 - the same
    return f"EXISTS (SELECT 1 FROM json_each({column}) AS j WHERE j.key = {key} AND j.type = 'array' AND EXISTS ({inside}))"  # noqa: S608 - the same


@compiles(FieldHolds, "postgresql")
def _holds_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    column, key, text = _parts(element, compiler, kw)
    return f"(jsonb_typeof({column} -> {key}) = 'array' AND ({column} -> {key}) ? {text})"


@compiles(AsciiLower, "sqlite")
def _lower_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower({_parts(element, compiler, kw)[0]})"


@compiles(AsciiLower, "postgresql")
def _lower_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    return f'lower(CAST({_parts(element, compiler, kw)[0]} AS TEXT) COLLATE "C")'


@compiles(Bytewise, "sqlite")
def _bytewise_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return _parts(element, compiler, kw)[0]


@compiles(Bytewise, "postgresql")
def _bytewise_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    return f'(CAST({_parts(element, compiler, kw)[0]} AS TEXT) COLLATE "C")'


@compiles(Position, "sqlite")
def _position_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"instr({', '.join(_parts(element, compiler, kw))})"


@compiles(Position, "postgresql")
def _position_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    return f"strpos({', '.join(_parts(element, compiler, kw))})"


@compiles(MonthDay, "sqlite")
def _month_day_on_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"substr({_parts(element, compiler, kw)[0]}, 6, 5)"


@compiles(MonthDay, "postgresql")
def _month_day_on_postgres(element: Any, compiler: Any, **kw: Any) -> str:
    return f"to_char({_parts(element, compiler, kw)[0]} AT TIME ZONE 'UTC', 'MM-DD')"
