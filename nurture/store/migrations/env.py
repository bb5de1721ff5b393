"""Run by Alembic. The connection comes from `store/schema.py`; there is no offline mode."""

from typing import Any, Literal

from alembic import context
from sqlmodel.sql.sqltypes import AutoString

from nurture.store.tables import METADATA
from nurture.store.tables.base import Json, Key


def _write_type(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    """Our own portable types by name, so that a migration reads the same on both databases."""
    if kind != "type":
        return False
    if thing is Key or thing is Json:
        _context.imports.add("from nurture.store.tables.base import Json, Key")
        return "Key" if thing is Key else "Json"
    return "sa.String()" if isinstance(thing, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    render_item=_write_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
