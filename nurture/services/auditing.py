"""The audit log: look into it, and write down what leaves no other trace."""

from collections.abc import Sequence

from nurture.store import auditing as rows
from nurture.store.auditing import Line
from nurture.store.database import Database


async def read_lines(db: Database, *, before: int | None = None, limit: int = 50, actor: str = "", thing: str = "") -> Sequence[Line]:
    """The newest first; `before`: only older ones than this id."""
    async with db.read() as tx:
        return await rows.lines(tx, before=before, limit=limit, actor=actor, thing=thing)


async def record(db: Database) -> None:
    """The action under way changes nothing and is worth a line all the same: what is kept about people leaves the house."""
    async with db.write():  # whoever commits writes down the action under way
        pass
