"""Was it safe to resume? What the ledger can prove after a crash, in figures and in sentences."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nurture.domain.words import State
from nurture.store.database import Database
from nurture.store.doubts import Ledger, count_ledger
from nurture.store.workspace import halted_because


@dataclass(frozen=True, slots=True)
class Proof:
    """`safe`: nothing waits for anybody's word, nothing is lost, nobody can have got a letter twice."""

    at: datetime
    halted: str | None
    ledger: Ledger

    def count(self, state: State) -> int:
        return self.ledger.by_state.get(state.value, 0)

    @property
    def safe(self) -> bool:
        return not (self.halted or self.ledger.risked or self.ledger.orphans or self.count(State.UNKNOWN) or self.count(State.HELD))

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(), "safe": self.safe, "halted": self.halted,
            "states": {state.value: self.count(state) for state in State},
            "unknown": self.count(State.UNKNOWN), "held": self.count(State.HELD), "orphans": self.ledger.orphans,
            "dup_risk": self.ledger.risked, "duplicates_possible": self.ledger.copies,
            "since": self.ledger.since.isoformat() if self.ledger.since else None, "words": self.words(),
        }  # fmt: skip

    def words(self) -> list[str]:
        """Sentences for whoever has to decide, the gravest first."""
        ledger, unknown, held = self.ledger, self.count(State.UNKNOWN), self.count(State.HELD)
        told = []
        if self.halted:
            told.append(f"Everything is halted: {self.halted}.")
        if ledger.orphans:
            told.append(f"{_letters(ledger.orphans)} on the wire of a worker that was lost; they become unknown within the minute.")
        if held:
            told.append(f"{_letters(held)} held: nobody knows whether they came. Resolve them with: nurture deliveries resolve")
        if unknown:
            told.append(f"{_letters(unknown)} unknown: an open, a click or a report may still prove them; then the policy decides.")
        if ledger.copies:
            told.append(
                f"{_people(ledger.risked_accepted)} may have got a letter twice, {ledger.copies} copies at most, "
                "each with the Message-ID of the first."
            )
        waiting = ledger.risked - ledger.risked_accepted
        if waiting:
            told.append(f"{_letters(waiting)} at the risk of a second copy, once after a lost answer.")
        if ledger.since:
            told.append(f"The oldest letter in doubt left at {ledger.since:%Y-%m-%d %H:%M} UTC.")
        return told or ["Every letter has its answer, and none went out twice."]


async def prove(db: Database, now: datetime) -> Proof:
    """One pass over the ledger: some seconds for millions of rows."""
    async with db.read() as tx:
        return Proof(now, await halted_because(tx), await count_ledger(tx))


def _letters(number: int) -> str:
    return "1 letter is" if number == 1 else f"{number:,} letters are"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"
