"""What every table shares: the naming of constraints, the JSON type, integer keys that are 64 bits on PostgreSQL and rowids on SQLite."""

from sqlalchemy import JSON, BigInteger, Integer, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
Key = BigInteger().with_variant(Integer(), "sqlite")
Json = JSON().with_variant(JSONB(), "postgresql")
JsonOrNull = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")  # None is written as NULL, and costs nothing


class Table(SQLModel):
    """The base of all tables; constraints are named, so that migrations can speak of them."""

    metadata = MetaData(naming_convention=NAMING)


def one_of(column: str, words: type) -> str:
    """SQL text of a CHECK that a column holds one of an enum's words."""
    listed = ", ".join(f"'{w.value}'" for w in words)  # type: ignore[attr-defined]
    return f"{column} IN ({listed})"
