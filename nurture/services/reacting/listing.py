"""Rules as a list: what is live, and how often each has acted."""

from dataclasses import dataclass

from nurture.store.database import Database
from nurture.store.documents import load_documents
from nurture.store.reactions import count_reactions


@dataclass(frozen=True, slots=True)
class RuleLine:
    """`acted`: reactions that stand; `undone`: their verdict fell; `refused`: in a circle of rules."""

    name: str
    title: str
    state: str
    version: int
    acted: int
    undone: int
    refused: int


async def list_rules(db: Database) -> list[RuleLine]:
    """By name."""
    async with db.read() as tx:
        counts = await count_reactions(tx)
        stored = await load_documents(tx, "rule")
    return [
        RuleLine(s.name, str(getattr(s.document, "title", "")), s.state, s.version, *(counts.get(s.id, {}).get(w, 0) for w in _STATES))
        for s in stored
    ]


_STATES = ("acted", "undone", "refused")
