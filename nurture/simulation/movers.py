"""People who move: their clock changes in the middle of their letters, and some come home again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from nurture.services.people import SubscriberIn, upsert
from nurture.simulation.places import PLACES
from nurture.store.database import Database

USUALLY = timedelta(weeks=300)  # until somebody moves: of a thousand people about three a week
AWAY = (14, 60)  # days, of those who only travel


@dataclass(frozen=True, slots=True)
class Move:
    """From `at` (aware UTC) on the person lives in this zone."""

    email: str
    at: datetime
    zone: str


def draw_moves(email: str, home: str, start: datetime, rng: Random) -> tuple[Move, ...]:
    """One move at a time of its own, mostly years off, to somewhere else; half of the movers come back."""
    at = start + timedelta(seconds=int(USUALLY.total_seconds() * rng.expovariate(1)))
    there = rng.choice([p.zone for p in PLACES if p.zone != home])
    back = at + timedelta(days=rng.randint(*AWAY), hours=rng.randrange(24))
    first = Move(email, at, there)
    return (first, Move(email, back, home)) if rng.random() < 0.5 else (first,)


async def move_people(db: Database, moves: Iterable[Move], now: datetime) -> None:
    """Their new zones become known `now`, each by the door that a program of the marketer would use."""
    for move in moves:
        await upsert(db, SubscriberIn(email=move.email, timezone=move.zone), now)
